"""The figures show what the data say, say it in words, and survive the edges of their input."""

import base64
import re
import subprocess
import sys
from io import BytesIO

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from bptt_lab import chunk_horizon, plots, window_horizon


def example_sizes(T):
    t, k = np.indices((T, T))
    return np.where(k <= t, 0.5 ** (t - k) * (1 + 0.1 * k), 0.0)


def probabilities(T, C):
    rows = np.random.default_rng(T * C).random((T, C)) + 0.1
    return rows / rows.sum(axis=1, keepdims=True)


def every_figure(T):
    """One ordinary call of each function, for sequences of T steps."""
    rng = np.random.default_rng(T)
    sizes, window = example_sizes(T), window_horizon(T, min(2, T - 1))
    chunks = chunk_horizon(T, min(3, T))
    words = [f"word{t}" for t in range(T)]
    gradient = rng.normal(size=(5, 5))
    errors = {
        name: 0.5 ** np.arange(T) * scale for name, scale in zip("UWV", (1, 0.7, 0), strict=True)
    }
    h = 10.0 ** np.arange(-12, 0)
    twice = np.tril(np.ones((T, T)))
    twice[-1, 0] = 2
    return {
        "network": lambda: plots.unrolled_network(T),
        "network, one loss": lambda: plots.unrolled_network(T, None, T - 1, words, words),
        "network, window": lambda: plots.unrolled_network(T, window, T - 1),
        "network, early loss": lambda: plots.unrolled_network(T, window, T // 2),
        "network, chunks": lambda: plots.unrolled_network(T, chunks),
        "network, forward": lambda: plots.unrolled_network(T, backward=False),
        "softmax": lambda: plots.softmax_minus_target(probabilities(T, 6), rng.integers(0, 6, T)),
        "softmax, words": lambda: plots.softmax_minus_target(
            probabilities(T, 3), rng.integers(0, 3, T), ["one", "two", "a long word"]
        ),
        "triangle": lambda: plots.credit_triangle(sizes),
        "triangle, window": lambda: plots.credit_triangle(sizes, horizon=window, title="window"),
        "triangle, compare": lambda: plots.credit_triangle(sizes, mask=twice, compare=2 * sizes),
        "styles": lambda: plots.truncation_styles(
            sizes, {"full": np.zeros(T, int), "window": window, "chunks": chunks, "again": window}
        ),
        "bias": lambda: plots.window_bias(errors),
        "bias, cosines": lambda: plots.window_bias(errors, {k: 1 - v for k, v in errors.items()}),
        "panel": lambda: plots.truncation_panel(sizes, window, gradient, gradient.T, errors, 2),
        "matrices": lambda: plots.matrices({"yours": gradient, "right": gradient.T}, title="dE/dW"),
        "step size": lambda: plots.step_size_curve(
            h, {"central difference": h**2 + 1e-16 / h, "complex step": np.full(12, 2e-16)}
        ),
        "losses": lambda: plots.loss_bars(rng.random(T) + 1, np.log(6), words),
        "states": lambda: plots.states(np.tanh(rng.normal(size=(T + 1, 4))), words),
        "norms": lambda: plots.norms_against_hops(
            {"measured": 0.5 ** np.arange(T + 1.0), "bound": np.ones(T + 1)}, "A network"
        ),
        "norms, some zero": lambda: plots.norms_against_hops({"a": np.r_[1.0, 2.0, np.zeros(T)]}),
        "slopes": lambda: plots.slopes_under_states(3 * rng.normal(size=(T, 4)), "Gain 3"),
        "learning": lambda: plots.learning_curves(
            {"windows": 1 + rng.random(40 * T), "whole": rng.random(30)}, {"guess": 1.2}, smooth=7
        ),
        "learning, log": lambda: plots.learning_curves({"a": rng.random(9) + 0.1}, log=True),
        "accuracy": lambda: plots.accuracy_against(
            "distance", range(T), {"0": rng.random((T, 5)), "all": np.ones((T, 2))}, chance=0.5
        ),
        "speed": lambda: plots.speed_bars({"double loop": 0.2, "single loop": 0.02, "lags": 0.001}),
    }


def draw(picture):
    """Draw it for real (warnings are errors) and return the pixels."""
    source = re.search(r'src="data:image/png;base64,([^"]+)"', picture._repr_html_())[1]
    return imread(BytesIO(base64.b64decode(source)), format="png")


def drawn_texts(figure):
    """Every visible text but the numbers along the axes, with its extent."""
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    found = []
    along = {
        label
        for ax in figure.axes
        for axis in (ax.xaxis, ax.yaxis)
        for tick in axis.get_major_ticks() + axis.get_minor_ticks()
        for label in (tick.label1, tick.label2)
    }
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_visible() and text.get_text().strip() and text not in along:
            # the extent of an annotation would take in its line to the point
            extent = matplotlib.text.Text.get_window_extent(text, renderer)
            found.append((text.get_text(), extent))
    return found


@pytest.mark.parametrize("T", [1, 4, 8, 12])
@pytest.mark.parametrize("kind", list(every_figure(2)))
def test_each_figure_is_drawn_and_described(kind, T):
    picture = every_figure(T)[kind]()
    assert isinstance(picture.figure, Figure)
    assert repr(picture) == picture.alt
    assert picture.alt[0].isupper()
    assert picture.alt.endswith(".")
    pixels = draw(picture)
    assert pixels.shape[1] == pytest.approx(2 * 96 * picture.figure.get_figwidth(), abs=2)
    np.testing.assert_array_equal(pixels[0, :, :3], 1.0)  # white, and nothing runs off the top
    np.testing.assert_array_equal(pixels[-1, :, :3], 1.0)
    np.testing.assert_array_equal(pixels[:, 0, :3], 1.0)
    np.testing.assert_array_equal(pixels[:, -1, :3], 1.0)
    assert pixels[..., 3].min() == 1.0  # nothing transparent, for dark themes
    assert pixels[..., :3].min() < 0.5  # something is there


@pytest.mark.parametrize("T", [1, 4, 12])
@pytest.mark.parametrize("kind", list(every_figure(2)))
def test_texts_neither_overlap_nor_are_cut_off(kind, T):
    figure = every_figure(T)[kind]().figure
    with plots._style():
        texts = drawn_texts(figure)
    page = figure.bbox
    for i, (label, extent) in enumerate(texts):
        assert page.x0 <= extent.x0, label
        assert extent.x1 <= page.x1, label
        assert page.y0 <= extent.y0, label
        assert extent.y1 <= page.y1, label
        for other, neighbour in texts[i + 1 :]:
            assert not extent.overlaps(neighbour), (label, other)


@pytest.mark.parametrize("kind", ["triangle", "matrices", "styles"])
@pytest.mark.parametrize("T", [4, 8])
def test_numbers_fit_into_their_cells(kind, T):
    figure = every_figure(T)[kind]().figure
    with plots._style():
        figure.draw_without_rendering()
        renderer = FigureCanvasAgg(figure).get_renderer()
        numbers = 0
        for ax in figure.axes:
            cell = abs(ax.transData.transform((1, 1)) - ax.transData.transform((0, 0)))
            for text in ax.texts:
                if re.fullmatch(r"[−.\de]+", text.get_text()):
                    extent = text.get_window_extent(renderer)
                    assert extent.width < cell[0]
                    assert extent.height < cell[1]
                    numbers += 1
    assert numbers >= T * (T + 1) // 2


def test_long_names_do_not_squeeze_the_axes():
    name = "a name that says a great deal about what is in this picture"
    for picture in (
        plots.matrices({name: np.eye(3), "b": np.eye(3), "c": np.eye(3)}),
        plots.truncation_styles(example_sizes(4), {name: [0, 0, 0, 0], "b": [0, 1, 2, 3]}),
        plots.credit_triangle(example_sizes(4), compare=example_sizes(4), names=(name, "right")),
        plots.truncation_panel(
            example_sizes(4), [0] * 4, np.eye(3), np.eye(3), {name: np.ones(4), "b": np.ones(4)}, 1
        ),
    ):
        draw(picture)
        widths = [
            ax.get_position().width * picture.figure.get_figwidth() for ax in picture.figure.axes
        ]
        assert min(widths[:2]) > 1.2


def test_pyplot_is_never_imported():
    program = (
        "import sys, bptt_lab.plots as plots\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "plots.unrolled_network(2)._repr_html_()\n"
        "plots.credit_triangle([[1.0]])._repr_html_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_readers_own_style_changes_nothing_and_is_given_back():
    before = draw(plots.loss_bars([1.0, 2.0]))
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "text.color": "red"}):
        np.testing.assert_array_equal(draw(plots.loss_bars([1.0, 2.0])), before)
        assert matplotlib.rcParams["font.size"] == 30


def test_the_alternative_text_is_escaped_in_html():
    page = plots.matrices({'a<b> & "c"': np.eye(2)})._repr_html_()
    assert "a&lt;b&gt; &amp; &quot;c&quot;" in page
    assert "<b>" not in page
    assert page.startswith("<figure")
    assert "max-width:100%" in page


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_is_saved_with_its_description(tmp_path, suffix):
    picture = plots.loss_bars([1.0, 2.0])
    first, second = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    picture.save(first)
    picture.save(str(second))
    assert first.stat().st_size > 1000
    if suffix != ".pdf":
        assert first.read_bytes() == second.read_bytes()
        assert b"Loss of 2 steps" in first.read_bytes()


# What the figures show


def test_softmax_minus_target_shows_the_error():
    y_hat = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    picture = plots.softmax_minus_target(y_hat, np.array([1, 0]), ["a", "b", "c"])
    ax = picture.figure.axes[0]
    shown = ax.collections[0].get_array()
    np.testing.assert_allclose(shown, [[0.2, -0.5, 0.3], [-0.4, 0.3, 0.1]])
    assert (ax.collections[0].norm.vmin, ax.collections[0].norm.vmax) == (-1, 1)
    outlined = [patch.get_xy() for patch in ax.patches]
    assert outlined == [(0.5, -0.5), (-0.5, 0.5)]
    assert {text.get_text() for text in ax.texts} >= {"0.20", "−0.50", "−0.40"}
    assert "from −0.50 to −0.40" in picture.alt


def test_triangle_shows_kept_terms_and_hatches_the_others():
    T = 4
    sizes = example_sizes(T)
    picture = plots.credit_triangle(sizes, horizon=window_horizon(T, 1))
    ax = picture.figure.axes[0]
    shown = ax.collections[0].get_array()
    t, k = np.indices((T, T))
    band = (k <= t) & (k >= t - 1)
    np.testing.assert_array_equal(~np.ma.getmaskarray(shown), band)
    np.testing.assert_array_equal(shown[band], sizes[band])
    hatched = {(int(p.get_y() + 0.5), int(p.get_x() + 0.5)) for p in ax.patches if p.get_hatch()}
    assert hatched == {(2, 0), (3, 0), (3, 1)}
    assert "Terms kept: 7 of 10" in picture.alt


def test_triangle_writes_how_often_a_term_is_counted():
    mask = np.tril(np.ones((3, 3)))
    mask[2, 0], mask[1, 0], mask[1, 1], mask[2, 2] = 2, 0, -1, 0.5
    picture = plots.credit_triangle(np.ones((3, 3)), mask=mask, compare_mask=np.ones((3, 3), bool))
    yours, right = picture.figure.axes[:2]
    assert (yours.get_title(), right.get_title()) == ("yours", "right")
    at = {text.get_position(): text.get_text() for text in yours.texts}
    assert at[0, 2].startswith("2×")
    assert at[1, 1].startswith("−1×")
    assert at[2, 2].startswith("0.5×")
    assert at[0, 0] == "1.00"
    assert (0, 1) not in at
    assert not any("×" in text.get_text() for text in right.texts)
    assert "yours: Terms kept: 5 of 6" in picture.alt
    assert "3 of them are not counted exactly once" in picture.alt


def test_both_triangles_share_their_colours():
    sizes = example_sizes(3)
    figure = plots.credit_triangle(sizes, compare=1000 * sizes).figure
    first, second = (ax.collections[0] for ax in figure.axes[:2])
    assert first.norm is second.norm
    np.testing.assert_array_equal(second.get_array().compressed(), 1000 * sizes[sizes > 0])


def test_truncation_styles_count_their_terms():
    picture = plots.truncation_styles(
        example_sizes(4), {"full": np.zeros(4, int), "chunks": chunk_horizon(4, 2)}
    )
    titles = [ax.get_title() for ax in picture.figure.axes[:2]]
    assert titles == ["full\n10 of 10 terms", "chunks\n6 of 10 terms"]
    assert "chunks keeps 6 of 10 terms." in picture.alt


def test_window_bias_shows_the_errors_and_sets_the_exact_ones_apart():
    errors = {"W": np.array([0.4, 0.5, 0.1, 1e-17])}
    picture = plots.window_bias(errors)
    ax = picture.figure.axes[0]
    line = ax.lines[0]
    np.testing.assert_array_equal(line.get_ydata()[:3], errors["W"][:3])
    low = ax.get_ylim()[0]
    assert low < line.get_ydata()[3] < 0.1
    hollow = ax.lines[1]
    assert list(hollow.get_xdata()) == [3]
    assert hollow.get_markerfacecolor() == "white"
    assert "exact" in [label.get_text() for label in ax.get_yticklabels()]
    assert [text.get_text() for text in ax.texts] == ["$W$"]
    assert "W from 0.40 at τ = 0 to 1e−17 at τ = 3, exact first at τ = 3" in picture.alt
    assert "growing from one τ to the next 1 time" in picture.alt


def test_lines_differ_in_more_than_colour():
    curves = {name: np.full(3, 0.1 * (i + 1)) for i, name in enumerate("ABCDEFG")}
    lines = plots.window_bias(curves).figure.axes[0].lines
    assert len({line.get_marker() for line in lines}) == 7


def test_panel_marks_the_current_window_and_shares_one_scale():
    gradient, full = np.array([[0.1, -0.2]]), np.array([[0.4, -0.3]])
    errors = {"U": np.array([0.5, 0.2, 0.0]), "W": np.array([0.6, 0.3, 0.0])}
    picture = plots.truncation_panel(
        example_sizes(3), window_horizon(3, 1), gradient, full, errors, 1
    )
    triangle, curve, upper, lower = picture.figure.axes[:4]
    assert "5 of 6 terms" in triangle.get_title()
    rings = [line for line in curve.lines if line.get_markersize() == 20]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in rings] == [(1, 0.2), (1, 0.3)]
    np.testing.assert_array_equal(upper.collections[0].get_array(), gradient)
    np.testing.assert_array_equal(lower.collections[0].get_array(), full)
    assert upper.collections[0].norm is lower.collections[0].norm
    assert "U 0.20, W 0.30" in picture.alt
    assert "an entry is 0.30" in picture.alt


def test_matrices_share_a_scale_centred_at_zero_and_name_what_is_not_finite():
    broken = np.array([[1.0, np.nan], [-np.inf, 0.5]])
    picture = plots.matrices({"yours": broken, "right": np.array([[-4.0, 1.0]])})
    draw(picture)
    first, second = (ax.collections[0] for ax in picture.figure.axes[:2])
    assert first.norm is second.norm
    assert (first.norm.vmin, first.norm.vmax) == (-4, 4)
    np.testing.assert_array_equal(np.ma.getmaskarray(first.get_array()), ~np.isfinite(broken))
    assert {"nan", "-inf"} <= {text.get_text() for text in picture.figure.axes[0].texts}
    assert "yours, 2 by 2, from 0.50 to 1.00, 2 not finite" in picture.alt


def test_symbols_are_set_as_mathematics_and_words_are_not():
    names = ("J", "e_3", "∂E_3/∂V", "t = 0", "yours", "∂E")
    picture = plots.matrices({name: np.eye(2) for name in names})
    draw(picture)
    titles = [ax.get_title() for ax in picture.figure.axes[: len(names)]]
    assert titles == ["$J$", "$e_3$", r"$\partial E_3/\partial V$", "t = 0", "yours", "∂E"]
    assert "∂E_3/∂V, 2 by 2" in picture.alt


def test_step_size_curve_marks_the_best_step():
    h = np.array([1e-2, 1e-5, 1e-8])
    picture = plots.step_size_curve(h, {"central": [1e-4, 1e-10, 1e-7], "complex": [1e-16] * 3})
    ax = picture.figure.axes[0]
    rings = [line for line in ax.lines if line.get_markersize() == 20]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in rings] == [(1e-5, 1e-10)]
    assert "central is best at h = 1e-05, with 1.0e-10" in picture.alt


@pytest.mark.parametrize("per_decade", [1, 4])
def test_labels_of_the_step_size_curve_cover_no_point_and_stay_inside(per_decade):
    h = 10.0 ** (-np.arange(per_decade, 15 * per_decade + 1) / per_decade)
    slope = 1 - np.tanh(0.5) ** 2
    central = np.abs((np.tanh(0.5 + h) - np.tanh(0.5 - h)) / (2 * h) - slope)
    complex_step = np.abs(np.tanh(0.5 + 1j * h).imag / h - slope)
    errors = {"central difference": central, "complex step": complex_step}
    figure = plots.step_size_curve(h, errors).figure
    with plots._style():
        figure.draw_without_rendering()
        renderer = FigureCanvasAgg(figure).get_renderer()
        ax = figure.axes[0]
        assert sum(text.get_text().startswith("best") for text in ax.texts) == 2
        for label in ax.texts:
            extent = Text.get_window_extent(label, renderer)
            assert extent.x0 > ax.bbox.x0, label.get_text()
            for line in ax.lines:
                points = ax.transData.transform(line.get_xydata())
                assert not any(extent.contains(*point) for point in points), label.get_text()


def test_loss_bars_have_the_height_of_the_losses():
    picture = plots.loss_bars([1.0, 3.0, 2.5], reference=np.log(8))
    ax = picture.figure.axes[0]
    assert [bar.get_height() for bar in ax.patches] == [1.0, 3.0, 2.5]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.log(8))
    assert "log C = 2.08; bars above it: 2 of 3" in picture.alt


def test_states_stand_in_columns_with_the_initial_one_apart():
    s = np.arange(8).reshape(4, 2) / 10
    picture = plots.states(s, ["a", "b", "c"])
    initial, rest = (ax.collections[0].get_array() for ax in picture.figure.axes[:2])
    np.testing.assert_array_equal(initial, s[:1].T)
    np.testing.assert_array_equal(rest, s[1:].T)
    assert "from 0.20 to 0.70" in picture.alt


def test_speed_bars_write_ratios_and_take_a_log_axis_when_it_is_needed():
    picture = plots.speed_bars({"slow": 2.0, "fast": 0.5})
    ax = picture.figure.axes[0]
    assert ax.get_xscale() == "linear"
    assert [bar.get_width() for bar in ax.patches] == [2.0, 0.5]
    assert [text.get_text() for text in ax.texts] == ["slowest (2 s)", "4.0× faster (0.5 s)"]
    far = plots.speed_bars({"slow": 2.0, "fast": 0.02})
    assert far.figure.axes[0].get_xscale() == "log"
    assert "fast 20 ms" not in far.alt  # one unit for all bars
    assert "100× faster" in far.alt


def test_network_cuts_the_hops_that_no_error_takes():
    picture = plots.unrolled_network(4, chunk_horizon(4, 2))
    assert "no error crosses between s_2 and s_1." in picture.alt
    assert "cut: no error passes" in [text.get_text() for text in picture.figure.axes[0].texts]
    whole = plots.unrolled_network(4)
    assert "cut: no error passes" not in [text.get_text() for text in whole.figure.axes[0].texts]
    assert {"$E_{1}\\ldots E_{3}$", "$E_{2}, E_{3}$"} <= {
        text.get_text() for text in whole.figure.axes[0].texts
    }


def test_network_writes_the_shares_of_one_loss_that_arrive():
    picture = plots.unrolled_network(4, window_horizon(4, 1), loss_step=3)
    labels = [text.get_text() for text in picture.figure.axes[0].texts]
    assert [label for label in labels if "delta" in label] == [
        r"$\delta_{3,2}$",
        r"$\delta_{3,3}$",
    ]
    assert "as far as s_2. The way from s_2 back to s_1 is cut." in picture.alt


# The edges


def test_nothing_but_zeros_is_drawn():
    zeros = np.zeros((3, 3))
    everywhere = np.zeros(3, int)
    for picture in (
        plots.credit_triangle(zeros),
        plots.credit_triangle(zeros, mask=zeros, compare=zeros),
        plots.truncation_styles(zeros, {"full": everywhere}),
        plots.window_bias({"W": np.zeros(3)}, {"W": np.zeros(3)}),
        plots.truncation_panel(zeros, everywhere, zeros, zeros, np.zeros(3), 7),
        plots.matrices({"a": zeros}),
        plots.matrices({"a": np.full((2, 2), np.nan)}),
        plots.step_size_curve([1e-3, 1e-2], {"a": [0.0, 0.0], "b": [np.nan, np.nan]}),
        plots.loss_bars(np.zeros(3)),
        plots.states(np.zeros((3, 2))),
        plots.speed_bars({"only": 1e-12}),
    ):
        draw(picture)


def test_large_inputs_are_drawn_without_numbers():
    assert not plots.matrices({"W": np.ones((60, 60))}).figure.axes[0].texts
    figure = plots.credit_triangle(np.ones((40, 40))).figure
    assert [text.get_text()[:9] for text in figure.axes[0].texts] == ["no credit"]


BAD = {
    "n_steps must be at least 1": lambda: plots.unrolled_network(0),
    "n_steps must be an integer": lambda: plots.unrolled_network(2.0),
    r"horizon\[0\] must lie": lambda: plots.unrolled_network(2, [1, 0]),
    r"loss_step must lie in 0\.\.1": lambda: plots.unrolled_network(2, loss_step=2),
    "x_labels must be 2 strings": lambda: plots.unrolled_network(2, x_labels=["a"]),
    "y_labels must be 2 strings": lambda: plots.unrolled_network(2, y_labels="ab"),
    "y_hat must be a matrix": lambda: plots.softmax_minus_target([1.0], [0]),
    "y_hat must hold probabilities": lambda: plots.softmax_minus_target([[1.0, 1.0]], [0]),
    "y must hold 1 integers": lambda: plots.softmax_minus_target([[0.5, 0.5]], [0.0]),
    r"y must lie in 0\.\.1": lambda: plots.softmax_minus_target([[0.5, 0.5]], [2]),
    "class_labels must be 2": lambda: plots.softmax_minus_target([[0.5, 0.5]], [1], ["a"]),
    r"sizes must have shape \(T, T\)": lambda: plots.credit_triangle(np.ones((2, 3))),
    "sizes must hold norms": lambda: plots.credit_triangle([[-1.0]]),
    "sizes must be finite": lambda: plots.credit_triangle([[np.nan]]),
    "sizes must hold real numbers": lambda: plots.credit_triangle([["a"]]),
    "mask must have shape": lambda: plots.credit_triangle([[1.0]], mask=np.ones((2, 2))),
    "mask and horizon say": lambda: plots.credit_triangle([[1.0]], mask=[[1]], horizon=[0]),
    "horizon must hold 1 integers": lambda: plots.credit_triangle([[1.0]], horizon=[0, 0]),
    r"compare must have shape \(1, 1\)": lambda: plots.credit_triangle([[1.0]], compare=np.eye(2)),
    "names must be two": lambda: plots.credit_triangle([[1.0]], compare=[[1.0]], names=["a"]),
    r"horizons\['a'\]: horizon must": lambda: plots.truncation_styles([[1.0]], {"a": [0, 0]}),
    "horizons must be a dict": lambda: plots.truncation_styles([[1.0]], [0]),
    "errors must have at least one": lambda: plots.window_bias({}),
    r"errors\['W'\] must be at least 0": lambda: plots.window_bias({"W": [-1.0]}),
    r"errors\['W'\] must have shape \(1,\)": lambda: plots.window_bias({"U": [1], "W": [1, 2]}),
    r"cosines\['W'\] must have shape": lambda: plots.window_bias({"W": [1]}, {"W": [1, 1]}),
    "gradient and full_gradient": lambda: plots.truncation_panel(
        [[1.0]], [0], np.eye(2), np.eye(3), [0.1], 0
    ),
    "tau must be at least 0": lambda: plots.truncation_panel(
        [[1.0]], [0], np.eye(2), np.eye(2), [0.1], -1
    ),
    r"named\['a'\] must be a matrix": lambda: plots.matrices({"a": [1.0]}),
    "h must be positive": lambda: plots.step_size_curve([0.0], {"a": [1.0]}),
    r"errors\['a'\] must have shape \(2,\)": lambda: plots.step_size_curve([1, 2], {"a": [1.0]}),
    "per_step_losses must be a vector": lambda: plots.loss_bars(1.0),
    "reference must be a number": lambda: plots.loss_bars([1.0], reference=[1.0]),
    r"s must have shape \(T \+ 1, H\)": lambda: plots.states([[0.0]]),
    "step_labels must be 1 strings": lambda: plots.states(np.zeros((2, 1)), ["a", "b"]),
    r"seconds\['a'\] must be positive": lambda: plots.speed_bars({"a": 0.0}),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises((TypeError, ValueError), match=message):
        BAD[message]()
