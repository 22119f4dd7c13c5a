"""The gradients: backpropagation through time, whole, windowed and in chunks.

The loss is a sum over steps t, and each E_t depends on the shared matrices through every step
k ≤ t. What E_t adds to a gradient through step k is one term of a triangle, the *credit* C[t, k]::

    dE/dW = Σ_t Σ_{k ≤ t} δ_{t,k} s_{k-1}ᵀ      dE/dU = Σ_t Σ_{k ≤ t} δ_{t,k} x_kᵀ
    δ_{t,t} = (Vᵀ (ŷ_t - y_t)) ⊙ (1 - s_t²)      δ_{t,k-1} = (Wᵀ δ_{t,k}) ⊙ (1 - s_{k-1}²)

Truncation keeps a part of the triangle; which part is said by a horizon (see ``truncation.py``).
dE/dV needs no sum over k and is the same for every truncation.

Sources: Werbos (1990), "Backpropagation through time"; Williams & Peng (1990) for truncation.
"""

import math

import numpy as np

from .rnn import Params, hidden_states, is_tokens, require_integer, times, validate
from .truncation import chunk_horizon, validate_horizon


def bptt(params, x, y, s_init=None):
    """The gradient of the whole loss, in one backward sweep.

    Parameters
    ----------
    params : Params
    x : ndarray
        Tokens (T,) or (T, B), or real vectors (T, D) or (T, B, D).
    y : ndarray of int of shape (T,) or (T, B)
    s_init : ndarray of shape (H,) or (B, H), optional

    Returns
    -------
    Params
        dE/dU, dE/dW and dE/dV, summed over steps and sequences.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    return loss_and_bptt(params, x, y, s_init)[1]


def loss_and_bptt(params, x, y, s_init=None):
    """The loss and its gradient, from one forward pass.

    Beside its results it holds two arrays of T·B·H numbers (states and deltas), one of T·B·C
    (errors), and about 2¹⁷ numbers, whatever the sizes (the slopes of the steps at work).

    Parameters
    ----------
    params, x, y, s_init
        As in `bptt`.

    Returns
    -------
    loss : scalar
        E, in nats, as `loss` computes it.
    gradient : Params
        As `bptt` computes it.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    s, error, losses = _forward(params, x, y, s_init)
    delta, _ = _backward_sweep(params.W, s, times(error, params.V))
    return losses.sum(), _gradients(params, x, s, error, delta)


def checkpointed_bptt(params, x, y, segment=None, s_init=None):
    """The whole gradient in less memory: keep a state every `segment` steps, and redo the rest.

    The sweep comes back segment by segment, and before each of them the forward pass runs through
    that segment again. It holds B·H·T/segment numbers for the kept states and B·(2H + C)·segment
    for the segment at work, so about √T times B·(3H + C) where `bptt` needs T times B·(2H + C). The
    price is a second forward pass.

    Parameters
    ----------
    params, x, y, s_init
        As in `bptt`.
    segment : int, optional
        Steps between two kept states, at least 1; √T, rounded up, when left out.

    Returns
    -------
    Params
        As `bptt` computes it, to rounding.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.

    Notes
    -----
    Source: Chen, Xu, Zhang & Guestrin (2016), "Training deep nets with sublinear memory cost".
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    if segment is None:
        segment = math.ceil(math.sqrt(len(x)))
    require_integer("segment", segment, minimum=1)
    segments = [slice(start, start + segment) for start in range(0, len(x), segment)]
    kept = [s_init]
    for steps in segments[:-1]:
        s = hidden_states(params, x[steps], kept[-1])[1]
        kept.append(s[-1].copy())  # a view would keep the whole segment alive
    gradient, from_later = Params(0, 0, 0), 0
    while segments:
        steps = segments.pop()
        s, error, _ = _forward(params, x[steps], y[steps], kept.pop())
        injected = times(error, params.V)
        injected[-1] += from_later  # what comes back over the border from the segment after
        delta, from_later = _backward_sweep(params.W, s, injected)
        gradient = Params(*map(np.add, gradient, _gradients(params, x[steps], s, error, delta)))
    return gradient


def windowed_bptt(params, x, y, window, s_init=None):
    """The gradient in which every loss reaches `window` hops back: window + 1 contributions each.

    All losses go back together, one lag at a time, so there is no loop over t.

    Parameters
    ----------
    params, x, y, s_init
        As in `bptt`.
    window : int
        τ ≥ 0. Any τ ≥ T - 1 gives the whole gradient.

    Returns
    -------
    Params

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    require_integer("window", window, minimum=0)
    params, x, s_init, y = validate(params, x, y, s_init)
    if window >= len(x) - 1:
        return bptt(params, x, y, s_init)
    s, error, _ = _forward(params, x, y, s_init)
    total = np.zeros(s[1:].shape, error.dtype)  # Σ_t δ_{t,k}: what all losses send into step k
    for delta in _lags(params, s, error, window):
        total[: len(delta)] += delta
    return _gradients(params, x, s, error, total)


def chunked_bptt(params, x, y, k1, k2=None, s_init=None):
    """The gradient of a framework's loop: every `k1` steps, go back `k2` steps.

    The sequence is cut into chunks of `k1` steps. At the end of each chunk its own losses (and no
    others) are sent back over the last `k2` steps. With k1 = k2 nothing crosses a chunk's border;
    with k2 > k1 the sweep goes on into the chunks before; with k1 = 1 it is `windowed_bptt` with
    window k2 - 1. A last chunk of fewer than k1 steps ends with the sequence.

    Parameters
    ----------
    params, x, y, s_init
        As in `bptt`.
    k1 : int
        Steps between two backward sweeps, at least 1.
    k2 : int, optional
        Steps that a sweep covers, counted from the chunk's last; at least `k1`, and `k1` when left
        out.

    Returns
    -------
    Params

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    horizon = chunk_horizon(len(x), k1, k2)
    s, error, _ = _forward(params, x, y, s_init)
    injected = times(error, params.V)
    total = np.zeros_like(injected)
    for start in range(0, len(x), k1):
        first, end = horizon[start], min(start + k1, len(x))
        from_chunk = injected[first:end].copy()
        from_chunk[: start - first] = 0  # earlier losses had their own sweep
        total[first:end] += _backward_sweep(params.W, s[first : end + 1], from_chunk)[0]
    return _gradients(params, x, s, error, total)


def bptt_every_window(params, x, y, s_init=None):
    """The gradients for *all* windows in one pass: lag by lag, and then a cumulative sum.

    Parameters
    ----------
    params, x, y, s_init
        As in `bptt`.

    Returns
    -------
    Params
        Arrays with one axis more, of length T, in front: ``U[tau]`` is the gradient for window tau,
        and ``U[T - 1]`` is the whole gradient. ``V`` is the same for every window.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    s, error, _ = _forward(params, x, y, s_init)
    T = len(x)
    dU = np.empty((T, *params.U.shape), error.dtype)
    dW = np.empty((T, *params.W.shape), error.dtype)
    for lag, delta in enumerate(_lags(params, s, error, T - 1)):
        dU[lag] = _input_gradient(delta, x[: T - lag], params.U)
        dW[lag] = _sum_of_outer(delta, s[: T - lag])
    dV = np.broadcast_to(_sum_of_outer(error, s[1:]), (T, *params.V.shape))
    return Params(dU.cumsum(axis=0, out=dU), dW.cumsum(axis=0, out=dW), dV.copy())


def credit_deltas(params, x, y, s_init=None):
    """Every δ_{t,k} = ∂E_t/∂a_k: the share of the loss at t that reaches step k.

    Parameters
    ----------
    params, x, y, s_init
        As in `bptt`.

    Returns
    -------
    ndarray of shape (T, T, H) or (T, T, B, H)
        ``[t, k]``; zero where k > t, since the future cannot be blamed on the past.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    s, error, _ = _forward(params, x, y, s_init)
    return _triangle(params, s, error)


def credit(params, x, y, s_init=None):
    """The credit triangle C[t, k]: what the loss at t adds to each gradient through step k.

    Any gradient of this module is a masked sum of it: all of it is `bptt`, a band a window, blocks
    are chunks.

    Parameters
    ----------
    params, x, y, s_init
        As in `bptt`.

    Returns
    -------
    Params
        Arrays of shape (T, T, H, D), (T, T, H, H) and (T, T, C, H), indexed ``[t, k]`` and summed
        over sequences; zero where k > t. V has credit only where k = t.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    s, error, _ = _forward(params, x, y, s_init)
    deltas = _triangle(params, s, error)
    T = len(x)
    if s.ndim == 2:  # give a single sequence its batch axis, so that one formula serves both
        deltas, s, error, x = deltas[:, :, None], s[:, None], error[:, None], x[:, None]
    inputs = np.eye(params.U.shape[1], dtype=s.dtype)[x] if is_tokens(x) else x
    C_V = np.zeros((T, T, *params.V.shape), error.dtype)
    C_V[np.arange(T), np.arange(T)] = error.swapaxes(1, 2) @ s[1:]
    deltas = deltas.swapaxes(2, 3)
    return Params(U=deltas @ inputs, W=deltas @ s[:-1], V=C_V)


def bptt_double_loop(params, x, y, s_init=None, horizon=None):
    """The specification: for every loss, walk back to its horizon and add each contribution.

    It is written as plainly as possible, for one sequence, and follows the double loop of Britz
    (2015); every other gradient here is tested against it.

    Parameters
    ----------
    params : Params
    x : ndarray
        Tokens (T,) or real vectors (T, D).
    y : ndarray of int of shape (T,)
    s_init : ndarray of shape (H,), optional
    horizon : sequence of int of length T, optional
        The first step that each loss reaches; all zeros (no truncation) when left out.

    Returns
    -------
    Params

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    if s_init.ndim != 1:
        raise ValueError(f"x must be one sequence here, not a batch of shape {x.shape}")
    T = len(x)
    horizon = validate_horizon(np.zeros(T, int) if horizon is None else horizon, T)
    U, W, V = params
    s, error, _ = _forward(params, x, y, s_init)
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    for t in reversed(range(T)):
        dV += np.outer(error[t], s[t + 1])
        delta = (V.T @ error[t]) * (1 - s[t + 1] ** 2)  # δ_{t,t}
        for k in range(t, horizon[t] - 1, -1):
            if k < t:
                delta = (W.T @ delta) * (1 - s[k + 1] ** 2)  # δ_{t,k} from δ_{t,k+1}
            if is_tokens(x):
                dU[:, x[k]] += delta  # the outer product with a one-hot vector
            else:
                dU += np.outer(delta, x[k])
            dW += np.outer(delta, s[k])  # s[k] is s_{k-1}
    return Params(dU, dW, dV)


def _forward(params, x, y, s_init):
    """What the backward pass starts from.

    Returns
    -------
    s : ndarray of shape (T + 1, H) or (T + 1, B, H)
        States.
    error : ndarray of shape (T, C) or (T, B, C)
        ŷ_t - y_t, with y_t one-hot.
    losses : ndarray of shape (T·B,)
        E_t.
    """
    s = hidden_states(params, x, s_init)[1]  # no name for a, so that its memory is free again
    z = times(s[1:], params.V.T)
    rows = _rows(z)  # a view: what is done to the rows is done to z
    target = np.arange(len(rows)), y.ravel()
    # softmax and cross-entropy share their exponentials, and each step reuses the memory of z
    rows -= rows.real.max(axis=-1, keepdims=True)
    losses = -rows[target]
    np.exp(rows, out=rows)
    total = rows.sum(axis=-1, keepdims=True)
    losses += np.log(total[:, 0])  # E_t = log Σ_c exp(z_t[c]) - z_t[y_t]
    rows /= total
    rows[target] -= 1  # ŷ_t - y_t
    return s, z, losses


def _backward_sweep(W, s, injected):
    """Σ_t δ_{t,k} for every k: each step adds its own loss to what comes back from the next.

    Returns
    -------
    delta : ndarray
        In the place of `injected`.
    from_first : ndarray
        Wᵀ δ of the first step: what goes on to the step before it.
    """
    delta = injected
    W = np.ascontiguousarray(W)
    from_next = np.zeros_like(delta[-1])
    block = max(1, 2**16 // from_next.size)  # the slopes of so many steps stay in the cache
    for end in range(len(delta), 0, -block):
        steps = slice(max(0, end - block), end)
        slope = 1 - s[1:][steps] ** 2
        for delta_k, slope_k in zip(delta[steps][::-1], slope[::-1], strict=True):
            delta_k += from_next
            delta_k *= slope_k  # δ_k = (Vᵀ e_k + Wᵀ δ_{k+1}) ⊙ (1 - s_k²)
            np.dot(delta_k, W, out=from_next)
    return delta, from_next


def _lags(params, s, error, last):
    """Yield, for lag 0..last, all δ_{k+lag,k} at once: row k is the share that reaches step k.

    A yielded array is overwritten after the next one, as two buffers take turns.
    """
    W = np.ascontiguousarray(params.W)
    slope = 1 - s[1:] ** 2
    delta = times(error, params.V)
    delta *= slope
    yield delta
    spare = np.empty_like(delta)
    for _ in range(last):
        delta, spare = spare[: len(delta) - 1], delta
        np.dot(_rows(spare[1:]), W, out=_rows(delta))  # every loss takes one hop back
        delta *= slope[: len(delta)]
        yield delta


def _triangle(params, s, error):
    """All δ_{t,k}, as `credit_deltas` returns them."""
    T = len(error)
    deltas = np.zeros((T, *s[1:].shape), error.dtype)
    for lag, delta in enumerate(_lags(params, s, error, T - 1)):
        deltas[np.arange(lag, T), np.arange(T - lag)] = delta
    return deltas


def _gradients(params, x, s, error, delta):
    """The three sums of outer products, from Σ_t δ_{t,k} and the error of each step."""
    return Params(
        U=_input_gradient(delta, x, params.U),
        W=_sum_of_outer(delta, s[:-1]),
        V=_sum_of_outer(error, s[1:]),
    )


def _input_gradient(delta, x, U):
    if not is_tokens(x):
        return _sum_of_outer(delta, x)
    H, D = U.shape
    rows, tokens = _rows(delta), x.ravel().astype(np.intp)  # no index may overflow
    dU = np.zeros((D, H), delta.dtype)
    if x.size > 8 * D:  # every token comes often: sum its rows, two to eight times faster
        order = np.argsort(tokens)
        borders = np.searchsorted(tokens[order], np.arange(D + 1))
        for token in range(D):
            dU[token] = rows[order[borders[token] : borders[token + 1]]].sum(axis=0)
        return dU.T
    flat, unit = dU.ravel(), np.arange(H)  # np.add.at is several times faster on a flat array
    for start in range(0, len(rows), 1024):
        some = slice(start, start + 1024)
        # a token may come more than once; += would keep only its last visit
        np.add.at(flat, (tokens[some, None] * H + unit).ravel(), rows[some].ravel())
    return dU.T


def _sum_of_outer(left, right):
    """Σ over steps (and sequences) of left ⊗ right, as one matrix product."""
    return _rows(left).T @ _rows(right)


def _rows(array):
    """All vectors of all steps and sequences as the rows of one matrix."""
    return array.reshape(-1, array.shape[-1])
