"""The sum over time: the backward sweep adds one step's contribution after the other."""

import numpy as np

from .. import plots
from ..bptt import credit
from ..rnn import require_integer
from .lecture import LectureWidget
from .sentence import drawn, require_room, sequence


def sum_over_time(params=None, x=None, y=None, *, s_init=None, words=None, loss_step=3):
    """Step through the backward sweep of one loss, or of all, and watch the gradient add up.

    Parameters
    ----------
    params, x, y, s_init, words : optional
        As in `truncation_explorer`.
    loss_step : int, default 3
        The loss E_t to start with, or the last if the sequence is shorter.

    Returns
    -------
    LectureWidget

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, y, s_init, words = sequence(params, x, y, s_init, words)
    T = len(x)
    require_integer("loss_step", loss_step, minimum=0)
    t = min(int(loss_step), T - 1)
    require_room(params, T)
    terms = credit(params, x, y, s_init)
    arrays = {}
    for n, of_loss in zip("UWV", (terms.U, terms.W, terms.V), strict=True):
        every = np.concatenate([of_loss, of_loss.sum(axis=0, keepdims=True)])  # row T: all losses
        arrays[f"size {n}"] = np.linalg.norm(every, axis=(2, 3))
        every = drawn(every, 24 if T <= 16 else 12)  # it grows with the square of T
        # [t, j]: the sum once the sweep has come back as far as step j; [t, T] is zero
        sums = np.zeros((T + 1, T + 1, *every.shape[2:]))
        sums[:, :T] = every[:, ::-1].cumsum(axis=1)[:, ::-1]
        arrays |= {f"term {n}": every.astype(np.float32), f"sum {n}": sums.astype(np.float32)}
    return LectureWidget(
        "summation.js",
        title="Sum over time",
        facts={"words": words, "steps": T, "shapes": {n: getattr(params, n).shape for n in "UWV"}},
        arrays=arrays,
        state={"count": 0, "loss": t, "matrix": "W"},
        predict=_question(arrays["size W"][t], t),
        picture=plots.matrices(
            {f"through step {k}": terms.W[t, k] for k in range(t, -1, -1)}
            | {f"sum, ∂E_{t}/∂W": terms.W[t].sum(axis=0)},
            title=f"What each step adds to ∂E_{t}/∂W",
        ),
    )


def _question(sizes, t):
    largest = int(np.argmax(sizes))
    back = ", ".join(f"{size:.2f}" for size in sizes[t::-1])
    return {
        "question": f"Which step adds most to the gradient of the loss at step {t} by W?",
        "choices": [f"Step {t} itself", "An earlier step"],
        "answer": int(largest != t),
        "why": (
            f"The norms, from step {t} back: {back}. W stands at every step, so every step adds a "
            "term; how much depends on the states and on the way back to them."
        ),
    }
