"""The exercises of every unit: the references that students' functions are compared with.

A reference is an oracle (the core's forward pass) or a numerical derivative, never a stored number.
"""

from . import (
    case_files,
    gates_and_forward_mode,
    gradient_of_v,
    loss,
    start,
    summed_gradients,
    training,
    truncated_bptt,
    vanishing_gradients,
)

__all__ = [
    "case_files",
    "gates_and_forward_mode",
    "gradient_of_v",
    "loss",
    "start",
    "summed_gradients",
    "training",
    "truncated_bptt",
    "vanishing_gradients",
]
