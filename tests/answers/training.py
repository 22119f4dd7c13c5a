"""Answers to the exercises of unit 06-training, right and wrong."""

import numpy as np

RIGHT = {}
WRONG = {}


# Descent


def sgd_by_name(params, gradient, learning_rate):
    moved = {}
    for name in ("U", "W", "V"):
        moved[name] = getattr(params, name) - learning_rate * getattr(gradient, name)
    return moved["U"], moved["W"], moved["V"]


def sgd_on_copies(params, gradient, learning_rate):
    copies = [matrix.copy() for matrix in params]
    for copy, slope in zip(copies, gradient):
        copy -= learning_rate * slope
    return copies


def sgd_in_place(params, gradient, learning_rate):
    for matrix, slope in zip(params, gradient):
        matrix -= learning_rate * slope
    return params


def stepped(step):
    return lambda params, gradient, rate: tuple(step(p, g, rate) for p, g in zip(params, gradient))


RIGHT["sgd_step"] = [
    sgd_by_name,
    sgd_on_copies,
    lambda params, gradient, rate: type(params)(*(p - rate * g for p, g in zip(params, gradient))),
]
WRONG["sgd_step"] = {
    "L1 uphill": stepped(lambda p, g, rate: p + rate * g),
    "L2 the update alone": stepped(lambda p, g, rate: -rate * g),
    "L3 no learning rate": stepped(lambda p, g, rate: p - g),
    "L3 divided by the rate": stepped(lambda p, g, rate: p - g / rate),
    "L4 bracket": stepped(lambda p, g, rate: rate * (p - g)),
    "F16 in place": sgd_in_place,
    "unchanged": stepped(lambda p, g, rate: p),
    "W alone": lambda params, gradient, rate: (
        params.U,
        params.W - rate * gradient.W,
        params.V,
    ),
    "U twice": lambda params, gradient, rate: (
        *(params.U - rate * gradient.U,) * 2,
        params.V - rate * gradient.V,
    ),
}


# Clipping


def clip_flat(gradient, max_norm):
    flat = np.concatenate([matrix.ravel() for matrix in gradient])
    length = np.linalg.norm(flat)
    if length <= max_norm:
        return tuple(gradient)
    return tuple(matrix * max_norm / length for matrix in gradient)


def clip_norm_of_norms(gradient, max_norm):
    length = np.hypot.reduce([np.linalg.norm(matrix) for matrix in gradient])
    return [matrix / max(1.0, length / max_norm) for matrix in gradient]


def clip_by_dots(gradient, max_norm):
    square = sum(np.vdot(matrix, matrix) for matrix in gradient)
    factor = 1.0 if square <= max_norm**2 else max_norm / np.sqrt(square)
    return type(gradient)(*(factor * matrix for matrix in gradient))


def scaled(factor):
    return lambda gradient, limit: tuple(factor(gradient, limit) * g for g in gradient)


def length(gradient):
    return np.sqrt(sum((g**2).sum() for g in gradient))


RIGHT["clip_gradient"] = [clip_flat, clip_norm_of_norms, clip_by_dots]
WRONG["clip_gradient"] = {
    "L5 each by its own": lambda gradient, limit: tuple(
        g * min(1, limit / np.linalg.norm(g)) for g in gradient
    ),
    "L6 by value": lambda gradient, limit: tuple(g.clip(-limit, limit) for g in gradient),
    "L7 always scaled": scaled(lambda gradient, limit: limit / length(gradient)),
    "L8 no root": scaled(lambda gradient, limit: min(1, limit / length(gradient) ** 2)),
    "L9 mean": scaled(
        lambda gradient, limit: min(
            1, limit / np.sqrt(np.mean(np.concatenate([g.ravel() for g in gradient]) ** 2))
        )
    ),
    "L10 largest entry": scaled(
        lambda gradient, limit: min(1, limit / max(np.abs(g).max() for g in gradient))
    ),
    "L11 left out": scaled(lambda gradient, limit: float(length(gradient) <= limit)),
    "norms added": scaled(
        lambda gradient, limit: min(1, limit / sum(np.linalg.norm(g) for g in gradient))
    ),
    "the other way": scaled(lambda gradient, limit: max(1, limit / length(gradient))),
    "unchanged": lambda gradient, limit: tuple(gradient),
    "spectral norm": scaled(
        lambda gradient, limit: min(1, limit / max(np.linalg.norm(g, 2) for g in gradient))
    ),
}


# Tasks


def delayed_by_slices(x, lag, n_symbols):
    y = np.full(len(x), n_symbols)
    y[lag:] = x[: len(x) - lag]
    return y


def delayed_by_where(x, lag, n_symbols):
    steps = np.arange(len(x))
    return np.where(steps >= lag, x[steps - lag], n_symbols)


def delayed_by_loop(x, lag, n_symbols):
    y = [n_symbols] * lag
    for token in x:
        y.append(token)
    return y[: len(x)]


RIGHT["delayed_targets"] = [delayed_by_slices, delayed_by_where, delayed_by_loop]
WRONG["delayed_targets"] = {
    "L12 rolled": lambda x, lag, n_symbols: np.roll(x, lag),
    "L13 ahead": lambda x, lag, n_symbols: np.append(x[lag:], [n_symbols] * lag),
    "L14 one step late": lambda x, lag, n_symbols: delayed_by_slices(
        np.append(n_symbols, x)[:-1], lag, n_symbols
    ),
    "L15 zeros": lambda x, lag, n_symbols: np.append(np.zeros(lag, int), x)[: len(x)],
    "L15 last symbol": lambda x, lag, n_symbols: np.append([n_symbols - 1] * lag, x)[: len(x)],
    "minus one": lambda x, lag, n_symbols: np.append([-1] * lag, x)[: len(x)],
    "cut": lambda x, lag, n_symbols: x[: len(x) - lag],
    "x[:-lag]": lambda x, lag, n_symbols: np.append([n_symbols] * lag, x[:-lag]),
    "the input": lambda x, lag, n_symbols: x.copy(),
}
RIGHT["fraction_right"] = [
    lambda z, y, scored: (z.argmax(axis=-1) == y)[scored].mean(),
    lambda z, y, scored: np.mean(np.argmax(z[scored], axis=2) == y[scored]),
    lambda z, y, scored: (
        ((z.argmax(axis=2) == y) * scored[:, None]).sum() / (scored.sum() * y.shape[1])
    ),
]
WRONG["fraction_right"] = {
    "L16 all steps": lambda z, y, scored: (z.argmax(axis=-1) == y).mean(),
    "L17 of all": lambda z, y, scored: (z.argmax(axis=-1) == y)[scored].sum() / y.size,
    "L18 wrong ones": lambda z, y, scored: (z.argmax(axis=-1) != y)[scored].mean(),
    "argmin": lambda z, y, scored: (z.argmin(axis=-1) == y)[scored].mean(),
    "argmax over time": lambda z, y, scored: (z.argmax(axis=0)[0, 0] == y)[scored].mean(),
    "per cent": lambda z, y, scored: 100 * (z.argmax(axis=-1) == y)[scored].mean(),
    "a count": lambda z, y, scored: (z.argmax(axis=-1) == y)[scored].sum(),
    "first sentence only": lambda z, y, scored: (z.argmax(axis=-1) == y)[scored, 0].mean(),
}


# Truncation without bias


def weights_by_powers(cuts, probability):
    first = np.flatnonzero(cuts)[0] if cuts.any() else len(cuts)
    lags = np.arange(len(cuts) + 1)
    return np.where(lags <= first, 1 / (1 - probability) ** lags, 0.0)


RIGHT["lag_weights"] = [
    weights_by_powers,
    lambda cuts, probability: np.append(1, np.cumprod(np.where(cuts, 0, 1 / (1 - probability)))),
    lambda cuts, probability: [
        float(not cuts[:lag].any()) * (1 - probability) ** -lag for lag in range(len(cuts) + 1)
    ],
]
WRONG["lag_weights"] = {
    "L19 not reweighted": lambda cuts, c: np.append(1, np.cumprod(~cuts)),
    "L20 by the chance of a cut": lambda cuts, c: np.append(
        1, np.cumprod(np.where(cuts, 0, 1 / c))
    ),
    "L21 what lies behind comes back": lambda cuts, c: np.append(
        1, ~cuts * (1 - c) ** -np.arange(1.0, len(cuts) + 1)
    ),
    "L22 the same weight for all": lambda cuts, c: np.append(1, np.cumprod(~cuts) / (1 - c)),
    "own step reweighted": lambda cuts, c: (
        np.append(1, np.cumprod(np.where(cuts, 0, 1 / (1 - c)))) / (1 - c)
    ),
    "own step left out": lambda cuts, c: np.cumprod(np.where(cuts, 0, 1 / (1 - c))),
    "times, not divided": lambda cuts, c: np.append(1, np.cumprod(np.where(cuts, 0, 1 - c))),
    "a cut at the last lag forgotten": lambda cuts, c: np.append(
        1, np.cumprod(np.where(np.append(cuts[:-1], False), 0, 1 / (1 - c)))
    ),
}


def slope_by_states(A, v, n_hops):
    s = np.zeros(len(v))
    for _ in range(n_hops + 1):
        s = A @ s + v
    return s[0]


def slope_by_rows(A, v, n_hops):
    row, total = np.eye(len(v))[0], 0.0
    for _ in range(n_hops + 1):
        total += row @ v
        row = row @ A
    return total


def chain(term, first=0, one_more=1):
    return lambda A, v, n_hops: sum(term(A, v, lag) for lag in range(first, n_hops + one_more))


power = np.linalg.matrix_power
RIGHT["chain_slope"] = [
    slope_by_states,
    slope_by_rows,
    chain(lambda A, v, lag: (power(A, lag) @ v)[0]),
]
WRONG["chain_slope"] = {
    "L23 one hop too few": chain(lambda A, v, lag: (power(A, lag) @ v)[0], one_more=0),
    "L24 longest path only": lambda A, v, n_hops: (power(A, n_hops) @ v)[0],
    "L25 transposed": chain(lambda A, v, lag: (power(A.T, lag) @ v)[0]),
    "L26 entry by entry": chain(lambda A, v, lag: (A**lag @ v)[0]),
    "own step left out": chain(lambda A, v, lag: (power(A, lag) @ v)[0], first=1),
    "all units": chain(lambda A, v, lag: (power(A, lag) @ v).sum()),
    "last unit": chain(lambda A, v, lag: (power(A, lag) @ v)[-1]),
    "one hop too many": chain(lambda A, v, lag: (power(A, lag) @ v)[0], one_more=2),
}
