"""The widgets as saved pages: what is drawn against the core, keyboard, presenting, printing."""

import re

import numpy as np
import pytest

import bptt_lab as core
from bptt_lab import widgets
from bptt_lab.widgets.board import BOARD, write_board

from . import lab
from .test_widgets_in_jupyterlab import numbers

pytestmark = pytest.mark.xdist_group("browser")
SHOWN = "(e) => e.checkVisibility({visibilityProperty: true})"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The board: one page for each widget."""
    folder = tmp_path_factory.mktemp("board")
    write_board(folder)
    return folder


@pytest.fixture
def opened(page, pages):
    """From a name of the board to the page with that widget."""

    def opened(name):
        page.goto((pages / f"{name}.html").as_uri())
        page.locator(".bptt-widget svg").first.wait_for()
        return page

    return opened


@pytest.fixture(scope="module")
def sentence():
    """A network, a sentence and a start that no widget has as its own."""
    rng = np.random.default_rng(5)
    params = core.init_params(rng, n_inputs=6, n_hidden=3, n_classes=6, gain=1.7)
    return params, rng.integers(6, size=7), rng.integers(6, size=7), rng.normal(size=3)


def open_own(page, widget, tmp_path):
    widget.save(tmp_path / "own.html")
    page.goto((tmp_path / "own.html").as_uri())
    page.locator(".bptt-widget svg").first.wait_for()


def move(page, slider, value):
    page.locator(f"input[name={slider}]").fill(str(value))


def choose(page, group, value):
    page.locator(f"fieldset:has(legend:text-is('{group}')) input[value='{value}']").check()


def said(page):
    return numbers(page.locator(".live").inner_text())


def cells(page, panel, title):
    """The numbers in the cells of a panel's visible matrix; they have two decimals."""
    texts = page.locator(f".panel:has(:text('{panel}')) svg").evaluate(
        """(svg, title) => {
            const seen = (t) => t.getClientRects().length > 0;
            const heads = [...svg.querySelectorAll('text.sub')].filter(seen);
            const head = heads.find((t) => t.textContent.includes(title));
            const all = [...svg.querySelectorAll('text.number')].filter(seen);
            const below = (t) => t.getBoundingClientRect().top - head.getBoundingClientRect().top;
            const next = heads.map(below).filter((y) => y > 0);
            return all.filter((t) => below(t) > 0 && below(t) < Math.min(...next, Infinity))
                .map((t) => t.textContent);
        }""",
        title,
    )
    return [float(text.replace("−", "-")) for text in texts]


def heights(page, path):
    """How high the points of a curve stand, in the units of the picture."""
    d = page.locator(path).get_attribute("d")
    return -np.array([float(y) for y in re.findall(r"[ML][\d.-]+ ([\d.-]+)", d)])


def assert_drawn(found, values):
    """The points of a curve are a linear picture of the values."""
    slope, shift = np.polyfit(values, found, 1)
    np.testing.assert_allclose(slope * np.asarray(values) + shift, found, atol=0.2)
    assert slope > 0


@pytest.mark.parametrize("style", ["window", "chunks", "full"])
def test_the_explorer_draws_the_core_s_numbers(page, sentence, style, tmp_path):
    params, x, y, s_init = sentence
    T = len(x)
    open_own(page, widgets.truncation_explorer(params, x, y, s_init=s_init), tmp_path)
    whole = core.bptt(params, x, y, s_init)
    credit = core.credit(params, x, y, s_init)
    move(page, "window", 1)
    choose(page, "truncation", style)
    parts = [
        {
            "window": lambda tau: core.windowed_bptt(params, x, y, tau, s_init),
            "chunks": lambda tau: core.chunked_bptt(params, x, y, tau + 1, s_init=s_init),
            "full": lambda tau: whole,
        }[style](tau)
        for tau in range(T)
    ]
    for matrix in "UW":
        choose(page, "matrix", matrix)
        full = getattr(whole, matrix)
        errors = [np.linalg.norm(getattr(p, matrix) - full) / np.linalg.norm(full) for p in parts]
        if style != "full":
            look = 1 if matrix == "U" else 0
            curve = f".panel:has(:text('Bias')) .answer >> nth=0 >> .curve.line{look}"
            assert_drawn(heights(page, curve), errors)
        for tau in (0, 1, 4, T - 1) if style != "full" else (1,):
            if style != "full":
                move(page, "window", tau)
            g = getattr(parts[tau], matrix)
            drawn = cells(page, "Gradient of", f"∂E/∂{matrix}, ")
            np.testing.assert_allclose(drawn, g.ravel(), atol=0.006)
            drawn = cells(page, "Gradient of", "whole")
            np.testing.assert_allclose(drawn, full.ravel(), atol=0.006)
            cosine = (g * full).sum() / np.linalg.norm(g) / np.linalg.norm(full)
            line = page.locator(".live").inner_text()
            found = numbers(line.split(f"{matrix}: ")[1].split(". ")[0])
            assert found == pytest.approx([errors[tau], cosine], abs=0.006)
            horizon = {
                "window": core.window_horizon(T, tau),
                "chunks": core.chunk_horizon(T, tau + 1),
                "full": np.zeros(T, int),
            }[style]
            sizes = np.linalg.norm(getattr(credit, matrix), axis=(2, 3))
            kept = [sizes[t, k] for t in range(T) for k in range(t + 1) if k >= horizon[t]]
            texts = page.locator(".panel:has(:text('C[t, k]')) text.number").all_text_contents()
            drawn = [float(text) for text in texts if text]
            np.testing.assert_allclose(drawn, kept, atol=0.006)


@pytest.mark.parametrize("matrix", "UWV")
def test_the_sweep_draws_the_core_s_terms_and_sums(page, sentence, matrix, tmp_path):
    params, x, y, s_init = sentence
    T = len(x)
    open_own(page, widgets.sum_over_time(params, x, y, s_init=s_init), tmp_path)
    terms = getattr(core.credit(params, x, y, s_init), matrix)
    whole = getattr(core.bptt(params, x, y, s_init), matrix)
    choose(page, "matrix", matrix)
    for loss, per_step in ((3, terms[3]), (T, terms.sum(axis=0))):
        move(page, "loss", loss)
        last = min(loss, T - 1)
        for count in (1, 2, last + 1):
            move(page, "count", count)
            k = last + 1 - count
            drawn = cells(page, "Just added", "")
            np.testing.assert_allclose(drawn, per_step[k].ravel(), atol=0.006)
            panel = "The whole" if k == 0 else "Sum so far"
            drawn = cells(page, panel, "steps")
            np.testing.assert_allclose(drawn, per_step[k:].sum(axis=0).ravel(), atol=0.006)
            bars = page.locator(".panel:has(:text('Norms')) rect.bar").evaluate_all(
                "(bars) => bars.map((bar) => bar.checkVisibility({visibilityProperty: true}) *"
                "    Number(bar.getAttribute('height')))"
            )
            norms = np.linalg.norm(per_step, axis=(1, 2))
            norms[:k] = 0  # not added yet, so not shown
            np.testing.assert_allclose(np.array(bars) * norms.max(), norms * max(bars), atol=0.5)
    np.testing.assert_allclose(drawn, whole.ravel(), atol=0.006)


def test_softmax_minus_target_says_what_the_core_says(opened):
    page = opened("softmax")
    labels = ["barks", "sleeps", "sings"]
    for logits, target in (([1.0, 2.5, -1.0], 0), ([-5.0, 5.0, 0.25], 2), ([0.0, 0.0, 0.0], 1)):
        for i, z in enumerate(logits):
            move(page, f"z{i}", round((z + 5) / 0.25))
        choose(page, "target", target)
        y_hat = core.softmax(np.array(logits))
        error = y_hat - np.eye(3)[target]
        line = page.locator(".live").inner_text()
        assert line.startswith(f"Target ★ {labels[target]}.")
        loss = core.cross_entropy(np.array(logits), target)
        found = said(page)
        assert found[0] == pytest.approx(loss, rel=0.01)
        assert found[1:] == pytest.approx([*y_hat, *error, 0], abs=0.006)
        bars = (
            page.locator(".panel")
            .nth(2)
            .locator("rect")
            .evaluate_all("(bars) => bars.map((bar) => Number(bar.getAttribute('height')))")
        )
        np.testing.assert_allclose(np.array(bars) / 155, np.abs(error), atol=0.01)


@pytest.mark.parametrize("kind", ["yours", "orthogonal", "non-normal"])
def test_vanishing_draws_the_way_back_of_the_core(page, sentence, kind, tmp_path):
    params, x, y, s_init = sentence
    widget = widgets.vanishing(params, x, y, s_init=s_init)
    open_own(page, widget, tmp_path)
    W = {"yours": params.W}.get(kind)
    choose(page, "W", kind)
    for gain, hops in ((1.0, 30), (0.5, 12), (2.0, 3)):
        move(page, "gain", {0.5: 0, 1.0: 12, 2.0: 24}[gain])
        move(page, "hops", hops)
        sigma, radius, n, gradient, product, bound = said(page)
        assert n == hops
        if W is None:
            expected = {"orthogonal": gain}.get(kind, sigma)
            assert (sigma, radius) == pytest.approx((expected, gain), rel=0.02)
            continue
        moved = params._replace(W=gain * W)
        assert sigma == pytest.approx(np.linalg.norm(moved.W, 2), rel=0.02)
        assert radius == pytest.approx(np.abs(np.linalg.eigvals(moved.W)).max(), rel=0.02)
        long = 31
        x_long, y_long = np.resize(x, long), np.resize(y, long)
        net = core.forward(moved, x_long, s_init)
        slopes = 1 - net.s[1:] ** 2
        jacobians = [slopes[t][:, None] * moved.W for t in range(long - 1, long - 1 - hops, -1)]
        whole = np.eye(3)
        for jacobian in jacobians:
            whole = whole @ jacobian
        error = moved.V.T @ (net.y_hat[-1] - np.eye(6)[y_long[-1]])
        ratio = np.linalg.norm(whole.T @ error) / np.linalg.norm(error)
        limit = np.prod([np.linalg.norm(jacobian, 2) for jacobian in jacobians])
        assert gradient == pytest.approx(ratio, rel=0.06, abs=0.006)
        assert product == pytest.approx(np.linalg.norm(whole, 2), rel=0.06, abs=0.006)
        assert bound == pytest.approx(limit, rel=0.06, abs=0.006)


def test_the_microscope_says_what_the_core_says(page, sentence, tmp_path):
    params, x, y, s_init = sentence
    widget = widgets.gradient_check_microscope(params, x, y, s_init=s_init, entry=(1, 2))
    open_own(page, widget, tmp_path)

    def loss(value):
        W = params.W.astype(np.result_type(value, params.W))
        W[1, 2] = value[0]
        return core.loss(params._replace(W=W), x, y, s_init)

    truncated = core.windowed_bptt(params, x, y, 1, s_init).W[1, 2]
    claims = {"whole": core.bptt(params, x, y, s_init).W[1, 2], "truncated": truncated}
    for check, claim in claims.items():
        choose(page, "check", check)
        if check == "truncated":
            move(page, "window", 1)
        for power in (-2, -5, -12):
            move(page, "h", -4 * power)
            central = core.central_difference(loss, params.W[1, 2][None], 10.0**power)[0]
            error = abs(central - claim) / max(abs(central), abs(claim))
            line = page.locator(".live").inner_text()
            assert line.startswith("✓ passes" if error < 1e-6 else "✗ fails")
            # rounding is most of a small error, so its size is compared, not its digits
            found = numbers(line.split("central difference ")[1])[0]
            assert np.log10(found) == pytest.approx(np.log10(error), abs=0.1)
    choose(page, "check", "frozen")
    move(page, "h", 40)
    assert numbers(page.locator(".live").inner_text())[-1] < 1e-12


@pytest.mark.parametrize("name", ["truncation", "softmax", "microscope"])
def test_the_picture_keeps_the_answer_until_one_has_predicted(opened, name):
    page = opened(name)
    answers = page.locator(".answer")
    assert answers.count() > 0
    seen = [answer.evaluate(SHOWN) for answer in answers.all()]
    assert not any(seen)
    page.locator(".choices button").first.click()
    assert all(answer.evaluate(SHOWN) for answer in answers.all())
    assert not any(hint.evaluate(SHOWN) for hint in page.locator(".hint").all())
    assert page.locator(".reply").inner_text()
    page.locator(".choices button").first.click()  # again: it makes room
    assert not page.locator(".reply").inner_text()


def test_the_sweep_shows_no_term_before_it_is_added(opened):
    page = opened("sum")
    bars = page.locator("rect.bar").all()
    assert not any(bar.evaluate(SHOWN) for bar in bars)
    move(page, "count", 1)
    assert [bar.evaluate(SHOWN) for bar in bars] == [k == 3 for k in range(8)]
    page.emulate_media(media="print")
    assert [bar.evaluate(SHOWN) for bar in bars] == [k <= 3 for k in range(8)]


def test_the_thumb_comes_back_when_the_slider_grows_longer_again(opened):
    page = opened("sum")
    move(page, "loss", 8)
    move(page, "count", 7)
    move(page, "loss", 3)  # now it ends at 4
    move(page, "loss", 8)
    assert page.locator(".live").inner_text().startswith("∂E/∂W: 7 of 8")
    assert page.locator("input[name=count]").input_value() == "7"


def test_play_ends_where_the_slider_ends_and_rests_where_it_cannot_move(opened):
    page = opened("sum")
    play = page.locator(".play")
    move(page, "count", 2)
    play.focus()
    page.keyboard.press("Space")
    assert "Pause" in play.inner_text()
    assert play.get_attribute("aria-label") == "Pause: contributions added"
    page.locator(".play:has-text('Play')").wait_for(timeout=4000)  # two steps of 0.7 s, not six
    assert page.locator("input[name=count]").input_value() == "4"

    page = opened("truncation")
    choose(page, "truncation", "full")
    assert page.locator(".play").is_disabled()
    choose(page, "truncation", "window")
    page.locator(".play").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(900)
    page.keyboard.press("Enter")  # pauses
    assert "Play" in page.locator(".play").inner_text()
    assert page.locator("input[name=window]").input_value() == "3"


@pytest.mark.parametrize("name", BOARD)
def test_tab_goes_through_all_controls_in_their_order_and_is_seen(opened, name):
    page = opened(name)
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
                const e = document.activeElement;
                if (!e.closest('.bptt-widget')) return null;
                const ringed = e.matches('[type=radio]') ? e.closest('label') : e;
                const all = [...document.querySelectorAll('.bptt-widget :is(button, input)')];
                return [all.indexOf(e), getComputedStyle(ringed).outlineStyle];
            }"""
        )
        if place is None and seen:
            break
        if place is not None:
            seen.append(place)
    places = [place for place, _ in seen]
    assert places == sorted(places)
    assert {ring for _, ring in seen} == {"solid"}
    expected = (
        page.locator(
            ".bptt-widget :is(button:not(.zoom), input[type=range]):not(:disabled)"
        ).count()
        + page.locator("fieldset").count()
    )
    assert len(places) == expected


@pytest.mark.parametrize("size", [(1920, 1080), (1024, 768)])
@pytest.mark.parametrize("name", BOARD)
def test_presenting_shows_slider_and_pictures_on_one_screen(opened, name, size, keep):
    page = opened(name)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.get_by_role("button", name="Present").click()
    page.wait_for_function("() => document.fullscreenElement")
    page.locator(".choices button").first.click()  # the reply takes room as well
    page.wait_for_timeout(200)
    keep(page, f"{name}, presenting {size[0]}")
    bottoms = page.locator(".bptt-widget svg").evaluate_all(
        "(all) => all.map((svg) => svg.getBoundingClientRect().bottom)"
    )
    assert max(bottoms) <= size[1]
    scrolls = "() => { const e = document.fullscreenElement; return e.scrollHeight > innerHeight; }"
    assert not page.evaluate(scrolls)

    before = page.locator(".bptt-widget svg").last.bounding_box()["height"]
    page.locator(".zoom").last.click()
    shown = [svg.is_visible() for svg in page.locator(".bptt-widget svg").all()]
    assert shown == [False] * (len(shown) - 1) + [True]
    gained = page.locator(".bptt-widget svg").last.bounding_box()["height"] / before
    assert gained > 1.3 or (len(shown) == 3 and gained >= 1)  # those of softmax fill it already

    page.evaluate("() => document.exitFullscreen()")
    page.wait_for_function("() => !document.querySelector('.large, .zoomed')")
    assert all(svg.is_visible() for svg in page.locator(".bptt-widget svg").all())


@pytest.mark.parametrize("name", BOARD)
def test_nothing_is_wider_than_a_narrow_window(opened, name, keep):
    page = opened(name)
    page.set_viewport_size({"width": 600, "height": 900})
    page.wait_for_timeout(200)
    keep(page, f"{name}, narrow")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 600


def test_nothing_listens_outside_the_widget(page, pages):
    """Else each time a cell runs leaves one more listener in JupyterLab."""
    page.add_init_script(
        """window.heard = [];
        for (const target of [window, document]) {
          const add = target.addEventListener;
          target.addEventListener = function (kind, ...rest) {
            if (new Error().stack.includes('Frame')) window.heard.push(kind);
            return add.call(this, kind, ...rest);
          };
        }"""
    )
    page.goto((pages / "truncation.html").as_uri())
    page.locator(".bptt-widget svg").first.wait_for()
    assert page.evaluate("() => window.heard") == []


@pytest.mark.parametrize("name", BOARD)
def test_on_paper_it_is_a_whole_figure_with_dark_ink(new_page, pages, name, keep):
    page = new_page(color_scheme="dark")
    page.goto((pages / f"{name}.html").as_uri())
    page.emulate_media(media="print")
    page.locator(".bptt-widget svg").first.wait_for()
    keep(page, f"{name}, printed")
    assert not page.locator(".controls").is_visible()
    assert not page.locator(".bptt-widget button").first.is_visible()
    assert all(answer.evaluate(SHOWN) for answer in page.locator(".answer").all())
    ink = page.locator(".bptt-widget").evaluate("(e) => getComputedStyle(e).color")
    assert ink == "rgb(26, 26, 26)"
    assert page.pdf().startswith(b"%PDF")
    page.close()


def test_without_scripts_a_picture_and_a_sentence_stand_there(new_page, pages):
    page = new_page(java_script_enabled=False)
    page.goto((pages / "truncation.html").as_uri())
    assert page.locator("noscript img").get_attribute("alt").startswith("Truncation with τ = 2")
    assert "interactive widget" in page.locator("noscript").inner_text()
    page.close()


def test_one_goes_from_widget_to_widget(opened):
    page = opened("truncation")
    assert page.locator("nav a").count() == len(BOARD)
    page.locator("nav a", has_text="Sum over time").click()
    page.locator(".bptt-widget[aria-label='Sum over time']").wait_for()
    assert page.locator("nav [aria-current=page]").inner_text() == "Sum over time"


def test_an_exported_notebook_keeps_working_offline(page, tmp_path):
    """As the README says: without stored state, for nbconvert would rather show what is online."""
    path = lab.write_notebook(
        tmp_path / "own.ipynb",
        "from bptt_lab import widgets",
        "widgets.truncation_explorer()",
    )
    lab.run_and_convert(path, "html")
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto((tmp_path / "own.html").as_uri(), wait_until="domcontentloaded")
    inside = page.frame_locator(".bptt-export iframe")
    inside.locator("input[name=window]").fill("5")
    assert inside.locator(".live").inner_text().startswith("τ = 5: 33 of 36 terms kept.")
    assert page.locator("details img").get_attribute("alt")
    page.problems.clear()  # MathJax and the like, which nbconvert takes from the network
