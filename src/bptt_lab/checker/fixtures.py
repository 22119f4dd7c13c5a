"""The networks and sentences on which a student's function is tried.

A test network hides mistakes when its state starts at zero, its W is symmetric, its sequence is
short or its weights are small. These three do not: the first has distinct tokens, T < H, a non-zero
initial state and a W near an orthogonal matrix; the second repeats tokens; the third is long and
narrow, with sizes that all differ. Each is drawn afresh from a seed.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..rnn import Activations, Params, forward


@dataclass(frozen=True)
class Fixture:
    """A network, a sentence, and a window to truncate at.

    Attributes
    ----------
    name : str
    params : Params
        U (H, D), W (H, H), V (C, H).
    x, y : ndarray of int of shape (T,)
        Tokens and target classes.
    s_init : ndarray of shape (H,)
        Not zero.
    window : int
        0 < window < T - 1, so that truncation drops something and keeps something.
    """

    name: str
    params: Params
    x: np.ndarray
    y: np.ndarray
    s_init: np.ndarray
    window: int

    @cached_property
    def activations(self) -> Activations:
        """What the reference forward pass computes."""
        return forward(self.params, self.x, self.s_init)

    @property
    def n_steps(self):
        """T."""
        return len(self.x)

    @property
    def one_hot(self):
        """The targets y_t as rows of shape (T, C)."""
        return np.eye(len(self.params.V))[self.y]


@lru_cache(maxsize=64)
def fixtures(seed):
    """The three fixtures of a seed.

    Parameters
    ----------
    seed : int

    Returns
    -------
    tuple of Fixture
        Distinct tokens, repeated tokens, a longer sentence.
    """
    rng = np.random.default_rng(seed)
    return (
        _draw(rng, "distinct tokens", n_inputs=9, n_hidden=8, n_classes=9, n_steps=6, window=2),
        _draw(rng, "repeated tokens", n_inputs=4, n_hidden=5, n_classes=6, n_steps=8, window=3),
        _draw(rng, "a longer sentence", n_inputs=7, n_hidden=3, n_classes=8, n_steps=11, window=5),
    )


def _draw(rng, name, n_inputs, n_hidden, n_classes, n_steps, window):
    params = Params(
        U=0.8 * rng.normal(size=(n_hidden, n_inputs)),
        W=_draw_recurrent(rng, n_hidden),
        V=rng.normal(size=(n_classes, n_hidden)),
    )
    if n_inputs >= n_steps:
        x = rng.permutation(n_inputs)[:n_steps]
    else:
        x = rng.integers(n_inputs, size=n_steps)
        x[-1] = x[0]
    y = rng.integers(n_classes, size=n_steps)
    same = y == x
    y[same] = (y[same] + 1) % n_classes  # a target equal to its input would hide a mix-up
    s_init = rng.uniform(0.2, 0.7, n_hidden) * rng.choice([-1, 1], n_hidden)
    return Fixture(name, params, x, y, s_init, window)


def _draw_recurrent(rng, n_hidden):
    """A W that neither shrinks nor blows up what it carries, and is far from its transpose."""
    while True:
        orthogonal, _ = np.linalg.qr(rng.normal(size=(n_hidden, n_hidden)))
        W = 1.1 * orthogonal + 0.05 * rng.normal(size=(n_hidden, n_hidden))
        if np.abs(W - W.T).max() > 0.3:
            return W
