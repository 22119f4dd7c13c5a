"""The gradients: backpropagation through time, whole, windowed and in chunks.

The loss is a sum over steps t, and each E_t depends on the shared matrices through every step
k ≤ t. What E_t adds to a gradient through step k is one term of a triangle, the *credit* C[t, k]::

    dE/dW = Σ_t Σ_{k ≤ t} δ_{t,k} s_{k-1}ᵀ      dE/dU = Σ_t Σ_{k ≤ t} δ_{t,k} x_kᵀ
    δ_{t,t} = (Vᵀ (ŷ_t - y_t)) ⊙ (1 - s_t²)      δ_{t,k-1} = (Wᵀ δ_{t,k}) ⊙ (1 - s_{k-1}²)

Truncation keeps a part of the triangle; which part is said by a horizon (see ``truncation.py``).
dE/dV needs no sum over k and is the same for every truncation.

Sources: Werbos (1990), "Backpropagation through time"; Williams & Peng (1990) for truncation.
"""

import numpy as np

from .rnn import Params, is_tokens, require_integer, run, validate
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
    params, x, s_init, y = validate(params, x, y, s_init)
    s, error = _forward_and_error(params, x, y, s_init)
    delta = _backward_sweep(params.W, error @ params.V, 1 - s[1:] ** 2)
    return _gradients(params, x, s, error, delta)


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
    s, error = _forward_and_error(params, x, y, s_init)
    total = np.zeros_like(s[1:])  # Σ_t δ_{t,k}: what all losses together send into step k
    for lag, delta in enumerate(_lags(params, s, error, window)):
        total[: len(total) - lag] += delta
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
    s, error = _forward_and_error(params, x, y, s_init)
    injected, slope = error @ params.V, 1 - s[1:] ** 2
    total = np.zeros_like(injected)
    for start in range(0, len(x), k1):
        first, end = horizon[start], min(start + k1, len(x))
        from_chunk = injected[first:end].copy()
        from_chunk[: start - first] = 0  # earlier losses had their own sweep
        total[first:end] += _backward_sweep(params.W, from_chunk, slope[first:end])
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
    s, error = _forward_and_error(params, x, y, s_init)
    T = len(x)
    dU = np.empty((T, *params.U.shape), s.dtype)
    dW = np.empty((T, *params.W.shape), s.dtype)
    for lag, delta in enumerate(_lags(params, s, error, T - 1)):
        dU[lag] = _input_gradient(delta, x[: T - lag], params.U)
        dW[lag] = _sum_of_outer(delta, s[: T - lag])
    dV = np.broadcast_to(_sum_of_outer(error, s[1:]), (T, *params.V.shape))
    return Params(dU.cumsum(axis=0), dW.cumsum(axis=0), dV.copy())


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
    s, error = _forward_and_error(params, x, y, s_init)
    T = len(x)
    deltas = np.zeros((T, *s[1:].shape), s.dtype)
    for lag, delta in enumerate(_lags(params, s, error, T - 1)):
        deltas[np.arange(lag, T), np.arange(T - lag)] = delta
    return deltas


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
    deltas = credit_deltas(params, x, y, s_init)
    params, x, s_init, y = validate(params, x, y, s_init)
    s, error = _forward_and_error(params, x, y, s_init)
    T = len(x)
    if s.ndim == 2:  # give a single sequence its batch axis, so that one formula serves both
        deltas, s, error, x = deltas[:, :, None], s[:, None], error[:, None], x[:, None]
    inputs = np.eye(params.U.shape[1])[x] if is_tokens(x) else x
    C_V = np.zeros((T, T, *params.V.shape), s.dtype)
    C_V[np.arange(T), np.arange(T)] = np.einsum("tbc,tbh->tch", error, s[1:])
    return Params(
        U=np.einsum("tkbh,kbd->tkhd", deltas, inputs),
        W=np.einsum("tkbh,kbj->tkhj", deltas, s[:-1]),
        V=C_V,
    )


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
    s, error = _forward_and_error(params, x, y, s_init)
    one_hot = np.eye(U.shape[1])
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    for t in reversed(range(T)):
        dV += np.outer(error[t], s[t + 1])
        delta = (V.T @ error[t]) * (1 - s[t + 1] ** 2)  # δ_{t,t}
        for k in range(t, horizon[t] - 1, -1):
            if k < t:
                delta = (W.T @ delta) * (1 - s[k + 1] ** 2)  # δ_{t,k} from δ_{t,k+1}
            dU += np.outer(delta, one_hot[x[k]] if is_tokens(x) else x[k])
            dW += np.outer(delta, s[k])  # s[k] is s_{k-1}
    return Params(dU, dW, dV)


def _forward_and_error(params, x, y, s_init):
    """States, and the error ŷ_t - y_t of every step (y_t one-hot)."""
    activations = run(params, x, s_init)
    error = activations.y_hat  # ours alone, so it can be turned into the error in place
    target = np.asarray(y)[..., None]
    np.put_along_axis(error, target, np.take_along_axis(error, target, axis=-1) - 1, axis=-1)
    return activations.s, error


def _backward_sweep(W, injected, slope):
    """Σ_t δ_{t,k} for every k: each step adds its own loss to what comes back from the next."""
    delta = np.empty_like(injected)
    delta[-1] = injected[-1] * slope[-1]
    for k in reversed(range(len(injected) - 1)):
        # δ_k = (Vᵀ(ŷ_k - y_k) + Wᵀδ_{k+1}) ⊙ (1 - s_k²)
        delta[k] = (injected[k] + delta[k + 1] @ W) * slope[k]
    return delta


def _lags(params, s, error, last):
    """Yield, for lag 0..last, all δ_{k+lag,k} at once: row k is the share that reaches step k."""
    slope = 1 - s[1:] ** 2
    delta = (error @ params.V) * slope
    yield delta
    for lag in range(1, last + 1):
        delta = (delta[1:] @ params.W) * slope[:-lag]  # every loss takes one hop back
        yield delta


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
    dU = np.zeros(U.shape[::-1], delta.dtype)
    np.add.at(dU, x, delta)  # a token may come more than once; += would keep only its last visit
    return dU.T


def _sum_of_outer(left, right):
    """Σ over steps (and sequences) of left ⊗ right, as one matrix product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
