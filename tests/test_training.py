"""Training: steps and clipping, what is learned, and truncation without bias, by enumeration."""

from functools import partial
from itertools import product

import numpy as np
import pytest

import bptt_lab as lab
from bptt_lab import training
from bptt_lab.tasks import agreement, delayed_copy
from bptt_lab.training import InfluenceBalancing

from .drawing import draw_case


def flat(gradient):
    return np.concatenate([matrix.ravel() for matrix in gradient])


@pytest.fixture
def gradient():
    return lab.bptt(*draw_case(0))


def test_clipping_by_norm_keeps_the_direction(gradient):
    norm = training.global_norm(gradient)
    assert norm == pytest.approx(np.linalg.norm(flat(gradient)), rel=1e-15)
    clipped = training.clip_by_norm(gradient, norm / 3)
    np.testing.assert_allclose(flat(clipped), flat(gradient) / 3, rtol=1e-14)
    assert np.array_equal(flat(training.clip_by_norm(gradient, 2 * norm)), flat(gradient))


def test_clipping_by_value_turns_it(gradient):
    limit = np.abs(flat(gradient)).max() / 3
    clipped = flat(training.clip_by_value(gradient, limit))
    assert np.abs(clipped).max() == limit
    cosine = clipped @ flat(gradient) / np.linalg.norm(clipped) / np.linalg.norm(flat(gradient))
    assert 0 < cosine < 0.999


def test_a_small_step_lowers_the_loss_by_the_squared_norm(gradient):
    params, x, y, s_init = draw_case(0)
    rate = 1e-6
    after = lab.loss(training.sgd_step(params, gradient, rate), x, y, s_init)
    fall = (lab.loss(params, x, y, s_init) - after) / rate
    assert fall == pytest.approx(training.global_norm(gradient) ** 2, rel=1e-4)


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf])
def test_limits_and_rates_must_be_positive(gradient, value):
    calls = {
        "max_norm": lambda: training.clip_by_norm(gradient, value),
        "limit": lambda: training.clip_by_value(gradient, value),
        "learning_rate": lambda: training.sgd_step(gradient, gradient, value),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match=f"{name} must be a positive finite number"):
            call()


def test_training_learns_and_leaves_its_start_alone():
    rng = np.random.default_rng(1)
    first = agreement(rng, 1, 1)
    start = training.contracting(rng, first.n_inputs, 8, first.n_classes)
    before = flat(start).copy()
    run = training.train(start, lambda: agreement(rng, 16, 1), lab.bptt, 200, 0.5)
    assert np.array_equal(flat(start), before)
    assert run.losses.shape == run.norms.shape == (200,)
    assert run.losses[-20:].mean() < 0.8 * run.losses[:5].mean()
    assert training.accuracy(run.params, agreement(rng, 200, 1)) == 1.0


def test_accuracy_counts_scored_steps_and_what_comes_into_question_only():
    batch = delayed_copy(np.random.default_rng(2), 50, 6, 1)
    params = training.contracting(np.random.default_rng(3), 2, 4, 3)
    y_hat = lab.forward(params, batch.x).y_hat
    assert (y_hat[1:].argmax(axis=-1) == 2).any()  # "nothing yet", which is not between 0 and 1
    by_hand = [
        (y_hat[t, b, 1] > y_hat[t, b, 0]) == batch.y[t, b] for t in range(1, 6) for b in range(50)
    ]
    assert training.accuracy(params, batch) == pytest.approx(np.mean(by_hand))


def test_who_does_not_know_when_still_guesses_half():
    """All logits equal but for a word that is no verb: the verb is a guess, not an error."""
    batch = agreement(np.random.default_rng(2), 4000, 3)
    params = training.contracting(np.random.default_rng(3), batch.n_inputs, 4, batch.n_classes)
    V = np.zeros_like(params.V)
    V[5] = 1.0
    found = training.accuracy(params._replace(V=V), batch)
    assert abs(found - 0.5) < 5 * np.sqrt(0.25 / 4000)


def test_a_window_shorter_than_the_lag_learns_nothing_and_a_longer_one_learns_all():
    """Chance gives 1/2, and what an untrained network remembers by itself gives a little more."""
    task = partial(delayed_copy, n_steps=12, lag=4)
    short, long = (
        [
            training.learned(
                s, task, partial(lab.windowed_bptt, window=window), training.orthogonal
            )
            for s in range(3)
        ]
        for window in (3, 4)
    )
    assert max(short) < 0.75
    assert min(long) > 0.95


def test_the_initialisations():
    rng = np.random.default_rng(4)
    orthogonal = training.orthogonal(rng, 3, 6, 4)
    np.testing.assert_allclose(orthogonal.W @ orthogonal.W.T, np.eye(6), atol=1e-14)
    assert [p.shape for p in orthogonal] == [(6, 3), (6, 6), (4, 6)]


def test_clipping_rescues_a_start_that_is_too_large():
    free, clipped = (
        [training.from_large_start(seed, limit).losses[-20:].mean() for seed in range(3)]
        for limit in (None, 1.0)
    )
    assert max(clipped) < min(free)


def test_accuracy_against_distance_has_a_row_for_each_window():
    table = training.accuracy_against_distance([0, 1], [1, 2, 3], [0], n_updates=2)
    assert table.shape == (2, 3, 1)
    assert ((table >= 0) & (table <= 1)).all()


def test_random_weights_are_unbiased_exactly():
    """All patterns of four cuts, each with its probability."""
    c, n_hops = 0.3, 4

    class Pattern:
        """Stands in for a generator and gives the cuts that it is told to."""

        def __init__(self, cuts):
            self.numbers = np.where(cuts, 0.0, 1.0)

        def random(self, n):
            return self.numbers

    mean = np.zeros(n_hops + 1)
    for cuts in product([True, False], repeat=n_hops):
        chance = np.prod([c if cut else 1 - c for cut in cuts])
        mean += chance * training.random_weights(Pattern(cuts), n_hops, c)
    np.testing.assert_allclose(mean, 1.0, rtol=1e-14)


@pytest.mark.parametrize("probability", [-0.1, 1.0, 2.0])
def test_a_bad_probability_is_refused(probability):
    with pytest.raises(ValueError, match="probability must be at least 0 and below 1"):
        training.random_weights(np.random.default_rng(0), 3, probability)


def test_the_chain_helps_at_first_and_harms_later():
    chain = InfluenceBalancing()
    assert chain.slope(10) > 0 > chain.slope(200)
    stationary = np.linalg.solve(np.eye(len(chain.v)) - chain.A, chain.v)[0]
    assert chain.slope(2000) == pytest.approx(stationary, rel=1e-9)
    assert stationary == pytest.approx(2 * chain.v.sum())
    arrives = [np.linalg.matrix_power(chain.A, lag)[0] for lag in range(80)]  # from unit i
    assert [abs(at - 2 * i) <= 1 for i, at in enumerate(np.argmax(arrives, axis=0))] == [True] * 23
    theta, h = 0.3, 1e-6

    def state(theta):
        s = np.zeros(len(chain.v))
        for _ in range(8):
            s = chain.A @ s + theta * chain.v
        return s[0]

    assert chain.slope(7) == pytest.approx((state(theta + h) - state(theta - h)) / (2 * h))


def test_a_short_window_diverges_where_the_whole_slope_converges():
    chain = InfluenceBalancing()
    short = chain.descend([chain.slope(10)] * 20_000, 1e-4)
    whole = chain.descend([chain.slope(200)] * 20_000, 1e-4)
    assert short[-1] > 1e6
    assert whole[-1] < 1e-6 * whole[0]


def test_the_flaws_are_flaws_and_without_one_it_is_the_gradient():
    params, x, y, _ = draw_case(5, batch=3)
    right = lab.bptt(params, x, y)
    for flaw in training.FLAWS:
        flawed = training.flawed_bptt(params, x, y, flaw)
        off = lab.relative_error(flawed.W, right.W)
        assert off < 1e-14 if flaw == "none" else off > 0.01, flaw
        assert lab.relative_error(flawed.V, right.V) < 1e-14
    with pytest.raises(ValueError, match="flaw must be one of none, W for its transpose"):
        training.flawed_bptt(params, x, y, "typo")


def test_the_report_says_what_was_learned_with_its_spread(monkeypatch):
    monkeypatch.setattr(training, "learned", lambda seed, *_, **__: 0.5 + 0.1 * seed)
    run = training.Run(None, np.full(20, 7.25), np.ones(20))
    monkeypatch.setattr(training, "from_large_start", lambda seed, max_norm: run)
    lines = list(training.learning_report([0, 1]))
    assert "over 2 seeds" in lines[0]
    assert sum("0.55 ± 0.05" in line for line in lines) == 4 * 6 + len(training.FLAWS)
    assert sum("7.25 ± 0.00" in line for line in lines) == 2
    assert sum("random cuts, seed" in line for line in lines) == 2
