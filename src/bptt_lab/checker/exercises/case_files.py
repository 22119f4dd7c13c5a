"""Exercises of unit 08-case-files: mistakes of public tutorials and courses, to be mended."""

import numpy as np

from ... import rnn
from ...numerical import complex_step, numerical_gradient
from ..diagnosis import Reading
from ..exercise import EXERCISES, exercise, prediction
from ..fixtures import fixtures
from . import gradient_of_v  # noqa: F401  (case 4 asks for what one of its exercises asks)

UNIT = "08-case-files"
NUMERICAL = "the numerical gradient"


# Case 4: the slip in the seed's listing


OUTPUT_ERROR = EXERCISES["output_error"]


@exercise(
    UNIT,
    returns=OUTPUT_ERROR.returns[0],
    calls=OUTPUT_ERROR.calls,
    against=OUTPUT_ERROR.against,
    steps=OUTPUT_ERROR.steps,
)
def mend_case_4(y_hat, y):
    return OUTPUT_ERROR.reference(y_hat, y)


# Case 5: the index that wraps around


@exercise(
    UNIT,
    returns=("dU", "dW"),
    calls=lambda f: [(f.params, f.x, f.y), (f.params, f.x[:1], f.y[:1])],
    against=NUMERICAL,
    steps=lambda steps, params, x, y: steps.gradients_UW(
        params, x, y, *_states_and_predictions(steps, params, x)
    ),
)
def mend_case_5(params, x, y):
    gradient = numerical_gradient(params, x, y)
    return gradient.U, gradient.W


def _states_and_predictions(steps, params, x):
    s = steps.states(params, x, np.zeros(len(params.W)))
    return s, steps.softmax(steps.logits(s, params.V))


# Case 6: many words in, one answer out


@exercise(
    UNIT,
    returns=("dU", "dW", "dV"),
    calls=lambda f: [
        (f.params, f.x[:n], int(f.y[n - 1]), f.activations.s[: n + 1], f.activations.y_hat[n - 1])
        for n in (f.n_steps, 2, 1)
    ],
    against=NUMERICAL,
    steps=lambda steps, params, x, target, s, y_hat: _last_loss(steps, params, x, target, s, y_hat),
    reads=lambda answer, params, x, target, s, y_hat: [Reading("δ", answer[0].T[x], backward=True)],
)
def mend_case_6(params, x, target, s, y_hat):
    def last_loss(moved):
        z = rnn.run(moved, x, s[0]).z
        return rnn.cross_entropy(z[-1:], np.array([target])).sum()

    return tuple(complex_step(last_loss, params))


def _last_loss(steps, params, x, target, s, y_hat):
    T = len(x)
    error = np.zeros((T, len(params.V)))
    error[-1] = steps.error(y_hat[None], steps.target(x[-1:], np.array([target])))[0]
    weights = steps.weights(np.tri(T)) * (np.arange(T) == T - 1)[:, None]
    weighted = weights[:, :, None] * steps.deltas(params, error, s)
    dU, dW = steps.sum_U(weighted, x, params.U.shape[1]), steps.sum_W(weighted, s)
    return *steps.finish_UW(dU, dW, T), steps.finish_V(steps.sum_V(error, s), T)


# Case 7: the check with a hole


def _comparisons(fixture):
    """Equal, off by little, off by much, zero against zero, zero against something, not finite.

    Off by little is also an entry that should be zero and is not, to rounding.
    """
    g = fixture.activations.a
    hole, broken = np.zeros_like(g), g.copy()
    broken[0, 0] = np.nan
    with_zeros, one_wrong = g * (np.arange(g.size).reshape(g.shape) % 2), g.copy()
    one_wrong[-1, -1] += 0.1
    balanced = g + 0.1 * np.resize([1.0, -1.0], g.shape)  # errors whose mean is nearly zero
    balanced -= (balanced - g).mean()
    rounded = with_zeros + 1e-9 * np.abs(g).max()
    rtol = 1e-6
    pairs = [
        (g, g),
        (g, g * (1 + 1e-8)),
        (g, g * (1 + 1e-3)),
        (g, -g),
        (hole, hole),
        (hole, g),
        (g, hole),
        (broken, g),
        (broken, broken),
        (with_zeros, with_zeros),
        (with_zeros, rounded),
        (one_wrong, g),
        (np.full_like(g, np.inf), g),
        (1e-9 * g, 2e-9 * g),
        (balanced, g),
    ]
    return [(*pair, rtol) for pair in pairs]


@exercise(
    UNIT,
    returns="passes",
    calls=_comparisons,
    steps=lambda steps, analytic, numerical, rtol: steps.passes(analytic, numerical, rtol),
)
def mend_case_7(analytic, numerical, rtol):
    if not (np.isfinite(analytic).all() and np.isfinite(numerical).all()):
        return False
    size = max(np.abs(analytic).max(), np.abs(numerical).max())
    return bool(np.abs(analytic - numerical).max() <= rtol * size)


# Cases 8 and 9: a backward pass that is given what arrives from above


def _upstream_calls(fixture):
    """A different gradient from above at every step; and a single step."""
    s = fixture.activations.s
    above = np.cos(np.arange(s[1:].size)).reshape(s[1:].shape)
    return [(fixture.params.W, s, above), (fixture.params.W, s[:2], above[:1])]


def _from_above(steps, W, s, above):
    T = len(above)
    deltas = np.zeros((T, T, len(W)))
    delta = above * steps.first_slope(s)
    slope = steps.hop_slope(s)
    deltas[np.arange(T), np.arange(T)] = delta
    for lag in range(1, T):
        delta = steps.hop(delta[1:], W) * slope[:-lag]
        deltas[np.arange(lag, T), np.arange(T - lag)] = delta
    return (steps.weights(np.tri(T))[:, :, None] * deltas).sum(axis=0)


def _backward(function):
    """Register an exercise that asks for δ, given what arrives at each state from above."""
    return exercise(
        UNIT,
        returns="delta",
        calls=_upstream_calls,
        against="the numerical derivative by the pre-activations",
        steps=_from_above,
        reads=lambda answer, W, s, above: [Reading("δ", answer[0], backward=True)],
    )(function)


def _numerical_delta(W, s, above):
    inputs = np.arctanh(s[1:]) - s[:-1] @ W.T  # U x_t, whatever U and x are

    def blamed(nudges):
        state, total = s[0], 0.0
        for inputs_t, nudge, above_t in zip(inputs, nudges, above, strict=True):
            state = np.tanh(inputs_t + W @ state + nudge)
            total = total + above_t @ state
        return total

    return complex_step(blamed, np.zeros_like(inputs))


@_backward
def mend_case_8(W, s, above):
    return _numerical_delta(W, s, above)


@_backward
def mend_case_9(W, s, above):
    return _numerical_delta(W, s, above)


# Predictions


@prediction(UNIT)
def predict_case_4():
    """What the rows of the wrong error sum to: 0 for the right one."""
    y_hat, y = fixtures(0)[0].activations.y_hat, fixtures(0)[0].y
    wrong = y_hat.copy()
    wrong[np.arange(len(y)), y] = 1.0
    sums = wrong.sum(axis=1)
    return "a" if np.allclose(sums, 0) else ("b" if np.allclose(sums, 1) else "c")


@prediction(UNIT)
def predict_case_5():
    """Which gradients are wrong when the states have a row too few."""
    f = fixtures(0)[0]
    net = rnn.forward(f.params, f.x)
    wrapped = np.roll(net.s[1:], 1, axis=0)  # what s[t - 1] reads
    delta = np.ones_like(net.a)
    dW_off = not np.allclose(delta.T @ wrapped, delta.T @ net.s[:-1])
    return "b" if dW_off else "a"


@prediction(UNIT)
def predict_case_6():
    """How large the error of a missing transpose is when all weights are tiny."""
    f = fixtures(0)[0]
    rng = np.random.default_rng(0)
    params = rnn.Params(*(rng.normal(size=p.shape) / 1000 for p in f.params))
    net = rnn.forward(params, f.x)
    error = net.y_hat[-1] - f.one_hot[-1]
    delta = (params.V.T @ error) * (1 - net.s[-1] ** 2)
    sums = []
    for back in (params.W, params.W.T):
        d, dU = delta, np.zeros_like(params.U)
        for k in reversed(range(f.n_steps)):
            dU[:, f.x[k]] += d
            d = (back @ d) * (1 - net.s[k] ** 2)
        sums.append(dU)
    off = np.linalg.norm(sums[0] - sums[1]) / np.linalg.norm(sums[1])
    return "a" if off > 0.1 else ("b" if off > 0.01 else "c")


@prediction(UNIT)
def predict_case_7():
    """What ``nan > 0.01`` is."""
    return "b" if not np.nan > 0.01 else "a"


@prediction(UNIT)
def predict_case_8():
    """Which steps of a sequence are right if nothing is handed on: only the last."""
    f = fixtures(0)[0]
    ((W, s, above), _) = _upstream_calls(f)
    right, alone = _numerical_delta(W, s, above), above * (1 - s[1:] ** 2)
    agree = [np.allclose(a, b) for a, b in zip(alone, right, strict=True)]
    return "c" if agree == [False] * (len(above) - 1) + [True] else "a"


@prediction(UNIT)
def predict_case_9():
    """What a check says of a right gradient that was written into its own argument."""
    f = fixtures(0)[0]
    ((W, s, above), _) = _upstream_calls(f)
    expected = _numerical_delta(W, s, above)
    delta = above.copy()  # the right sweep, in place: what came in is what goes out
    for k in reversed(range(len(delta))):
        if k < len(delta) - 1:
            delta[k] += W.T @ delta[k + 1]
        delta[k] *= 1 - s[k + 1] ** 2
    too_late = _numerical_delta(W, s, delta)  # the argument after the call
    is_right, passes = np.allclose(delta, expected), np.allclose(delta, too_late)
    return {(True, True): "a", (True, False): "b", (False, True): "c"}[is_right, passes]
