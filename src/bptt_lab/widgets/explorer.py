"""The truncation explorer: drag the window, and triangle, gradient and bias follow."""

import numpy as np

from .. import plots
from ..bptt import bptt, bptt_every_window, chunked_bptt, credit
from ..rnn import Params, require_integer
from ..truncation import chunk_horizon, window_horizon
from .lecture import LectureWidget
from .sentence import decades, drawn, relative_bias, require_room, sequence

EXACT = 1e-12  # relative errors below are rounding


def truncation_explorer(
    params=None, x=None, y=None, *, s_init=None, words=None, window=2, gradient=None
):
    """Slide the truncation: what is kept of the credit triangle, the gradient and its bias.

    Parameters
    ----------
    params, x, y : optional
        As in `bptt_lab.bptt`, one sequence of at most 40 steps; a small example when left out.
    s_init : ndarray of shape (H,), optional
    words : sequence of str of length T, optional
        What stands below the steps.
    window : int, default 2
        Where the slider stands at first.
    gradient : callable, optional
        Your own windowed gradient, called as ``gradient(params, x, y, window)``, with `s_init` as
        the fifth argument if that is given; it returns Params or a tuple (dU, dW, dV). It becomes
        a style of its own, to be compared with the window of the core.

    Returns
    -------
    LectureWidget

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    own_start = () if s_init is None else (s_init,)
    params, x, y, s_init, words = sequence(params, x, y, s_init, words)
    T = len(x)
    require_integer("window", window, minimum=0)
    require_room(params, T)
    whole = bptt(params, x, y, s_init)
    terms = credit(params, x, y, s_init)
    windowed = bptt_every_window(params, x, y, s_init)
    chunked = [chunked_bptt(params, x, y, k1, s_init=s_init) for k1 in range(1, T + 1)]
    styles = {
        "window": {n: getattr(windowed, n) for n in "UW"},
        "chunks": {n: np.stack([getattr(g, n) for g in chunked]) for n in "UW"},
        "full": {n: np.stack([getattr(whole, n)] * T) for n in "UW"},
    }
    horizons = {
        "window": [window_horizon(T, tau) for tau in range(T)],
        "chunks": [chunk_horizon(T, tau + 1) for tau in range(T)],
        "full": np.zeros((T, T), int),
    }
    if gradient is not None:
        styles["yours"] = _own_gradients(gradient, params, x, y, own_start)
        horizons["yours"] = horizons["window"]

    arrays = {f"horizon {style}": np.array(horizon) for style, horizon in horizons.items()}
    bias = {}
    for n in "UW":
        sizes = np.linalg.norm(getattr(terms, n), axis=(2, 3))
        arrays |= {f"size {n}": sizes, f"level {n}": decades(sizes)}
        arrays[f"whole {n}"] = drawn(getattr(whole, n))
        for style, gradients in styles.items():
            error, cosine = relative_bias(gradients[n], getattr(whole, n))
            arrays[f"error {style} {n}"] = np.where(error < EXACT, 0.0, error)
            arrays[f"cosine {style} {n}"] = np.where(error < EXACT, 1.0, cosine)
            arrays[f"gradient {style} {n}"] = drawn(gradients[n])
            bias[style, n] = error
    at = min(int(window), T - 1)
    picture = plots.truncation_panel(
        np.linalg.norm(terms.W, axis=(2, 3)),
        window_horizon(T, at),
        windowed.W[at],
        whole.W,
        {n: np.nan_to_num(bias["window", n]) for n in "UW"},
        at,
    )
    return LectureWidget(
        "explorer.js",
        title="Truncation explorer",
        facts={
            "words": words,
            "steps": T,
            "styles": list(styles),
            "shapes": {n: getattr(params, n).shape for n in "UW"},
        },
        arrays=arrays,
        state={"window": at, "style": "window", "matrix": "W", "follow": T},
        predict=_question(bias["window", "W"]),
        picture=picture,
    )


def _own_gradients(gradient, params, x, y, own_start):
    T = len(x)
    found = {n: np.empty((T, *getattr(params, n).shape)) for n in "UW"}
    for tau in range(T):
        result = gradient(params, x, y, tau, *own_start)
        try:
            result = Params(*result)
        except TypeError:
            raise TypeError(
                "gradient must return Params or a tuple (dU, dW, dV), "
                f"but for window {tau} it returned {type(result).__name__}"
            ) from None
        for n in "UW":
            value = np.asarray(getattr(result, n), float)
            if value.shape != found[n].shape[1:]:
                raise ValueError(
                    f"gradient must return d{n} of shape {found[n].shape[1:]}, "
                    f"but for window {tau} its shape is {value.shape}"
                )
            found[n][tau] = value
    return found


def _question(error):
    """Is a larger window always better? The answer depends on the numbers, so it is computed."""
    rising = np.flatnonzero(np.diff(error) > EXACT)
    if len(rising):
        tau = int(rising[np.argmax(np.diff(error)[rising])])
        why = (
            f"Not here: at τ = {tau} the relative error of ∂E/∂W is {error[tau]:.2f}, and at "
            f"τ = {tau + 1} it is {error[tau + 1]:.2f}. The terms are vectors: a new one can point "
            "away from those that are still missing."
        )
    else:
        why = (
            "Here it is, for ∂E/∂W. It need not be: the terms are vectors, and a new one can point "
            "away from those that are still missing. Try other parameters."
        )
    return {
        "question": "τ grows by one: is the gradient then always nearer to the whole one?",
        "choices": ["Always nearer", "Not always"],
        "answer": int(len(rising) > 0),
        "why": why,
    }
