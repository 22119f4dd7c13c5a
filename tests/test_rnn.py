"""The model: shapes, known values, stability, batches, and what it says of bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bptt_lab as lab

from .drawing import cases, draw_case


@given(case=cases)
def test_shapes(case):
    steps = case.y.shape
    H, C = len(case.params.U), len(case.params.V)
    net = lab.forward(case.params, case.x, case.s_init)
    assert net.a.shape == (*steps, H)
    assert net.s.shape == (steps[0] + 1, *steps[1:], H)
    assert net.z.shape == net.y_hat.shape == (*steps, C)
    assert np.array_equal(net.s[0], case.s_init)
    assert np.allclose(net.y_hat.sum(axis=-1), 1)


@given(case=cases)
def test_every_step_follows_its_formula(case):
    U, W, V = case.params
    net = lab.forward(case.params, case.x, case.s_init)
    inputs = case.x if case.x.dtype.kind == "f" else np.eye(U.shape[1])[case.x]
    for t in range(len(case.x)):
        np.testing.assert_allclose(net.a[t].T, U @ inputs[t].T + W @ net.s[t].T, atol=1e-14)
    np.testing.assert_array_equal(net.s[1:], np.tanh(net.a))
    np.testing.assert_allclose(net.z, np.einsum("ch,...h->...c", V, net.s[1:]), atol=1e-14)
    picked = np.take_along_axis(net.y_hat, case.y[..., None], axis=-1)
    total = lab.loss(case.params, case.x, case.y, case.s_init)
    assert total == pytest.approx(-np.log(picked).sum(), rel=1e-12, abs=1e-12)


@given(case=cases.filter(lambda case: case.y.ndim == 2))
def test_a_batch_is_its_sequences_side_by_side(case):
    net = lab.forward(case.params, case.x, case.s_init)
    losses = []
    for b in range(case.y.shape[1]):
        alone = lab.forward(case.params, case.x[:, b], case.s_init[b])
        np.testing.assert_allclose(net.s[:, b], alone.s, atol=1e-14)
        losses.append(lab.loss(case.params, case.x[:, b], case.y[:, b], case.s_init[b]))
    together = lab.loss(case.params, case.x, case.y, case.s_init)
    assert together == pytest.approx(sum(losses), rel=1e-13)


def test_the_initial_state_is_zero_when_left_out():
    params, x, y, s_init = draw_case(1)
    assert lab.loss(params, x, y) == lab.loss(params, x, y, np.zeros_like(s_init))
    assert lab.loss(params, x, y) != lab.loss(params, x, y, s_init)


def test_zero_parameters_give_log_C_per_step():
    params, x, y, _ = draw_case(2)
    nothing = lab.Params(*(np.zeros_like(p) for p in params))
    assert lab.loss(nothing, x, y) == pytest.approx(len(y) * np.log(len(params.V)), rel=1e-15)


@given(shift=st.floats(-1e4, 1e4))
def test_softmax_does_not_see_a_shift(shift):
    z = np.array([[0.5, -1.0, 3.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(lab.softmax(z + shift), lab.softmax(z), rtol=1e-11)


def test_large_logits_stay_finite():
    z = np.array([[1e4, 0.0], [-1e4, 0.0]])
    assert np.array_equal(lab.softmax(z), [[1, 0], [0, 1]])
    assert np.array_equal(lab.cross_entropy(z, np.array([1, 0])), [1e4, 1e4])


def test_float32_stays_float32():
    params, x, y, s_init = draw_case(3)
    single = lab.Params(*(p.astype(np.float32) for p in params))
    net = lab.forward(single, x, s_init.astype(np.float32))
    assert {array.dtype for array in net} == {np.dtype(np.float32)}
    gradient = lab.bptt(single, x, y, s_init.astype(np.float32))
    assert {array.dtype for array in gradient} == {np.dtype(np.float32)}
    exact = lab.bptt(params, x, y, s_init)
    assert max(lab.relative_error(a, b) for a, b in zip(gradient, exact, strict=True)) < 1e-5


def test_nothing_that_was_passed_in_is_changed():
    params, x, y, s_init = draw_case(4)
    before = [array.copy() for array in (*params, x, y, s_init)]
    lab.forward(params, x, s_init)
    lab.bptt(params, x, y, s_init)
    lab.windowed_bptt(params, x, y, 2, s_init)
    lab.complex_step(lambda p: lab.loss(p, x, y, s_init), params)
    for array, copy in zip((*params, x, y, s_init), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_parameters_come_from_the_generator_alone():
    first = lab.init_params(np.random.default_rng(7), 5, 3, 4, gain=2.0)
    second = lab.init_params(np.random.default_rng(7), 5, 3, 4, gain=2.0)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    assert [p.shape for p in first] == [(3, 5), (3, 3), (4, 3)]
    assert np.abs(first.U).max() <= 2 / np.sqrt(5)


BAD_SIZES = {
    "no generator": (dict(rng=5), TypeError, "rng must be a numpy.random.Generator, not int"),
    "zero": (dict(n_hidden=0), ValueError, "n_hidden must be at least 1, not 0"),
    "a float": (dict(n_inputs=2.0), TypeError, r"n_inputs must be an integer, not 2.0"),
    "a bool": (dict(n_classes=True), TypeError, "n_classes must be an integer, not True"),
}


@pytest.mark.parametrize(("change", "error", "message"), BAD_SIZES.values(), ids=BAD_SIZES)
def test_bad_sizes_are_refused(change, error, message):
    good = dict(rng=np.random.default_rng(0), n_inputs=5, n_hidden=3, n_classes=4)
    with pytest.raises(error, match=message):
        lab.init_params(**good | change)


PARAMS, X, Y, S_INIT = draw_case(5)
WITH_NAN = PARAMS.W.copy()
WITH_NAN[1, 2] = np.nan
BAD_INPUT = {
    "too few matrices": (
        dict(params=PARAMS[:2]),
        TypeError,
        r"params must be Params\(U, W, V\)",
    ),
    "W not square": (
        dict(params=PARAMS._replace(W=PARAMS.W[:, :3])),
        ValueError,
        r"params.W must have shape \(4, 4\), since U has 4 rows, not \(4, 3\)",
    ),
    "V of another size": (
        dict(params=PARAMS._replace(V=PARAMS.V[:, :3])),
        ValueError,
        r"params.V must have 4 columns, since U has 4 rows, not shape \(5, 3\)",
    ),
    "U a vector": (
        dict(params=PARAMS._replace(U=PARAMS.U[0])),
        ValueError,
        r"params.U must be a matrix, not of shape \(6,\)",
    ),
    "integers for parameters": (
        dict(params=PARAMS._replace(W=np.eye(4, dtype=int))),
        TypeError,
        r"params.W must hold real numbers, not int64",
    ),
    "a ragged list": (
        dict(params=PARAMS._replace(W=[[1.0], [1.0, 2.0]])),
        ValueError,
        "params.W is not a regular array",
    ),
    "a NaN": (
        dict(params=PARAMS._replace(W=WITH_NAN)),
        ValueError,
        r"params.W must be finite, but params.W\[1, 2\] is nan",
    ),
    "a token too large": (
        dict(x=np.array([0, 6, 1, 2, 3, 4, 5])),
        ValueError,
        r"x must lie in 0..5 \(the number of columns of U is 6\), but x\[1\] is 6",
    ),
    "a negative token": (dict(x=np.array([0, -1, 1, 2, 3, 4, 5])), ValueError, r"x\[1\] is -1"),
    "float tokens": (dict(x=X.astype(float)), ValueError, "tokens must be integers, not float64"),
    "tokens of three axes": (dict(x=X[:, None, None]), ValueError, r"tokens must have shape \(T"),
    "words": (dict(x=np.array(["the", "man"])), TypeError, "x must hold integers"),
    "an empty sentence": (dict(x=X[:0]), ValueError, "x must have at least one step"),
    "an infinite input": (dict(x=np.full((7, 6), np.inf)), ValueError, "x must be finite"),
    "fewer targets than steps": (
        dict(y=Y[:-1]),
        ValueError,
        r"y must have shape \(7,\) to match x of shape \(7,\), not \(6,\)",
    ),
    "a target too large": (dict(y=Y + 5), ValueError, r"y must lie in 0..4 \(the number of rows"),
    "one-hot targets": (dict(y=np.eye(5)[Y]), TypeError, "y must hold integers"),
    "an initial state of another size": (
        dict(s_init=np.zeros(3)),
        ValueError,
        r"s_init must have shape \(4,\) for x of shape \(7,\) and 4 hidden units, not \(3,\)",
    ),
    "an initial state of integers": (
        dict(s_init=np.zeros(4, int)),
        TypeError,
        "s_init must hold real numbers",
    ),
    "an initial state with a NaN": (
        dict(s_init=np.full(4, np.nan)),
        ValueError,
        r"s_init must be finite, but s_init\[0\] is nan",
    ),
}
EVERYTHING = {
    "loss": lab.loss,
    "bptt": lab.bptt,
    "windowed_bptt": lambda **a: lab.windowed_bptt(window=2, **a),
    "a window over all": lambda **a: lab.windowed_bptt(window=99, **a),
    "chunked_bptt": lambda **a: lab.chunked_bptt(k1=3, **a),
    "bptt_every_window": lab.bptt_every_window,
    "credit_deltas": lab.credit_deltas,
    "credit": lab.credit,
    "bptt_double_loop": lab.bptt_double_loop,
    "frozen_state_loss": lambda **a: lab.frozen_state_loss(horizon=np.zeros(7, int), **a),
}


@pytest.mark.parametrize("function", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize(("change", "error", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_by_name(function, change, error, message):
    good = dict(params=PARAMS, x=X, y=Y, s_init=S_INIT)
    function(**good)
    with pytest.raises(error, match=message):
        function(**good | change)
