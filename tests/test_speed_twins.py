"""What was made fast computes what its plain twin computes, in the memory that it promises."""

import tracemalloc

import numpy as np
import pytest

import bptt_lab
from bptt_lab import (
    Params,
    bptt,
    bptt_double_loop,
    bptt_every_window,
    checkpointed_bptt,
    chunk_horizon,
    chunked_bptt,
    complex_step,
    credit_deltas,
    forward,
    frozen_state_loss,
    init_params,
    loss,
    loss_and_bptt,
    numerical_gradient,
    relative_error,
    window_horizon,
    windowed_bptt,
)


def draw(seed, H=5, D=7, C=6, T=9, B=None, vectors=False, dtype=float):
    """Parameters, inputs, targets and an initial state that is not zero."""
    rng = np.random.default_rng(seed)
    params = Params(*(m.astype(dtype) for m in init_params(rng, D, H, C, gain=1.5)))
    steps = (T,) if B is None else (T, B)
    x = rng.normal(size=(*steps, D)).astype(dtype) if vectors else rng.integers(D, size=steps)
    s_init = rng.uniform(-0.5, 0.5, (*steps[1:], H)).astype(dtype)
    return params, x, rng.integers(C, size=steps), s_init


def assert_same(actual, expected, rtol=1e-13):
    for name, got, right in zip(Params._fields, actual, expected, strict=True):
        assert got.shape == right.shape
        assert relative_error(got, right) < rtol, name


def by_double_loop(params, x, y, s_init, horizon=None):
    """The specification, one sequence after another."""
    if y.ndim == 1:
        return bptt_double_loop(params, x, y, s_init, horizon)
    sequences = [
        bptt_double_loop(params, x[:, b], y[:, b], s_init[b], horizon) for b in range(y.shape[1])
    ]
    return Params(*map(sum, zip(*sequences, strict=True)))


KINDS = pytest.mark.parametrize(
    "kind",
    [
        {},
        {"B": 3},
        {"vectors": True},
        {"B": 3, "vectors": True},
        {"T": 1},
        {"T": 40, "B": 2, "D": 3},  # every token comes often
        {"T": 12, "B": 250, "H": 30},  # the sweep works in more than one block of steps
    ],
    ids=str,
)


@KINDS
def test_loss_and_gradient_from_one_pass(kind):
    problem = draw(0, **kind)
    value, gradient = loss_and_bptt(*problem)
    assert value == pytest.approx(loss(*problem), rel=1e-14)
    assert_same(gradient, by_double_loop(*problem))
    assert_same(gradient, bptt(*problem), rtol=1e-15)


@KINDS
@pytest.mark.parametrize("segment", [None, 1, 4, 100])
def test_checkpoints_change_nothing(kind, segment):
    params, x, y, s_init = problem = draw(1, **kind)
    assert_same(checkpointed_bptt(params, x, y, segment, s_init), bptt(*problem))


@KINDS
@pytest.mark.parametrize("window", [0, 2, 7])
def test_windows_of_reused_buffers(kind, window):
    params, x, y, s_init = draw(2, **kind)
    expected = by_double_loop(params, x, y, s_init, window_horizon(len(x), window))
    assert_same(windowed_bptt(params, x, y, window, s_init), expected)
    if window < len(x):
        every = bptt_every_window(params, x, y, s_init)
        assert_same([array[window] for array in every], expected)


@KINDS
@pytest.mark.parametrize(("k1", "k2"), [(1, 3), (4, 4), (3, 5)])
def test_chunks_with_a_shared_sweep(kind, k1, k2):
    params, x, y, s_init = draw(3, **kind)
    expected = by_double_loop(params, x, y, s_init, chunk_horizon(len(x), k1, k2))
    assert_same(chunked_bptt(params, x, y, k1, k2, s_init), expected)


@pytest.mark.parametrize("B", [None, 2])
def test_credit_deltas_do_not_share_a_buffer(B):
    params, x, y, s_init = draw(4, B=B)
    deltas = credit_deltas(params, x, y, s_init)
    for t in range(len(x)):
        value = np.zeros(s_init.shape)
        for k in range(t + 1):  # the gradient of E_t alone, by moving a_k
            value = deltas[t, k]
            moved = _loss_when_a_moves(params, x, y, s_init, t, k)
            np.testing.assert_allclose(value, moved, rtol=0, atol=1e-14)


def _loss_when_a_moves(params, x, y, s_init, t, k):
    """∂E_t/∂a_k by a complex step."""
    U, W, V = params
    gradient = np.zeros(s_init.shape)
    for index in np.ndindex(s_init.shape):
        s = s_init.astype(complex)
        for step in range(t + 1):
            a = U.T[x[step]] + s @ W.T
            if step == k:
                a[index] += 1e-30j
            s = np.tanh(a)
        gradient[index] = bptt_lab.cross_entropy(s @ V.T, y[t]).sum().imag / 1e-30
    return gradient


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64])
def test_token_indices_do_not_overflow(dtype):
    params, x, y, s_init = draw(5, H=40, D=100, T=30)
    narrow = bptt(params, x.astype(dtype), y.astype(dtype), s_init)
    assert_same(narrow, bptt(params, x, y, s_init), rtol=1e-15)


@KINDS
def test_float32_stays_float32(kind):
    params, x, y, s_init = draw(6, **kind, dtype=np.float32)
    value, gradient = loss_and_bptt(params, x, y, s_init)
    results = [
        *(np.asarray(value), *gradient, *forward(params, x, s_init)),
        *checkpointed_bptt(params, x, y, 3, s_init),
        *windowed_bptt(params, x, y, 2, s_init),
        *chunked_bptt(params, x, y, 2, 3, s_init),
        *bptt_every_window(params, x, y, s_init),
        credit_deltas(params, x, y, s_init),
    ]
    assert {array.dtype for array in results} == {np.dtype(np.float32)}
    exact = bptt(*draw(6, **kind))
    assert_same(gradient, exact, rtol=1e-5)


@pytest.mark.parametrize("complex_matrix", [0, 1, 2])
def test_gradients_take_a_complex_step(complex_matrix):
    params, x, y, s_init = draw(7)
    stepped = list(params)
    direction = np.random.default_rng(8).normal(size=params[complex_matrix].shape)
    stepped[complex_matrix] = stepped[complex_matrix] + 1e-30j * direction
    gradient = bptt(Params(*stepped), x, y, s_init)
    assert_same([array.real for array in gradient], bptt(params, x, y, s_init))
    h = 1e-6
    ahead, behind = list(params), list(params)
    ahead[complex_matrix] = params[complex_matrix] + h * direction
    behind[complex_matrix] = params[complex_matrix] - h * direction
    for step, up, down in zip(
        gradient,
        bptt(Params(*ahead), x, y, s_init),
        bptt(Params(*behind), x, y, s_init),
        strict=True,
    ):
        assert relative_error(step.imag / 1e-30, (up - down) / (2 * h)) < 1e-8


@pytest.mark.parametrize("kind", [{}, {"B": 2}, {"vectors": True}, {"B": 2, "vectors": True}])
@pytest.mark.parametrize("rows_at_once", ["all", "one"])
def test_numerical_gradient_is_the_complex_step_of_every_entry(kind, rows_at_once, monkeypatch):
    if rows_at_once == "one":
        monkeypatch.setattr("bptt_lab.numerical.NUMBERS_AT_ONCE", 1)
    params, x, y, s_init = draw(8, H=4, D=3, C=5, T=7, **kind)
    loop = complex_step(lambda moved: loss(moved, x, y, s_init), params)
    assert_same(numerical_gradient(params, x, y, s_init), loop)
    assert_same(
        numerical_gradient(params, x, y),
        complex_step(lambda moved: loss(moved, x, y), params),
    )
    for horizon in (
        window_horizon(7, 2),
        chunk_horizon(7, 3),
        chunk_horizon(7, 2, 5),
        [0, 1, 0, 3, 1, 5, 0],
    ):
        frozen = frozen_state_loss(params, x, y, horizon, s_init)
        loop = complex_step(frozen, params)
        assert_same(numerical_gradient(params, x, y, s_init, horizon), loop)


def test_numerical_gradient_knows_no_gradient_formula():
    """It must find out when the model changes, so it may not contain the derivative of a tanh."""
    params, x, y, s_init = draw(9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "tanh", np.sin)  # another network, with the same code
        numerical = numerical_gradient(params, x, y, s_init)
        loop = complex_step(lambda moved: loss(moved, x, y, s_init), params)
        assert_same(numerical, loop)
        assert relative_error(numerical.W, bptt(params, x, y, s_init).W) > 0.01


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"h": 0.0}, ValueError, "h must be a positive finite number"),
        ({"h": 1e-8}, ValueError, "h must be at most 1e-9"),
        ({"horizon": [0, 1]}, ValueError, "horizon must hold 9 integers"),
        ({"s_init": np.zeros(5, complex)}, TypeError, "s_init must be real"),
    ],
)
def test_numerical_gradient_names_what_is_wrong(change, error, message):
    params, x, y, s_init = draw(10)
    with pytest.raises(error, match=message):
        numerical_gradient(**{"params": params, "x": x, "y": y, "s_init": s_init, **change})
    with pytest.raises(TypeError, match="V must be real"):
        numerical_gradient(params._replace(V=params.V + 0j), x, y)


@pytest.mark.parametrize(("segment", "error"), [(0, ValueError), (2.0, TypeError)])
def test_checkpoints_name_a_bad_segment(segment, error):
    params, x, y, s_init = draw(11)
    with pytest.raises(error, match="segment must be"):
        checkpointed_bptt(params, x, y, segment, s_init)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, complex])
def test_large_numbers_are_finite(dtype):
    """The quick look squares and sums; what overflows there is looked at again."""
    params, x, _, s_init = draw(12)
    largest = np.finfo(dtype).max / 4
    params = params._replace(U=np.full(params.U.shape, largest, dtype))
    assert np.isfinite(forward(params, x, s_init).s).all()
    for bad in (np.nan, np.inf, -np.inf):
        params.U[2, 3] = bad
        with pytest.raises(ValueError, match=r"params\.U must be finite, but params\.U\[2, 3\] is"):
            forward(params, x, s_init)


def peak_memory(compute):
    """Bytes that `compute` holds at most, its result included."""
    compute()
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("D", [4, 500])  # tokens that come often, and seldom
def test_memory_is_two_states_and_one_error_per_step(dtype, D):
    H, C, T, B = 32, 20, 600, 32
    params, x, y, s_init = draw(13, H=H, D=D, C=C, T=T, B=B, dtype=dtype)
    numbers = T * B * (2 * H + C)
    promised = numbers * np.dtype(dtype).itemsize
    peak = peak_memory(lambda: loss_and_bptt(params, x, y, s_init))
    assert 0.95 * promised < peak < 1.25 * promised


def test_checkpoints_make_memory_grow_with_the_root_of_the_length():
    peaks = {bptt: [], checkpointed_bptt: []}
    for T in (1024, 8192):
        params, x, y, _ = draw(14, H=16, D=16, C=16, T=T, B=32)
        for gradient, measured in peaks.items():
            measured.append(peak_memory(lambda: gradient(params, x, y)))  # noqa: B023
    slope = {gradient: np.log2(few[1] / few[0]) / 3 for gradient, few in peaks.items()}
    assert slope[bptt] == pytest.approx(1, abs=0.1)
    assert slope[checkpointed_bptt] == pytest.approx(0.5, abs=0.15)
