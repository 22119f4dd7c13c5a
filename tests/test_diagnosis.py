"""The diagnosis: right names, no wrong ones, and what is said where no name fits."""

from dataclasses import replace

import numpy as np
import pytest

import bptt_lab as lab
from bptt_lab.checker import EXERCISES, check
from bptt_lab.checker.catalogue import CATALOGUE, Mistake
from bptt_lab.checker.diagnosis import applicable, combinable
from bptt_lab.checker.fixtures import fixtures
from bptt_lab.checker.matrix import blind_fixtures, kill_matrix, kills, naming_matrix, plant
from bptt_lab.checker.report import Outcome
from bptt_lab.checker.steps import Steps

from .answers.summed_gradients import seeds_listing

SINGLE_LOOP = "bptt_single_loop"


def single_loop(params, x, y, s, y_hat, back=None, scale=1.0, keep=1.0):
    """The right gradient, with places to go wrong in."""
    U, W, V = params
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    delta = np.zeros(len(W))
    for t in reversed(range(len(x))):
        error = y_hat[t] - np.eye(len(V))[y[t]]
        dV += np.outer(error, s[t + 1])
        returned = (W.T if back is None else back(W)) @ delta
        delta = (V.T @ error + keep * returned) * (1 - s[t + 1] ** 2)
        dU[:, x[t]] += delta
        dW += np.outer(delta, s[t])
    return tuple(scale * named[n] for named in [dict(dU=dU, dW=dW, dV=dV)] for n in returns())


def returns():
    return EXERCISES[SINGLE_LOOP].returns


def named(report):
    return [mistake.id for mistake in report.diagnosis.mistakes]


def test_with_nothing_replaced_the_steps_compute_what_the_core_computes():
    steps = Steps()
    for fixture in fixtures(0):
        params, x, y, s_init = fixture.params, fixture.x, fixture.y, fixture.s_init
        s, y_hat = fixture.activations.s, fixture.activations.y_hat
        gradient = lab.bptt(params, x, y, s_init)
        dU, dW = steps.gradients_UW(params, x, y, s, y_hat)
        assert lab.relative_error(dU, gradient.U) < 1e-14
        assert lab.relative_error(dW, gradient.W) < 1e-14
        assert lab.relative_error(steps.gradient_V(y_hat, y, s, x), gradient.V) < 1e-14
        assert lab.relative_error(steps.states(params, x, s_init), s) < 1e-14
        assert (
            lab.relative_error(steps.loss(params, x, y, s_init), lab.loss(params, x, y, s_init))
            < 1e-14
        )
        mask = steps.window_mask(fixture.n_steps, fixture.window)
        windowed = lab.windowed_bptt(params, x, y, fixture.window, s_init)
        dU, dW = steps.gradients_UW(params, x, y, s, y_hat, mask)
        assert lab.relative_error(dW, windowed.W) < 1e-14
        mask = steps.chunk_mask(fixture.n_steps, 3)
        chunked = lab.chunked_bptt(params, x, y, 3, s_init=s_init)
        dU, dW = steps.gradients_UW(params, x, y, s, y_hat, mask)
        assert lab.relative_error(dU, chunked.U) < 1e-14


def test_a_step_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no step named 'slop'"):
        Steps(slop=None)


@pytest.mark.parametrize("name", [n for n, e in EXERCISES.items() if e.steps is not None])
def test_every_single_mistake_is_detected_and_named_and_none_wrongly(name):
    tally = naming_matrix([11, 12], names=[name])[name]
    assert tally.planted > 0
    assert tally.detected == tally.planted
    assert tally.wrongly == []
    assert tally.named >= 0.98 * tally.planted


def test_pairs_are_detected_and_never_named_wrongly():
    tally = naming_matrix([13], pairs=True, names=[SINGLE_LOOP], at_most=300)[SINGLE_LOOP]
    assert tally.planted == 300
    assert tally.detected == tally.planted
    assert tally.wrongly == []
    assert tally.named > 0.9 * tally.planted


def test_two_mistakes_that_undo_each_other_are_no_pair():
    """T times too large, then averaged: what comes out is right, and nobody can see it."""
    exercise = EXERCISES["bptt_double_loop"]
    undone = CATALOGUE["W36c"].ways[0] | CATALOGUE["W29"].ways[0]
    assert check(plant(exercise, undone), exercise.name).outcome is Outcome.CORRECT
    assert {"W36c", "W29"} not in [set(ids) for ids, _ in combinable(exercise)]


def test_the_naming_matrix_can_fail(monkeypatch):
    """A catalogue in which two entries have changed places is caught naming wrongly."""
    honest = naming_matrix([11], names=[SINGLE_LOOP])[SINGLE_LOOP]
    import bptt_lab.checker.diagnosis as diagnosis

    real = diagnosis._name
    swapped = {"W14": CATALOGUE["W16"], "W16": CATALOGUE["W14"]}
    monkeypatch.setattr(
        diagnosis, "_name", lambda *a: tuple(swapped.get(m.id, m) for m in real(*a))
    )
    dishonest = naming_matrix([11], names=[SINGLE_LOOP])[SINGLE_LOOP]
    assert honest.wrongly == []
    assert len(dishonest.wrongly) == 2


def test_a_name_comes_with_why_where_and_a_nudge():
    report = check(lambda *a: single_loop(*a, back=lambda W: W), SINGLE_LOOP)
    assert named(report) == ["W14"]
    text = repr(report)
    for words in (CATALOGUE["W14"].name, CATALOGUE["W14"].why, "See 03-summed", "Ask yourself: "):
        assert words in text


def test_two_mistakes_are_both_named():
    def both(params, x, y, s, y_hat):
        answers = list(single_loop(params, x, y, s, y_hat, back=lambda W: W))
        answers[returns().index("dW")] = answers[returns().index("dW")].T
        return tuple(answers)

    assert named(check(both, SINGLE_LOOP)) == ["W14", "W24"]


def test_a_softmax_jacobian_that_was_left_out_is_named():
    """The likeliest slip with a squared error: ŷ - y, as if the Jacobian cancelled here too."""
    report = check(
        lambda y_hat_t, y_t: y_hat_t - np.eye(len(y_hat_t))[y_t], "gradient_z_squared_error"
    )
    assert named(report) == ["V4b"]


def test_the_seeds_layout_of_the_states_is_named():
    def with_the_initial_state_last(params, x, s_init):
        s = np.zeros((len(x) + 1, len(s_init)))
        s[-1] = s_init
        for t in range(len(x)):
            s[t] = np.tanh(params.U[:, x[t]] + params.W @ s[t - 1])
        return s

    assert named(check(with_the_initial_state_last, "forward_states")) == ["F3b"]


def test_a_transposed_array_is_not_called_a_gradient_where_there_is_none():
    report = check(lambda x, n_classes: np.eye(n_classes)[x].T, "one_hot")
    assert named(report) == ["V12"]
    assert "gradient" not in report.diagnosis.mistakes[0].name


def test_an_unknown_mistake_gets_no_name_but_what_is_known():
    odd = check(lambda *a: single_loop(*a, back=lambda W: np.roll(W, 1, axis=0)), SINGLE_LOOP)
    assert odd.outcome is Outcome.INCORRECT
    assert named(odd) == []
    first = odd.diagnosis.first_wrong
    fixture = fixtures(0)[0]
    assert (first.name, first.step) == ("δ", fixture.n_steps - 2)
    right = lab.credit_deltas(fixture.params, fixture.x, fixture.y, fixture.s_init).sum(axis=0)
    assert first.expected == pytest.approx(right[first.step, first.entry])
    assert f"δ at step {first.step}: entry {first.entry} is" in repr(odd)


def test_a_common_factor_is_measured():
    report = check(lambda *a: single_loop(*a, scale=3.5), SINGLE_LOOP)
    assert named(report) == []
    assert report.diagnosis.factor == pytest.approx(3.5)
    assert "3.5 times" in repr(report)


def test_credit_is_read_back_and_drawn():
    report = check(lambda *a: single_loop(*a, keep=0.0), SINGLE_LOOP)
    assert named(report) == ["W1"]
    T = fixtures(0)[0].n_steps
    np.testing.assert_allclose(report.diagnosis.triangle, np.eye(T), atol=1e-8)
    np.testing.assert_allclose(report.diagnosis.expected_triangle, np.tri(T), atol=1e-8)
    assert "yours" in repr(report)
    assert "how often each term" in report._repr_html_()


def test_weights_that_no_one_thought_of_are_read_back_too():
    report = check(lambda *a: single_loop(*a, keep=0.9), SINGLE_LOOP)
    assert named(report) == []
    lag = np.subtract.outer(np.arange(6), np.arange(6)).clip(0)
    np.testing.assert_allclose(report.diagnosis.triangle, np.tri(6) * 0.9**lag, atol=1e-8)


def test_results_in_another_order_are_recognised():
    report = check(lambda *a: single_loop(*a)[::-1], SINGLE_LOOP)
    assert named(report) == ["W35"]


def test_a_clipped_gradient_is_recognised():
    report = check(lambda *a: tuple(np.clip(g, -0.5, 0.5) for g in single_loop(*a)), SINGLE_LOOP)
    assert named(report) == ["W33"]


def test_finite_differences_are_told_apart_from_bptt():
    def by_differences(params, x, y, s, y_hat):
        def loss(p):
            return lab.loss(p, x, y, s[0])

        gradient = lab.central_difference(loss, params)
        return tuple(getattr(gradient, name[1:]) for name in returns())

    report = check(by_differences, SINGLE_LOOP)
    assert report.outcome is Outcome.INCORRECT
    assert report.score == 0.0
    assert named(report) == []
    text = " ".join(repr(report).split())
    assert text.count("the error that a finite difference leaves") == 1
    assert "intermediate" not in text  # its two numbers would look alike
    assert "where dU" not in text


def test_the_same_seed_gives_the_same_verdict_and_another_one_the_same_name():
    def wrong(*a):
        return single_loop(*a, back=lambda W: W)

    assert repr(check(wrong, SINGLE_LOOP, seed=3)) == repr(check(wrong, SINGLE_LOOP, seed=3))
    for seed in range(20):
        assert named(check(wrong, SINGLE_LOOP, seed=seed)) == ["W14"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_seeds_listing_on_our_states_is_told_both_of_its_slips(seed):
    report = check(seeds_listing, "bptt_double_loop", seed)
    assert sorted(named(report)) == ["W18b", "W8b"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_chunks_that_are_counted_from_the_end_are_told_so(seed):
    def chunks(n_steps, k1):
        mask = np.zeros((n_steps, n_steps), dtype=bool)
        for end in range(n_steps, 0, -k1):
            start = max(0, end - k1)
            mask[start:end, start:end] = np.tri(end - start)
        return mask

    assert named(check(chunks, "chunk_mask", seed)) == ["T3d"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lags_that_are_not_summed_are_told_so(seed):
    def one_lag_each(params, s, error):
        slope = 1 - s[1:] ** 2
        delta = (error @ params.V) * slope
        dW = [delta.T @ s[:-1]]
        for lag in range(1, len(error)):
            delta = (delta[1:] @ params.W) * slope[:-lag]
            dW.append(delta.T @ s[: -1 - lag])
        return np.array(dW)

    assert named(check(one_lag_each, "every_window_w", seed)) == ["T18"]


def test_good_fixtures_see_all_and_blind_ones_lose_what_is_known():
    exercise = EXERCISES[SINGLE_LOOP]
    good = {fixture.name: fixture for fixture in fixtures(0)}
    matrix = kill_matrix(exercise, good)
    assert all(any(seen.values()) for seen in matrix.values())
    assert kills(exercise, good)["distinct tokens"][1] == ["W25"]  # needs a repeated token
    assert kills(exercise, good)["repeated tokens"][1] == []

    blind = kills(exercise, blind_fixtures())
    one_step = set(blind["T = 1"][1])
    assert {"W1", "W2", "W4", "W7", "W8", "W14", "W15", "W16", "W17", "W19", "W20"} <= one_step
    assert {"W14"} == set(blind["symmetric W"][1]) - {"W25"}
    assert {"W22"} == set(blind["s_init = 0"][1]) - {"W25"}
    assert blind["T = 1"][0] < blind["T = 2, s_init = 0"][0] < len(matrix)


def test_a_window_that_covers_the_sentence_is_blind_to_truncation():
    exercise = EXERCISES.get("windowed_bptt")
    wide = {"window ≥ T": blind_fixtures()["window ≥ T"]}
    only_wide = replace(exercise, calls=lambda f: exercise.calls(f)[:1])
    _, missed = kills(only_wide, wide)["window ≥ T"]
    assert {"T1b", "T5"} <= set(missed)


def test_a_mistake_applies_where_it_changes_something():
    everywhere = {n: set(applicable(e)) for n, e in EXERCISES.items() if e.steps is not None}
    assert "W14" in everywhere[SINGLE_LOOP]
    assert not any(m.startswith("W1") for m in everywhere["output_error"])


def test_planting_nothing_is_correct():
    for exercise in EXERCISES.values():
        if exercise.steps is not None:
            assert check(plant(exercise, {}), exercise.name).outcome is Outcome.CORRECT, exercise


def test_every_entry_of_the_catalogue_is_complete_and_is_used():
    assert len(CATALOGUE) >= 60
    used = set().union(*(applicable(e) for e in EXERCISES.values() if e.steps is not None))
    for mistake in CATALOGUE.values():
        assert isinstance(mistake, Mistake)
        for text in (mistake.name, mistake.why):
            assert text[-1] == ".", mistake.id
        assert mistake.hint.endswith(("?", ".")), mistake.id
        assert mistake.id in used or not mistake.ways, f"{mistake.id} applies nowhere"
