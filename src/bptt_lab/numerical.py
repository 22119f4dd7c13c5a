"""Derivatives that nobody derived by hand, and the loss that a truncated gradient belongs to.

A numerical derivative only asks for values of a function, so it cannot share a mistake with an
analytic one. The complex step has no subtraction and therefore no trade-off in its step size: it is
exact to rounding. `frozen_state_loss` makes every truncated gradient of the course checkable.

Sources: Squire & Trapp (1998), "Using complex variables to estimate derivatives of real functions";
the frozen-state loss is derived in notebook ``04-truncated-bptt``.
"""

import numpy as np

from .rnn import Params, cross_entropy, hidden_states, input_terms, is_tokens, times, validate
from .truncation import validate_horizon

NUMBERS_AT_ONCE = 2**22  # what `numerical_gradient` carries in one go: 32 MB


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
    frozen = hidden_states(params, x, s_init)[1][horizon]  # row t: where loss t starts from
    steps = np.arange(T)

    def truncated_loss(moved):
        U, W, V = moved
        inputs = input_terms(U, x)
        s = frozen
        for hop in range(int((steps - horizon).max()) + 1):  # all T runs go side by side
            at = horizon + hop
            running = (at <= steps).reshape(T, *[1] * (s.ndim - 1))
            moved_on = np.tanh(inputs[np.minimum(at, steps)] + s @ W.T)
            s = np.where(running, moved_on, s)
        return cross_entropy(s @ V.T, y).sum()

    return truncated_loss


def numerical_gradient(params, x, y, s_init=None, horizon=None, h=1e-30):
    """The complex step of the loss for every entry of U, W and V, all entries in one run.

    This is `complex_step` of `loss` or of `frozen_state_loss`, and gives the same numbers; it is
    tens to hundreds of times faster, as the runs for all entries share what is the same in them.
    With h = 1e-30, h² is far below rounding. So the real part of every run is that of the
    unperturbed one, and every imaginary part is proportional to h: how it goes through a tanh, or
    through a loss, is measured by one complex step of that function and holds for all entries.
    What is left to carry is the imaginary part of the state, for all entries at once. No derivative
    is put in by hand.

    Parameters
    ----------
    params : Params
        Real; float32 is taken as float64.
    x, y, s_init
        As in `loss`.
    horizon : sequence of int of length T, optional
        The first step that each loss reaches, as in `frozen_state_loss`; no truncation when left
        out.
    h : float, default 1e-30
        The step, positive and at most 1e-9, where h² is below rounding.

    Returns
    -------
    Params
        float64.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    for name, array in zip((*Params._fields, "s_init"), (*params, s_init), strict=True):
        if np.iscomplexobj(array):
            raise TypeError(f"{name} must be real, as the complex step is taken here")
    _require_step(h)
    if h > 1e-9:
        raise ValueError(f"h must be at most 1e-9, so that h² is below rounding, not {h!r}")
    T, D = len(x), params.U.shape[1]
    horizon = validate_horizon(np.zeros(T, int) if horizon is None else horizon, T)
    params = Params(*(matrix.astype(float) for matrix in params))
    vectors = np.eye(D)[x] if is_tokens(x) else x.astype(float)
    if s_init.ndim == 1:
        return _gradient_of_sequence(params, vectors, y, s_init, horizon, h)
    gradients = [
        _gradient_of_sequence(params, vectors[:, b], y[:, b], s_init[b], horizon, h)
        for b in range(len(s_init))
    ]
    return Params(*map(sum, zip(*gradients, strict=True)))


def _gradient_of_sequence(params, x, y, s_init, horizon, h):
    _, W, V = params
    (T, D), H = x.shape, len(W)
    a, s = hidden_states(params, x, s_init)
    nudged_states = s[1:, None] + 1j * h * np.eye(H)  # (T, H, H): one entry of s_t at a time
    nudged_logits = times(s[1:], V.T)[:, None] + 1j * h * np.eye(len(V))
    dtanh = np.tanh(a + 1j * h).imag / h
    dE_ds = cross_entropy(times(nudged_states, V.T), np.repeat(y[:, None], H, axis=1)).imag / h
    dE_dz = cross_entropy(nudged_logits, np.repeat(y[:, None], len(V), axis=1)).imag / h

    # Losses with the same horizon belong to one run, which starts there and ends with the last one.
    starts, run_of = np.unique(horizon, return_inverse=True)
    ends = np.array([np.flatnonzero(run_of == run)[-1] for run in range(len(starts))])
    # U and W are nudged together, as [U W], which multiplies [x_t, s_{t-1}]: as many rows at a time
    # as the memory allows.
    columns = np.concatenate([x, s[:-1]], axis=1)
    n_rows = max(1, NUMBERS_AT_ONCE // (len(starts) * H * (D + H)))
    gradient = np.zeros((H, D + H))
    for first in range(0, H, n_rows):
        rows = slice(first, min(first + n_rows, H))
        entries = (rows.stop - first, D + H)
        moved = np.zeros((len(starts), H, *entries))  # Im s_t / h: [run, unit, row, column]
        for t in range(T):
            running = np.flatnonzero((starts <= t) & (t <= ends))
            step = W @ moved[running].reshape(len(running), H, -1)
            step = step.reshape(len(running), H, *entries)
            own_unit = np.einsum("riic->ric", step[:, rows])  # row i of [U W] moves unit i
            own_unit += columns[t]
            step *= dtanh[t][:, None, None]
            moved[running] = step
            gradient[rows] += (dE_ds[t] @ moved[run_of[t]].reshape(H, -1)).reshape(entries)
    return Params(gradient[:, :D], gradient[:, D:], dE_dz.T @ s[1:])


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
