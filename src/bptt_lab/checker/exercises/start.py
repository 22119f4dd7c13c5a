"""Exercises of unit 00-start: how the checks work, and the course's measuring instrument."""

import numpy as np

from ...bptt import bptt
from ..exercise import exercise, prediction
from ..fixtures import fixtures

UNIT = "00-start"


@exercise(
    UNIT,
    returns="rows",
    calls=lambda f: [(f.x, f.params.U.shape[1]), (f.x[:1], f.params.U.shape[1] + 2)],
)
def one_hot(x, n_classes):
    return np.eye(n_classes)[x]


def cube(x):
    return x**3


@exercise(
    UNIT,
    returns="slope",
    calls=lambda f: [
        (np.tanh, float(f.s_init[0]), 1e-1),
        (np.exp, float(f.s_init[1]), 1e-2),
        (cube, float(f.s_init[2]), 1e-5),
    ],
    against="the central difference of the same h",
    rtol=1e-9,  # at h = 1e-5, rounding leaves about 1e-11
    steps=lambda steps, f, x, h: steps.slope(f, x, h),
)
def central_difference_slope(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


@prediction(UNIT)
def predict_gradient_shape():
    """The shape of dE/dW: that of W, a number, or that of the state."""
    f = fixtures(0)[0]
    shape = bptt(f.params, f.x, f.y, f.s_init).W.shape
    return {f.params.W.shape: "a", (): "b", f.s_init.shape: "c"}[shape]


@prediction(UNIT)
def predict_tiny_step():
    """What the error of a central difference does as h falls to 1e-15."""
    h = 10.0 ** -np.arange(1, 16)
    error = np.abs((np.tanh(0.5 + h) - np.tanh(0.5 - h)) / (2 * h) - (1 - np.tanh(0.5) ** 2))
    best = int(np.argmin(error))
    if best == len(h) - 1:
        return "a"
    return "b" if error[-1] > 100 * error[best] else "c"
