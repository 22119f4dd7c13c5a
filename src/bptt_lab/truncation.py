"""Which terms of the credit triangle a truncation keeps.

A truncation is described by its *horizon*: ``horizon[t]`` is the first step that loss t reaches, so
the terms kept are ``horizon[t] <= k <= t``. All zeros is no truncation at all.
"""

import numpy as np

from .rnn import is_tokens, require_integer


def window_horizon(n_steps, window):
    """The horizon of a window: loss t reaches step max(0, t - window).

    Parameters
    ----------
    n_steps : int
        T ≥ 1.
    window : int
        τ ≥ 0.

    Returns
    -------
    ndarray of int of shape (T,)

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer or too small.
    """
    require_integer("n_steps", n_steps, minimum=1)
    require_integer("window", window, minimum=0)
    return np.maximum(np.arange(n_steps) - int(window), 0)


def chunk_horizon(n_steps, k1, k2=None):
    """The horizon of chunks: a loss in the chunk that ends before step e reaches max(0, e - k2).

    Parameters
    ----------
    n_steps : int
        T ≥ 1.
    k1, k2 : int
        As in `chunked_bptt`.

    Returns
    -------
    ndarray of int of shape (T,)

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer or too small.
    """
    require_integer("n_steps", n_steps, minimum=1)
    require_integer("k1", k1, minimum=1)
    if k2 is None:
        k2 = k1
    require_integer("k2", k2, minimum=1)
    if k2 < k1:
        raise ValueError(f"k2 must be at least k1 = {k1}, or some losses reach no step, not {k2}")
    steps = np.arange(n_steps)
    chunk_start = steps // k1 * k1
    if k1 == k2:
        return chunk_start
    chunk_end = np.minimum(chunk_start + k1, n_steps)
    return np.clip(chunk_end - k2, 0, chunk_start)


def validate_horizon(horizon, n_steps):
    """Return `horizon` as an array of T ints with 0 ≤ horizon[t] ≤ t, or raise."""
    horizon = np.asarray(horizon)
    if horizon.shape != (n_steps,) or not is_tokens(horizon):
        raise ValueError(
            f"horizon must hold {n_steps} integers, one for each step, "
            f"not {horizon.dtype} of shape {horizon.shape}"
        )
    bad = (horizon < 0) | (horizon > np.arange(n_steps))
    if bad.any():
        t = int(np.argmax(bad))
        raise ValueError(f"horizon[{t}] must lie in 0..{t}, not be {horizon[t]}")
    return horizon
