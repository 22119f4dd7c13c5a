"""Cells, forward mode and the closed loop: against complex steps, the core, and hand-made cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bptt_lab as lab
from bptt_lab import cells
from bptt_lab.closed_loop import closed_loop_bptt, closed_loop_forward, closed_loop_loss
from bptt_lab.forward_mode import rtrl, rtrl_steps

from .drawing import draw_case

each_cell = pytest.mark.parametrize("cell", cells.CELLS)


def draw(cell, seed=0, n_steps=6, batch=None, n_inputs=5, n_hidden=3, n_classes=4):
    rng = np.random.default_rng(seed)
    params = cells.init(cell, rng, n_inputs, n_hidden, n_classes, gain=1.5)
    steps = (n_steps,) if batch is None else (n_steps, batch)
    return params, rng.integers(n_inputs, size=steps), rng.integers(n_classes, size=steps)


def assert_equal(gradient, expected, rtol=1e-13):
    for one, two in zip(gradient, expected, strict=True):
        assert one.shape == two.shape
        assert lab.relative_error(one, two) <= rtol or np.abs(one - two).max() < 1e-14


@each_cell
@given(
    seed=st.integers(0, 2**32 - 1),
    n_steps=st.integers(1, 7),
    batch=st.none() | st.integers(1, 3),
    n_inputs=st.integers(1, 5),
    n_hidden=st.integers(1, 3),
    n_classes=st.integers(2, 4),
)
@settings(max_examples=25, deadline=None)
def test_every_gradient_is_that_of_its_loss(cell, **shape):
    params, x, y = draw(cell, **shape)
    numerical = lab.complex_step(lambda p: cells.loss(cell, p, x, y), params)
    assert_equal(cells.bptt(cell, params, x, y), numerical, 1e-12)


@each_cell
def test_a_batch_is_its_sequences(cell):
    params, x, y = draw(cell, batch=3)
    each = [cells.bptt(cell, params, x[:, b], y[:, b]) for b in range(3)]
    total = [sum(parts) for parts in zip(*each, strict=True)]
    assert_equal(cells.bptt(cell, params, x, y), total)


def test_the_tanh_cell_is_the_course_s():
    params, x, y = draw("tanh", batch=2)
    assert cells.loss("tanh", params, x, y) == pytest.approx(lab.loss(params, x, y), rel=1e-14)
    assert_equal(cells.bptt("tanh", params, x, y), lab.bptt(params, x, y))


def test_gates_wide_open_carry_a_cell_unchanged():
    """f = 1 and i = 0: c stays what it is, and so does what is sent back along it."""
    H = 3
    from_input = np.concatenate([np.full(H, -800.0), np.full(H, 800.0), np.zeros(2 * H)])
    c = np.array([0.3, -2.0, 5.0])
    (_, new_c), kept = cells.LSTM.step(np.zeros((4 * H, H)), from_input, (np.zeros(H), c))
    assert np.array_equal(new_c, c)
    d_c = np.array([1.0, 2.0, 3.0])
    _, _, (_, before) = cells.LSTM.back(np.zeros((4 * H, H)), kept, (np.zeros(H), d_c))
    assert np.array_equal(before, d_c)


def test_an_update_gate_wide_open_carries_a_state_unchanged():
    H = 2
    from_input = np.concatenate([np.full(H, 800.0), np.zeros(2 * H)])
    s = np.array([0.4, -0.9])
    (new,), _ = cells.GRU.step(np.ones((3 * H, H)), from_input, (s,))
    assert np.array_equal(new, s)


@each_cell
def test_path_norms_are_those_of_differences_of_states(cell):
    params, x, _ = draw(cell, n_steps=4)
    found = cells.path_norms(cell, params, x)
    run = cells.forward(cell, params, x)
    kind, inputs = cells.CELLS[cell], params.U.T[x]

    def last(start):
        state = tuple(np.split(start, kind.n_states))
        for inputs_t in inputs[1:]:
            state, _ = kind.step(params.W, inputs_t, state)
        return np.concatenate(state)

    at = np.concatenate(run.states[1])
    J = np.array([lab.complex_step(lambda moved, i=i: last(moved)[i], at) for i in range(len(at))])
    assert found.shape == (5,)
    assert found[0] == 1
    assert found[3] == pytest.approx(np.linalg.norm(J, 2), rel=1e-12)


PARAMS, X, Y = draw("LSTM")
BAD = {
    "cell must be one of tanh, ReLU, LSTM, GRU, not 'RNN'": ("RNN", PARAMS, X, Y),
    r"params.W must have 3 blocks of shape \(H, H\)": ("GRU", PARAMS, X, Y),
    "params.U must have 12 rows to match W": ("LSTM", PARAMS._replace(U=PARAMS.U[1:]), X, Y),
    "params.V must have 3 columns to match W": ("LSTM", PARAMS._replace(V=PARAMS.V[:, 1:]), X, Y),
    r"x must hold tokens of shape \(T,\)": ("LSTM", PARAMS, X.astype(float), Y),
    "x must lie in 0..4": ("LSTM", PARAMS, X + 3, Y),
    r"y must hold classes of shape \(6,\)": ("LSTM", PARAMS, X, Y[1:]),
    "y must lie in 0..3": ("LSTM", PARAMS, X, Y + 4),
}


@pytest.mark.parametrize(("message", "arguments"), BAD.items())
def test_bad_input_is_refused_by_name(message, arguments):
    for function in (cells.loss, cells.bptt):
        with pytest.raises(ValueError, match=message):
            function(*arguments)


# Forward mode


@given(seed=st.integers(0, 2**32 - 1), n_steps=st.integers(1, 8), real=st.booleans())
@settings(max_examples=30, deadline=None)
def test_forward_mode_gives_the_same_gradient(seed, n_steps, real):
    case = draw_case(seed, n_steps, real=real)
    assert_equal(rtrl(*case), lab.bptt(*case))


def test_forward_mode_knows_the_gradient_at_every_step():
    params, x, y, s_init = draw_case(3)
    for t, gradient in enumerate(rtrl_steps(params, x, y, s_init)):
        assert_equal(gradient, lab.bptt(params, x[: t + 1], y[: t + 1], s_init))


def test_forward_mode_takes_one_sequence():
    params, x, y, s_init = draw_case(3, batch=2)
    with pytest.raises(ValueError, match="x must be one sequence here"):
        rtrl(params, x, y, s_init)


# Closed loop


@given(seed=st.integers(0, 2**32 - 1), n_steps=st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_the_closed_loop_s_gradient_is_that_of_its_loss(seed, n_steps):
    params, x, y, s_init = draw_case(seed, n_steps, n_inputs=5, n_classes=5)
    numerical = lab.complex_step(lambda p: closed_loop_loss(p, x[0], y, s_init), params)
    assert_equal(closed_loop_bptt(params, x[0], y, s_init), numerical, 1e-12)


def test_a_closed_loop_is_an_open_one_with_its_predictions_as_inputs():
    params, x, y, s_init = draw_case(1, n_inputs=5, n_classes=5)
    inputs, s, _ = closed_loop_forward(params, x[0], len(y), s_init)
    net = lab.forward(params, inputs, s_init)
    np.testing.assert_allclose(net.s, s, atol=1e-15)
    np.testing.assert_allclose(net.y_hat[:-1], inputs[1:], atol=1e-15)
    assert closed_loop_loss(params, x[0], y, s_init) == pytest.approx(
        lab.loss(params, inputs, y, s_init)
    )
    open_gradient = lab.bptt(params, inputs, y, s_init)
    closed_gradient = closed_loop_bptt(params, x[0], y, s_init)
    assert lab.relative_error(open_gradient.W, closed_gradient.W) > 1e-3


def test_a_closed_loop_needs_as_many_inputs_as_classes():
    params, x, y, _ = draw_case(1)
    with pytest.raises(ValueError, match=r"params\.U must have as many columns as V has rows, 5"):
        closed_loop_loss(params, x[0], y)
