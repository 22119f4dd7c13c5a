"""Exercises of unit 03-summed-gradients: the gradients of W and U, summed over time."""

from ...numerical import complex_step
from ...rnn import loss
from ..exercise import exercise

UNIT = "03-summed-gradients"
NUMERICAL = "the numerical gradient"


@exercise(
    UNIT,
    returns=("dU", "dW"),
    calls=lambda f: [(f.params, f.x, f.y, f.activations.s, f.activations.y_hat)],
    against=NUMERICAL,
)
def bptt_single_loop(params, x, y, s, y_hat):
    gradient = complex_step(lambda moved: loss(moved, x, y, s[0]), params)
    return gradient.U, gradient.W
