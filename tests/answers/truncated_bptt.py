"""Answers to the exercises of unit 04-truncated-bptt, right and wrong."""

import numpy as np

RIGHT = {}
WRONG = {}


def lag(T):
    return np.arange(T)[:, None] - np.arange(T)[None, :]


def one_hot(y, n_classes):
    return np.eye(n_classes)[y]


# Masks


def window_by_loops(n_steps, window):
    mask = np.zeros((n_steps, n_steps), dtype=bool)
    for t in range(n_steps):
        for k in range(max(0, t - window), t + 1):
            mask[t, k] = True
    return mask


def chunks_by_loops(n_steps, k1):
    mask = np.zeros((n_steps, n_steps), dtype=bool)
    for start in range(0, n_steps, k1):
        for t in range(start, min(start + k1, n_steps)):
            mask[t, start : t + 1] = True
    return mask


RIGHT["window_mask"] = [
    window_by_loops,
    lambda n_steps, window: (
        np.tri(n_steps, dtype=bool) & ~np.tri(n_steps, k=-window - 1, dtype=bool)
    ),
    lambda n_steps, window: np.isin(lag(n_steps), np.arange(window + 1)),
]
WINDOWS = {
    "T1 too narrow": lambda T, w: (lag(T) >= 0) & (lag(T) < w),
    "T1 too wide": lambda T, w: (lag(T) >= 0) & (lag(T) <= w + 1),
    "T2 tail only": lambda T, w: (lag(T) >= 0) & (np.arange(T) >= T - 1 - w)[None, :],
    "T3 chunks of window + 1": lambda T, w: chunks_by_loops(T, w + 1),
    "T5 everything": lambda T, w: lag(T) >= 0,
    "T11 turned over": lambda T, w: window_by_loops(T, w).T,
    "T12 future kept": lambda T, w: abs(lag(T)) <= w,
    "T13 own step left out": lambda T, w: (lag(T) > 0) & (lag(T) <= w),
    "first row only": lambda T, w: window_by_loops(T, w) & (np.arange(T) == 0)[:, None],
}
WRONG["window_mask"] = {
    **WINDOWS,
    "T9 negative start wraps": lambda T, w: np.array(
        [[k in range(T)[t - w : t + 1] for k in range(T)] for t in range(T)]
    ),
    "inverted": lambda T, w: ~window_by_loops(T, w),
}
RIGHT["chunk_mask"] = [
    chunks_by_loops,
    lambda n_steps, k1: (
        np.tri(n_steps, dtype=bool)
        & np.equal.outer(np.arange(n_steps) // k1, np.arange(n_steps) // k1)
    ),
    lambda n_steps, k1: np.array(
        [[t - t % k1 <= k <= t for k in range(n_steps)] for t in range(n_steps)]
    ),
]
CHUNKS = {
    "T3b window": lambda T, k1: (lag(T) >= 0) & (lag(T) < k1),
    "T3c borders one off": lambda T, k1: (
        (lag(T) >= 0) & np.equal.outer((np.arange(T) + 1) // k1, (np.arange(T) + 1) // k1)
    ),
    "T3d counted from the end": lambda T, k1: chunks_by_loops(T, k1).T[::-1, ::-1],
    "T5 everything": lambda T, k1: lag(T) >= 0,
    "T11 turned over": lambda T, k1: chunks_by_loops(T, k1).T,
    "chunks one too long": lambda T, k1: chunks_by_loops(T, k1 + 1),
}
WRONG["chunk_mask"] = {
    **CHUNKS,
    "T12 future kept": lambda T, k1: np.equal.outer(np.arange(T) // k1, np.arange(T) // k1),
}


def masked_by_loops(credit_W, mask):
    total = np.zeros(credit_W.shape[2:])
    for t in range(len(mask)):
        for k in range(len(mask)):
            if mask[t, k]:
                total += credit_W[t, k]
    return total


RIGHT["masked_gradient"] = [
    masked_by_loops,
    lambda credit_W, mask: np.einsum("tkij,tk->ij", credit_W, mask.astype(float)),
    lambda credit_W, mask: (credit_W * mask[:, :, None, None]).sum(axis=(0, 1)),
    lambda credit_W, mask: np.tensordot(mask.astype(float), credit_W, axes=2),
]
WRONG["masked_gradient"] = {
    "mask transposed": lambda credit_W, mask: credit_W[mask.T].sum(axis=0),
    "mask inverted": lambda credit_W, mask: credit_W[~mask].sum(axis=0),
    "no mask": lambda credit_W, mask: credit_W.sum(axis=(0, 1)),
    "mean": lambda credit_W, mask: credit_W[mask].mean(axis=0),
    "W24 transposed": lambda credit_W, mask: credit_W[mask].sum(axis=0).T,
    "not summed": lambda credit_W, mask: credit_W[mask],
}


# Truncated gradients


def double_loop(weights_of, slip=None):
    """The double loop, with the weight of every term given by a function of (T, length)."""

    def answer(params, x, y, s, y_hat, length):
        U, W, V = params
        T = len(y)
        weights = np.asarray(weights_of(T, length), dtype=float)
        dU, dW = np.zeros_like(U), np.zeros_like(W)
        for t in range(T):
            error = y_hat[t] - one_hot(y[t], len(V))
            delta = (V.T @ (-error if slip == "V2" else error)) * (1 - s[t + 1] ** 2)
            for k in range(t, -1, -1):
                dU[:, x[k]] += weights[t, k] * delta
                before = {"W18": s[k + 1], "W22": s[k] * (k > 0)}.get(slip, s[k])
                dW += weights[t, k] * np.outer(delta, before)
                slope = np.ones_like(s[k]) if slip == "W7" else 1 - s[k] ** 2
                delta = ((W if slip == "W14" else W.T) @ delta) * slope
        return (dU, dW.T) if slip == "W24" else (dU, dW)

    return answer


def windowed_by_lags(params, x, y, s, y_hat, window):
    U, W, V = params
    T = len(y)
    slope = 1 - s[1:] ** 2
    delta = ((y_hat - one_hot(y, len(V))) @ V) * slope
    total = delta.copy()
    for hop in range(1, min(window, T - 1) + 1):
        delta = (delta[1:] @ W) * slope[:-hop]
        total[:-hop] += delta
    dU = np.zeros_like(U)
    np.add.at(dU.T, x, total)
    return dU, total.T @ s[:-1]


def windowed_forward_in_time(params, x, y, s, y_hat, window):
    """Each loss by forward accumulation from the frozen state at the start of its window."""
    U, W, V = params
    H, D = U.shape
    dU, dW = np.zeros_like(U), np.zeros_like(W)
    for t in range(len(y)):
        by_U, by_W = np.zeros((H, H, D)), np.zeros((H, H, H))
        for k in range(max(0, t - window), t + 1):
            slope = 1 - s[k + 1] ** 2
            by_U = np.einsum("i,ij,jkl->ikl", slope, W, by_U)
            by_W = np.einsum("i,ij,jkl->ikl", slope, W, by_W)
            for i in range(H):
                by_U[i, i, x[k]] += slope[i]
                by_W[i, i] += slope[i] * s[k]
        arriving = V.T @ (y_hat[t] - one_hot(y[t], len(V)))
        dU += np.einsum("i,ikl->kl", arriving, by_U)
        dW += np.einsum("i,ikl->kl", arriving, by_W)
    return dU, dW


def chunk_by_chunk(params, x, y, s, y_hat, k1):
    U, W, V = params
    dU, dW = np.zeros_like(U), np.zeros_like(W)
    for start in range(0, len(y), k1):
        delta = np.zeros(len(W))
        for t in range(min(start + k1, len(y)) - 1, start - 1, -1):
            error = y_hat[t] - one_hot(y[t], len(V))
            delta = (error @ V + delta @ W) * (1 - s[t + 1] ** 2)
            dU[:, x[t]] += delta
            dW += np.outer(delta, s[t])
    return dU, dW


def overlapping(T, w):
    return [
        [max(0, min(k + w, T - 1) - t + 1) if k <= t else 0 for k in range(T)] for t in range(T)
    ]


def compensated(T, w):
    band = window_by_loops(T, w).astype(float)
    return band * (np.arange(1, T + 1) / band.sum(axis=1))[:, None]


RIGHT["windowed_bptt"] = [
    double_loop(window_by_loops),
    windowed_by_lags,
    windowed_forward_in_time,
]
TIME_SLIPS = {
    "V2 sign": "V2",
    "W7 no slope on hops": "W7",
    "W14 W for its transpose": "W14",
    "W18 dW with s_k": "W18",
    "W22 initial state as zero": "W22",
    "W24 dW transposed": "W24",
}
WRONG["windowed_bptt"] = {
    **{label: double_loop(weights) for label, weights in WINDOWS.items() if label[:3] != "T12"},
    **{label: double_loop(window_by_loops, slip) for label, slip in TIME_SLIPS.items()},
    "T4 overlapping windows": double_loop(overlapping),
    "T10 scaled up": double_loop(compensated),
    "W1 immediate only": double_loop(lambda T, w: np.eye(T)),
    "W2 last loss only": double_loop(
        lambda T, w: window_by_loops(T, w) & (np.arange(T) == T - 1)[:, None]
    ),
}
RIGHT["chunked_bptt"] = [
    double_loop(chunks_by_loops),
    chunk_by_chunk,
    lambda params, x, y, s, y_hat, k1: tuple(
        sum(parts)
        for parts in zip(
            *(
                windowed_by_lags(
                    params, x[i : i + k1], y[i : i + k1], s[i : i + k1 + 1], y_hat[i : i + k1], k1
                )
                for i in range(0, len(y), k1)
            )
        )
    ),
]
WRONG["chunked_bptt"] = {
    **{label: double_loop(weights) for label, weights in CHUNKS.items()},
    **{label: double_loop(chunks_by_loops, slip) for label, slip in TIME_SLIPS.items()},
    "last chunk only": double_loop(
        lambda T, k1: chunks_by_loops(T, k1) & (np.arange(T) // k1 == (T - 1) // k1)[:, None]
    ),
}


# Its own loss


def frozen(slip=None):
    def answer(params, x, y, s_base, window):
        U, W, V = params
        total = []
        for t in range(len(y)):
            first = max(0, t - window + {"T14": 1, "T14b": -1}.get(slip, 0))
            if slip == "T15":
                first = 0
            s = {"T16": s_base[first + 1], "T17": 0 * s_base[0]}.get(slip, s_base[first])
            for k in range(first, t + 1):
                a = U[:, x[k]] + (W.T if slip == "F4" else W) @ s
                s = a if slip == "F1" else np.tanh(a)
            if slip == "base states":
                s = s_base[t + 1]
            z = V @ s
            E = np.log(np.exp(z).sum()) - z[y[t]]
            total.append(-E if slip == "F10" else E)
        return np.mean(total) if slip == "F11" else sum(total)

    return answer


def frozen_recursive(params, x, y, s_base, window):
    def state(first, k):
        before = s_base[first] if k == first else state(first, k - 1)
        return np.tanh(params.U[:, x[k]] + params.W @ before)

    z = np.array([params.V @ state(max(0, t - window), t) for t in range(len(y))])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).sum()


def frozen_side_by_side(params, x, y, s_base, window):
    """All runs at once, hop by hop."""
    T = len(y)
    first = np.maximum(np.arange(T) - window, 0)
    s = s_base[first].copy()
    for hop in range(window + 1):
        k = first + hop
        running = k <= np.arange(T)
        s[running] = np.tanh(params.U.T[x[k[running]]] + s[running] @ params.W.T)
    z = s @ params.V.T
    return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(T), y]).sum()


RIGHT["frozen_state_loss"] = [frozen(), frozen_recursive, frozen_side_by_side]
WRONG["frozen_state_loss"] = {
    "F1 no tanh": frozen("F1"),
    "F4 W transposed": frozen("F4"),
    "F10 sign": frozen("F10"),
    "F11 mean": frozen("F11"),
    "T14 window too narrow": frozen("T14"),
    "T14 window too wide": frozen("T14b"),
    "T15 nothing frozen": frozen("T15"),
    "T16 frozen one row late": frozen("T16"),
    "T17 state reset": frozen("T17"),
    "everything frozen": frozen("base states"),
}


# Every window


def every_window(slip=None):
    def answer(params, s, error):
        T = len(error)
        slope = 1 - s[1:] ** 2
        delta = (error @ params.V) * slope
        by_lag = [delta.T @ s[:-1]]
        for hop in range(1, T):
            arriving = delta[1:] @ (params.W.T if slip == "W14" else params.W)
            at = {"W7": 1, "W8": slope[1 : T - hop + 1]}.get(slip, slope[:-hop])
            delta = arriving * at
            met = {"W18": s[1 : T - hop + 1], "W19": s[hop:T]}.get(slip, s[: T - hop])
            by_lag.append(delta.T @ met)
        if slip == "no sum":
            return np.array(by_lag)
        if slip == "from the far end":
            return np.cumsum(by_lag[::-1], axis=0)
        if slip == "W24":
            return np.cumsum(by_lag, axis=0).transpose(0, 2, 1)
        return np.cumsum(by_lag, axis=0)

    return answer


def every_window_by_loops(params, s, error):
    T = len(error)
    dW = np.zeros((T, *params.W.shape))
    for t in range(T):
        delta = (params.V.T @ error[t]) * (1 - s[t + 1] ** 2)
        for hop in range(t + 1):
            dW[hop:] += np.outer(delta, s[t - hop])
            delta = (params.W.T @ delta) * (1 - s[t - hop] ** 2)
    return dW


def every_window_einsum(params, s, error):
    T, H = len(error), s.shape[1]
    deltas = np.zeros((T, T, H))
    for t in range(T):
        deltas[t, t] = (error[t] @ params.V) * (1 - s[t + 1] ** 2)
        for k in range(t - 1, -1, -1):
            deltas[t, k] = (deltas[t, k + 1] @ params.W) * (1 - s[k + 1] ** 2)
    masks = np.array([window_by_loops(T, window) for window in range(T)], dtype=float)
    return np.einsum("wtk,tki,kj->wij", masks, deltas, s[:-1])


RIGHT["every_window_w"] = [every_window(), every_window_by_loops, every_window_einsum]
WRONG["every_window_w"] = {
    "W7 no slope on hops": every_window("W7"),
    "W8 slope one step late": every_window("W8"),
    "W14 W for its transpose": every_window("W14"),
    "W18 dW with s_k": every_window("W18"),
    "W19 dW with the state of the loss's step": every_window("W19"),
    "W24 transposed": every_window("W24"),
    "T18 lags not summed": every_window("no sum"),
    "summed from the far end": every_window("from the far end"),
}


RIGHT["mend_case_3"] = RIGHT["windowed_bptt"]
WRONG["mend_case_3"] = WRONG["windowed_bptt"]
RIGHT["blind_window"] = [
    lambda n_steps: n_steps,
    lambda n_steps: np.int64(n_steps),
    lambda n_steps: next(w for w in range(99) if w > n_steps - 1),
]
WRONG["blind_window"] = {
    "one too few": lambda n_steps: n_steps - 1,
    "one too many": lambda n_steps: n_steps + 1,
    "no number": lambda n_steps: "T",
    "a fraction": lambda n_steps: float(n_steps),
    "negative": lambda n_steps: -1,
}
