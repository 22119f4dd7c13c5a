"""Answers to the exercises of unit 01-loss, right and wrong."""

import numpy as np

RIGHT = {}
WRONG = {}


# The state


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


RIGHT["forward_step"] = [
    lambda U, W, x_t, s_prev: np.tanh(U.T[x_t] + s_prev @ W.T),
    lambda U, W, x_t, s_prev: np.tanh(
        U @ np.eye(U.shape[1])[x_t] + np.einsum("ij,j->i", W, s_prev)
    ),
    lambda U, W, x_t, s_prev: np.array(
        [np.tanh(u[x_t] + sum(w * s for w, s in zip(row, s_prev))) for u, row in zip(U, W)]
    ),
]
WRONG["forward_step"] = {
    "F1 no tanh": lambda U, W, x_t, s: U[:, x_t] + W @ s,
    "F1 tanh of U x only": lambda U, W, x_t, s: np.tanh(U[:, x_t]) + W @ s,
    "F1 tanh of W s only": lambda U, W, x_t, s: U[:, x_t] + np.tanh(W @ s),
    "F2 no state": lambda U, W, x_t, s: np.tanh(U[:, x_t]),
    "F4 W transposed": lambda U, W, x_t, s: np.tanh(U[:, x_t] + s @ W),
    "F5 a row of U": lambda U, W, x_t, s: np.tanh(U[x_t] + W @ s),
    "F12 sigmoid": lambda U, W, x_t, s: sigmoid(U[:, x_t] + W @ s),
    "F12 ReLU": lambda U, W, x_t, s: np.maximum(U[:, x_t] + W @ s, 0),
    "F16 changes the state": lambda U, W, x_t, s: np.tanh(np.add(s, U[:, x_t] + W @ s - s, out=s)),
    "product entry by entry": lambda U, W, x_t, s: np.tanh(U[:, x_t] + (W * s).sum(axis=0)),
}


def states(slip=None):
    def answer(params, x, s_init):
        U, W, _ = params
        s = np.zeros((len(x) + 1, len(s_init)), dtype=int if slip == "F15" else float)
        if slip != "F3 row":
            s[0] = s_init
        for t in range(len(x)):
            before = s[0] if slip == "F2" else s[t]
            if slip == "F3" and t == 0:
                before = 0 * s[0]
            a = U[:, x[t]] + (W.T if slip == "F4" else W) @ before
            if slip == "F1b":
                s[t + 1] = np.tanh(U[:, x[t]]) + W @ before
            else:
                s[t + 1] = {"F1": a, "F12": sigmoid(a)}.get(slip, np.tanh(a))
        if slip == "rows":
            return s[1:]
        if slip == "columns":
            return s.T
        return np.roll(s, -1, axis=0) if slip == "seed's layout" else s

    return answer


def states_recursive(params, x, s_init):
    if len(x) == 0:
        return s_init[None]
    before = states_recursive(params, x[:-1], s_init)
    new = np.tanh(params.U[:, x[-1]] + params.W @ before[-1])
    return np.vstack([before, new])


def states_as_list(params, x, s_init):
    s = [s_init]
    for column in params.U.T[x]:
        s.append(np.tanh(column + s[-1] @ params.W.T))
    return s


RIGHT["forward_states"] = [states(), states_recursive, states_as_list]
WRONG["forward_states"] = {
    "F1 no tanh": states("F1"),
    "F1 tanh of U x only": states("F1b"),
    "F2 not carried": states("F2"),
    "F3 initial state ignored": states("F3"),
    "F3 initial state left out of the array": states("F3 row"),
    "F4 W transposed": states("F4"),
    "F12 sigmoid": states("F12"),
    "F15 integers": states("F15"),
    "T rows": states("rows"),
    "V12 columns": states("columns"),
    "F3 initial state in the last row": states("seed's layout"),
}


def leaking():
    kept = {}

    def answer(params, x, s_init):
        s = states()(params, x, kept.get(len(s_init), s_init))
        kept[len(s_init)] = s[-1]
        return s

    return answer


WRONG["forward_states"]["F14 state leaks into the next call"] = leaking()


# The prediction


def rows_of(z, top):
    e = np.exp(z - top)
    return e / e.sum(axis=1, keepdims=True)


RIGHT["softmax"] = [
    lambda z: np.array([np.exp(row - max(row)) / np.exp(row - max(row)).sum() for row in z]),
    lambda z: np.exp(
        z - z.max(axis=1)[:, None] - np.log(np.exp(z - z.max(axis=1)[:, None]).sum(axis=1))[:, None]
    ),
    lambda z: (
        np.exp(z - z.max(1, keepdims=True))
        / np.einsum("tc->t", np.exp(z - z.max(1, keepdims=True)))[:, None]
    ),
]
WRONG["softmax"] = {
    "F6 over time": lambda z: np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0),
    "F6 over everything": lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
    "F7 overflows": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    "F7 one maximum for all": lambda z: rows_of(z, z.max()),
    "F7 not normalised": lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
    "F7 minimum": lambda z: rows_of(z, z.min(axis=1, keepdims=True)),
    "F16 in place": lambda z: rows_of(np.subtract(z, z.max(axis=1, keepdims=True), out=z), 0),
    "the logarithm": lambda z: np.log(rows_of(z, z.max(axis=1, keepdims=True))),
    "argmax": lambda z: np.eye(z.shape[1])[z.argmax(axis=1)],
    "base 2": lambda z: (
        np.exp2(z - z.max(axis=1, keepdims=True))
        / np.exp2(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
    ),
}


# The loss

RIGHT["step_losses"] = [
    lambda y_hat, y: np.array([-np.log(row[target]) for row, target in zip(y_hat, y)]),
    lambda y_hat, y: -(np.eye(y_hat.shape[1])[y] * np.log(y_hat)).sum(axis=1),
    lambda y_hat, y: np.log(1 / np.take_along_axis(y_hat, y[:, None], axis=1))[:, 0],
]
WRONG["step_losses"] = {
    "F8 every target's column": lambda y_hat, y: -np.log(y_hat[:, y]),
    "F10 sign": lambda y_hat, y: np.log(y_hat[np.arange(len(y)), y]),
    "F10 base 2": lambda y_hat, y: -np.log2(y_hat[np.arange(len(y)), y]),
    "F10 base 10": lambda y_hat, y: -np.log10(y_hat[np.arange(len(y)), y]),
    "F10 no logarithm": lambda y_hat, y: -y_hat[np.arange(len(y)), y],
    "F10 one minus": lambda y_hat, y: 1 - y_hat[np.arange(len(y)), y],
    "summed": lambda y_hat, y: -np.log(y_hat[np.arange(len(y)), y]).sum(),
    "F11 divided by T": lambda y_hat, y: -np.log(y_hat[np.arange(len(y)), y]) / (len(y) + 1),
    "S23 elementwise": lambda y_hat, y: -np.eye(y_hat.shape[1])[y] * np.log(y_hat),
    "entropy": lambda y_hat, y: -(y_hat * np.log(y_hat)).sum(axis=1),
}


def stable(z, y):
    m = z.max(axis=1)
    return m + np.log(np.exp(z - m[:, None]).sum(axis=1)) - z[np.arange(len(y)), y]


RIGHT["log_softmax_loss"] = [
    lambda z, y: np.array(
        [np.log(np.exp(row - row.max()).sum()) + row.max() - row[t] for row, t in zip(z, y)]
    ),
    lambda z, y: np.logaddexp.reduce(z, axis=1) - np.take_along_axis(z, y[:, None], 1)[:, 0],
    lambda z, y: (
        -(
            z
            - z.max(1, keepdims=True)
            - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1))[:, None]
        )[np.arange(len(y)), y]
    ),
]
WRONG["log_softmax_loss"] = {
    "F7 softmax, then logarithm": lambda z, y: (
        -np.log(rows_of(z, z.max(axis=1, keepdims=True))[np.arange(len(y)), y])
    ),
    "F7 overflows": lambda z, y: np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y],
    "F7 maximum not added": lambda z, y: stable(z, y) - z.max(axis=1),
    "F10 sign": lambda z, y: -stable(z, y),
    "a small number added": lambda z, y: (
        -np.log(rows_of(z, z.max(axis=1, keepdims=True))[np.arange(len(y)), y] + 1e-12)
    ),
    "summed": lambda z, y: stable(z, y).sum(),
    "F8 every target's logit": lambda z, y: stable(z, y)[:, None] - z[:, y],
}


def total(slip=None):
    def answer(params, x, y, s_init):
        U, W, V = params
        s = states({"F1": "F1", "F2": "F2", "F3": "F3", "F4": "F4", "F12": "F12"}.get(slip))(
            params, x, s_init
        )
        z = (s[:-1] if slip == "F13" else s[1:]) @ V.T
        E = stable(z, x if slip == "F9" else y)
        if slip == "F6":
            p = np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0)
            E = -np.log(p[np.arange(len(y)), y])
        if slip == "F8":
            return -np.log(rows_of(z, z.max(axis=1, keepdims=True))[:, y]).sum()
        return {
            "F10": -E.sum(),
            "F10 base 2": E.sum() / np.log(2),
            "F11": E.mean(),
            "F11 and classes": E.mean() / len(V),
            "last": E[-1],
            "per step": E,
        }.get(slip, E.sum())

    return answer


def total_step_by_step(params, x, y, s_init):
    s, E = s_init.copy(), 0.0
    for token, target in zip(x, y):
        s = np.tanh(params.U[:, token] + params.W.dot(s))
        p = np.exp(params.V.dot(s))
        E -= np.log(p[target] / p.sum())
    return E


def total_recursive(params, x, y, s_init):
    if len(x) == 0:
        return 0.0
    s = np.tanh(params.U @ np.eye(params.U.shape[1])[x[0]] + params.W @ s_init)
    return stable((params.V @ s)[None], y[:1])[0] + total_recursive(params, x[1:], y[1:], s)


RIGHT["total_loss"] = [total(), total_step_by_step, total_recursive]
WRONG["total_loss"] = {
    "F1 no tanh": total("F1"),
    "F2 state not carried": total("F2"),
    "F3 initial state ignored": total("F3"),
    "F4 W transposed": total("F4"),
    "F6 softmax over time": total("F6"),
    "F8 every target's column": total("F8"),
    "F9 input as target": total("F9"),
    "F10 sign": total("F10"),
    "F10 base 2": total("F10 base 2"),
    "F11 mean": total("F11"),
    "F11 mean over classes too": total("F11 and classes"),
    "F11 last step only": total("last"),
    "F12 sigmoid": total("F12"),
    "F13 predicts from the state before": total("F13"),
    "not summed": total("per step"),
}

RIGHT["expected_initial_loss"] = [
    lambda n_steps, n_classes: n_steps * np.log(n_classes),
    lambda n_steps, n_classes: -sum(np.log(1 / n_classes) for _ in range(n_steps)),
    lambda n_steps, n_classes: (
        np.log(float(n_classes) ** n_steps)
        if n_steps * np.log(n_classes) < 700
        else n_steps * np.log(n_classes)
    ),
]
WRONG["expected_initial_loss"] = {
    "F11 one step": lambda n_steps, n_classes: np.log(n_classes),
    "F10 sign": lambda n_steps, n_classes: -n_steps * np.log(n_classes),
    "F10 base 2": lambda n_steps, n_classes: n_steps * np.log2(n_classes),
    "log of the steps": lambda n_steps, n_classes: n_classes * np.log(n_steps),
    "a probability": lambda n_steps, n_classes: n_steps / n_classes,
    "F10 no logarithm": lambda n_steps, n_classes: -n_steps / n_classes,
}
