"""Derivatives that nobody derived by hand, and the loss that a truncated gradient belongs to.

A numerical derivative only asks for values of a function, so it cannot share a mistake with an
analytic one. The complex step has no subtraction and therefore no trade-off in its step size: it is
exact to rounding. `frozen_state_loss` makes every truncated gradient of the course checkable.

Sources: Squire & Trapp (1998), "Using complex variables to estimate derivatives of real functions";
the frozen-state loss is derived in notebook ``04-truncated-bptt``.
"""

import numpy as np

from .rnn import Params, cross_entropy, is_tokens, run, validate
from .truncation import validate_horizon


def central_difference(f, at, h=1e-5):
    """(f(p + h) - f(p - h)) / 2h for every entry p; the error is about h² + 1e-16 |f| / h.

    Parameters
    ----------
    f : callable
        Takes what `at` is, returns a real scalar.
    at : Params or ndarray
        Where to differentiate; it is not changed.
    h : float, default 1e-5
        The step, which must be positive.

    Returns
    -------
    Params or ndarray
        Of the type and shapes of `at`.

    Raises
    ------
    ValueError
        If `h` is not a positive finite number.
    """
    _require_step(h)
    return _each_entry(lambda nudged: (f(nudged(h)) - f(nudged(-h))) / (2 * h), at, float)


def complex_step(f, at, h=1e-30):
    """Im f(p + ih) / h for every entry p: no subtraction, hence exact to rounding.

    Parameters
    ----------
    f : callable
        Takes what `at` is, with complex entries, and returns a complex scalar. It must be analytic:
        ``abs``, ``.real`` or a comparison on the way to the result would lose the derivative.
    at : Params or ndarray
        Where to differentiate; it is not changed.
    h : float, default 1e-30
        The step, which must be positive.

    Returns
    -------
    Params or ndarray
        Of the type and shapes of `at`, real.

    Raises
    ------
    TypeError
        If `f` returns a real number, so that the derivative is lost.
    ValueError
        If `h` is not a positive finite number.
    """
    _require_step(h)

    def derivative(nudged):
        value = np.asarray(f(nudged(1j * h)))
        if not np.iscomplexobj(value):
            raise TypeError(
                "f returned a real number for complex parameters: abs, .real or a real array on "
                "the way dropped the imaginary part, and with it the derivative"
            )
        return value.imag / h

    return _each_entry(derivative, at, complex)


def frozen_state_loss(params, x, y, horizon, s_init=None):
    """The loss whose exact gradient is the truncated one.

    Loss t is computed by running only the steps horizon[t] … t, from the state before them *held
    constant* at the value that `params` give it. Where the parameters move, that state does not, so
    nothing beyond the horizon can be credited.

    Parameters
    ----------
    params : Params
        The base point, where the states are frozen.
    x, y, s_init
        As in `loss`.
    horizon : sequence of int of length T
        The first step that each loss reaches; see `window_horizon` and `chunk_horizon`.

    Returns
    -------
    callable
        Takes Params and returns a scalar in nats. At `params` itself it equals `loss`.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    T = len(x)
    horizon = validate_horizon(horizon, T)
    frozen = run(params, x, s_init).s[horizon]  # row t: the state that loss t starts from
    steps = np.arange(T)

    def truncated_loss(moved):
        U, W, V = moved
        inputs = U.T[x] if is_tokens(x) else x @ U.T
        s = frozen
        for hop in range(int((steps - horizon).max()) + 1):  # all T runs go side by side
            at = horizon + hop
            running = (at <= steps).reshape(T, *[1] * (s.ndim - 1))
            moved_on = np.tanh(inputs[np.minimum(at, steps)] + s @ W.T)
            s = np.where(running, moved_on, s)
        return cross_entropy(s @ V.T, y).sum()

    return truncated_loss


def relative_error(actual, expected):
    """‖actual - expected‖ / max(‖actual‖, ‖expected‖) in the Frobenius norm.

    Parameters
    ----------
    actual, expected : array_like of equal shape

    Returns
    -------
    float
        0 if both are zero, inf if either is not finite.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise ValueError(f"actual has shape {actual.shape} but expected {expected.shape}")
    size = max(np.linalg.norm(actual), np.linalg.norm(expected))
    if not np.isfinite(size):
        return np.inf
    return float(np.linalg.norm(actual - expected) / size) if size else 0.0


def _each_entry(derivative, at, dtype):
    """Apply `derivative` to every entry; it gets a function that returns a copy with it nudged."""
    is_params = isinstance(at, tuple)
    arrays = list(at) if is_params else [np.asarray(at)]
    gradients = []
    for i, array in enumerate(arrays):
        gradient = np.empty(array.shape)
        for index in np.ndindex(array.shape):

            def nudged(step, i=i, index=index):
                copies = list(arrays)
                copies[i] = arrays[i].astype(dtype)
                copies[i][index] += step
                return Params(*copies) if is_params else copies[0]

            gradient[index] = derivative(nudged)
        gradients.append(gradient)
    return Params(*gradients) if is_params else gradients[0]


def _require_step(h):
    if not (np.isreal(h) and np.isfinite(h) and h > 0):
        raise ValueError(f"h must be a positive finite number, not {h!r}")
