"""Numerical derivatives, the frozen-state loss, and the golden case of a reader of the seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bptt_lab as lab

from .drawing import cases, draw_case


def golden_case():
    """The reader's network: eight classes, two hidden units, NumPy's old generator."""
    old = np.random.RandomState(10)

    def draw(rows, columns):
        return old.uniform(-1 / np.sqrt(columns), 1 / np.sqrt(columns), (rows, columns))

    U = draw(2, 8)
    V = draw(8, 2)
    W = draw(2, 2)
    return lab.Params(U, W, V), np.arange(7), np.arange(1, 8)


def seed_loss(params, x, y):
    """The loss as the seed writes it."""
    y_hat = lab.forward(params, x).y_hat
    return -np.sum(np.log(y_hat[np.arange(len(y)), y]))


def moved(params, h):
    U = params.U.copy()
    U[0, 0] += h
    return params._replace(U=U)


def test_the_golden_case_to_all_digits():
    params, x, y = golden_case()
    h = 1e-3
    above, below = (seed_loss(moved(params, sign * h), x, y) for sign in (1, -1))
    assert above == pytest.approx(14.451545254711402, rel=1e-15)
    assert below == pytest.approx(14.452114350897709, rel=1e-15)
    assert (above - below) / (2 * h) == pytest.approx(-0.28454809315370255, rel=2e-12)
    windows = {tau: lab.windowed_bptt(params, x, y, tau).U[0, 0] for tau in range(9)}
    assert windows[4] == pytest.approx(-0.2721150178481872, rel=1e-14)
    assert windows[5] == pytest.approx(-0.260376708179699, rel=1e-14)
    for tau in (6, 7, 8):
        assert windows[tau] == pytest.approx(-0.2845481064113008, rel=1e-14)


def test_the_lesson_of_the_golden_case():
    """A truncated gradient fails a check against the whole loss, and passes one against its own."""
    params, x, y = golden_case()
    truncated = lab.windowed_bptt(params, x, y, 4)
    whole = lab.complex_step(lambda p: lab.loss(p, x, y), params)
    own = lab.complex_step(lab.frozen_state_loss(params, x, y, lab.window_horizon(7, 4)), params)
    assert lab.relative_error(truncated.U, whole.U) > 1e-2
    assert lab.relative_error(truncated.U, own.U) < 1e-15


@given(case=cases, tau=st.integers(0, 9))
@settings(deadline=None)
def test_where_it_is_frozen_the_frozen_loss_is_the_loss(case, tau):
    horizon = lab.window_horizon(len(case.x), tau)
    own = lab.frozen_state_loss(case.params, case.x, case.y, horizon, case.s_init)
    assert own(case.params) == pytest.approx(lab.loss(*case), rel=1e-13, abs=1e-13)


def test_away_from_there_it_is_another_one():
    case = draw_case(1)
    own = lab.frozen_state_loss(case.params, case.x, case.y, lab.window_horizon(7, 1), case.s_init)
    away = lab.Params(*(1.1 * p for p in case.params))
    assert abs(own(away) - lab.loss(away, case.x, case.y, case.s_init)) > 1e-3


@pytest.mark.parametrize(("f", "slope"), [(np.sin, np.cos), (np.exp, np.exp)])
def test_known_slopes(f, slope):
    at = np.array([-1.0, 0.3, 2.0])
    complex_steps = lab.complex_step(lambda x: f(x).sum(), at)
    np.testing.assert_allclose(complex_steps, slope(at), rtol=1e-15)
    differences = lab.central_difference(lambda x: f(x).sum(), at)
    np.testing.assert_allclose(differences, slope(at), rtol=1e-9)
    assert np.abs(differences - slope(at)).max() > 0


def test_the_type_of_the_point_comes_back():
    params, x, y, _ = draw_case(2)
    gradient = lab.central_difference(lambda p: lab.loss(p, x, y), params)
    assert isinstance(gradient, lab.Params)
    assert [g.shape for g in gradient] == [p.shape for p in params]
    assert lab.complex_step(lambda x: x**2, np.array(3.0)) == 6.0


@pytest.mark.parametrize("h", [0, -1e-3, np.nan, np.inf, 1j])
@pytest.mark.parametrize("derivative", [lab.central_difference, lab.complex_step])
def test_a_bad_step_is_refused(derivative, h):
    with pytest.raises(ValueError, match="h must be a positive finite number"):
        derivative(np.sum, np.ones(2), h)


def test_a_lost_imaginary_part_is_noticed():
    with pytest.raises(TypeError, match="f returned a real number for complex parameters"):
        lab.complex_step(lambda x: np.abs(x).sum(), np.ones(2))


def test_relative_error():
    assert lab.relative_error([3.0, 4.0], [3.0, 4.0]) == 0
    assert lab.relative_error([0.0], [0.0]) == 0
    assert lab.relative_error([2.0], [1.0]) == 0.5
    assert lab.relative_error([np.nan], [1.0]) == np.inf
    with pytest.raises(ValueError, match=r"actual has shape \(2,\) but expected \(1,\)"):
        lab.relative_error([1.0, 2.0], [1.0])
