"""The small languages: what is asked can be answered, and from what stands `distance` hops back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lab.tasks import AGREEMENT, THAT, adding, agreement, delayed_copy

seeds = st.integers(0, 2**32 - 1)


def assert_valid(batch, n_steps, n_sequences):
    assert batch.x.shape == batch.y.shape == (n_steps, n_sequences)
    assert batch.scored.shape == (n_steps,)
    assert batch.scored.any()
    assert 0 <= batch.x.min() <= batch.x.max() < batch.n_inputs
    assert 0 <= batch.y.min() <= batch.y.max() < batch.n_classes
    assert np.isin(batch.y[batch.scored], batch.choices).all()


@given(seed=seeds, n=st.integers(1, 5), distance=st.integers(0, 9))
def test_the_verb_agrees_with_the_noun(seed, n, distance):
    batch = agreement(np.random.default_rng(seed), n, distance)
    assert_valid(batch, distance + 1, n)
    noun, verb = batch.x[0], batch.y[batch.scored][0]
    for one, other in zip(noun, verb, strict=True):
        assert AGREEMENT[one].endswith("s") != AGREEMENT[other].endswith("s")
    assert (batch.x[1:2] == THAT).all()
    assert {AGREEMENT[token] for token in batch.x[2:].ravel()} <= {"ate", "slept", "ran"}
    assert np.array_equal(batch.x[1:], batch.y[:-1])
    assert [AGREEMENT[token] for token in batch.choices] == ["barks", "bark"]


@given(seed=seeds, n=st.integers(1, 4), lag=st.integers(0, 6), more=st.integers(1, 6))
def test_a_copy_comes_after_its_lag(seed, n, lag, more):
    batch = delayed_copy(np.random.default_rng(seed), n, lag + more, lag, n_symbols=3)
    assert_valid(batch, lag + more, n)
    for t in range(lag + more):
        if t < lag:
            assert (batch.y[t] == 3).all()
            assert not batch.scored[t]
        else:
            assert np.array_equal(batch.y[t], batch.x[t - lag])
            assert batch.scored[t]


@given(seed=seeds, n=st.integers(1, 6), n_steps=st.integers(2, 12))
def test_the_sum_is_that_of_the_marked_bits(seed, n, n_steps):
    batch = adding(np.random.default_rng(seed), n, n_steps)
    assert_valid(batch, n_steps, n)
    marked = batch.x >= 2
    half = n_steps // 2
    assert (marked[:half].sum(axis=0) == 1).all()
    assert (marked[half:].sum(axis=0) == 1).all()
    assert np.array_equal(batch.y[-1], (marked * (batch.x - 2)).sum(axis=0))
    assert (batch.y[:-1] == 3).all()
    assert batch.scored.nonzero()[0].tolist() == [n_steps - 1]


def test_both_numbers_are_equally_frequent():
    """Of 4000 fair coins, a deviation of 5 standard deviations has a chance below 1e-6."""
    batch = agreement(np.random.default_rng(0), 4000, 1)
    assert abs(batch.x[0].sum() - 2000) < 5 * np.sqrt(1000)


def test_the_generator_alone_decides():
    for task in (agreement, adding):
        one, two = (task(np.random.default_rng(3), 4, 5) for _ in range(2))
        assert np.array_equal(one.x, two.x)


BAD = [
    (lambda rng: agreement(rng, 0, 3), ValueError, "n_sequences must be at least 1, not 0"),
    (lambda rng: agreement(rng, 2, -1), ValueError, "distance must be at least 0, not -1"),
    (lambda rng: agreement(rng, 2, 1.5), TypeError, "distance must be an integer"),
    (lambda rng: delayed_copy(rng, 2, 3, 3), ValueError, "n_steps must be at least 4, not 3"),
    (lambda rng: delayed_copy(rng, 2, 3, 1, 1), ValueError, "n_symbols must be at least 2"),
    (lambda rng: adding(rng, 2, 1), ValueError, "n_steps must be at least 2, not 1"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_sizes_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
