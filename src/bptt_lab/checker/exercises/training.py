"""Exercises of unit 06-training: descent, clipping, tasks of known length, unbiased truncation."""

import numpy as np

from ...bptt import bptt
from ...rnn import Params
from ...tasks import delayed_copy
from ...training import (
    InfluenceBalancing,
    clip_by_norm,
    clip_by_value,
    global_norm,
)
from ...training import sgd_step as reference_step
from ..exercise import exercise, prediction
from ..fixtures import fixtures

UNIT = "06-training"


def _gradient(fixture):
    return bptt(fixture.params, fixture.x, fixture.y, fixture.s_init)


# Descent


@exercise(
    UNIT,
    returns=("U", "W", "V"),
    calls=lambda f: [(f.params, _gradient(f), rate) for rate in (0.1, 0.003)],
    steps=lambda steps, params, gradient, learning_rate: tuple(
        steps.update(p, g, learning_rate) for p, g in zip(params, gradient, strict=True)
    ),
)
def sgd_step(params, gradient, learning_rate):
    return tuple(reference_step(params, gradient, learning_rate))


def _clip_calls(fixture):
    """Shorter than the limit, longer, far longer, and one long matrix among short ones."""
    gradient = _gradient(fixture)
    norm = global_norm(gradient)
    uneven = gradient._replace(W=100 * gradient.W)
    return [
        (gradient, 2 * norm),
        (gradient, norm / 2),
        (gradient, norm / 50),
        (uneven, norm),
    ]


@exercise(
    UNIT,
    returns=("dU", "dW", "dV"),
    calls=_clip_calls,
    steps=lambda steps, gradient, max_norm: tuple(steps.clip(gradient, max_norm)),
)
def clip_gradient(gradient, max_norm):
    norm = np.linalg.norm(np.concatenate([matrix.ravel() for matrix in gradient]))
    return tuple(matrix * min(1.0, max_norm / norm) for matrix in gradient)


# Tasks


@exercise(
    UNIT,
    returns="y",
    calls=lambda f: [(f.x, lag, f.params.U.shape[1]) for lag in (2, 1, 0, f.n_steps - 1)],
    steps=lambda steps, x, lag, n_symbols: steps.delay(x, lag, n_symbols),
)
def delayed_targets(x, lag, n_symbols):
    return np.array([x[t - lag] if t >= lag else n_symbols for t in range(len(x))])


def _score_calls(fixture):
    """Three sentences side by side, of which some steps count; the answers are partly right."""
    rng = np.random.default_rng(fixture.x[:3])
    T, C = fixture.activations.z.shape
    z = rng.normal(size=(T, 3, C))
    y = np.where(rng.random((T, 3)) < 0.6, z.argmax(axis=-1), rng.integers(C, size=(T, 3)))
    return [(z, y, np.arange(T) >= T // 2), (z, y, np.arange(T) == 0), (z, y, np.arange(T) != 1)]


@exercise(
    UNIT,
    returns="accuracy",
    calls=_score_calls,
    steps=lambda steps, z, y, scored: steps.score(z.argmax(axis=-1), y, scored),
)
def fraction_right(z, y, scored):
    right = [z[t, b].argmax() == y[t, b] for t in np.flatnonzero(scored) for b in range(y.shape[1])]
    return sum(right) / len(right)


# Truncation without bias


def _cut_calls(fixture):
    """Cuts at some hops, at none, at the first and at the last."""
    n = fixture.n_steps
    some = np.arange(n) == n // 2
    last, first = np.arange(n) == n - 1, np.arange(n) == 0
    return [(some, 0.25), (np.zeros(n, bool), 0.1), (first, 0.5), (last, 0.4), (last | some, 0.2)]


@exercise(
    UNIT,
    returns="weights",
    calls=_cut_calls,
    steps=lambda steps, cuts, probability: steps.lag_weights(cuts, probability),
)
def lag_weights(cuts, probability):
    weights = [1.0]
    for cut in cuts:
        weights.append(0.0 if cut else weights[-1] / (1 - probability))
    return np.array(weights)


@exercise(
    UNIT,
    returns="slope",
    calls=lambda f: [(f.params.W, f.s_init, n_hops) for n_hops in (3, 0, 1, 7)],
    steps=lambda steps, A, v, n_hops: steps.chain_slope(A, v, n_hops),
)
def chain_slope(A, v, n_hops):
    return sum((np.linalg.matrix_power(A, lag) @ v)[0] for lag in range(n_hops + 1))


# Predictions


@prediction(UNIT, rtol=1e-6)
def predict_step_size():
    """The learning rate with which a sum over 50 steps moves as 0.1 does with the mean."""
    f = fixtures(0)[2]
    of_sum = global_norm(_gradient(f))
    of_mean = global_norm([matrix / 50 for matrix in _gradient(f)])
    return 0.1 * of_mean / of_sum


@prediction(UNIT)
def predict_what_turns():
    """Which of the two clippings changes the direction of a gradient."""
    gradient = Params(*([[3.0, 0.1]],) * 3)
    gradient = Params(*map(np.array, gradient))

    def turned(clipped):
        flat = np.concatenate([m.ravel() for m in clipped])
        before = np.concatenate([m.ravel() for m in gradient])
        cosine = flat @ before / np.linalg.norm(flat) / np.linalg.norm(before)
        return cosine < 1 - 1e-12

    by_value, by_norm = turned(clip_by_value(gradient, 1.0)), turned(clip_by_norm(gradient, 1.0))
    return {(True, False): "a", (False, True): "b", (True, True): "c"}[by_value, by_norm]


@prediction(UNIT)
def predict_reach():
    """The smallest window whose gradient holds the term that a delayed copy of lag 4 lives on."""
    batch = delayed_copy(np.random.default_rng(0), 1, 9, lag=4)
    t = int(np.flatnonzero(batch.scored)[-1])
    needed = t - 4  # the step at which the symbol was read
    return next(w for w in range(9) if max(0, t - w) <= needed)


@prediction(UNIT)
def predict_sign():
    """The sign of a slope that looks 10 hops back, beside that of the whole slope."""
    chain = InfluenceBalancing()
    return "a" if chain.slope(10) * chain.slope(500) < 0 else "b"


@prediction(UNIT, rtol=1e-6)
def predict_mean_weight():
    """The mean weight of the term five hops back under random cuts, each with c = 0.2."""
    keep = 0.8
    patterns = np.array(np.meshgrid(*[[0, 1]] * 5)).reshape(5, -1).T  # 1 is a cut
    chances = np.prod(np.where(patterns == 1, 1 - keep, keep), axis=1)
    return float(
        sum(c * lag_weights(p == 1, 1 - keep)[-1] for p, c in zip(patterns, chances, strict=True))
    )
