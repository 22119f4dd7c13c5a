"""The sentence that the widgets show when they are given none, and the check of one that is."""

import numpy as np

from ..rnn import Params, init_params, validate

WORDS = ["the", "man", "who", "wore", "a", "wig", "came", "in"]
LONGEST = 40  # steps; more cannot be told apart on a screen
DRAWN = 24  # rows and columns of a matrix that the page holds
MOST = 20_000_000  # numbers in the terms C[t, k] of one parameter, 160 MB


def sequence(params, x, y, s_init, words):
    """The arguments that the widgets share, checked, or the default sentence.

    Parameters
    ----------
    params : Params, optional
        Comes together with `x` and `y`, or all three are left out.
    x : ndarray of shape (T,) or (T, D), optional
    y : ndarray of int of shape (T,), optional
    s_init : ndarray of shape (H,), optional
    words : sequence of str of length T, optional
        What stands below the steps.

    Returns
    -------
    tuple
        ``(params, x, y, s_init, words)``, all filled in.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    given = [name for name, value in (("params", params), ("x", x), ("y", y)) if value is not None]
    if len(given) in (1, 2):
        raise TypeError(f"params, x and y belong together, but only {', '.join(given)} was given")
    if not given:
        T = len(WORDS)
        # Small enough to read every entry, and its windowed error is not monotone.
        params = init_params(np.random.default_rng(13), T + 1, 4, T + 1, gain=2.0)
        x, y = np.arange(T), np.arange(1, T + 1)
        words = WORDS if words is None else words
    params, x, s_init, y = validate(params, x, y, s_init)
    if s_init.ndim != 1:
        raise ValueError(f"x must be one sequence here, not a batch of shape {x.shape}")
    T = len(x)
    if T > LONGEST:
        raise ValueError(f"x must have at most {LONGEST} steps to be drawn, not {T}: pass a part")
    if words is None:
        words = [f"x{t}" for t in range(T)]
    elif isinstance(words, str) or len(words) != T:
        raise ValueError(f"words must be {T} strings, one for each step, not {words!r}")
    return params, x, y, s_init, [str(word) for word in words]


def require_room(params, T):
    """Refuse what has too many terms to be held: one matrix for each loss and step.

    Parameters
    ----------
    params : Params
    T : int

    Raises
    ------
    ValueError
    """
    for name, matrix in zip(Params._fields, params, strict=True):
        if T * T * matrix.size > MOST:
            raise ValueError(
                f"params is too large to show all terms of {T} steps: {name} has shape "
                f"{matrix.shape}, and {T} × {T} such matrices are more than {MOST} numbers. "
                "Pass fewer steps or a smaller network"
            )


def drawn(matrices, most=DRAWN):
    """The part of matrices that the page shows.

    Parameters
    ----------
    matrices : ndarray of shape (..., M, K)
    most : int, default 24

    Returns
    -------
    ndarray of shape (..., min(M, most), min(K, most))
    """
    return matrices[..., :most, :most]


def relative_bias(gradients, whole):
    """Relative error and cosine of many gradients against one.

    Parameters
    ----------
    gradients : ndarray of shape (N, M, K)
    whole : ndarray of shape (M, K)

    Returns
    -------
    error, cosine : ndarray of shape (N,)
        ‖g - whole‖/‖whole‖ and the cosine; NaN where they are not defined.
    """
    size = np.linalg.norm(whole)
    sizes = np.linalg.norm(gradients, axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.linalg.norm(gradients - whole, axis=(1, 2)) / size
        cosine = (gradients * whole).sum(axis=(1, 2)) / (sizes * size)
    return error, cosine


def decades(sizes, span=4.0):
    """Sizes on a log scale, from 0 (the smallest, or `span` decades down) to 1 (the largest).

    Parameters
    ----------
    sizes : ndarray
        At least 0; zeros are at 0.

    Returns
    -------
    ndarray of the shape of `sizes`
    """
    sizes = np.asarray(sizes, float)
    if not sizes.any():
        return np.zeros_like(sizes)
    seen = min(span, max(1.0, np.log10(sizes.max() / sizes[sizes > 0].min())))
    with np.errstate(divide="ignore"):
        return np.clip(1 + np.log10(sizes / sizes.max()) / seen, 0, 1)
