"""Networks and sequences for the tests of the core, drawn at random."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from bptt_lab import Params, init_params


class Case(NamedTuple):
    """A network, a sequence (or a batch of them) and its initial state."""

    params: Params
    x: np.ndarray
    y: np.ndarray
    s_init: np.ndarray


def draw_case(seed, n_steps=7, n_hidden=4, n_inputs=6, n_classes=5, batch=None, real=False):
    """A case with tokens, or with real-valued inputs, and a non-zero initial state."""
    rng = np.random.default_rng(seed)
    steps = (n_steps,) if batch is None else (n_steps, batch)
    return Case(
        params=init_params(rng, n_inputs, n_hidden, n_classes, gain=1.5),
        x=rng.normal(size=(*steps, n_inputs)) if real else rng.integers(n_inputs, size=steps),
        y=rng.integers(n_classes, size=steps),
        s_init=rng.uniform(-0.9, 0.9, (*steps[1:], n_hidden)),
    )


cases = st.builds(
    draw_case,
    seed=st.integers(0, 2**32 - 1),
    n_steps=st.integers(1, 9),
    n_hidden=st.integers(1, 5),
    n_inputs=st.integers(1, 6),
    n_classes=st.integers(1, 6),
    batch=st.none() | st.integers(1, 3),
    real=st.booleans(),
)
