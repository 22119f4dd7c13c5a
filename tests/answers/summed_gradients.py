"""Answers to the exercises of unit 03-summed-gradients, right and wrong."""

import numpy as np

RIGHT = {}
WRONG = {}


def one_hot(y, n_classes):
    return np.eye(n_classes)[y]


def losses(z, y):
    return np.array([np.log(np.exp(row).sum()) - row[target] for row, target in zip(z, y)])


# A network with copies


def copies(slip=None):
    def answer(params, W_copies, x, y, s_init):
        s = np.zeros_like(s_init) if slip == "F3" else s_init
        total = []
        for t, (token, target) in enumerate(zip(x, y)):
            W = {"F18": W_copies[0], "F19": W_copies[t - 1], "params": params.W}.get(
                slip, W_copies[t]
            )
            if slip == "F4":
                W = W.T
            a = params.U[:, token] + W @ s
            new = a if slip == "F1" else (1 / (1 + np.exp(-a)) if slip == "F12" else np.tanh(a))
            z = params.V @ (s if slip == "F13" else new)
            if slip != "F2":
                s = new
            p = np.exp(z) / np.exp(z).sum()
            total.append(-np.log(p[token if slip == "F9" else target]))
        if slip == "F11":
            return np.mean(total)
        if slip == "last":
            return total[-1]
        return -sum(total) if slip == "F10" else sum(total)

    return answer


def copies_recursive(params, W_copies, x, y, s_init):
    if len(x) == 0:
        return 0.0
    s = np.tanh(params.U[:, x[0]] + W_copies[0] @ s_init)
    here = losses([params.V @ s], y[:1])[0]
    return here + copies_recursive(params, W_copies[1:], x[1:], y[1:], s)


def copies_all_logits(params, W_copies, x, y, s_init):
    s, states = s_init, []
    for W, column in zip(W_copies, params.U.T[x]):
        s = np.tanh(np.einsum("ij,j->i", W, s) + column)
        states.append(s)
    return losses(np.array(states) @ params.V.T, y).sum()


RIGHT["loss_with_copies"] = [copies(), copies_recursive, copies_all_logits]
WRONG["loss_with_copies"] = {
    "F1 no tanh": copies("F1"),
    "F2 state not carried": copies("F2"),
    "F3 initial state ignored": copies("F3"),
    "F4 W transposed": copies("F4"),
    "F9 input as target": copies("F9"),
    "F10 sign": copies("F10"),
    "F11 mean": copies("F11"),
    "F11 last loss only": copies("last"),
    "F12 sigmoid": copies("F12"),
    "F13 predicts from the state before": copies("F13"),
    "F18 first copy everywhere": copies("F18"),
    "F19 copies shifted": copies("F19"),
    "F20 params.W for the copies": copies("params"),
}


# One hop


RIGHT["state_jacobian"] = [
    lambda W, s_k: np.diag(1 - s_k**2) @ W,
    lambda W, s_k: np.einsum("i,ij->ij", 1 - s_k * s_k, W),
    lambda W, s_k: np.array([(1 - s) * (1 + s) * row for s, row in zip(s_k, W)]),
    lambda W, s_k: (W.T * (1 - s_k**2)).T,
]
WRONG["state_jacobian"] = {
    "W14 transposed": lambda W, s_k: ((1 - s_k**2)[:, None] * W).T,
    "W14 W transposed": lambda W, s_k: (1 - s_k**2)[:, None] * W.T,
    "W8 columns scaled": lambda W, s_k: W * (1 - s_k**2),
    "W5 no slope": lambda W, s_k: W.copy(),
    "W9 tanh twice": lambda W, s_k: (1 - np.tanh(s_k) ** 2)[:, None] * W,
    "W11 slope of the sigmoid": lambda W, s_k: (s_k * (1 - s_k))[:, None] * W,
    "W12 divided by the slope": lambda W, s_k: W / (1 - s_k**2)[:, None],
    "W13 square lost": lambda W, s_k: (1 - s_k)[:, None] * W,
    "W16 no W": lambda W, s_k: np.diag(1 - s_k**2),
    "a vector": lambda W, s_k: (1 - s_k**2) * W.sum(axis=1),
}


def last_loss(slip=None):
    def answer(params, x, y, s, y_hat):
        U, W, V = params
        T = len(y)
        error = y_hat[-1].copy()
        if slip == "V1":
            error[y[-1]] = 1
        elif slip != "V6":
            error[y[-1]] -= 1
        slope = {
            "W9": 1 - np.tanh(s) ** 2,
            "W11": s * (1 - s),
            "W13": 1 - s,
            "W5": np.ones_like(s),
        }.get(slip, 1 - s**2)
        delta = np.zeros((T, s.shape[1]))
        delta[-1] = V.T @ (-error if slip == "V2" else error)
        if slip != "W6":
            delta[-1] = delta[-1] * slope[-1]
        for k in reversed(range(T - 1)):
            back = {"W14": W, "W16": np.eye(len(W))}.get(slip, W.T) @ delta[k + 1]
            hop = {"W8": slope[k + 2], "W7": 1, "W17": slope[k + 1] ** 2, "early": slope[k]}.get(
                slip, slope[k + 1]
            )
            delta[k] = back * hop
        if slip == "W1":
            delta[:-1] = 0
        if slip == "reversed":
            return delta[::-1]
        return delta

    return answer


def last_loss_by_jacobians(params, x, y, s, y_hat):
    """Products of state Jacobians, built up from the right."""
    row = (y_hat[-1] - one_hot(y[-1], len(params.V))) @ params.V
    rows = []
    for s_k in s[:0:-1]:
        rows.insert(0, row * (1 - s_k**2))
        row = row @ (np.diag(1 - s_k**2) @ params.W)
    return np.array(rows)


def last_loss_recursive(params, x, y, s, y_hat):
    def share(k):
        if k == len(y) - 1:
            arriving = params.V.T @ (y_hat[k] - one_hot(y[k], len(params.V)))
        else:
            arriving = np.einsum("ij,i->j", params.W, share(k + 1))
        return arriving * (1 - s[k + 1] * s[k + 1])

    return np.stack([share(k) for k in range(len(y))])


def all_losses_deltas(params, x, y, s, y_hat):
    """δ of all losses, where that of the last one was asked for."""
    delta, total = np.zeros(len(params.W)), []
    for t in reversed(range(len(y))):
        error = y_hat[t] - one_hot(y[t], len(params.V))
        delta = (params.V.T @ error + params.W.T @ delta) * (1 - s[t + 1] ** 2)
        total.insert(0, delta)
    return np.array(total)


RIGHT["delta_last_loss"] = [last_loss(), last_loss_by_jacobians, last_loss_recursive]
WRONG["delta_last_loss"] = {
    "V1 = 1": last_loss("V1"),
    "V2 sign": last_loss("V2"),
    "V6 no target": last_loss("V6"),
    "W1 stops at once": last_loss("W1"),
    "W5 no slope": last_loss("W5"),
    "W6 no first slope": last_loss("W6"),
    "W7 no slope on hops": last_loss("W7"),
    "W8 slope one step late": last_loss("W8"),
    "W9 tanh twice": last_loss("W9"),
    "W11 slope of the sigmoid": last_loss("W11"),
    "W13 square lost": last_loss("W13"),
    "W14 W for its transpose": last_loss("W14"),
    "W16 no W": last_loss("W16"),
    "W17 slope twice": last_loss("W17"),
    "W8b slope one step early": last_loss("early"),
    "order of time turned": last_loss("reversed"),
    "all losses": all_losses_deltas,
}


RIGHT["backward_step"] = [
    lambda params, error_t, s_t, delta_next: (
        (error_t @ params.V + delta_next @ params.W) * (1 - s_t**2)
    ),
    lambda params, error_t, s_t, delta_next: (
        (np.concatenate([params.V, params.W]).T @ np.concatenate([error_t, delta_next]))
        * (1 + s_t)
        * (1 - s_t)
    ),
    lambda params, error_t, s_t, delta_next: np.array(
        [
            (sum(params.V[:, i] * error_t) + sum(params.W[:, i] * delta_next)) * (1 - s_t[i] ** 2)
            for i in range(len(s_t))
        ]
    ),
]
WRONG["backward_step"] = {
    "W14 W": lambda p, e, s, d: (p.V.T @ e + p.W @ d) * (1 - s**2),
    "W7 returned error outside": lambda p, e, s, d: (p.V.T @ e) * (1 - s**2) + p.W.T @ d,
    "W6 own error outside": lambda p, e, s, d: p.V.T @ e + (p.W.T @ d) * (1 - s**2),
    "W5 no slope": lambda p, e, s, d: p.V.T @ e + p.W.T @ d,
    "W1 nothing returned": lambda p, e, s, d: (p.V.T @ e) * (1 - s**2),
    "W2 own error missing": lambda p, e, s, d: (p.W.T @ d) * (1 - s**2),
    "W16 no W": lambda p, e, s, d: (p.V.T @ e + d) * (1 - s**2),
    "W9 tanh twice": lambda p, e, s, d: (p.V.T @ e + p.W.T @ d) * (1 - np.tanh(s) ** 2),
    "W13 square lost": lambda p, e, s, d: (p.V.T @ e + p.W.T @ d) * (1 - s),
    "difference": lambda p, e, s, d: (p.V.T @ e - p.W.T @ d) * (1 - s**2),
}


# All losses


def gradient(slip=None, double=False, with_v=False):
    """The plain double or single loop, with one slip in it."""

    def slopes(s):
        return {
            "W5": np.ones_like(s),
            "W8b": 1 - np.concatenate([s[:1], s[:-1]]) ** 2,
            "W9": 1 - np.tanh(s) ** 2,
            "W10": 1 - np.arctanh(s) ** 2,
            "W11": s * (1 - s),
            "W12": 1 / (1 - s**2),
            "W13": 1 - s,
        }.get(slip, 1 - s**2)

    def errors(y_hat, y):
        target = one_hot(y, y_hat.shape[1])
        if slip == "V1":
            return np.where(target == 1, 1, y_hat)
        if slip == "V3":
            return (y_hat - target) * y_hat * (1 - y_hat)
        if slip == "V5":
            return target * (y_hat - 1)
        if slip == "V8":
            wrong = y_hat.copy()
            wrong[:, y] -= 1
            return wrong
        scale = {"V2": -1, "V13": 2, "W36": 1 / len(y)}.get(slip, 1)
        return scale * (y_hat - (0 if slip == "V6" else 1) * target)

    def answer(params, x, y, s, y_hat):
        U, W, V = params
        T, slope, error = len(y), slopes(s), errors(y_hat, y)
        dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
        before = {
            "W18": s[1:],
            "W21": np.concatenate([s[-1:], s[1:-1]]),
            "W22": np.concatenate([0 * s[:1], s[1:-1]]),
        }.get(slip, s[:-1])
        back = {"W14": W, "W16": np.eye(len(W))}.get(slip, W.T)

        def hop(delta, k):
            """From step k + 1 to step k."""
            if slip == "W7":
                return back @ delta
            at = {"W8": slope[min(k + 2, T)], "W17": slope[k + 1] ** 2}.get(slip, slope[k + 1])
            return (back @ delta) * at / (T if slip == "W28" else 1)

        def enter(t):
            return (V.T @ error[t]) * (1 if slip == "W6" else slope[t + 1])

        if double:
            for t in range(T):
                delta = enter(t)
                for k in range(t, 0 if slip == "W23" else -1, -1):
                    if k < t:
                        delta = hop(delta, k)
                    if (slip == "W1" and k < t) or (slip == "W4" and k > 0):
                        continue
                    if slip == "W2" and t < T - 1:
                        continue
                    dU[:, x[t if slip == "W20" else k]] += delta
                    dW += np.outer(delta, before[t if slip == "W19" else k])
        else:
            delta = np.zeros(len(W))
            for t in reversed(range(T)):
                entering = enter(t) if slip != "W2" or t == T - 1 else 0
                returned = 0 if slip == "W1" or t == T - 1 else hop(delta, t)
                delta = entering + returned
                if slip == "W23" and t == 0:
                    break
                if slip == "W26":
                    dU[:, x[t]], dW[:] = delta, np.outer(delta, before[t])
                else:
                    dU[:, x[t]] += delta
                    dW += np.outer(delta, before[t])
        for t in range(T):
            dV += np.outer(error[t], s[t] if slip == "V9" else s[t + 1])
        if slip == "W24":
            dW = dW.T
        if slip == "W29":
            dU, dW = dU / T, dW / T
        if slip == "W30":
            dU, dW = -dU, -dW
        if slip == "W33":
            dU, dW, dV = (np.clip(g, -0.3, 0.3) for g in (dU, dW, dV))
        if slip == "V10":
            dV = np.outer(error[-1], s[-1])
        if slip == "V14":
            dV = dV / T
        if slip == "W35":
            return (dW, dU, dV) if with_v else (dW, dU)
        return (dU, dW, dV) if with_v else (dU, dW)

    return answer


def lagged(params, x, y, s, y_hat):
    """All losses take one hop together."""
    U, W, V = params
    error = y_hat - one_hot(y, len(V))
    slope = 1 - s[1:] ** 2
    delta = (error @ V) * slope
    total = delta.copy()
    for lag in range(1, len(y)):
        delta = (delta[1:] @ W) * slope[:-lag]
        total[:-lag] += delta
    dU = (one_hot(x, U.shape[1]).T @ total).T
    return dU, total.T @ s[:-1], np.einsum("tc,th->ch", error, s[1:])


def forward_in_time(params, x, y, s, y_hat):
    """Real-time recurrent learning: the derivatives of the state go along with it."""
    U, W, V = params
    H, D = U.shape
    ds_dU, ds_dW = np.zeros((H, H, D)), np.zeros((H, H, H))
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    for t in range(len(y)):
        jacobian = (1 - s[t + 1] ** 2)[:, None] * W
        ds_dU = np.einsum("ij,jkl->ikl", jacobian, ds_dU)
        ds_dW = np.einsum("ij,jkl->ikl", jacobian, ds_dW)
        for i in range(H):
            ds_dU[i, i, x[t]] += 1 - s[t + 1, i] ** 2
            ds_dW[i, i] += (1 - s[t + 1, i] ** 2) * s[t]
        error = y_hat[t] - one_hot(y[t], len(V))
        dU += np.einsum("i,ikl->kl", V.T @ error, ds_dU)
        dW += np.einsum("i,ikl->kl", V.T @ error, ds_dW)
        dV += np.outer(error, s[t + 1])
    return dU, dW, dV


def recursive(params, x, y, s, y_hat):
    U, W, V = params

    def sweep(t):
        if t == len(y):
            return np.zeros(len(W)), np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
        later, dU, dW, dV = sweep(t + 1)
        error = y_hat[t] - one_hot(y[t], len(V))
        delta = (error @ V + later @ W) * (1 - s[t + 1] ** 2)
        dU[:, x[t]] += delta
        return delta, dU, dW + np.outer(delta, s[t]), dV + np.outer(error, s[t + 1])

    return sweep(0)[1:]


def as_list_with_own_buffers(params, x, y, s, y_hat):
    gradients = [np.zeros_like(p) for p in params]
    errors = y_hat.copy()
    errors[np.arange(len(y)), y] -= 1
    delta = 0 * s[0]
    for t in range(len(y))[::-1]:
        delta = params.V.T.dot(errors[t]) + params.W.T.dot(delta)
        delta *= 1 - np.square(s[t + 1])
        gradients[0][:, x[t]] += delta
        gradients[1] += delta[:, None] * s[t][None, :]
        gradients[2] += errors[t][:, None] @ s[t + 1][None, :]
    return gradients


SLIPS = {
    "V1": "target set to 1",
    "V2": "sign of the error",
    "V3": "times y_hat (1 - y_hat)",
    "V5": "diagonal of the Jacobian only",
    "V6": "target forgotten",
    "V8": "1 subtracted in every target's column",
    "V13": "factor 2",
    "W1": "immediate only",
    "W2": "last loss only",
    "W5": "no slope",
    "W6": "no slope where the loss enters",
    "W7": "no slope on hops",
    "W8": "slope one step late",
    "W8b": "slope one row early",
    "W9": "tanh twice",
    "W10": "slope from the pre-activation",
    "W11": "slope of the sigmoid",
    "W12": "divided by the slope",
    "W13": "square lost",
    "W14": "W for its transpose",
    "W16": "no W",
    "W17": "slope twice on hops",
    "W18": "dW with s_k",
    "W21": "index wraps around",
    "W22": "initial state as zero",
    "W23": "stops before step 0",
    "W24": "dW transposed",
    "W28": "divided by T on every hop",
    "W29": "U and W averaged",
    "W30": "sign of U and W",
    "W33": "clipped",
    "W35": "wrong order",
    "W36": "averaged",
}


def zeros(params, x, y, s, y_hat):
    return tuple(np.zeros_like(p) for p in params)


def repeats_dropped(params, x, y, s, y_hat):
    dU, dW, dV = lagged(params, x, y, s, y_hat)
    delta = np.linalg.lstsq(s[:-1].T, dW.T, rcond=None)[0]
    totals = last_loss()(params, x, y, s, y_hat) * 0
    for t in range(len(y)):
        totals[: t + 1] += last_loss()(params, x[: t + 1], y[: t + 1], s[: t + 2], y_hat[: t + 1])
    assert delta.shape == totals.shape
    dU = np.zeros_like(dU)
    dU[:, x] += totals.T
    return dU, dW, dV


def seeds_listing(params, x, y, s, y_hat):
    """The seed's lines, index by index, on states that start with the initial one."""
    U, W, V = params
    dU, dW = np.zeros_like(U), np.zeros_like(W)
    for t in reversed(range(len(y))):
        delta = V.T.dot(y_hat[t] - one_hot(y[t], len(V))) * (1 - s[t] ** 2)
        for k in reversed(range(t + 1)):
            dW += np.outer(delta, s[k - 1])
            dU[:, x[k]] += delta
            delta = W.T.dot(delta) * (1 - s[k - 1] ** 2)
    return dU, dW


def counted_again(params, x, y, s, y_hat):
    """The carried δ holds all later losses, and each loss walks back with it once more."""
    U, W, V = params
    dU, dW = np.zeros_like(U), np.zeros_like(W)
    carried = np.zeros(len(W))
    for t in reversed(range(len(y))):
        error = y_hat[t] - one_hot(y[t], len(V))
        carried = (V.T @ error + W.T @ carried) * (1 - s[t + 1] ** 2)
        delta = carried
        for k in range(t, -1, -1):
            dU[:, x[k]] += delta
            dW += np.outer(delta, s[k])
            delta = (W.T @ delta) * (1 - s[k] ** 2)
    return dU, dW, lagged(params, x, y, s, y_hat)[2]


def _without_v(answer):
    return lambda *arguments: tuple(answer(*arguments))[:2]


RIGHT["bptt_single_loop"] = [
    gradient(with_v=True),
    gradient(double=True, with_v=True),
    lagged,
    forward_in_time,
    recursive,
    as_list_with_own_buffers,
]
WRONG["bptt_single_loop"] = {
    **{f"{i} {words}": gradient(i, with_v=True) for i, words in SLIPS.items()},
    "V9 dV with the state before": gradient("V9", with_v=True),
    "V10 dV of the last step only": gradient("V10", with_v=True),
    "V14 dV averaged": gradient("V14", with_v=True),
    "W3 zeros": zeros,
    "W15 counted again": counted_again,
    "W25 repeats dropped": repeats_dropped,
    "W26 = for +=": gradient("W26", with_v=True),
    "dV left out": _without_v(gradient(with_v=True)),
}
RIGHT["bptt_double_loop"] = [
    gradient(double=True),
    gradient(),
    *map(_without_v, (lagged, forward_in_time, recursive, as_list_with_own_buffers)),
]
WRONG["bptt_double_loop"] = {
    **{f"{i} {words}": gradient(i, double=True) for i, words in SLIPS.items()},
    "W3 zeros": _without_v(zeros),
    "W4 longest path only": gradient("W4", double=True),
    "W15 counted again": _without_v(counted_again),
    "the seed's listing, index by index": seeds_listing,
    "W19 dW with the state of the loss's step": gradient("W19", double=True),
    "W20 dU at the token of the loss's step": gradient("W20", double=True),
    "W25 repeats dropped": _without_v(repeats_dropped),
}


def add_at(delta, x, n_inputs):
    dU = np.zeros((n_inputs, delta.shape[1]))
    np.add.at(dU, x, delta)
    return dU.T


def fancy(delta, x, n_inputs):
    dU = np.zeros((delta.shape[1], n_inputs))
    dU[:, x] += delta.T
    return dU


def mean_of_visits(delta, x, n_inputs):
    return add_at(delta, x, n_inputs) / np.maximum(np.bincount(x, minlength=n_inputs), 1)


RIGHT["input_gradient"] = [
    add_at,
    lambda delta, x, n_inputs: delta.T @ one_hot(x, n_inputs),
    lambda delta, x, n_inputs: np.stack(
        [delta[x == token].sum(axis=0) for token in range(n_inputs)], axis=1
    ),
]
WRONG["input_gradient"] = {
    "W25 repeats dropped": fancy,
    "W25 mean of visits": mean_of_visits,
    "V12 transposed": lambda delta, x, n_inputs: add_at(delta, x, n_inputs).T,
    "W30 sign": lambda delta, x, n_inputs: -add_at(delta, x, n_inputs),
    "W29 averaged": lambda delta, x, n_inputs: add_at(delta, x, n_inputs) / (len(x) + 1),
    "as many columns as steps": lambda delta, x, n_inputs: delta.T.copy(),
    "one step late": lambda delta, x, n_inputs: (
        add_at(delta, np.roll(x, 1), n_inputs) + add_at(delta[:1], x[:1], n_inputs)
    ),
}


# Cases to be mended ask for the gradients of the double loop

for _case in ("mend_case_1", "mend_case_2"):
    RIGHT[_case] = RIGHT["bptt_double_loop"]
    WRONG[_case] = {
        "W8 slope one step late": gradient("W8", double=True),
        "W15 counted again": _without_v(counted_again),
        "W1 immediate only": gradient("W1", double=True),
    }


# Networks that hide a mistake


def symmetric(params, x, y, s_init):
    return params._replace(W=np.tril(params.W) + np.tril(params.W, -1).T), x, y, s_init


def a_multiple_of_the_identity(params, x, y, s_init):
    return [params._replace(W=0.9 * np.eye(len(params.W))), x[-5:], y[-5:], 2 * s_init]


RIGHT["hide_missing_transpose"] = [
    symmetric,
    a_multiple_of_the_identity,
    lambda params, x, y, s_init: (params._replace(W=params.W.T @ params.W), x, y, s_init),
]
WRONG["hide_missing_transpose"] = {
    "unchanged": lambda *given: given,
    "one step": lambda params, x, y, s_init: (params, x[:1], y[:1], s_init),
    "no hops": lambda params, x, y, s_init: (params._replace(W=0 * params.W), x, y, s_init),
    "hardly any hops": lambda params, x, y, s_init: (
        params._replace(W=1e-5 * (params.W + params.W.T)),
        x,
        y,
        s_init,
    ),
    "zero initial state": lambda params, x, y, s_init: (params, x, y, 0 * s_init),
    "nearly symmetric": lambda params, x, y, s_init: (
        params._replace(W=params.W + params.W.T + 1e-6 * params.W),
        x,
        y,
        s_init,
    ),
    "no network": lambda *given: (1, 2, 3, 4),
    "three of four": lambda *given: given[:3],
    "a batch": lambda params, x, y, s_init: (params, x[:, None], y[:, None], s_init[None]),
    "real inputs": lambda params, x, y, s_init: (
        params,
        one_hot(x, params.U.shape[1]),
        y,
        s_init,
    ),
}
RIGHT["hide_lost_visits"] = [
    lambda params, x, y, s_init: (params, np.arange(4), y[:4], s_init),
    lambda params, x, y, s_init: (params, np.array([3, 0, 2, 1]), y[:4], s_init),
    lambda params, x, y, s_init: (params, [1, 2, 3, 0], [0, 0, 0, 0], s_init),
]
WRONG["hide_lost_visits"] = {
    "unchanged": lambda *given: given,
    "three steps": lambda params, x, y, s_init: (params, np.arange(3), y[:3], s_init),
    "one token": lambda params, x, y, s_init: (params, 0 * x, y, s_init),
}
