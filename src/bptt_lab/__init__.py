"""Backpropagation through time, hands on: the model, its gradients, and the proof of them."""

from .bptt import (
    bptt,
    bptt_double_loop,
    bptt_every_window,
    chunked_bptt,
    credit,
    credit_deltas,
    windowed_bptt,
)
from .numerical import central_difference, complex_step, frozen_state_loss, relative_error
from .rnn import Activations, Params, cross_entropy, forward, init_params, loss, softmax
from .truncation import chunk_horizon, window_horizon

__all__ = [
    "Activations",
    "Params",
    "bptt",
    "bptt_double_loop",
    "bptt_every_window",
    "central_difference",
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
    "relative_error",
    "softmax",
    "window_horizon",
    "windowed_bptt",
]

__version__ = "1.0.0"
