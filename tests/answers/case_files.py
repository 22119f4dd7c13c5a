"""Answers to the exercises of unit 08-case-files, right and wrong."""

import numpy as np

from . import gradient_of_v, summed_gradients

RIGHT = {"mend_case_4": gradient_of_v.RIGHT["output_error"]}
WRONG = {"mend_case_4": gradient_of_v.WRONG["output_error"]}


def one_hot(y, n_classes):
    return np.eye(n_classes)[y]


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# Case 5: states and gradient from the parameters


def forward(params, x):
    s = [np.zeros(len(params.W))]
    for token in x:
        s.append(np.tanh(params.U[:, token] + params.W @ s[-1]))
    s = np.array(s)
    return s, softmax(s[1:] @ params.V.T)


def after_forward(gradient):
    def answer(params, x, y):
        s, y_hat = forward(params, x)
        return gradient(params, x, y, s, y_hat)[:2]

    return answer


def wrapped(params, x, y):
    U, W, V = params
    T = len(x)
    s = np.zeros((T, len(W)))
    for t in range(T):
        s[t] = np.tanh(U[:, x[t]] + W @ s[t - 1])
    error = softmax(s @ V.T) - one_hot(y, len(V))
    dU, dW, delta = np.zeros_like(U), np.zeros_like(W), np.zeros(len(W))
    for t in reversed(range(T)):
        delta = (V.T @ error[t] + W.T @ delta) * (1 - s[t] ** 2)
        dU[:, x[t]] += delta
        dW += np.outer(delta, s[t - 1])
    return dU, dW


def guarded(params, x, y):
    U, W, V = params
    T = len(x)
    s = np.zeros((T, len(W)))
    for t in range(T):
        s[t] = np.tanh(U[:, x[t]] + (W @ s[t - 1] if t else 0))
    error = softmax(s @ V.T) - one_hot(y, len(V))
    dU, dW, delta = np.zeros_like(U), np.zeros_like(W), np.zeros(len(W))
    for t in reversed(range(T)):
        delta = (V.T @ error[t] + W.T @ delta) * (1 - s[t] ** 2)
        dU[:, x[t]] += delta
        if t > 0:
            dW += np.outer(delta, s[t - 1])
    return dU, dW


RIGHT["mend_case_5"] = [
    guarded,
    after_forward(summed_gradients.gradient(double=True)),
    after_forward(summed_gradients.gradient()),
    after_forward(summed_gradients.lagged),
]
WRONG["mend_case_5"] = {
    "W21 wrapped": wrapped,
    "W1 immediate only": after_forward(summed_gradients.gradient("W1")),
    "W14 W for its transpose": after_forward(summed_gradients.gradient("W14")),
    "W18 dW with s_k": after_forward(summed_gradients.gradient("W18")),
}


# Case 6: one loss, at the end


def many_to_one(slip=None):
    def answer(params, x, target, s, y_hat):
        U, W, V = params
        error = y_hat - one_hot(target, len(V))
        if slip == "V2":
            error = -error
        dU, dW = np.zeros_like(U), np.zeros_like(W)
        delta = (V.T @ error) * (1 if slip == "W6" else 1 - s[-1] ** 2)
        for k in reversed(range(len(x))):
            dU[:, x[k]] += delta
            dW += np.outer(delta, s[k + 1 if slip == "W18" else k])
            if slip == "W1":
                break
            slope = 1 - s[k + 1 if slip == "W8" else k] ** 2
            delta = ((W if slip == "W14" else W.T) @ delta) * (1 if slip == "W7" else slope)
        return dU, dW, np.outer(error, s[-2 if slip == "V9" else -1])

    return answer


def many_to_one_by_jacobians(params, x, target, s, y_hat):
    U, W, V = params
    error = y_hat - one_hot(target, len(V))
    dU, dW, path = np.zeros_like(U), np.zeros_like(W), error @ V
    for k in range(len(x) - 1, -1, -1):
        slope = 1 - s[k + 1] ** 2
        dU += np.outer(path * slope, one_hot(x[k], U.shape[1]))
        dW += np.outer(path * slope, s[k])
        path = path @ (slope[:, None] * W)
    return dU, dW, error[:, None] * s[-1]


def many_to_one_recursive(params, x, target, s, y_hat):
    U, W, V = params
    error = y_hat - one_hot(target, len(V))

    def back(k, delta):
        if k < 0:
            return np.zeros_like(U), np.zeros_like(W)
        dU, dW = back(k - 1, (delta @ W) * (1 - s[k] ** 2))
        return dU + np.outer(delta, one_hot(x[k], U.shape[1])), dW + np.outer(delta, s[k])

    return *back(len(x) - 1, (error @ V) * (1 - s[-1] ** 2)), np.outer(error, s[-1])


RIGHT["mend_case_6"] = [many_to_one(), many_to_one_by_jacobians, many_to_one_recursive]
WRONG["mend_case_6"] = {
    f"{slip} {words}": many_to_one(slip)
    for slip, words in {
        "W14": "W for its transpose",
        "W1": "immediate only",
        "W6": "no first slope",
        "W7": "no slope on hops",
        "W8": "slope one step late",
        "W18": "dW with s_k",
        "V2": "sign",
        "V9": "dV with the state before",
    }.items()
}


# Case 7: the check


def ratios(a, n):
    with np.errstate(all="ignore"):
        return np.abs(a - n) / (np.abs(a) + np.abs(n))


def by_norm_of_all(a, n, rtol):
    if not np.isfinite(a).all() or not np.isfinite(n).all():
        return False
    return np.max(np.abs(a - n)) <= rtol * max(np.max(np.abs(a)), np.max(np.abs(n)))


def by_largest(a, n, rtol):
    off = np.max(np.abs(a - n))
    size = np.max(np.abs(np.stack([a, n])))
    return bool(np.isfinite(size)) and not off > rtol * size


RIGHT["mend_case_7"] = [
    by_norm_of_all,
    by_largest,
    lambda a, n, rtol: np.allclose(a, n, rtol=0, atol=rtol * np.abs(n).max()),
]
WRONG["mend_case_7"] = {
    "N2 not a number passes": lambda a, n, rtol: not (ratios(a, n) > rtol).any(),
    "N2 not a number passes, by the largest": lambda a, n, rtol: (
        not np.abs(a - n).max() > rtol * np.abs(n).max()
    ),
    "N2 zero against zero": lambda a, n, rtol: (ratios(a, n) <= rtol).all(),
    "N2 absolute": lambda a, n, rtol: np.abs(a - n).max() <= rtol,
    "each entry by its own size": lambda a, n, rtol: bool(
        (ratios(np.where(a == n, 1, a), np.where(a == n, 1, n)) <= rtol).all()
    ),
    "N2 sign lost": lambda a, n, rtol: by_norm_of_all(np.abs(a), np.abs(n), rtol),
    "always": lambda a, n, rtol: True,
    "never": lambda a, n, rtol: False,
    "exactly equal": lambda a, n, rtol: np.array_equal(a, n),
    "one per cent": lambda a, n, rtol: by_norm_of_all(a, n, 0.01),
    "a mean that hides": lambda a, n, rtol: np.abs((a - n).mean()) <= rtol,
    "N2 nan_to_num": lambda a, n, rtol: np.nan_to_num(ratios(a, n)).max() <= rtol,
}


# Cases 8 and 9: given what arrives from above


def sweep(slip=None):
    def answer(W, s, above):
        delta = above if slip == "F16" else above.copy()
        from_next = np.zeros(len(W))
        for k in reversed(range(len(above))):
            if slip == "W7":
                delta[k] = delta[k] * (1 - s[k + 1] ** 2) + from_next
            else:
                delta[k] += from_next
                delta[k] *= 1 - s[k + 1] ** 2
            from_next = (W if slip == "W14" else W.T) @ delta[k]
            if slip == "W1":
                from_next *= 0
        return delta

    return answer


def by_columns(W, s, above):
    total = above * (1 - s[1:] ** 2)
    moving = total
    for lag in range(1, len(above)):
        moving = (moving[1:] @ W) * (1 - s[1 : len(above) - lag + 1] ** 2)
        total[: len(above) - lag] += moving
    return total


def by_recursion(W, s, above):
    here = above[0] * (1 - s[1] ** 2)
    if len(above) == 1:
        return here[None]
    later = by_recursion(W, s[1:], above[1:])
    return np.vstack([here + (W.T @ later[0]) * (1 - s[1] ** 2), later])


for _case in ("mend_case_8", "mend_case_9"):
    RIGHT[_case] = [sweep(), by_columns, by_recursion]
    WRONG[_case] = {
        "W1 nothing handed on": sweep("W1"),
        "W7 no slope on hops": sweep("W7"),
        "W14 W for its transpose": sweep("W14"),
        "F16 in place": sweep("F16"),
        "W3 zeros": lambda W, s, above: np.zeros_like(above),
        "what came in": lambda W, s, above: above.copy(),
    }
