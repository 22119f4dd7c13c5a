"""Exercises of unit 02-gradient-of-v: softmax minus target, and the gradient of V.

ŷ_t, y_t and s_t are all that dE_t/dV depends on, so the references need no V: the complex step
moves logits that give these ŷ_t, directly or by a small matrix times s_t.
"""

import numpy as np

from ... import rnn
from ...numerical import central_difference, complex_step
from ..exercise import exercise, prediction
from ..fixtures import fixtures
from ..steps import Steps

UNIT = "02-gradient-of-v"
NUMERICAL = "the numerical gradient"


def _logits(y_hat):
    """Logits that give these probabilities; a probability that underflowed to 0 is no obstacle."""
    return np.log(np.maximum(y_hat, np.finfo(float).tiny))


def _square(fixture):
    """ŷ and y of the fixture's states under a V that is square: shapes then say nothing."""
    n_hidden = len(fixture.s_init)
    square = np.resize(fixture.params.V, (n_hidden, n_hidden)) + np.eye(n_hidden)
    return rnn.softmax(fixture.activations.s[1:] @ square.T), fixture.y % n_hidden


def _sharp(fixture):
    """Predictions of a network that is certain, and at step 0 so wrong that ŷ underflows to 0."""
    z = 3.0 * fixture.activations.z
    z[0, fixture.y[0]] -= 800.0
    return rnn.softmax(z)


# From the loss to the logits


def _single_steps(fixture):
    """ŷ_t of the first step, of the last one made flatter, and of one that knows nothing."""
    z, n_classes = fixture.activations.z, len(fixture.params.V)
    y_hat = rnn.softmax(np.array([z[0], z[-1] / 2, np.zeros(n_classes)]))
    return list(zip(y_hat, map(int, (fixture.y[0], fixture.y[-1], n_classes - 1)), strict=True))


@exercise(
    UNIT,
    returns="J",
    calls=lambda f: [(y_hat_t,) for y_hat_t, _ in _single_steps(f)],
    against="the numerical Jacobian",
    steps=lambda steps, y_hat_t: steps.jacobian(y_hat_t),
)
def softmax_jacobian(y_hat_t):
    z_t = _logits(y_hat_t)
    rows = [complex_step(lambda z, i=i: rnn.softmax(z)[i], z_t) for i in range(len(z_t))]
    return np.array(rows)


def _long_way_by_steps(steps, y_hat_t, y_t):
    """The right error, plus what a wrong Jacobian changes in it: either step can be replaced."""
    upstream = steps.upstream(y_hat_t, y_t)
    error = steps.error(y_hat_t[None], np.array([y_t]))[0]
    right = Steps.upstream(y_hat_t, y_t) @ Steps.jacobian(y_hat_t)
    return upstream, error + upstream @ steps.jacobian(y_hat_t) - right


@exercise(
    UNIT,
    returns=("dE_dy_hat", "dE_dz"),
    calls=_single_steps,
    against=NUMERICAL,
    steps=_long_way_by_steps,
)
def error_long_way(y_hat_t, y_t):
    upstream = complex_step(lambda y_hat: -np.log(y_hat[y_t]), y_hat_t)
    return upstream, complex_step(lambda z: rnn.cross_entropy(z, y_t), _logits(y_hat_t))


@exercise(
    UNIT,
    returns="error",
    calls=lambda f: [
        (f.activations.y_hat, f.y),
        (_sharp(f), f.y),
        (f.activations.y_hat[:1], f.y[:1]),
    ],
    against=NUMERICAL,
    steps=lambda steps, y_hat, y: steps.error(y_hat, y),
)
def output_error(y_hat, y):
    return complex_step(lambda z: rnn.cross_entropy(z, y).sum(), _logits(y_hat))


@exercise(
    UNIT,
    returns="dE_dz",
    calls=_single_steps,
    against=NUMERICAL,
    steps=lambda steps, y_hat_t, y_t: (
        (y_hat_t - np.eye(len(y_hat_t))[y_t]) @ steps.jacobian(y_hat_t)
    ),
)
def gradient_z_squared_error(y_hat_t, y_t):
    one_hot = np.eye(len(y_hat_t))[y_t]
    return complex_step(lambda z: 0.5 * ((rnn.softmax(z) - one_hot) ** 2).sum(), _logits(y_hat_t))


# From the logits to V


def _one_step_calls(fixture):
    s, y_hat, y = fixture.activations.s, fixture.activations.y_hat, fixture.y
    y_hat_square, y_square = _square(fixture)
    return [
        (y_hat[0], int(y[0]), s[1]),
        (y_hat[-1], int(y[-1]), s[-1]),
        (y_hat_square[0], int(y_square[0]), s[1]),
    ]


def _all_steps_calls(fixture):
    s, y_hat, y = fixture.activations.s, fixture.activations.y_hat, fixture.y
    return [(y_hat, y, s), (*_square(fixture), s), (y_hat[:1], y[:1], s[:2])]


@exercise(
    UNIT,
    returns="dV",
    calls=_one_step_calls,
    against=NUMERICAL,
    # s_{t-1} is not handed out in this exercise, so it cannot be taken for s_t
    steps=lambda steps, y_hat_t, y_t, s_t: steps.sum_V(
        steps.error(y_hat_t[None], np.array([y_t])), np.array([s_t, s_t])
    ),
)
def gradient_v_one_step(y_hat_t, y_t, s_t):
    return gradient_v(y_hat_t[None], np.array([y_t]), np.array([s_t, s_t]))


@exercise(
    UNIT,
    returns="dV",
    calls=_all_steps_calls,
    against=NUMERICAL,
    steps=lambda steps, y_hat, y, s: steps.gradient_V(y_hat, y, s, x=y),
)
def gradient_v(y_hat, y, s):
    z = _logits(y_hat)

    def loss_of_move(move):
        return rnn.cross_entropy(z + s[1:] @ move.T, y).sum()

    return complex_step(loss_of_move, np.zeros((y_hat.shape[1], s.shape[1])))


class LossOfV:
    """The loss of a sentence as a function of V alone: U, W and so the states stay as they are."""

    __name__ = "loss_of_v"  # what a report calls it

    def __init__(self, s, y):
        self.s, self.y = s, y

    def __call__(self, V):
        return rnn.cross_entropy(self.s[1:] @ V.T, self.y).sum()


def _losses_to_differentiate(fixture):
    """Three classes and two hidden units are enough to see the rule, and keep the check quick.

    With a large h it is the rule that shows, with a small one that it gives the derivative.
    """
    loss_of_v = LossOfV(fixture.activations.s[:, :2], fixture.y % 3)
    h = 10.0 ** (5 - fixture.n_steps)  # 1e-1, 1e-3 and 1e-6
    return [(loss_of_v, fixture.params.V[:3, :2], h)]


@exercise(
    UNIT,
    returns="dV",
    calls=_losses_to_differentiate,
    against="central differences of the same h",
    steps=lambda steps, loss_of_v, V, h: steps.slopes(loss_of_v, V, h),
    rtol=1e-7,  # at h = 1e-6, rounding leaves about 1e-16 · E / h in each entry
)
def numerical_gradient_v(loss_of_v, V, h):
    return central_difference(loss_of_v, V, h)


# Predictions


def _error(z, y):
    """∂E_t/∂z_t of every step, numerically."""
    return complex_step(lambda moved: rnn.cross_entropy(moved, y).sum(), z)


@prediction(UNIT)
def predict_sign_at_target():
    at_target = np.concatenate(
        [_error(f.activations.z, f.y)[np.arange(f.n_steps), f.y] for f in fixtures(0)]
    )
    if (at_target < 0).all():
        return "a"
    return "b" if (at_target > 0).all() else "c"


@prediction(UNIT, rtol=1e-9)
def predict_row_sum():
    fixture = fixtures(0)[0]
    return float(_error(fixture.activations.z, fixture.y)[0].sum())


def _certain_and_wrong():
    """Logits of one step, shape (1, 4), that favour class 0 by far, and the target, class 1."""
    return np.array([[20.0, 0.0, 0.0, 0.0]]), np.array([1])


@prediction(UNIT, rtol=1e-3)
def predict_certain_and_wrong():
    return float(np.abs(_error(*_certain_and_wrong())).sum())


@prediction(UNIT)
def predict_stuck_loss():
    z, y = _certain_and_wrong()
    one_hot = np.eye(z.shape[1])[y]
    squared = complex_step(lambda moved: 0.5 * ((rnn.softmax(moved) - one_hot) ** 2).sum(), z)
    cross_entropy_stuck = np.abs(_error(z, y)).max() < 1e-6
    squared_stuck = np.abs(squared).max() < 1e-6
    return {(1, 0): "a", (0, 1): "b", (1, 1): "c", (0, 0): "d"}[cross_entropy_stuck, squared_stuck]


@prediction(UNIT)
def predict_past_of_v():
    """Whether dE_3/dV notices a new s_2 with s_3 held, and a new first token with all run again."""
    f = fixtures(0)[0]
    params, x, y, s_init = f.params, f.x[:4], f.y[:4], f.s_init

    def gradient(s_3):
        return complex_step(lambda V: rnn.cross_entropy(V @ s_3, y[3]), params.V)

    s = rnn.forward(params, x, s_init).s
    s_held = s.copy()
    s_held[3] += 0.1  # s_2; s_3 is row 4 and stays
    other_x = x.copy()
    other_x[0] = f.x[4]
    s_again = rnn.forward(params, other_x, s_init).s
    changes = [not np.allclose(gradient(s[4]), gradient(other[4])) for other in (s_held, s_again)]
    return {(0, 0): "a", (1, 0): "b", (0, 1): "c", (1, 1): "d"}[tuple(changes)]


@prediction(UNIT)
def predict_blind_check():
    """Which of two mistakes a gradient check misses when every state is zero."""
    f = fixtures(0)[0]
    s = np.zeros_like(f.activations.s)
    numerical = complex_step(LossOfV(s, f.y), f.params.V)
    error = _error(s[1:] @ f.params.V.T, f.y)
    sign_turned = -error.T @ s[1:]
    state_forgotten = np.repeat(error.sum(axis=0)[:, None], s.shape[1], axis=1)
    missed = [np.allclose(wrong, numerical) for wrong in (sign_turned, state_forgotten)]
    return {(1, 0): "a", (0, 1): "b", (1, 1): "c", (0, 0): "d"}[tuple(missed)]
