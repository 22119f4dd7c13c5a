"""How soon a picture follows the hand: ``python -m benchmarks.latency``.

In one JupyterLab and one headless Chromium: the truncation explorer, beside the same picture drawn
by ``ipywidgets.interact`` and matplotlib. The time is that from a key press to the painted answer.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from tests.browser import lab

WIDGET = ("from bptt_lab import widgets\nwidgets.truncation_explorer()",)
INTERACT = (
    "%matplotlib inline\n"
    "import ipywidgets\nimport numpy as np\n\nimport bptt_lab as lab\nfrom bptt_lab import plots\n"
    "params = lab.init_params(np.random.default_rng(4), 5, 4, 5, gain=1.8)\n"
    "x = np.arange(8) % 5\ny = (x + 1) % 5\n"
    "whole, every = lab.bptt(params, x, y), lab.bptt_every_window(params, x, y)\n"
    "sizes = np.linalg.norm(lab.credit(params, x, y).W, axis=(2, 3))\n"
    "errors = {}\nfor n in 'UW':\n"
    "    off = getattr(every, n) - getattr(whole, n)\n"
    "    errors[n] = np.linalg.norm(off, axis=(1, 2))\n",
    "@ipywidgets.interact(window=ipywidgets.IntSlider(2, 0, 7))\n"
    "def show(window):\n"
    "    horizon = lab.window_horizon(8, window)\n"
    "    return plots.truncation_panel(sizes, horizon, every.W[window], whole.W, errors, window)\n",
)
FRAMES = """
() => new Promise((done) => {
  const slider = document.querySelector('.bptt-widget input[name=window]');
  const times = [];
  let i = 0;
  const next = (now) => {
    times.push(now);
    if (times.length > 120) return done(times);
    slider.value = String(i++ % (Number(slider.max) + 1));
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})
"""


def main():
    """Measure both, and print medians, tails and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=60, help="of a key, on each (60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "notebooks"
        folder.mkdir()
        lab.write_notebook(folder / "widget.ipynb", *WIDGET)
        lab.write_notebook(folder / "interact.ipynb", *INTERACT)
        with lab.jupyterlab(folder, Path(scratch)) as address, lab.chromium() as new_page:
            page = new_page()
            lab.run_notebook(page, address("widget.ipynb"))
            page.wait_for_selector(".bptt-widget")
            sent = len(page.sent)
            ours = lab.answer_times(
                page, ".bptt-widget input[name=window]", ".bptt-widget", options.presses
            )
            between = np.diff(page.evaluate(FRAMES))
            asked = len(page.sent) - sent
            page.close()
            page = new_page()
            lab.run_notebook(page, address("interact.ipynb"))
            page.wait_for_selector(".widget-slider")
            theirs = lab.answer_times(
                page,
                ".widget-slider [role=slider]",
                ".jp-Cell:has(.widget-slider)",
                max(10, options.presses // 3),
            )
    for name, times in (("truncation explorer", ours), ("interact + matplotlib", theirs)):
        print(
            f"{name:22s} median {np.median(times):6.1f} ms, "
            f"95 of 100 within {np.percentile(times, 95):6.1f} ms, from key to painted picture"
        )
    print(f"ratio of the medians   {np.median(theirs) / np.median(ours):.1f}")
    print(f"frames while dragging  {1000 / np.mean(between):.0f} a second")
    print(f"messages to the kernel {asked}")


if __name__ == "__main__":
    main()
