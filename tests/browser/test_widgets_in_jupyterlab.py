"""The widgets as they are used: a real browser, a real JupyterLab, the released notebook."""

import re

import numpy as np
import pytest

import bptt_lab as core
from bptt_lab import widgets

from .lab import CHROMIUM, run_and_convert, run_notebook, write_notebook

pytestmark = pytest.mark.xdist_group("browser")  # one JupyterLab of each theme for all of them
WIDGETS = (
    "truncation_explorer",
    "sum_over_time",
    "softmax_minus_target",
    "vanishing",
    "gradient_check_microscope",
)


def numbers(text):
    """The numbers in a line, with Python's minus sign and exponents."""
    text = text.replace("−", "-")
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]


def explorer_says(window):
    """What the core says of a window, for the network that unit 04 shows."""
    params = core.init_params(np.random.default_rng(4), 5, 4, 5, gain=1.8)
    x = np.arange(12) % 5
    y = (x + 1) % 5
    whole = core.bptt(params, x, y)
    part = core.windowed_bptt(params, x, y, window)
    T = len(x)
    said = [window, sum(min(t, window) + 1 for t in range(T)), T * (T + 1) // 2]
    for name in "UW":
        g, full = getattr(part, name), getattr(whole, name)
        error = np.linalg.norm(g - full) / np.linalg.norm(full)
        cosine = (g * full).sum() / np.linalg.norm(g) / np.linalg.norm(full)
        said += [error, cosine]
    return said


def come_to(page, element):
    """Scroll until it stays in view: JupyterLab lays out cells as they come near."""
    for _ in range(20):
        element.evaluate("(e) => e.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(400)
        top = element.bounding_box()["y"]
        if 150 < top < 800:
            page.wait_for_timeout(400)
            if abs(element.bounding_box()["y"] - top) < 2:
                return
    raise AssertionError("it does not come into view")


def test_there_is_a_browser():
    """Without one these tests would be worth nothing; .ci/run installs it."""
    assert CHROMIUM, "apt-get install chromium"


def test_the_released_notebook_s_slider_follows_the_hand(page, jupyterlab, theme, keep):
    run_notebook(page, jupyterlab("truncated_bptt.ipynb"))
    widget = page.locator(".bptt-widget").first
    widget.wait_for()
    slider = widget.locator("input[name=window]")
    come_to(page, slider)
    keep(page, f"unit 04, {theme}")
    sent = len(page.sent)

    box = slider.bounding_box()  # drag it with the mouse, from its left end to its right
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=12)
    page.mouse.up()
    T = int(slider.get_attribute("max")) + 1
    assert slider.input_value() == str(T - 1)

    slider.focus()
    page.keyboard.press("Home")
    for window in range(T):
        said = numbers(widget.locator(".live").inner_text())
        assert said == pytest.approx(explorer_says(window), abs=0.006), window
        page.keyboard.press("ArrowRight")
    assert len(page.sent) == sent, "moving it asked the kernel"


def test_all_widgets_draw_and_move_and_ask_the_kernel_nothing(page, jupyterlab, theme, keep):
    run_notebook(page, jupyterlab("all_widgets.ipynb"))
    page.wait_for_function("() => document.querySelectorAll('.bptt-widget').length === 5")
    sent = len(page.sent)
    for i, name in enumerate(WIDGETS):
        widget = page.locator(".bptt-widget").nth(i)
        widget.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        keep(page, f"{name}, {theme}")
        status = widget.locator(".live")
        before = status.inner_text()
        assert numbers(before), name
        slider = widget.locator("input[type=range]").first
        slider.focus()
        ring = slider.evaluate("(e) => getComputedStyle(e).outlineStyle")
        assert ring != "none", f"{name}: focus cannot be seen"
        page.keyboard.press("ArrowRight")
        if status.inner_text() == before:  # it stood at its right end
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowLeft")
        assert status.inner_text() != before, name
        assert widget.locator("svg").count() >= 1
        unnamed = widget.evaluate(
            """(w) => [...w.querySelectorAll('input, button, svg[role=img], select')].filter((e) =>
                !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') ||
                  e.labels?.length || e.textContent.trim() || e.querySelector('title')))
                .map((e) => e.outerHTML)"""
        )
        assert unnamed == [], name
    assert len(page.sent) == sent


def test_an_untrusted_notebook_shows_a_picture_and_says_what_is_needed(page, jupyterlab, folder):
    path = write_notebook(
        folder / "untrusted.ipynb", "from bptt_lab import widgets\nwidgets.truncation_explorer()"
    )
    run_and_convert(path, "notebook")
    page.goto(jupyterlab("untrusted.ipynb"))
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    output = page.locator(".jp-OutputArea-output").first
    output.locator("img").wait_for(timeout=60_000)
    assert output.locator("img").get_attribute("alt").startswith("Truncation with τ = 2")
    assert "trust the notebook and run its cells" in output.inner_text()
    assert page.locator("iframe, .bptt-widget").count() == 0


def test_a_prediction_is_asked_and_answered(page, jupyterlab):
    run_notebook(page, jupyterlab("all_widgets.ipynb"))
    widget = page.locator(".bptt-widget").first
    widget.wait_for()
    widget.get_by_role("button", name="Not always").click()
    assert "Not here: at τ =" in widget.inner_text()


def test_play_moves_it_and_present_enlarges_it(page, jupyterlab, theme, keep):
    run_notebook(page, jupyterlab("all_widgets.ipynb"))
    widget = page.locator(".bptt-widget").first
    widget.wait_for()
    slider = widget.locator("input[name=window]")
    before = slider.input_value()
    widget.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "([e, v]) => e.value !== v", arg=[slider.element_handle(), before], timeout=10_000
    )
    small = widget.evaluate("(w) => parseFloat(getComputedStyle(w).fontSize)")
    widget.get_by_role("button", name="Present").click()
    page.wait_for_timeout(300)
    keep(page, f"presenting, {theme}")
    large = page.locator(".bptt-widget").first.evaluate(
        "(w) => parseFloat(getComputedStyle(w).fontSize)"
    )
    assert large > small


@pytest.mark.parametrize("name", WIDGETS)
def test_a_saved_page_works_without_kernel_and_network(page, tmp_path, name, keep):
    path = tmp_path / f"{name}.html"
    getattr(widgets, name)().save(path)
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto(path.as_uri())
    widget = page.locator(".bptt-widget").first
    widget.wait_for()
    status = widget.locator(".live")
    before = status.inner_text()
    widget.locator("input[type=range]").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert status.inner_text() != before
    keep(page, f"{name}, saved")


@pytest.mark.parametrize("theme_of_page", ["light", "dark"])
@pytest.mark.parametrize("name", WIDGETS)
def test_axe_finds_nothing_serious(page, tmp_path, name, theme_of_page):
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / f"{name}.html"
    getattr(widgets, name)().save(path, theme=theme_of_page)
    page.goto(path.as_uri())
    page.locator(".bptt-widget svg").first.wait_for()
    page.locator(".choices button").first.click()  # now the answer is seen as well
    found = Axe().run(page).response
    assert len(found["passes"]) > 5, "axe has looked at nothing"
    serious = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_axe_would_find_something(page, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / "bad.html"
    path.write_text('<!DOCTYPE html><html lang="en"><title>x</title><input type="range">')
    page.goto(path.as_uri())
    assert "label" in {violation["id"] for violation in Axe().run(page).response["violations"]}
