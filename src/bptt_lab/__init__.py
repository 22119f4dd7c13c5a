"""Backpropagation through time, hands on: the model, its gradients, and the proof of them."""

from .bptt import (
    bptt,
    bptt_double_loop,
    bptt_every_window,
    checkpointed_bptt,
    chunked_bptt,
    credit,
    credit_deltas,
    loss_and_bptt,
    windowed_bptt,
)
from .numerical import (
    central_difference,
    complex_step,
    frozen_state_loss,
    numerical_gradient,
    relative_error,
)
from .rnn import Activations, Params, cross_entropy, forward, init_params, loss, softmax
from .truncation import chunk_horizon, window_horizon

__all__ = [
    "Activations",
    "Params",
    "bptt",
    "bptt_double_loop",
    "bptt_every_window",
    "central_difference",
    "checkpointed_bptt",
    "chunk_horizon",
    "chunked_bptt",
    "complex_step",
    "credit",
    "credit_deltas",
    "cross_entropy",
    "forward",
    "frozen_state_loss",
    "init_params",
    "loss",
    "loss_and_bptt",
    "numerical_gradient",
    "relative_error",
    "softmax",
    "window_horizon",
    "windowed_bptt",
]

__version__ = "1.0.0"
