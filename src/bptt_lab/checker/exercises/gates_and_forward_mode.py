"""Exercises of unit 07-gates-and-forward-mode: LSTM, GRU, forward mode, closed loop."""

import numpy as np

from ... import cells
from ...bptt import bptt
from ...closed_loop import closed_loop_forward, closed_loop_loss
from ...numerical import complex_step, relative_error
from ...rnn import softmax
from ..exercise import exercise, prediction
from ..fixtures import fixtures

UNIT = "07-gates-and-forward-mode"
NUMERICAL = "the numerical derivative"


# LSTM


def _lstm_calls(fixture):
    """Pre-activations of all gates, with a cell that is not zero."""
    a = fixture.activations.a
    return [
        (np.concatenate([a[1], -a[0], a[2] / 2, a[0] + a[1]]), 2 * s)
        for s in fixture.activations.s[1:3]
    ]


def _lstm(a, c_prev):
    """Of stacked pre-activations: with W = I nothing is mixed, and a is the input of the step."""
    H = len(c_prev)
    (s, c), _ = cells.LSTM.step(np.zeros((4 * H, H)), a, (np.zeros(H), c_prev))
    return s, c


@exercise(
    UNIT,
    returns=("s", "c"),
    calls=_lstm_calls,
    steps=lambda steps, a, c_prev: steps.lstm(a, c_prev),
)
def lstm_step(a, c_prev):
    return _lstm(a, c_prev)


def _lstm_backward_calls(fixture):
    return [
        (a, c_prev, np.cos(np.arange(len(c_prev))), np.sin(np.arange(len(c_prev)) + 1))
        for a, c_prev in _lstm_calls(fixture)
    ]


@exercise(
    UNIT,
    returns=("da_i", "da_f", "da_o", "da_g", "dc_prev"),
    calls=_lstm_backward_calls,
    against=NUMERICAL,
    steps=lambda steps, a, c_prev, d_s, d_c: steps.lstm_back(a, c_prev, d_s, d_c),
)
def lstm_step_backward(a, c_prev, d_s, d_c):
    def blamed(moved_a, moved_c):
        s, c = _lstm(moved_a, moved_c)
        return d_s @ s + d_c @ c

    d_a = complex_step(lambda moved: blamed(moved, c_prev), a)
    return *np.split(d_a, 4), complex_step(lambda moved: blamed(a, moved), c_prev)


# GRU


def _gru_calls(fixture):
    W = fixture.params.W
    stacked = np.concatenate([W, -W.T, W @ W])
    a = fixture.activations.a
    return [(np.concatenate([a[0], -a[1], a[2]]), stacked, s) for s in fixture.activations.s[1:3]]


@exercise(
    UNIT,
    returns="s",
    calls=_gru_calls,
    steps=lambda steps, from_input, W, s_prev: steps.gru(from_input, W, s_prev),
)
def gru_step(from_input, W, s_prev):
    ((s,), _) = cells.GRU.step(W, from_input, (s_prev,))
    return s


@exercise(
    UNIT,
    returns=("da_z", "da_r", "da_n", "ds_prev"),
    calls=lambda f: [(*call, np.cos(np.arange(len(call[2])))) for call in _gru_calls(f)],
    against=NUMERICAL,
    steps=lambda steps, from_input, W, s_prev, d_s: steps.gru_back(from_input, W, s_prev, d_s),
)
def gru_step_backward(from_input, W, s_prev, d_s):
    d_a = complex_step(lambda moved: d_s @ gru_step(moved, W, s_prev), from_input)
    d_before = complex_step(lambda moved: d_s @ gru_step(from_input, W, moved), s_prev)
    return *np.split(d_a, 3), d_before


# Forward mode


def _influence_calls(fixture):
    """The influence so far is not zero, and then it is."""
    W, s = fixture.params.W, fixture.activations.s
    so_far = np.cos(np.arange(W.size * len(W))).reshape(len(W), *W.shape)
    return [(W, s[2], s[3], so_far), (W, s[0], s[1], np.zeros_like(so_far))]


@exercise(
    UNIT,
    returns="influence",
    calls=_influence_calls,
    against=NUMERICAL,
    steps=lambda steps, W, s_prev, s_t, influence_prev: steps.influence(
        W, s_prev, s_t, influence_prev
    ),
)
def influence_step(W, s_prev, s_t, influence_prev):
    """By an entry of W that moves the state before by `influence_prev`, and this step besides."""
    inputs = np.arctanh(s_t) - W @ s_prev
    columns = np.empty((len(W), *W.shape))
    for index in np.ndindex(W.shape):
        moved = W.astype(complex)
        moved[index] += 1e-30j
        before = s_prev + 1e-30j * influence_prev[(slice(None), *index)]
        columns[(slice(None), *index)] = np.tanh(inputs + moved @ before).imag / 1e-30
    return columns


# Closed loop


def _closed_calls(fixture):
    """Square in inputs and classes: the classes of the fixture, and as many columns of U."""
    params = fixture.params
    C = len(params.V)
    params = params._replace(U=np.resize(params.U, (len(params.W), C)) * np.linspace(0.5, 1, C))
    calls = []
    for n in (len(fixture.y), 1):
        first = int(fixture.x[0]) % C
        inputs, s, z = closed_loop_forward(params, first, n, fixture.s_init)
        calls.append((params, inputs, fixture.y[:n], s, softmax(z)))
    return calls


@exercise(
    UNIT,
    returns=("dU", "dW", "dV"),
    calls=_closed_calls,
    against="the numerical gradient",
    steps=lambda steps, params, inputs, y, s, y_hat: steps.closed_loop(params, inputs, y, s, y_hat),
)
def closed_loop_gradient(params, inputs, y, s, y_hat):
    first = int(inputs[0].argmax())
    return tuple(complex_step(lambda p: closed_loop_loss(p, first, y, s[0]), params))


# Predictions


@prediction(UNIT, rtol=0.02)
def predict_kept_by_forget_gate():
    """What is left of a derivative along c after 20 steps with f = 0.9."""
    d_c = 1.0
    for _ in range(20):
        d_c *= 0.9
    return d_c


@prediction(UNIT)
def predict_influence_size():
    """How many numbers the influence of W holds for H = 100."""
    n_units, n_rows, n_columns = 100, 100, 100
    return n_units * n_rows * n_columns


@prediction(UNIT)
def predict_longer_sentence():
    """What must keep ten times as much for ten times as many steps: BPTT, its states."""
    H, D = 8, 6
    states = [n_steps * H for n_steps in (20, 200)]
    influence = [H * H * (D + H) for _ in (20, 200)]
    grows = tuple(many == 10 * few for few, many in (states, influence))
    return {(True, True): "a", (True, False): "b", (False, True): "c"}[grows]


@prediction(UNIT)
def predict_product():
    """What Σ_i δ_i W_ij is, for a vector δ: Wᵀ δ."""
    rng = np.random.default_rng(0)
    delta, W = rng.normal(size=3), rng.normal(size=(3, 3))
    sums = np.array([sum(delta[i] * W[i, j] for i in range(3)) for j in range(3)])
    offers = {"a": W @ delta, "b": W.T @ delta, "c": np.outer(delta, W[0])}
    return next(k for k, v in offers.items() if v.shape == sums.shape and np.allclose(v, sums))


@prediction(UNIT)
def predict_open_gradient():
    """Which gradients are wrong if the inputs of a closed loop are taken for given: all three."""
    params, inputs, y, s, y_hat = _closed_calls(fixtures(0)[0])[0]
    as_if_given = bptt(params, inputs, y, s[0])
    closed = closed_loop_gradient(params, inputs, y, s, y_hat)
    off = tuple(relative_error(g, c) > 1e-3 for g, c in zip(as_if_given, closed, strict=True))
    return {(True, False, False): "a", (True, True, False): "b", (True, True, True): "c"}[off]
