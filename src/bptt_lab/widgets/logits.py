"""Softmax minus target: the error pushes one logit up and pulls all others down."""

import numpy as np

from .. import plots
from ..rnn import cross_entropy, softmax
from .lecture import LectureWidget

# Range and step of a logit for 2, 3 and 4 classes: the table of all predictions stays small.
GRIDS = {2: (5.0, 0.1), 3: (5.0, 0.25), 4: (4.0, 0.5)}


def softmax_minus_target(logits=(1.0, 2.5, -1.0), target=0, *, labels=None, softmax=softmax):
    """Move the logits and the target, and see what ŷ - y says to each logit.

    Parameters
    ----------
    logits : sequence of 2 to 4 floats, default (1.0, 2.5, -1.0)
        Where the sliders stand at first, to the nearest step of a slider.
    target : int, default 0
    labels : sequence of str, optional
        The classes' names.
    softmax : callable, default bptt_lab.softmax
        Your own, of logits of shape (..., C), to see what it does.

    Returns
    -------
    LectureWidget

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    logits = np.asarray(logits, float)
    if logits.ndim != 1 or len(logits) not in GRIDS:
        raise ValueError(f"logits must hold 2 to 4 numbers, not {logits.tolist()!r}")
    C = len(logits)
    if isinstance(target, bool) or not isinstance(target, (int, np.integer)):
        raise TypeError(f"target must be an integer, not {target!r}")
    if not 0 <= target < C:
        raise ValueError(f"target must lie in 0..{C - 1}, not be {target}")
    if labels is None:
        labels = ["barks", "sleeps", "sings", "eats"][:C]
    elif isinstance(labels, str) or len(labels) != C:
        raise ValueError(f"labels must be {C} strings, one for each class, not {labels!r}")
    reach, step = GRIDS[C]
    if not np.isfinite(logits).all() or np.abs(logits).max() > reach:
        raise ValueError(f"logits must lie in -{reach:g}..{reach:g}, not {logits.tolist()!r}")
    levels = 2 * round(reach / step) + 1  # of one logit
    # A softmax sees only differences, so a table over z_i - z_0 holds all predictions.
    difference = (np.arange(2 * levels - 1) - (levels - 1)) * step
    z = np.stack(np.meshgrid(*[difference] * (C - 1), indexing="ij"), axis=-1)
    z = np.concatenate([np.zeros((*z.shape[:-1], 1)), z], axis=-1)
    y_hat = np.asarray(softmax(z), float)
    if y_hat.shape != z.shape:
        raise ValueError(f"softmax must return the shape of z, {z.shape}, not {y_hat.shape}")
    losses = np.stack([cross_entropy(z, np.full(z.shape[:-1], c)) for c in range(C)], axis=-1)
    at = np.rint((logits + reach) / step).astype(int)
    start = at * step - reach
    prediction = np.asarray(softmax(start[None]), float)
    twin = prediction if np.allclose(prediction.sum(), 1) and prediction.min() >= 0 else None
    error = y_hat[tuple(at[1:] - at[0] + levels - 1)] - np.eye(C)[target]
    return LectureWidget(
        "logits.js",
        title="Softmax minus target",
        facts={"labels": [str(label) for label in labels], "reach": reach, "step": step},
        arrays={
            "y_hat": y_hat.astype(np.float32),
            "loss": losses.astype(np.float32),
        },
        state={f"z{i}": int(n) for i, n in enumerate(at)} | {"target": int(target)},
        predict=_question(error, labels),
        picture=(
            plots.softmax_minus_target(twin, np.array([target]), [str(label) for label in labels])
            if twin is not None
            else plots.matrices({"ŷ": prediction}, title="This softmax does not sum to 1")
        ),
    )


def _question(error, labels):
    C = len(error)
    hardest = int(np.argmax(np.abs(error)))
    others = {2: "None", 3: "Two", 4: "Three"}[C]
    return {
        "question": "Gradient descent takes a step: how many logits move up?",
        "choices": ["One", others, "All"],
        "answer": 0 if (error < 0).sum() == 1 else (2 if (error < 0).all() else 1),
        "why": (
            f"{(error < 0).sum()} of {C}: descent moves against ŷ − y, which is negative at the "
            f"target alone. The entries sum to {abs(error.sum()):.0f}, so the others "
            f"together lose what it gains. Here “{labels[hardest]}” is moved hardest."
        ),
    }
