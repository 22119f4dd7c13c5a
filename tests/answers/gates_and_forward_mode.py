"""Answers to the exercises of unit 07-gates-and-forward-mode, right and wrong."""

import numpy as np

RIGHT = {}
WRONG = {}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# LSTM


def lstm(slip=None):
    def answer(a, c_prev):
        H = len(c_prev)
        squash = np.tanh if slip == "G3" else sigmoid
        i, f, o = squash(a[:H]), squash(a[H : 2 * H]), squash(a[2 * H : 3 * H])
        g = sigmoid(a[3 * H :]) if slip == "G2" else np.tanh(a[3 * H :])
        c = {
            "G1": i * c_prev + f * g,
            "G4": i * g,
            "G5": f * c_prev + g,
            "G6": f * c_prev + (1 - f) * g,
        }.get(slip, f * c_prev + i * g)
        s = {"G7": o * c, "G8": np.tanh(c)}.get(slip, o * np.tanh(c))
        return s, c

    return answer


def lstm_by_rows(a, c_prev):
    i, f, o, g = a.reshape(4, -1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def lstm_unit_by_unit(a, c_prev):
    H = len(c_prev)
    s, c = np.zeros(H), np.zeros(H)
    for k in range(H):
        i, f, o = (sigmoid(a[gate * H + k]) for gate in range(3))
        c[k] = f * c_prev[k] + i * np.tanh(a[3 * H + k])
        s[k] = o * np.tanh(c[k])
    return s, c


RIGHT["lstm_step"] = [lstm(), lstm_by_rows, lstm_unit_by_unit]
WRONG["lstm_step"] = {
    "G1 gates exchanged": lstm("G1"),
    "G2 candidate a sigmoid": lstm("G2"),
    "G3 gates tanh": lstm("G3"),
    "G4 old cell lost": lstm("G4"),
    "G5 no input gate": lstm("G5"),
    "G6 coupled": lstm("G6"),
    "G7 no tanh": lstm("G7"),
    "G8 no output gate": lstm("G8"),
    "W35 exchanged results": lambda a, c: lstm()(a, c)[::-1],
    "order i, f, g, o": lambda a, c: lstm_by_rows(a.reshape(4, -1)[[0, 1, 3, 2]].ravel(), c),
}


def lstm_back(slip=None):
    def answer(a, c_prev, d_s, d_c):
        i, f, o, g = a.reshape(4, -1)
        i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
        c = f * c_prev + i * g
        squashed = np.tanh(c)
        inner = np.tanh(squashed) if slip == "G13" else squashed
        slope = 1 if slip == "G12" else 1 - inner**2
        from_state = d_s * (1 if slip == "G14" else o) * slope
        d = {"G10": from_state, "G11": d_c}.get(slip, d_c + from_state)

        def gate(x):
            return {"G15": np.ones_like(x), "G16": 1 - x**2}.get(slip, x * (1 - x))

        candidate = {"G17": g * (1 - g), "G18": 1}.get(slip, 1 - g**2)
        d_i, d_f, d_o = d * g, d * (c if slip == "G19" else c_prev), d_s * squashed
        if slip == "G20":
            d_o = d_s * c
        before = {"G21": d, "G21b": d_c * f}.get(slip, d * f)
        return d_i * gate(i), d_f * gate(f), d_o * gate(o), d * i * candidate, before

    return answer


def lstm_back_by_jacobian(a, c_prev, d_s, d_c):
    H = len(c_prev)
    i, f, o = (sigmoid(a[k * H : (k + 1) * H]) for k in range(3))
    g = np.tanh(a[3 * H :])
    t = np.tanh(f * c_prev + i * g)
    J = np.diag(o * (1 - t**2))
    total = d_c + J @ d_s
    slopes = [x - x**2 for x in (i, f, o)]
    return (
        slopes[0] * g * total,
        slopes[1] * c_prev * total,
        slopes[2] * t * d_s,
        (1 - g**2) * i * total,
        np.diag(f) @ total,
    )


def lstm_back_in_steps(a, c_prev, d_s, d_c):
    i, f, o, g = np.split(a, 4)
    gates = {"i": sigmoid(i), "f": sigmoid(f), "o": sigmoid(o)}
    g = np.tanh(g)
    c = gates["f"] * c_prev + gates["i"] * g
    d_o = d_s * np.tanh(c)
    d_cell = d_c.copy()
    d_cell += d_s * gates["o"] / np.cosh(c) ** 2
    d = {"i": d_cell * g, "f": d_cell * c_prev, "o": d_o}
    d = {name: d[name] * gates[name] * (1 - gates[name]) for name in d}
    return d["i"], d["f"], d["o"], d_cell * gates["i"] * (1 - g * g), d_cell * gates["f"]


RIGHT["lstm_step_backward"] = [lstm_back(), lstm_back_by_jacobian, lstm_back_in_steps]
WRONG["lstm_step_backward"] = {
    f"{slip} {words}": lstm_back(slip)
    for slip, words in {
        "G10": "later cells forgotten",
        "G11": "state forgotten",
        "G12": "no slope of tanh(c)",
        "G13": "tanh twice",
        "G14": "no output gate",
        "G15": "no gate slopes",
        "G16": "slopes of tanh for gates",
        "G17": "slope of a sigmoid for g",
        "G18": "no slope of g",
        "G19": "new cell beside f",
        "G20": "c beside o",
        "G21": "no forget gate on the way back",
        "G21b": "own error not sent on",
    }.items()
}


# GRU


def gru(slip=None):
    def answer(from_input, W, s_prev):
        a_z, a_r, a_n = from_input.reshape(3, -1)
        W_z, W_r, W_n = W.reshape(3, len(s_prev), -1)
        squash = np.tanh if slip == "G3" else sigmoid
        z, r = squash(a_z + W_z @ s_prev), squash(a_r + W_r @ s_prev)
        fed = {"G23": W_n @ s_prev, "G24": r * (W_n @ s_prev)}.get(slip, W_n @ (r * s_prev))
        n = (sigmoid if slip == "G2" else np.tanh)(a_n + fed)
        return (1 - z) * s_prev + z * n if slip == "G22" else z * s_prev + (1 - z) * n

    return answer


def gru_stacked(from_input, W, s_prev):
    H = len(s_prev)
    z, r = np.split(sigmoid(from_input[: 2 * H] + W[: 2 * H] @ s_prev), 2)
    n = np.tanh(from_input[2 * H :] + W[2 * H :] @ (r * s_prev))
    return n + z * (s_prev - n)


def gru_einsum(from_input, W, s_prev):
    H = len(s_prev)
    a, M = from_input.reshape(3, H), W.reshape(3, H, H)
    z = sigmoid(a[0] + np.einsum("ij,j->i", M[0], s_prev))
    r = sigmoid(a[1] + np.einsum("ij,j->i", M[1], s_prev))
    return z * s_prev + (1 - z) * np.tanh(a[2] + np.einsum("ij,j,j->i", M[2], r, s_prev))


RIGHT["gru_step"] = [gru(), gru_stacked, gru_einsum]
WRONG["gru_step"] = {
    "G2 candidate a sigmoid": gru("G2"),
    "G3 gates tanh": gru("G3"),
    "G22 update gate turned": gru("G22"),
    "G23 no reset": gru("G23"),
    "G24 reset outside": gru("G24"),
    "candidate only": lambda a, W, s: np.tanh(a[2 * len(s) :] + W[2 * len(s) :] @ s),
    "gates exchanged": lambda a, W, s: gru()(
        a.reshape(3, -1)[[1, 0, 2]].ravel(),
        W.reshape(3, len(s), -1)[[1, 0, 2]].reshape(-1, len(s)),
        s,
    ),
}


def gru_back(slip=None):
    def answer(from_input, W, s_prev, d_s):
        H = len(s_prev)
        W_z, W_r, W_n = W[:H], W[H : 2 * H], W[2 * H :]
        a_z, a_r, a_n = np.split(from_input, 3)
        z, r = sigmoid(a_z + W_z @ s_prev), sigmoid(a_r + W_r @ s_prev)
        n = np.tanh(a_n + W_n @ (r * s_prev))
        gate = {"G15": lambda x: 1, "G16": lambda x: 1 - x**2}.get(slip, lambda x: x * (1 - x))
        d_n = d_s * (1 if slip == "G27" else 1 - z) * (1 if slip == "G18" else 1 - n**2)
        by_z = {"G25": n - s_prev, "G26": s_prev}.get(slip, s_prev - n)
        d_z = d_s * by_z * gate(z)
        back = W_n.T @ d_n
        d_r = back * s_prev * gate(r)
        ways = [d_s * z, back * r, W_z.T @ d_z, W_r.T @ d_r]
        kept = {"G28": (1, 2, 3), "G29": (0, 2, 3), "G30": (0, 1)}.get(slip, (0, 1, 2, 3))
        return d_z, d_r, d_n, sum(ways[k] for k in kept)

    return answer


def gru_back_rows(from_input, W, s_prev, d_s):
    H = len(s_prev)
    gates = sigmoid(from_input[: 2 * H] + W[: 2 * H] @ s_prev)
    z, r = gates[:H], gates[H:]
    n = np.tanh(from_input[2 * H :] + W[2 * H :] @ (r * s_prev))
    d_n = (d_s - d_s * z) / np.cosh(from_input[2 * H :] + W[2 * H :] @ (r * s_prev)) ** 2
    d_rs = d_n @ W[2 * H :]
    d_gates = np.concatenate([d_s * (s_prev - n), d_rs * s_prev]) * gates * (1 - gates)
    return d_gates[:H], d_gates[H:], d_n, d_s * z + d_rs * r + d_gates @ W[: 2 * H]


def gru_back_jacobians(from_input, W, s_prev, d_s):
    W_z, W_r, W_n = np.split(W, 3)
    a_z, a_r, a_n = np.split(from_input, 3)
    z, r = sigmoid(a_z + W_z @ s_prev), sigmoid(a_r + W_r @ s_prev)
    n = np.tanh(a_n + W_n @ (r * s_prev))
    J_n = np.diag((1 - z) * (1 - n**2))
    J_r = J_n @ W_n @ np.diag(s_prev * r * (1 - r))
    J_z = np.diag((s_prev - n) * z * (1 - z))
    J = np.diag(z) + J_z @ W_z + J_r @ W_r + J_n @ W_n @ np.diag(r)
    return J_z.T @ d_s, J_r.T @ d_s, J_n.T @ d_s, J.T @ d_s


RIGHT["gru_step_backward"] = [gru_back(), gru_back_rows, gru_back_jacobians]
WRONG["gru_step_backward"] = {
    f"{slip} {words}": gru_back(slip)
    for slip, words in {
        "G15": "no gate slopes",
        "G16": "slopes of tanh for gates",
        "G18": "no slope of n",
        "G25": "sign of z",
        "G26": "old state only",
        "G27": "whole error to the candidate",
        "G28": "no direct way",
        "G29": "no way through the candidate",
        "G30": "no ways through the gates",
    }.items()
}


# Forward mode


def influence(slip=None):
    def answer(W, s_prev, s_t, before):
        H = len(W)
        P = np.zeros((H, H, H))
        for k in range(H):
            for i in range(H):
                for j in range(H):
                    M = W.T if slip == "G42" else W
                    P[k, i, j] = M[k] @ before[:, i, j] if slip != "G40" else 0
                    if slip == "G43":
                        P[k, i, j] = before[k, i, j]
                    here = (s_t if slip == "G46" else s_prev)[i if slip == "G47" else j]
                    own = k == (j if slip == "G47" else i)
                    if slip != "G41" and (own or slip == "G48"):
                        P[k, i, j] += here
                    if slip != "G44":
                        P[k, i, j] *= 1 - s_t[i if slip == "G45" else k] ** 2
        return P

    return answer


def influence_einsum(W, s_prev, s_t, before):
    P = np.einsum("kl,lij->kij", W, before) + np.einsum("ki,j->kij", np.eye(len(W)), s_prev)
    return (1 - s_t**2)[:, None, None] * P


def influence_flat(W, s_prev, s_t, before):
    H = len(W)
    J = (1 - s_t**2)[:, None] * W
    P = (J @ before.reshape(H, -1)).reshape(H, H, H)
    for k in range(H):
        P[k, k] += (1 - s_t[k] ** 2) * s_prev
    return P


RIGHT["influence_step"] = [influence(), influence_einsum, influence_flat]
WRONG["influence_step"] = {
    f"{slip} {words}": influence(slip)
    for slip, words in {
        "G40": "nothing carried over",
        "G41": "no immediate derivative",
        "G42": "transposed",
        "G43": "W missing",
        "G44": "no slope",
        "G45": "slope of the wrong index",
        "G46": "the new state",
        "G47": "rows and columns exchanged",
        "G48": "every unit",
    }.items()
}


# Closed loop


def closed(slip=None):
    def answer(params, inputs, y, s, y_hat):
        U, W, V = params
        dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
        delta = np.zeros(len(W))
        for t in reversed(range(len(y))):
            d = U.T @ delta
            p = y_hat[t]
            through = {
                "G50": 0,
                "G51": d,
                "G52": p * (1 - p) * d,
            }.get(slip, p * d - p * (p @ d))
            d_z = p - np.eye(len(p))[y[t]] + through
            delta = (V.T @ d_z + (W if slip == "W14" else W.T) @ delta) * (1 - s[t + 1] ** 2)
            dU += np.outer(delta, inputs[t])
            dW += np.outer(delta, s[t])
            dV += np.outer(d_z, s[t + 1])
        return dU, dW, dV

    return answer


def closed_by_jacobian(params, inputs, y, s, y_hat):
    U, W, V = params
    T = len(y)
    deltas, logits = np.zeros((T + 1, len(W))), np.zeros_like(y_hat)
    for t in range(T - 1, -1, -1):
        J = np.diag(y_hat[t]) - np.outer(y_hat[t], y_hat[t])
        logits[t] = y_hat[t] + J @ U.T @ deltas[t + 1]
        logits[t, y[t]] -= 1
        deltas[t] = (1 - s[t + 1] ** 2) * (logits[t] @ V + deltas[t + 1] @ W)
    return deltas[:-1].T @ inputs, deltas[:-1].T @ s[:-1], logits.T @ s[1:]


def closed_recursive(params, inputs, y, s, y_hat):
    U, W, V = params

    def later(t):
        """δ of step t and the three sums from there on."""
        if t == len(y):
            return np.zeros(len(W)), (0 * U, 0 * W, 0 * V)
        delta, (dU, dW, dV) = later(t + 1)
        d = delta @ U
        d_z = y_hat[t] * (d - (d * y_hat[t]).sum()) + y_hat[t] - np.eye(len(V))[y[t]]
        delta = (d_z @ V + delta @ W) * (1 - s[t + 1] ** 2)
        own = np.outer(delta, inputs[t]), np.outer(delta, s[t]), np.outer(d_z, s[t + 1])
        return delta, (dU + own[0], dW + own[1], dV + own[2])

    return later(0)[1]


RIGHT["closed_loop_gradient"] = [closed(), closed_by_jacobian, closed_recursive]
WRONG["closed_loop_gradient"] = {
    "G50 as if open": closed("G50"),
    "G51 no Jacobian": closed("G51"),
    "G52 its diagonal": closed("G52"),
    "W14 W for its transpose": closed("W14"),
}
