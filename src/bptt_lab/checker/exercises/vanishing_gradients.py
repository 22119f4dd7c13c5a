"""Exercises of unit 05-vanishing-gradients: state Jacobians, their products, their bounds."""

import numpy as np

from ... import rnn
from ...bptt import bptt
from ...jacobians import norms, products, spectral_radius, state_jacobians, with_radius
from ...numerical import complex_step
from ..exercise import exercise, prediction

UNIT = "05-vanishing-gradients"


def _numerical_jacobian(f, at):
    rows = [complex_step(lambda moved, i=i: f(moved)[i], at) for i in range(len(f(at)))]
    return np.array(rows)


@exercise(
    UNIT,
    returns="jacobian",
    calls=lambda f: [
        (f.params.W, f.activations.s, t, k)
        for t, k in ((f.n_steps - 1, 1), (2, 0), (3, 2), (f.n_steps - 1, -1))
    ],
    against="the numerical Jacobian",
    steps=lambda steps, W, s, t, k: steps.path(
        [steps.jacobian_of_state(W, s, j) for j in steps.path_steps(t, k)], len(W)
    ),
)
def jacobian_product(W, s, t, k):
    inputs = np.arctanh(s[1:]) - s[:-1] @ W.T

    def run(state):
        for j in range(k + 1, t + 1):
            state = np.tanh(inputs[j] + W @ state)
        return state

    return _numerical_jacobian(run, s[k + 1])


@exercise(
    UNIT,
    returns="norms",
    calls=lambda f: [(f.params.W, f.activations.s[:n]) for n in (6, 2)],
    steps=lambda steps, W, s: steps.norms_of_paths(W, s),
)
def hop_norms(W, s):
    return norms(products(state_jacobians(W, s)))


@exercise(
    UNIT,
    returns="bound",
    calls=lambda f: [(f.params.W, n) for n in (3, 1, 0)] + [(f.params.W[:3, :3], 4)],
    steps=lambda steps, W, n_hops: steps.norm_bound(W, n_hops),
)
def norm_bound(W, n_hops):
    largest = np.sqrt(np.linalg.eigvalsh(W.T @ W).max())
    return largest**n_hops


@exercise(
    UNIT,
    returns="slope",
    calls=lambda f: [(f.activations.a,), (np.linspace(-6, 6, 7),)],
    against="the numerical derivative",
    steps=lambda steps, a: steps.sigmoid_slope(a),
)
def sigmoid_slope(a):
    return complex_step(lambda moved: (1 / (1 + np.exp(-moved))).sum(), a)


@exercise(
    UNIT,
    returns="jacobian",
    calls=lambda f: [(f.params.W, a) for a in f.activations.a[:2]],
    against="the numerical Jacobian",
    steps=lambda steps, W, a: steps.relu_jacobian(W, a),
)
def relu_jacobian(W, a):
    """Of s = max(0, a + W d) by d at d = 0; no entry of `a` is near zero."""
    H = len(W)

    def relu(moved):
        z = a + W @ moved
        return np.where(z.real > 0, z, 0)

    return _numerical_jacobian(relu, np.zeros(H))


@exercise(
    UNIT,
    returns="W",
    calls=lambda f: [
        (f.params.W, 0.5),
        (f.params.W, 1.3),
        (np.array([[0.3, 2.0], [-0.5, 0.3]]), 1),
    ],
    steps=lambda steps, W, radius: steps.scaled(W, radius),
)
def scaled_to_radius(W, radius):
    return with_radius(W, radius)


@exercise(
    UNIT,
    returns="gain",
    calls=lambda f: [
        (f.params.W, s_t, np.cos(np.arange(len(s_t)) + 1)) for s_t in f.activations.s[[1, 3]]
    ],
    steps=lambda steps, W, s_t, error: steps.gain(W, s_t, error),
)
def hop_gain(W, s_t, error):
    a_t = np.arctanh(s_t)
    back = complex_step(lambda d: error @ np.tanh(a_t + W @ d), np.zeros(len(W)))
    return np.linalg.norm(back) / np.linalg.norm(error)


# Predictions


def _network(gain, n_steps=30, n_hidden=20, seed=1):
    rng = np.random.default_rng(seed)
    params = rnn.init_params(rng, 8, n_hidden, 8)
    params = params._replace(W=gain * rng.normal(size=(n_hidden, n_hidden)) / np.sqrt(n_hidden))
    x, y = rng.integers(8, size=(2, n_steps))
    return params, x, y


@prediction(UNIT)
def predict_bound_of_one():
    """Whether the norm of one Jacobian stays below 1 for a W of gain 1.5."""
    params, x, _ = _network(1.5)
    largest = norms(state_jacobians(params.W, rnn.forward(params, x).s)).max()
    return "b" if largest > 1 else "a"


@prediction(UNIT)
def predict_radius():
    """What the norm of powers of a matrix of spectral radius 1/2 does first."""
    W = np.array([[0.5, 5.0], [0.0, 0.5]])
    sizes = [np.linalg.norm(np.linalg.matrix_power(W, n), 2) for n in range(4)]
    return "c" if max(sizes[1:]) > sizes[0] and spectral_radius(W) < 1 else "a"


@prediction(UNIT, rtol=1e-6)
def predict_sigmoid():
    """The largest slope of the logistic sigmoid."""
    return float(sigmoid_slope(np.array([0.0]))[0])


@prediction(UNIT)
def predict_explosion():
    """What the gradient of a network that explodes is: NaN, infinite, or large and finite."""
    params, x, y = _network(8.0, n_steps=60)
    gradient = bptt(params, x, y).W
    if not np.isfinite(gradient).all():
        return "a"
    return "b" if np.abs(gradient).max() > 1e3 else "c"


@prediction(UNIT)
def predict_l2():
    """What shrinking W, as L2 regularisation does, does to a gradient that vanishes."""
    sizes = []
    for gain in (0.9, 0.8):
        params, x, _ = _network(gain)
        sizes.append(norms(products(state_jacobians(params.W, rnn.forward(params, x).s)))[-1])
    return "b" if sizes[1] < sizes[0] else "a"


@prediction(UNIT)
def predict_relu():
    """Whether the product of ReLU Jacobians can vanish: with a W that shrinks, it does."""
    rng = np.random.default_rng(0)
    W = 0.5 * rng.normal(size=(20, 20)) / np.sqrt(20)
    product = np.eye(20)
    for _ in range(30):
        product = relu_jacobian(W, rng.normal(size=20)) @ product
    return "b" if np.linalg.norm(product, 2) < 1e-6 else "a"
