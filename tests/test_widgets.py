"""The widgets without a browser: their numbers are the core's, and bad input is refused."""

import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import bptt_lab as lab
from bptt_lab import widgets
from bptt_lab.widgets.board import BOARD, write_board

from .conftest import ROOT
from .drawing import draw_case


def array(widget, name):
    packed = widget.arrays[name]
    kind = {"f8": "<f8", "f4": "<f4", "i4": "<i4"}[packed["kind"]]
    return np.frombuffer(packed["data"], kind).reshape(packed["shape"])


def test_the_explorer_holds_the_core_s_gradients():
    params, x, y, s_init = draw_case(1, n_steps=6)
    widget = widgets.truncation_explorer(params, x, y, s_init=s_init)
    whole = lab.bptt(params, x, y, s_init)
    for tau in range(6):
        window = lab.windowed_bptt(params, x, y, tau, s_init)
        chunks = lab.chunked_bptt(params, x, y, tau + 1, s_init=s_init)
        for name in "UW":
            held = array(widget, f"gradient window {name}")[tau]
            np.testing.assert_allclose(held, getattr(window, name), atol=1e-12)
            held = array(widget, f"gradient chunks {name}")[tau]
            np.testing.assert_allclose(held, getattr(chunks, name), atol=1e-12)
            g, full = getattr(window, name), getattr(whole, name)
            error = np.linalg.norm(g - full) / np.linalg.norm(full)
            assert array(widget, f"error window {name}")[tau] == pytest.approx(error, abs=1e-11)


def test_a_gradient_of_one_s_own_is_shown_beside_the_core_s():
    params, x, y, _ = draw_case(2, n_steps=5)
    widget = widgets.truncation_explorer(
        params, x, y, gradient=lambda p, x, y, window: lab.windowed_bptt(p, x, y, window + 1)
    )
    assert "yours" in widget.facts["styles"]
    yours, windows = (array(widget, f"gradient {style} W") for style in ("yours", "window"))
    np.testing.assert_allclose(yours[:-1], windows[1:], atol=1e-12)


@pytest.mark.parametrize("name", BOARD)
def test_each_widget_has_a_question_a_twin_on_paper_and_words(name, tmp_path):
    widget = BOARD[name]()
    predict = widget.facts["predict"]
    assert predict["question"].endswith("?")
    assert 0 <= predict["answer"] < len(predict["choices"])
    assert predict["why"]
    assert "<img alt=" in widget.picture._repr_html_()
    bundle, _ = widget._repr_mimebundle_()
    assert "picture of an interactive widget" in bundle["text/plain"]
    assert "<iframe" in bundle["text/html"]
    assert "http" not in widget._page("dark").replace("http://www.w3.org/2000/svg", "")
    with pytest.raises(ValueError, match="theme must be one of light, dark, auto, not 'blue'"):
        widget.save(tmp_path / "page.html", theme="blue")


def test_what_is_graded_keeps_the_picture_only(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    bundle, _ = widgets.softmax_minus_target()._repr_mimebundle_()
    assert "<iframe" not in bundle["text/html"]
    assert "<img alt=" in bundle["text/html"]
    assert "picture of an interactive widget" in bundle["text/html"]
    # with it, feedback would show nothing where there is no network
    assert "application/vnd.jupyter.widget-view+json" not in bundle


def test_of_a_large_matrix_the_page_holds_what_it_shows():
    rng = np.random.default_rng(3)
    params = lab.init_params(rng, n_inputs=60, n_hidden=30, n_classes=5)
    x, y = rng.integers(60, size=5), rng.integers(5, size=5)
    widget = widgets.truncation_explorer(params, x, y)
    assert array(widget, "whole U").shape == (24, 24)
    assert widget.facts["shapes"] == {"U": (30, 60), "W": (30, 30)}
    np.testing.assert_array_equal(array(widget, "whole W"), lab.bptt(params, x, y).W[:24, :24])
    widget = widgets.sum_over_time(params, x, y)
    assert array(widget, "term U").shape == (6, 5, 24, 24)
    sizes = np.linalg.norm(lab.credit(params, x, y).U, axis=(2, 3))  # of the whole matrix
    np.testing.assert_allclose(array(widget, "size U")[:5], sizes)


def large_network():
    """As large as the tutorial's: its terms alone would take all memory."""
    shapes = (100, 8000), (100, 100), (8000, 100)
    return lab.Params(*(np.zeros(shape) for shape in shapes)), np.arange(30), np.arange(30)


BAD = {
    "window must be at least 0, not -1": lambda: widgets.truncation_explorer(window=-1),
    "gradient must return dU of shape": lambda: widgets.truncation_explorer(
        gradient=lambda *_: (np.ones(2), np.ones(3), np.ones(4))
    ),
    r"gain must lie in 0\.5\.\.2": lambda: widgets.vanishing(gain=7),
    "params is too large to show all terms of 30 steps: U has shape": lambda: widgets.sum_over_time(
        *large_network()
    ),
    "params is too large to show": lambda: widgets.truncation_explorer(*large_network()),
    "params must have at most 100 units to be shown here, not 101": lambda: widgets.vanishing(
        lab.init_params(np.random.default_rng(0), 3, 101, 3), np.arange(3), np.arange(3)
    ),
    "there is no widget 'slider'": lambda: write_board("unused", ["slider"]),
}


@pytest.mark.parametrize(("message", "call"), BAD.items())
def test_bad_input_is_refused_by_name(message, call):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_command_writes_the_board(tmp_path):
    command = "import sys; from bptt_lab.cli import main; sys.exit(main(sys.argv[1:]))"

    def run(*names):
        arguments = ["lecture", *names, "--folder", str(tmp_path), "--no-browser"]
        return subprocess.run(
            [sys.executable, "-c", command, *arguments], capture_output=True, text=True
        )

    assert run().stdout.strip() == str((tmp_path / "index.html").resolve())
    assert {path.stem for path in tmp_path.glob("*.html")} == {*BOARD, "index"}
    assert run("softmax").stdout.strip().endswith("softmax.html")
    refused = run("nothing")
    assert refused.returncode == 1
    assert "there is no widget 'nothing'; there are truncation" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.filterwarnings("ignore")
def test_the_board_runs_in_a_notebook():
    nb = nbformat.read(ROOT / "lectures" / "board.ipynb", as_version=4)
    NotebookClient(nb, timeout=120).execute()
    shown = [o for c in nb.cells for o in c.get("outputs", ()) if o.output_type != "stream"]
    assert len(shown) == 6
    assert all("application/vnd.jupyter.widget-view+json" in output.data for output in shown)
