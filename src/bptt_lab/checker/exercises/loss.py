"""Exercises of unit 01-loss: the forward pass, the softmax and the loss."""

import numpy as np

from ... import rnn
from ..diagnosis import Reading
from ..exercise import exercise, prediction
from ..fixtures import fixtures
from ..steps import Steps

UNIT = "01-loss"


# The state


@exercise(
    UNIT,
    returns="s_t",
    calls=lambda f: [(f.params.U, f.params.W, int(f.x[t]), f.activations.s[t]) for t in (0, 3)],
    steps=lambda steps, U, W, x_t, s_prev: steps.state(U, W, x_t, s_prev),
)
def forward_step(U, W, x_t, s_prev):
    params = rnn.Params(U, W, np.ones((1, len(W))))
    return rnn.run(params, np.array([x_t]), s_prev).s[1]


@exercise(
    UNIT,
    returns="s",
    calls=lambda f: [(f.params, f.x, f.s_init), (f.params, f.x[:1], f.s_init)],
    steps=lambda steps, params, x, s_init: steps.layout(steps.states(params, x, s_init)),
    reads=lambda answer, params, x, s_init: [Reading("s", answer[0][1:])],
)
def forward_states(params, x, s_init):
    return rnn.forward(params, x, s_init).s


# The prediction and the loss


def _logits_calls(fixture):
    """Ordinary logits, logits that overflow, and rows that are far apart."""
    z = fixture.activations.z
    return [(z,), (1000 * z,), (z + 1000.0 * np.arange(len(z))[:, None],)]


@exercise(
    UNIT,
    returns="y_hat",
    calls=_logits_calls,
    steps=lambda steps, z: steps.softmax(z),
)
def softmax(z):
    return rnn.softmax(z)


@exercise(
    UNIT,
    returns="losses",
    calls=lambda f: [(f.activations.y_hat, f.y), (f.activations.y_hat[:1], f.y[:1])],
    steps=lambda steps, y_hat, y: steps.losses(y_hat, y),
)
def step_losses(y_hat, y):
    return rnn.cross_entropy(np.log(y_hat), y)


def _extreme(z, y):
    """The logits with a first target so unlikely that its probability underflows to 0."""
    z = z.copy()
    z[0, y[0]] -= 2000.0
    return z


@exercise(
    UNIT,
    returns="losses",
    calls=lambda f: [
        (f.activations.z, f.y),
        (_extreme(f.activations.z, f.y), f.y),
        (f.activations.z + 3000.0, f.y),
    ],
    rtol=1e-11,  # of a logit near 3000, rounding leaves 5e-13
    steps=lambda steps, z, y: steps.losses_of_logits(z, y),
)
def log_softmax_loss(z, y):
    return rnn.cross_entropy(z, y)


@exercise(
    UNIT,
    returns="loss",
    calls=lambda f: [(f.params, f.x, f.y, f.s_init), (f.params, f.x[:1], f.y[:1], f.s_init)],
    steps=lambda steps, params, x, y, s_init: steps.loss(params, x, y, s_init),
)
def total_loss(params, x, y, s_init):
    return rnn.loss(params, x, y, s_init)


@exercise(
    UNIT,
    returns="loss",
    calls=lambda f: [(f.n_steps, len(f.params.V)), (1, 8000), (40, 2)],
    steps=lambda steps, n_steps, n_classes: steps.reduce(
        steps.nats(np.full(n_steps, 1 / n_classes)), n_classes
    ),
)
def expected_initial_loss(n_steps, n_classes):
    params = rnn.Params(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((n_classes, 1)))
    nothing = np.zeros(n_steps, dtype=int)
    return rnn.loss(params, nothing, nothing)


# Predictions


def _untrained(n_inputs=8000, n_hidden=4, n_steps=5, scale=0.01):
    """A network of tiny weights and a sentence."""
    rng = np.random.default_rng(0)
    params = rnn.init_params(rng, n_inputs, n_hidden, n_inputs, gain=scale)
    return params, rng.integers(n_inputs, size=n_steps), rng.integers(n_inputs, size=n_steps)


@prediction(UNIT, rtol=0.01)
def predict_initial_loss():
    """The loss of an untrained network of 8000 words on a sentence of 5."""
    return float(rnn.loss(*_untrained()))


@prediction(UNIT)
def predict_first_token():
    """Which states change when the first token is another one."""
    f = fixtures(0)[0]
    other = f.x.copy()
    other[0] = f.x[1]
    before = rnn.forward(f.params, f.x, f.s_init).s[1:]
    changed = np.abs(rnn.forward(f.params, other, f.s_init).s[1:] - before).max(axis=1) > 0
    if changed.all():
        return "c"
    return "a" if changed[0] and not changed[1:].any() else "b"


@prediction(UNIT)
def predict_sanity_check():
    """Whether log C betrays a missing tanh and a transposed W: neither, one of them, or both."""
    params, x, y = _untrained(n_inputs=50)
    s_init = np.zeros(4)
    uniform = len(x) * np.log(50)

    def seems_right(**slip):
        return abs(Steps(**slip).loss(params, x, y, s_init) / uniform - 1) < 0.01

    no_tanh = seems_right(activate=lambda u, w: u + w)
    transposed = seems_right(recur=lambda W, s: W.T @ s)
    return {(0, 0): "c", (1, 0): "b", (0, 1): "b", (1, 1): "a"}[no_tanh, transposed]


@prediction(UNIT)
def predict_unlikely_target():
    """What -log(softmax(z)[y]) gives where the target's probability underflows."""
    with np.errstate(divide="ignore"):
        naive = -np.log(rnn.softmax(np.array([0.0, -800.0]))[1])
    return "b" if np.isinf(naive) else "a"
