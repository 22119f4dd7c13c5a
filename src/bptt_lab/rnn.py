"""The model: a vanilla recurrent network with a softmax output, its forward pass and its loss.

The notation is the course's (see the card in notebook ``00-start``)::

    a_t = U x_t + W s_{t-1}      s_t = tanh(a_t)      z_t = V s_t      y_hat_t = softmax(z_t)
    E_t = -log y_hat_t[y_t]      E = sum_t E_t

Arrays are time-major. Where there is a batch axis it comes second, so a vector of length H at
every step is an array of shape ``(T, H)`` or ``(T, B, H)``. States carry one row more than there
are steps: ``s[0]`` is the initial state s_{-1} and ``s[t + 1]`` is s_t, so that no index ever wraps
around.
"""

from typing import NamedTuple

import numpy as np

# Arrays of a few MB come and go with every call. glibc gives their memory back to the system each
# time, and the next call pays for every page anew, a fifth of its time. But it keeps freed blocks
# up to the largest size that it has seen freed. So it is shown one, once: as nothing is written to
# it, it costs no memory. With another allocator this does nothing.
np.empty(2**25 - 2**16, np.uint8)


class Params(NamedTuple):
    """The three shared matrices of the network; a gradient has the same type.

    Attributes
    ----------
    U : ndarray of shape (H, D)
        Input to hidden.
    W : ndarray of shape (H, H)
        Hidden to hidden.
    V : ndarray of shape (C, H)
        Hidden to output.
    """

    U: np.ndarray
    W: np.ndarray
    V: np.ndarray


class Activations(NamedTuple):
    """Everything that a forward pass computes.

    Attributes
    ----------
    a : ndarray of shape (T, H) or (T, B, H)
        Pre-activations, a_t = U x_t + W s_{t-1}.
    s : ndarray of shape (T + 1, H) or (T + 1, B, H)
        States; ``s[0]`` is the initial state and ``s[t + 1]`` is s_t.
    z : ndarray of shape (T, C) or (T, B, C)
        Logits, z_t = V s_t.
    y_hat : ndarray of shape (T, C) or (T, B, C)
        Predictions, softmax(z_t).
    """

    a: np.ndarray
    s: np.ndarray
    z: np.ndarray
    y_hat: np.ndarray


def init_params(rng, n_inputs, n_hidden, n_classes, gain=1.0):
    """Draw parameters uniformly from ±gain/√n, where n is the number of columns of each matrix.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness.
    n_inputs, n_hidden, n_classes : int
        D, H and C.
    gain : float, default 1.0
        Scales all three matrices.

    Returns
    -------
    Params
        float64 matrices of shape (H, D), (H, H) and (C, H).

    Raises
    ------
    TypeError
        If `rng` is not a Generator.
    ValueError
        If a size is not a positive integer.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, not {type(rng).__name__}")
    sizes = {"n_inputs": n_inputs, "n_hidden": n_hidden, "n_classes": n_classes}
    for name, size in sizes.items():
        require_integer(name, size, minimum=1)

    def draw(rows, columns):
        return gain * rng.uniform(-1.0, 1.0, (rows, columns)) / np.sqrt(columns)

    return Params(
        U=draw(n_hidden, n_inputs), W=draw(n_hidden, n_hidden), V=draw(n_classes, n_hidden)
    )


def softmax(z):
    """Probabilities from logits along the last axis.

    The largest real part is subtracted first: it cancels in the quotient, keeps ``exp`` from
    overflowing, and leaves the imaginary part of a complex step alone.

    Parameters
    ----------
    z : ndarray of shape (..., C)

    Returns
    -------
    ndarray of shape (..., C)
        Sums to 1 along the last axis.
    """
    z = np.asarray(z)
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    return e


def cross_entropy(z, y):
    """The loss of each step, E_t = -log softmax(z_t)[y_t], without ever forming a tiny probability.

    Parameters
    ----------
    z : ndarray of shape (T, C) or (T, B, C)
        Logits.
    y : ndarray of int of shape (T,) or (T, B)
        Target classes.

    Returns
    -------
    ndarray of the shape of `y`
        In nats.
    """
    top = z.real.max(axis=-1)
    log_sum = top + np.log(np.exp(z - top[..., None]).sum(axis=-1))
    return log_sum - np.take_along_axis(z, np.asarray(y)[..., None], axis=-1)[..., 0]


def forward(params, x, s_init=None):
    """Run the network over a sequence.

    Parameters
    ----------
    params : Params
        U (H, D), W (H, H), V (C, H).
    x : ndarray
        Tokens, int of shape (T,) or (T, B), each a one-hot vector's index; or real vectors of shape
        (T, D) or (T, B, D).
    s_init : ndarray of shape (H,) or (B, H), optional
        The initial state s_{-1}; zeros when left out.

    Returns
    -------
    Activations

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init = validate(params, x, s_init=s_init)
    return run(params, x, s_init)


def run(params, x, s_init):
    """The forward pass without validation: the arguments are what `validate` returns."""
    a, s = hidden_states(params, x, s_init)
    z = times(s[1:], params.V.T)  # z_t = V s_t
    return Activations(a, s, z, softmax(z))


def hidden_states(params, x, s_init):
    """The recurrence: all a_t and s_t. Only ``W s_{t-1}`` has to wait for the step before.

    Everything that does not depend on the state is done for all steps at once, outside the loop.
    """
    U, W, _ = params
    inputs = input_terms(U, x)
    a = inputs.astype(np.result_type(inputs, W, s_init), copy=False)  # a_t starts as U x_t
    s = np.empty((len(x) + 1, *s_init.shape), a.dtype)
    s[0] = s_init
    W_T = np.ascontiguousarray(W.T)  # one copy, since BLAS reads it by rows at every step
    product = np.empty_like(s[0])  # and one buffer, which stays in the cache
    for a_t, before, s_t in zip(a, s[:-1], s[1:], strict=True):
        a_t += np.dot(before, W_T, out=product)  # a_t = U x_t + W s_{t-1}
        np.tanh(a_t, out=s_t)  # s_t = tanh(a_t)
    return a, s


def input_terms(U, x):
    """U x_t for all t at once, as a new array; a token picks a column of U."""
    if not is_tokens(x):
        return times(x, U.T)
    columns = U.T if x.size < U.shape[1] else np.ascontiguousarray(U.T)  # copy U if it pays
    return columns[x]


def times(vectors, matrix):
    """The product of every row vector with `matrix`: one BLAS call for all steps and sequences."""
    rows = vectors.reshape(-1, vectors.shape[-1])
    return (rows @ matrix).reshape(*vectors.shape[:-1], matrix.shape[1])


def loss(params, x, y, s_init=None):
    """The loss of a sequence, or of a batch: E = Σ_t E_t, summed over steps and sequences.

    Parameters
    ----------
    params : Params
    x : ndarray
        As in `forward`.
    y : ndarray of int of shape (T,) or (T, B)
        Target classes.
    s_init : ndarray of shape (H,) or (B, H), optional

    Returns
    -------
    scalar
        In nats; complex if the parameters are complex.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    s = hidden_states(params, x, s_init)[1]
    return cross_entropy(times(s[1:], params.V.T), y).sum()


def is_tokens(x):
    """Whether `x` holds token indices (integers) rather than real vectors."""
    return x.dtype.kind in "iu"


def require_integer(name, value, minimum):
    """Raise unless `value` is an integer of at least `minimum`; the message names the argument."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, not {value!r} of type {type(value).__name__}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, not {value}")


def validate(params, x, y=None, s_init=None):
    """Check the arguments that every function of the core shares, and fill in the initial state.

    Returns
    -------
    tuple
        ``(params, x, s_init)``, and `y` as the fourth where it was given, all as arrays.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params = _validate_params(params)
    U, W, V = params
    H, D = U.shape
    x = _as_array("x", x)
    if is_tokens(x):
        if x.ndim not in (1, 2):
            raise ValueError(f"x: tokens must have shape (T,) or (T, B), not {x.shape}")
        _require_range("x", x, D, "the number of columns of U")
    elif np.issubdtype(x.dtype, np.floating):
        if x.ndim not in (2, 3) or x.shape[-1] != D:
            raise ValueError(
                f"x: real inputs must have shape (T, {D}) or (T, B, {D}), since U has {D} columns, "
                f"not {x.shape}; tokens must be integers, not {x.dtype}"
            )
        _require_finite("x", x)
    else:
        raise TypeError(f"x must hold integers (tokens) or real numbers, not {x.dtype}")
    steps = x.shape if is_tokens(x) else x.shape[:-1]  # (T,) or (T, B)
    if 0 in steps:
        raise ValueError(f"x must have at least one step and one sequence, not shape {x.shape}")
    if s_init is None:
        s_init = np.zeros((*steps[1:], H), W.dtype)
    else:
        s_init = _as_array("s_init", s_init)
        if s_init.shape != (*steps[1:], H):
            raise ValueError(
                f"s_init must have shape {(*steps[1:], H)} for x of shape {x.shape} and {H} hidden "
                f"units, not {s_init.shape}"
            )
        if not np.issubdtype(s_init.dtype, np.inexact):
            raise TypeError(f"s_init must hold real numbers, not {s_init.dtype}")
        _require_finite("s_init", s_init)
    if y is None:
        return params, x, s_init
    y = _as_array("y", y)
    if not is_tokens(y):
        raise TypeError(f"y must hold integers (target classes), not {y.dtype}")
    if y.shape != steps:
        raise ValueError(f"y must have shape {steps} to match x of shape {x.shape}, not {y.shape}")
    _require_range("y", y, len(V), "the number of rows of V")
    return params, x, s_init, y


def _validate_params(params):
    try:
        params = Params(*params)
    except TypeError:
        raise TypeError(f"params must be Params(U, W, V), not {type(params).__name__}") from None
    params = Params(
        *(_as_array(f"params.{n}", m) for n, m in zip(Params._fields, params, strict=True))
    )
    for name, matrix in zip(Params._fields, params, strict=True):
        if not np.issubdtype(matrix.dtype, np.inexact):
            raise TypeError(f"params.{name} must hold real numbers, not {matrix.dtype}")
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(f"params.{name} must be a matrix, not of shape {matrix.shape}")
        _require_finite(f"params.{name}", matrix)
    H = len(params.U)
    if params.W.shape != (H, H):
        raise ValueError(
            f"params.W must have shape {(H, H)}, since U has {H} rows, not {params.W.shape}"
        )
    if params.V.shape[1] != H:
        raise ValueError(
            f"params.V must have {H} columns, since U has {H} rows, not shape {params.V.shape}"
        )
    return params


def _as_array(name, value):
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a regular array: {error}") from None


def _require_finite(name, array):
    flat = array.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        sum_of_squares = np.dot(flat, flat)  # several times faster than a look at every entry
    if np.isfinite(sum_of_squares):
        return
    if not np.isfinite(array).all():  # else the squares of large numbers overflowed
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, but {name}{list(where)} is {array[where]}")


def _require_range(name, indices, size, what):
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        outside = (indices < 0) | (indices >= size)
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"{name} must lie in 0..{size - 1} ({what} is {size}), "
            f"but {name}{list(where)} is {indices[where]}"
        )
