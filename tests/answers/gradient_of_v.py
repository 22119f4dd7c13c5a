"""Answers to the exercises of unit 02-gradient-of-v: right ones, and the mistakes students make."""

# ruff: noqa: F811  (every answer is called `answer` and registered where it stands)

import numpy as np

RIGHT = {}
WRONG = {}


def right(exercise):
    def add(answer):
        RIGHT.setdefault(exercise, []).append(answer)
        return answer

    return add


def wrong(exercise, mistake):
    def add(answer):
        answers = WRONG.setdefault(exercise, {})
        assert mistake not in answers, mistake
        answers[mistake] = answer
        return answer

    return add


def one_hot(y, n_classes):
    return np.eye(n_classes)[y]


# Wrong errors of all steps, (T, C) from (T, C) and (T,): each is planted wherever an error is made


def target_set_to_one(y_hat, y):
    error = y_hat.copy()
    error[np.arange(len(y)), y] = 1.0
    return error


def target_set_to_minus_one(y_hat, y):
    error = y_hat.copy()
    error[np.arange(len(y)), y] = -1.0
    return error


def target_added(y_hat, y):
    error = y_hat.copy()
    error[np.arange(len(y)), y] += 1.0
    return error


def squared_error_behind_softmax(y_hat, y):
    error = y_hat - one_hot(y, y_hat.shape[1])
    return y_hat * (error - (y_hat * error).sum(axis=1, keepdims=True))


def off_diagonal_sign_turned(y_hat, y):
    target = one_hot(y, y_hat.shape[1])
    return np.where(target == 1, y_hat - 1, -y_hat)


def next_class(y_hat, y):
    return y_hat - one_hot((y + 1) % y_hat.shape[1], y_hat.shape[1])


def counted_from_one(y_hat, y):
    return y_hat - one_hot(y - 1, y_hat.shape[1])


ERRORS = {
    "V1 target set to 1": target_set_to_one,
    "V1 target set to -1": target_set_to_minus_one,
    "V1 1 added at the target": target_added,
    "V2 sign turned": lambda y_hat, y: one_hot(y, y_hat.shape[1]) - y_hat,
    "V3 times y_hat (1 - y_hat)": lambda y_hat, y: (
        (y_hat - one_hot(y, y_hat.shape[1])) * y_hat * (1 - y_hat)
    ),
    "V3 squared error behind the softmax": squared_error_behind_softmax,
    "V4 no softmax Jacobian": lambda y_hat, y: -one_hot(y, y_hat.shape[1]) / y_hat,
    "V5 diagonal of the Jacobian only": lambda y_hat, y: -one_hot(y, y_hat.shape[1]) * (1 - y_hat),
    "V5 sign of the off-diagonal terms": off_diagonal_sign_turned,
    "V6 target forgotten": lambda y_hat, y: y_hat.copy(),
    "V6 prediction forgotten": lambda y_hat, y: -one_hot(y, y_hat.shape[1]),
    "V13 factor 2": lambda y_hat, y: 2 * (y_hat - one_hot(y, y_hat.shape[1])),
    "V13 factor 1/2": lambda y_hat, y: (y_hat - one_hot(y, y_hat.shape[1])) / 2,
    "V13 divided by C": lambda y_hat, y: (y_hat - one_hot(y, y_hat.shape[1])) / y_hat.shape[1],
    "error squared": lambda y_hat, y: (y_hat - one_hot(y, y_hat.shape[1])) ** 2,
    "absolute error": lambda y_hat, y: np.abs(y_hat - one_hot(y, y_hat.shape[1])),
    "logarithm of y_hat": lambda y_hat, y: np.log(y_hat) - one_hot(y, y_hat.shape[1]),
    "class next to the target": next_class,
    "classes counted from 1": counted_from_one,
    "wrong class taken for the target": lambda y_hat, y: (
        y_hat - one_hot(y_hat.argmax(axis=1), y_hat.shape[1])
    ),
    "rounded": lambda y_hat, y: np.round(y_hat - one_hot(y, y_hat.shape[1])),
    "float32": lambda y_hat, y: (y_hat - one_hot(y, y_hat.shape[1])).astype(np.float32),
}


def every_target_column(y_hat, y):
    error = y_hat.copy()
    error[:, y] -= 1.0
    return error


def last_target_everywhere(y_hat, y):
    error = y_hat.copy()
    error[:, y[-1]] -= 1.0
    return error


def only_last_step(y_hat, y):
    error = y_hat.copy()
    error[-1, y[-1]] -= 1.0
    return error


# Mistakes in the error that need more than one step
ERRORS_OF_SEVERAL_STEPS = {
    "V8 every target's column": every_target_column,
    "V8 the last target's column": last_target_everywhere,
    "only the last row corrected": only_last_step,
    "V14 divided by T": lambda y_hat, y: (y_hat - one_hot(y, y_hat.shape[1])) / len(y),
    "V14 divided by T and C": lambda y_hat, y: (y_hat - one_hot(y, y_hat.shape[1])) / y_hat.size,
}


# softmax_jacobian


@right("softmax_jacobian")
def answer(y_hat_t):
    C = len(y_hat_t)
    J = np.empty((C, C))
    for i in range(C):
        for j in range(C):
            if i == j:
                J[i, j] = y_hat_t[i] * (1 - y_hat_t[i])
            else:
                J[i, j] = -y_hat_t[i] * y_hat_t[j]
    return J


@right("softmax_jacobian")
def answer(y_hat_t):
    return y_hat_t[:, None] * (np.identity(y_hat_t.size) - y_hat_t)


@right("softmax_jacobian")
def answer(y_hat_t):
    J = -np.einsum("i,j->ij", y_hat_t, y_hat_t)
    J[np.diag_indices_from(J)] += y_hat_t
    return J


@right("softmax_jacobian")
def answer(y_hat_t):
    return np.array(
        [
            [p * ((i == j) - q) for j, q in enumerate(y_hat_t.tolist())]
            for i, p in enumerate(y_hat_t.tolist())
        ]
    )


WRONG["softmax_jacobian"] = {
    "V5 diagonal only": lambda y_hat_t: np.diag(y_hat_t * (1 - y_hat_t)),
    "V3 a vector, as for the sigmoid": lambda y_hat_t: y_hat_t * (1 - y_hat_t),
    "off-diagonal sign": lambda y_hat_t: (
        np.outer(y_hat_t, y_hat_t) + np.diag(y_hat_t - 2 * y_hat_t**2)
    ),
    "sign turned": lambda y_hat_t: np.outer(y_hat_t, y_hat_t) - np.diag(y_hat_t),
    "diagonal forgotten": lambda y_hat_t: -np.outer(y_hat_t, y_hat_t),
    "diagonal zero": lambda y_hat_t: np.diag(y_hat_t**2) - np.outer(y_hat_t, y_hat_t),
    "1 - y_hat_j for i ≠ j too": lambda y_hat_t: np.outer(y_hat_t, 1 - y_hat_t),
    "identity for diag(y_hat)": lambda y_hat_t: np.eye(len(y_hat_t)) - np.outer(y_hat_t, y_hat_t),
    "V4 the identity": lambda y_hat_t: np.eye(len(y_hat_t)),
    "y_hat_i missing": lambda y_hat_t: np.eye(len(y_hat_t)) - y_hat_t,
    "y_hat_j² in every row": lambda y_hat_t: np.diag(y_hat_t) - y_hat_t**2,
    "softmax applied once more": lambda y_hat_t: (
        np.diag(np.exp(y_hat_t) / np.exp(y_hat_t).sum())
        - np.outer(np.exp(y_hat_t), np.exp(y_hat_t)) / np.exp(y_hat_t).sum() ** 2
    ),
    "1 / y_hat on the diagonal": lambda y_hat_t: np.diag(1 / y_hat_t),
    "a number (dot product)": lambda y_hat_t: 1 - y_hat_t @ y_hat_t,
    "V13 factor 2": lambda y_hat_t: 2 * (np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)),
    "float32": lambda y_hat_t: (np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)).astype(np.float32),
}


@wrong("softmax_jacobian", "V15 changes y_hat_t")
def answer(y_hat_t):
    J = np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)
    y_hat_t -= 1
    return J


# error_long_way


@right("error_long_way")
def answer(y_hat_t, y_t):
    C = len(y_hat_t)
    upstream = [0.0] * C
    upstream[y_t] = -1 / float(y_hat_t[y_t])
    error = [
        sum(
            upstream[i] * float(y_hat_t[i]) * ((1.0 if i == j else 0.0) - float(y_hat_t[j]))
            for i in range(C)
        )
        for j in range(C)
    ]
    return upstream, error


@right("error_long_way")
def answer(y_hat_t, y_t):
    upstream = -one_hot(y_t, len(y_hat_t)) / y_hat_t
    J = np.diagflat(y_hat_t) - y_hat_t[:, None] @ y_hat_t[None, :]
    return upstream, np.einsum("i,ij->j", upstream, J)


@right("error_long_way")
def answer(y_hat_t, y_t):
    upstream = np.where(np.arange(y_hat_t.size) == y_t, -1 / y_hat_t, 0)
    return upstream, y_hat_t * (upstream - upstream @ y_hat_t)  # Jᵀg without forming J


def _long_way_with(error):
    def answer(y_hat_t, y_t):
        upstream = -one_hot(y_t, len(y_hat_t)) / y_hat_t
        return upstream, error(y_hat_t[None], np.array([y_t]))[0]

    return answer


WRONG["error_long_way"] = {name: _long_way_with(error) for name, error in ERRORS.items()} | {
    "first link: sign": lambda y_hat_t, y_t: (
        one_hot(y_t, len(y_hat_t)) / y_hat_t,
        y_hat_t - one_hot(y_t, len(y_hat_t)),
    ),
    "first link: all classes": lambda y_hat_t, y_t: (
        -1 / y_hat_t,
        y_hat_t - one_hot(y_t, len(y_hat_t)),
    ),
    "first link: one number": lambda y_hat_t, y_t: (
        -1 / y_hat_t[y_t],
        y_hat_t - one_hot(y_t, len(y_hat_t)),
    ),
    "first link: the logarithm": lambda y_hat_t, y_t: (
        -one_hot(y_t, len(y_hat_t)) * np.log(y_hat_t),
        y_hat_t - one_hot(y_t, len(y_hat_t)),
    ),
    "W35 order of results": lambda y_hat_t, y_t: (
        y_hat_t - one_hot(y_t, len(y_hat_t)),
        -one_hot(y_t, len(y_hat_t)) / y_hat_t,
    ),
    "first result left out": lambda y_hat_t, y_t: y_hat_t - one_hot(y_t, len(y_hat_t)),
}


@wrong("error_long_way", "elementwise product with the Jacobian")
def answer(y_hat_t, y_t):
    upstream = -one_hot(y_t, len(y_hat_t)) / y_hat_t
    return upstream, upstream * (np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t))


@wrong("error_long_way", "links added, not multiplied")
def answer(y_hat_t, y_t):
    upstream = -one_hot(y_t, len(y_hat_t)) / y_hat_t
    return upstream, (upstream[:, None] + np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)).sum(0)


@wrong("error_long_way", "V15 changes y_hat_t")
def answer(y_hat_t, y_t):
    upstream = -one_hot(y_t, len(y_hat_t)) / y_hat_t
    error = y_hat_t
    error[y_t] -= 1
    return upstream, error


# output_error


@right("output_error")
def answer(y_hat, y):
    error = np.array(y_hat)
    for t, target in enumerate(y):
        error[t, target] -= 1
    return error


@right("output_error")
def answer(y_hat, y):
    return y_hat - (np.arange(y_hat.shape[1]) == y[:, None])


@right("output_error")
def answer(y_hat, y):
    rows = [
        [p - (c == target) for c, p in enumerate(row)] for row, target in zip(y_hat, y, strict=True)
    ]
    return np.array(rows)


@right("output_error")
def answer(y_hat, y):
    error = y_hat.copy()
    np.subtract.at(error, (np.arange(len(y)), y), 1.0)
    return error


WRONG["output_error"] = ERRORS | ERRORS_OF_SEVERAL_STEPS


@wrong("output_error", "V15 y_hat itself is changed (an alias)")
def answer(y_hat, y):
    error = y_hat
    error[np.arange(len(y)), y] -= 1.0
    return error


@wrong("output_error", "V15 y_hat is changed through a view")
def answer(y_hat, y):
    error = y_hat[:]
    error[np.arange(len(y)), y] -= 1.0
    return error


@wrong("output_error", "V15 y_hat is changed, a copy returned")
def answer(y_hat, y):
    y_hat[np.arange(len(y)), y] -= 1.0
    return y_hat.copy()


@wrong("output_error", "rows and columns exchanged")
def answer(y_hat, y):
    error = y_hat.copy()
    error[y, np.arange(len(y))] -= 1.0
    return error


@wrong("output_error", "targets not one-hot")
def answer(y_hat, y):
    return y_hat - y[:, None]


@wrong("output_error", "integers")
def answer(y_hat, y):
    error = np.zeros(y_hat.shape, dtype=int)
    error[:] = y_hat - one_hot(y, y_hat.shape[1])
    return error


@wrong("output_error", "summed over time")
def answer(y_hat, y):
    return (y_hat - one_hot(y, y_hat.shape[1])).sum(axis=0)


@wrong("output_error", "transposed")
def answer(y_hat, y):
    return (y_hat - one_hot(y, y_hat.shape[1])).T


@wrong("output_error", "the long way, where a probability is 0")
def answer(y_hat, y):
    upstream = -one_hot(y, y_hat.shape[1]) / y_hat
    return y_hat * (upstream - (upstream * y_hat).sum(axis=1, keepdims=True))


# gradient_z_squared_error


@right("gradient_z_squared_error")
def answer(y_hat_t, y_t):
    error = np.array(y_hat_t)
    error[y_t] -= 1
    J = np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)
    return error @ J


@right("gradient_z_squared_error")
def answer(y_hat_t, y_t):
    error = y_hat_t - one_hot(y_t, len(y_hat_t))
    return y_hat_t * (error - y_hat_t @ error)


@right("gradient_z_squared_error")
def answer(y_hat_t, y_t):
    C = len(y_hat_t)
    gradient = np.zeros(C)
    for j in range(C):
        for i in range(C):
            error = y_hat_t[i] - (i == y_t)
            gradient[j] += error * y_hat_t[i] * ((i == j) - y_hat_t[j])
    return gradient


WRONG["gradient_z_squared_error"] = {
    name: lambda y_hat_t, y_t, error=error: error(y_hat_t[None], np.array([y_t]))[0]
    for name, error in ERRORS.items()
    if error is not squared_error_behind_softmax
} | {
    "V4 no Jacobian, as OB expects": lambda y_hat_t, y_t: y_hat_t - one_hot(y_t, len(y_hat_t)),
    "sign turned": lambda y_hat_t, y_t: (
        -squared_error_behind_softmax(y_hat_t[None], np.array([y_t]))[0]
    ),
    "factor 2, the half forgotten": lambda y_hat_t, y_t: (
        2 * squared_error_behind_softmax(y_hat_t[None], np.array([y_t]))[0]
    ),
    "the mean over classes": lambda y_hat_t, y_t: (
        squared_error_behind_softmax(y_hat_t[None], np.array([y_t]))[0] / len(y_hat_t)
    ),
    "the target's own error only": lambda y_hat_t, y_t: (
        (np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t))[y_t] * (y_hat_t[y_t] - 1)
    ),
    "Jacobian twice": lambda y_hat_t, y_t: np.linalg.multi_dot(
        [np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)] * 2 + [y_hat_t - one_hot(y_t, len(y_hat_t))]
    ),
}


@wrong("gradient_z_squared_error", "V15 changes y_hat_t")
def answer(y_hat_t, y_t):
    J = np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)
    y_hat_t[y_t] -= 1
    return J @ y_hat_t


# gradient_v_one_step


@right("gradient_v_one_step")
def answer(y_hat_t, y_t, s_t):
    dV = np.zeros((len(y_hat_t), len(s_t)))
    for i in range(len(y_hat_t)):
        for j in range(len(s_t)):
            dV[i, j] = (y_hat_t[i] - (i == y_t)) * s_t[j]
    return dV


@right("gradient_v_one_step")
def answer(y_hat_t, y_t, s_t):
    dV = np.multiply.outer(y_hat_t, s_t)
    dV[y_t] -= s_t  # only the target's row differs from ŷ ⊗ s
    return dV


@right("gradient_v_one_step")
def answer(y_hat_t, y_t, s_t):
    column = np.reshape(y_hat_t - one_hot(y_t, len(y_hat_t)), (-1, 1))
    return column @ np.reshape(s_t, (1, -1))


@right("gradient_v_one_step")
def answer(y_hat_t, y_t, s_t):
    # through all three links, with the third-order array ∂z_l/∂V_ij = δ_li s_j written out
    C = len(y_hat_t)
    J = np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)
    dz_dV = np.einsum("li,j->lij", np.eye(C), s_t)
    return np.einsum("k,kl,lij->ij", -np.eye(C)[y_t] / y_hat_t, J, dz_dV)


def _one_step_with(error):
    return lambda y_hat_t, y_t, s_t: np.outer(error(y_hat_t[None], np.array([y_t]))[0], s_t)


def _error(y_hat_t, y_t):
    return y_hat_t - one_hot(y_t, len(y_hat_t))


WRONG["gradient_v_one_step"] = {name: _one_step_with(error) for name, error in ERRORS.items()} | {
    "V12 transposed": lambda y_hat_t, y_t, s_t: np.outer(s_t, _error(y_hat_t, y_t)),
    "V12 transposed where the shape allows it": lambda y_hat_t, y_t, s_t: np.outer(
        s_t, _error(y_hat_t, y_t)
    ).reshape(len(y_hat_t), len(s_t)),
    "a sum for a product": lambda y_hat_t, y_t, s_t: _error(y_hat_t, y_t)[:, None] + s_t,
    "every row the target's": lambda y_hat_t, y_t, s_t: (
        np.tile(s_t, (len(y_hat_t), 1)) * _error(y_hat_t, y_t)[y_t]
    ),
    "elementwise product": lambda y_hat_t, y_t, s_t: _error(y_hat_t, y_t) * s_t,
    "dot product": lambda y_hat_t, y_t, s_t: _error(y_hat_t, y_t) @ s_t,
    "state forgotten": lambda y_hat_t, y_t, s_t: np.repeat(
        _error(y_hat_t, y_t)[:, None], len(s_t), axis=1
    ),
    "slope of tanh multiplied in": lambda y_hat_t, y_t, s_t: np.outer(
        _error(y_hat_t, y_t), 1 - s_t**2
    ),
    "state times its slope": lambda y_hat_t, y_t, s_t: np.outer(
        _error(y_hat_t, y_t), s_t * (1 - s_t**2)
    ),
    "tanh of the state": lambda y_hat_t, y_t, s_t: np.outer(_error(y_hat_t, y_t), np.tanh(s_t)),
    "target's row only": lambda y_hat_t, y_t, s_t: np.outer(
        one_hot(y_t, len(y_hat_t)) * _error(y_hat_t, y_t), s_t
    ),
    "target's row left out": lambda y_hat_t, y_t, s_t: np.outer(
        (1 - one_hot(y_t, len(y_hat_t))) * _error(y_hat_t, y_t), s_t
    ),
    "flattened": lambda y_hat_t, y_t, s_t: np.outer(_error(y_hat_t, y_t), s_t).ravel(),
}


@wrong("gradient_v_one_step", "V15 changes y_hat_t")
def answer(y_hat_t, y_t, s_t):
    y_hat_t[y_t] -= 1
    return np.outer(y_hat_t, s_t)


@wrong("gradient_v_one_step", "changes s_t")
def answer(y_hat_t, y_t, s_t):
    dV = np.outer(_error(y_hat_t, y_t), s_t)
    s_t *= 0
    return dV


# gradient_v


@right("gradient_v")
def answer(y_hat, y, s):
    dV = np.zeros((y_hat.shape[1], s.shape[1]))
    for t in reversed(range(len(y))):
        error = y_hat[t].copy()
        error[y[t]] -= 1
        dV += np.outer(error, s[t + 1])
    return dV


@right("gradient_v")
def answer(y_hat, y, s):
    return np.einsum("tc,th->ch", y_hat - one_hot(y, y_hat.shape[1]), s[1:])


@right("gradient_v")
def answer(y_hat, y, s):
    # what ŷ predicts of each class, minus what was there
    dV = y_hat.T @ s[1:]
    np.subtract.at(dV, y, s[1:])
    return dV


@right("gradient_v")
def answer(y_hat, y, s):
    if len(y) == 0:
        return np.zeros((y_hat.shape[1], s.shape[1]))
    last = np.outer(y_hat[-1] - one_hot(y[-1], y_hat.shape[1]), s[-1])
    return last + answer.__globals__["RIGHT"]["gradient_v"][3](y_hat[:-1], y[:-1], s[:-1])


def _all_steps_with(error):
    return lambda y_hat, y, s: error(y_hat, y).T @ s[1:]


def _errors(y_hat, y):
    return y_hat - one_hot(y, y_hat.shape[1])


WRONG["gradient_v"] = {
    name: _all_steps_with(error) for name, error in (ERRORS | ERRORS_OF_SEVERAL_STEPS).items()
} | {
    "V9 s_{t-1}": lambda y_hat, y, s: _errors(y_hat, y).T @ s[:-1],
    "V9 s_{t+1}, wrapped around": lambda y_hat, y, s: (
        _errors(y_hat, y).T @ np.roll(s[1:], -1, axis=0)
    ),
    "V9 s in reverse": lambda y_hat, y, s: _errors(y_hat, y).T @ s[:0:-1],
    "V10 last step only": lambda y_hat, y, s: np.outer(_errors(y_hat, y)[-1], s[-1]),
    "V10 last error with the sum of states": lambda y_hat, y, s: np.outer(
        _errors(y_hat, y)[-1], s[1:].sum(axis=0)
    ),
    "V11 first step only": lambda y_hat, y, s: np.outer(_errors(y_hat, y)[0], s[1]),
    "V12 transposed": lambda y_hat, y, s: s[1:].T @ _errors(y_hat, y),
    "V12 transposed, then reshaped": lambda y_hat, y, s: (s[1:].T @ _errors(y_hat, y)).reshape(
        y_hat.shape[1], s.shape[1]
    ),
    "V14 divided by T in dV": lambda y_hat, y, s: _errors(y_hat, y).T @ s[1:] / len(y),
    "divided by T + 1": lambda y_hat, y, s: _errors(y_hat, y).T @ s[1:] / len(s),
    "sums before the product": lambda y_hat, y, s: np.outer(
        _errors(y_hat, y).sum(axis=0), s[1:].sum(axis=0)
    ),
    "all T + 1 states": lambda y_hat, y, s: _errors(y_hat, y).T @ s,
    "states accumulated over the past (N12)": lambda y_hat, y, s: (
        _errors(y_hat, y).T @ s[1:].cumsum(axis=0)
    ),
    "errors accumulated over the past": lambda y_hat, y, s: (
        _errors(y_hat, y).cumsum(axis=0).T @ s[1:]
    ),
    "slope of tanh multiplied in": lambda y_hat, y, s: _errors(y_hat, y).T @ (1 - s[1:] ** 2),
    "first step left out": lambda y_hat, y, s: _errors(y_hat, y)[1:].T @ s[2:],
    "last step left out": lambda y_hat, y, s: _errors(y_hat, y)[:-1].T @ s[1:-1],
    "not summed": lambda y_hat, y, s: np.einsum("tc,th->tch", _errors(y_hat, y), s[1:]),
    "T × T product": lambda y_hat, y, s: _errors(y_hat, y) @ s[1:].T,
    "W33 clipped": lambda y_hat, y, s: np.clip(_errors(y_hat, y).T @ s[1:], -0.1, 0.1),
}


@wrong("gradient_v", "V11 = for +=")
def answer(y_hat, y, s):
    dV = np.zeros((y_hat.shape[1], s.shape[1]))
    for t in range(len(y)):
        dV = np.outer(y_hat[t] - one_hot(y[t], y_hat.shape[1]), s[t + 1])
    return dV


@wrong("gradient_v", "V9 s[t] in the loop")
def answer(y_hat, y, s):
    dV = np.zeros((y_hat.shape[1], s.shape[1]))
    for t in range(len(y)):
        dV += np.outer(y_hat[t] - one_hot(y[t], y_hat.shape[1]), s[t])
    return dV


@wrong("gradient_v", "integers")
def answer(y_hat, y, s):
    dV = np.zeros((y_hat.shape[1], s.shape[1]), dtype=int)
    dV[:] = _errors(y_hat, y).T @ s[1:]
    return dV


@wrong("gradient_v", "V15 y_hat itself is changed (the seed's alias)")
def answer(y_hat, y, s):
    error = y_hat
    error[np.arange(len(y)), y] -= 1.0
    return error.T @ s[1:]


@wrong("gradient_v", "V15 y_hat is changed step by step")
def answer(y_hat, y, s):
    dV = np.zeros((y_hat.shape[1], s.shape[1]))
    for t in range(len(y)):
        error = y_hat[t]  # a view
        error[y[t]] -= 1
        dV += np.outer(error, s[t + 1])
    return dV


@wrong("gradient_v", "W31 sum kept in a default argument")
def answer(y_hat, y, s, kept={}):  # noqa: B006
    shape = (y_hat.shape[1], s.shape[1])
    kept[shape] = kept.get(shape, 0) + _errors(y_hat, y).T @ s[1:]
    return kept[shape]


# numerical_gradient_v


@right("numerical_gradient_v")
def answer(loss_of_v, V, h):
    gradient = np.zeros(V.shape)
    for i in range(V.shape[0]):
        for j in range(V.shape[1]):
            up, down = V.copy(), V.copy()
            up[i, j] += h
            down[i, j] -= h
            gradient[i, j] = (loss_of_v(up) - loss_of_v(down)) / (2 * h)
    return gradient


@right("numerical_gradient_v")
def answer(loss_of_v, V, h):
    directions = np.eye(V.size).reshape(V.size, *V.shape)
    slopes = [(loss_of_v(V + h * d) - loss_of_v(V - h * d)) / h / 2 for d in directions]
    return np.reshape(slopes, V.shape)


@right("numerical_gradient_v")
def answer(loss_of_v, V, h):
    gradient, moved = np.empty_like(V), V.copy()
    for index, entry in np.ndenumerate(V):
        moved[index] = entry + h
        above = loss_of_v(moved)
        moved[index] = entry - h
        gradient[index] = 0.5 * (above - loss_of_v(moved)) / h
        moved[index] = entry
    return gradient


@right("numerical_gradient_v")
def answer(loss_of_v, V, h):
    # in place, put back exactly: V is as it was
    gradient = np.empty_like(V)
    for index in np.ndindex(V.shape):
        before = V[index]
        V[index] = before + h
        above = loss_of_v(V)
        V[index] = before - h
        below = loss_of_v(V)
        V[index] = before
        gradient[index] = (above - below) / (2 * h)
    return gradient


def _nudged(rule, nudge=None):
    """A numerical gradient with another rule or another nudge."""

    def answer(loss_of_v, V, h):
        gradient = np.empty_like(V)
        for index in np.ndindex(V.shape):
            step = np.zeros_like(V)
            step[index if nudge is None else nudge(index)] = h
            gradient[index] = rule(loss_of_v, V, step, h)
        return gradient

    return answer


WRONG["numerical_gradient_v"] = {
    "N1 one-sided, forward": _nudged(lambda f, V, step, h: (f(V + step) - f(V)) / h),
    "N1 one-sided, backward": _nudged(lambda f, V, step, h: (f(V) - f(V - step)) / h),
    "divided by h": _nudged(lambda f, V, step, h: (f(V + step) - f(V - step)) / h),
    "divided by h²": _nudged(lambda f, V, step, h: (f(V + step) - f(V - step)) / h**2),
    "not divided": _nudged(lambda f, V, step, h: f(V + step) - f(V - step)),
    "sign turned": _nudged(lambda f, V, step, h: (f(V - step) - f(V + step)) / (2 * h)),
    "brackets forgotten": _nudged(lambda f, V, step, h: f(V + step) - f(V - step) / 2 * h),
    "/ 2 * h": _nudged(lambda f, V, step, h: (f(V + step) - f(V - step)) / 2 * h),
    "half the step": _nudged(lambda f, V, step, h: (f(V + step / 2) - f(V - step / 2)) / (2 * h)),
    "average of the two losses": _nudged(
        lambda f, V, step, h: (f(V + step) + f(V - step)) / (2 * h)
    ),
    "second derivative": _nudged(
        lambda f, V, step, h: (f(V + step) - 2 * f(V) + f(V - step)) / h**2
    ),
    "an h of its own": _nudged(
        lambda f, V, step, h: (f(V + step / h * 1e-4) - f(V - step / h * 1e-4)) / 2e-4
    ),
    "whole row nudged": _nudged(
        lambda f, V, step, h: (f(V + step) - f(V - step)) / (2 * h), lambda index: index[0]
    ),
    "whole column nudged": _nudged(
        lambda f, V, step, h: (f(V + step) - f(V - step)) / (2 * h),
        lambda index: (slice(None), index[1]),
    ),
    "all of V nudged": _nudged(
        lambda f, V, step, h: (f(V + step) - f(V - step)) / (2 * h), lambda index: ...
    ),
    "V scaled, not nudged": lambda loss_of_v, V, h: np.full_like(
        V, (loss_of_v(V * (1 + h)) - loss_of_v(V * (1 - h))) / (2 * h)
    ),
    "one number": lambda loss_of_v, V, h: (loss_of_v(V + h) - loss_of_v(V - h)) / (2 * h),
    "V12 transposed": lambda loss_of_v, V, h: RIGHT["numerical_gradient_v"][0](loss_of_v, V, h).T,
    "float32": lambda loss_of_v, V, h: RIGHT["numerical_gradient_v"][0](
        loss_of_v, V.astype(np.float32), np.float32(h)
    ),
    "always zero": lambda loss_of_v, V, h: np.zeros_like(V),
}


@wrong("numerical_gradient_v", "not put back")
def answer(loss_of_v, V, h):
    gradient, moved = np.empty_like(V), V.copy()
    for index in np.ndindex(V.shape):
        moved[index] += h
        above = loss_of_v(moved)
        moved[index] -= 2 * h
        gradient[index] = (above - loss_of_v(moved)) / (2 * h)
    return gradient


@wrong("numerical_gradient_v", "V15 V is left changed")
def answer(loss_of_v, V, h):
    gradient = np.empty_like(V)
    for index in np.ndindex(V.shape):
        V[index] += h
        above = loss_of_v(V)
        V[index] -= 2 * h
        below = loss_of_v(V)
        V[index] += h  # V + h - 2h + h is not V in floating point
        gradient[index] = (above - below) / (2 * h)
    return gradient


@wrong("numerical_gradient_v", "above and below are the same array")
def answer(loss_of_v, V, h):
    gradient = np.empty_like(V)
    for index in np.ndindex(V.shape):
        above = below = V.copy()
        above[index] += h
        below[index] -= h
        gradient[index] = (loss_of_v(above) - loss_of_v(below)) / (2 * h)
    return gradient


@wrong("numerical_gradient_v", "integers")
def answer(loss_of_v, V, h):
    gradient = np.zeros(V.shape, dtype=int)
    gradient[:] = RIGHT["numerical_gradient_v"][0](loss_of_v, V, h)
    return gradient
