"""Every gradient against its own numerical gradient, the specification, and an outside oracle."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bptt_lab as lab

from .drawing import cases, draw_case

RTOL = 1e-13
FIXTURES = {
    "tokens": dict(seed=1),
    "repeated tokens": dict(seed=2, n_steps=9, n_inputs=3),
    "real inputs": dict(seed=3, real=True),
    "a batch": dict(seed=4, batch=3),
    "a batch of real inputs": dict(seed=5, batch=2, real=True),
    "one step": dict(seed=6, n_steps=1),
    "one hidden unit": dict(seed=7, n_hidden=1),
    "thirty steps": dict(seed=8, n_steps=30, n_hidden=6),
}
TRUNCATIONS = {
    "the whole": (lab.bptt, (), lambda T: lab.window_horizon(T, T)),
    **{
        f"window {tau}": (lab.windowed_bptt, (tau,), lambda T, tau=tau: lab.window_horizon(T, tau))
        for tau in (0, 1, 3, 6, 50)
    },
    **{
        f"chunks {ks}": (lab.chunked_bptt, ks, lambda T, ks=ks: lab.chunk_horizon(T, *ks))
        for ks in ((1,), (3,), (50,), (1, 3), (2, 5), (3, 4), (4, 50))
    },
}


def assert_equal(gradients, expected, rtol=RTOL):
    for name, one, two in zip(lab.Params._fields, gradients, expected, strict=True):
        assert lab.relative_error(one, two) <= rtol or np.abs(one - two).max() < 1e-14, name


@pytest.mark.parametrize("truncation", TRUNCATIONS.values(), ids=TRUNCATIONS)
@pytest.mark.parametrize("shape", FIXTURES.values(), ids=FIXTURES)
def test_every_gradient_is_that_of_its_own_loss(shape, truncation):
    params, x, y, s_init = draw_case(**shape)
    gradient, arguments, horizon = truncation
    own_loss = lab.frozen_state_loss(params, x, y, horizon(len(x)), s_init)
    numerical = lab.complex_step(own_loss, params)
    analytic = gradient(params, x, y, *arguments, s_init=s_init)
    for name, one, two in zip(lab.Params._fields, analytic, numerical, strict=True):
        assert lab.relative_error(one, two) <= RTOL, name


@pytest.mark.parametrize("shape", FIXTURES.values(), ids=FIXTURES)
def test_the_whole_gradient_is_that_of_the_loss(shape):
    params, x, y, s_init = draw_case(**shape)
    numerical = lab.complex_step(lambda p: lab.loss(p, x, y, s_init), params)
    for one, two in zip(lab.bptt(params, x, y, s_init), numerical, strict=True):
        assert lab.relative_error(one, two) <= RTOL


@pytest.mark.parametrize("truncation", TRUNCATIONS.values(), ids=TRUNCATIONS)
@given(case=cases.filter(lambda case: case.y.ndim == 1))
@settings(max_examples=25, deadline=None)
def test_every_gradient_is_the_specification_s(truncation, case):
    gradient, arguments, horizon = truncation
    plain = lab.bptt_double_loop(*case, horizon(len(case.x)))
    assert_equal(gradient(case.params, case.x, case.y, *arguments, s_init=case.s_init), plain)


@given(case=cases.filter(lambda case: case.y.ndim == 2), tau=st.integers(0, 9))
@settings(deadline=None)
def test_the_gradient_of_a_batch_is_the_sum_over_its_sequences(case, tau):
    params, x, y, s_init = case
    each = [lab.windowed_bptt(params, x[:, b], y[:, b], tau, s_init[b]) for b in range(y.shape[1])]
    total = [sum(parts) for parts in zip(*each, strict=True)]
    assert_equal(lab.windowed_bptt(params, x, y, tau, s_init), total)


@given(case=cases.filter(lambda case: case.y.ndim == 1))
@settings(deadline=None)
def test_a_batch_of_one_is_no_batch(case):
    params, x, y, s_init = case
    for gradient in (lab.bptt, lab.bptt_every_window, lab.credit):
        alone = gradient(params, x, y, s_init=s_init)
        assert_equal(gradient(params, x[:, None], y[:, None], s_init=s_init[None]), alone)


@given(case=cases)
@settings(deadline=None)
def test_one_pass_gives_every_window(case):
    every = lab.bptt_every_window(*case)
    for tau in range(len(case.x)):
        one = lab.windowed_bptt(case.params, case.x, case.y, tau, case.s_init)
        assert_equal(
            one, (every.U[tau], every.W[tau], every.V[tau] if every.V.ndim == 3 else every.V)
        )


@given(case=cases, tau=st.integers(0, 10), k1=st.integers(1, 10), more=st.integers(0, 5))
@settings(deadline=None)
def test_every_truncation_is_a_mask_on_the_credit_triangle(case, tau, k1, more):
    params, x, y, s_init = case
    T = len(x)
    C = lab.credit(*case)
    t, k = np.indices((T, T))

    def masked(horizon):
        mask = (horizon[:, None] <= k) & (k <= t)
        return [np.tensordot(mask, c, 2) for c in C]

    assert_equal(lab.bptt(*case), masked(np.zeros(T, int)))
    window = lab.windowed_bptt(params, x, y, tau, s_init)
    assert_equal(window, masked(np.maximum(np.arange(T) - tau, 0)))
    chunks = lab.chunked_bptt(params, x, y, k1, k1 + more, s_init)
    assert_equal(chunks, masked(lab.chunk_horizon(T, k1, k1 + more)))
    assert all(not c[k > t].any() for c in C)


@given(case=cases, tau=st.integers(0, 10))
@settings(deadline=None)
def test_one_step_chunks_that_look_back_are_windows(case, tau):
    params, x, y, s_init = case
    assert_equal(
        lab.chunked_bptt(params, x, y, 1, tau + 1, s_init),
        lab.windowed_bptt(params, x, y, tau, s_init),
    )


def test_truncation_leaves_V_alone_and_changes_the_others():
    case = draw_case(9)
    whole = lab.bptt(*case)
    window = lab.windowed_bptt(case.params, case.x, case.y, 1, case.s_init)
    assert np.array_equal(whole.V, window.V)
    assert lab.relative_error(whole.W, window.W) > 0.01
    assert lab.relative_error(whole.U, window.U) > 0.001


def test_an_outside_oracle_agrees():
    """HIPS autograd, which nobody here wrote."""
    import autograd
    import autograd.numpy as anp

    params, x, y, s_init = draw_case(10, n_steps=12, n_inputs=4)

    def outside_loss(matrices):
        U, W, V = matrices
        s, total = s_init, 0.0
        for token, target in zip(x, y, strict=True):
            s = anp.tanh(U[:, token] + anp.dot(W, s))
            z = anp.dot(V, s)
            total = total + anp.log(anp.sum(anp.exp(z))) - z[target]
        return total

    oracle = autograd.grad(outside_loss)(tuple(params))
    for one, two in zip(lab.bptt(params, x, y, s_init), oracle, strict=True):
        assert lab.relative_error(one, two) <= RTOL


BAD = {
    "a negative window": (
        lambda case: lab.windowed_bptt(case.params, case.x, case.y, -1),
        ValueError,
        "window must be at least 0, not -1",
    ),
    "half a window": (
        lambda case: lab.windowed_bptt(case.params, case.x, case.y, 1.5),
        TypeError,
        "window must be an integer, not 1.5",
    ),
    "chunks of nothing": (
        lambda case: lab.chunked_bptt(case.params, case.x, case.y, 0),
        ValueError,
        "k1 must be at least 1, not 0",
    ),
    "a sweep shorter than its chunk": (
        lambda case: lab.chunked_bptt(case.params, case.x, case.y, 4, 3),
        ValueError,
        "k2 must be at least k1 = 4, or some losses reach no step, not 3",
    ),
    "a batch in the double loop": (
        lambda case: lab.bptt_double_loop(case.params, case.x[:, None], case.y[:, None]),
        ValueError,
        "x must be one sequence here, not a batch",
    ),
    "a horizon in the future": (
        lambda case: lab.bptt_double_loop(
            case.params, case.x, case.y, horizon=[0, 2, 0, 0, 0, 0, 0]
        ),
        ValueError,
        r"horizon\[1\] must lie in 0..1, not be 2",
    ),
    "a horizon too short": (
        lambda case: lab.frozen_state_loss(case.params, case.x, case.y, [0, 0]),
        ValueError,
        "horizon must hold 7 integers, one for each step",
    ),
    "no steps": (lambda case: lab.window_horizon(0, 1), ValueError, "n_steps must be at least 1"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_a_bad_truncation_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call(draw_case(11))


def test_the_horizons_of_an_example():
    assert lab.window_horizon(6, 2).tolist() == [0, 0, 0, 1, 2, 3]
    assert lab.chunk_horizon(7, 3).tolist() == [0, 0, 0, 3, 3, 3, 6]
    assert lab.chunk_horizon(7, 2, 4).tolist() == [0, 0, 0, 0, 2, 2, 3]


FAULTS = """
import resource
import numpy as np
import bptt_lab as lab

rng = np.random.default_rng(0)
params, tokens = lab.init_params(rng, 64, 64, 64), rng.integers(64, size=(100, 32))


def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    lab.loss_and_bptt(params, tokens, tokens)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


print(min(faults() for _ in range(8)))
"""


def test_a_gradient_uses_the_memory_of_the_one_before():
    """With the memory given back as glibc does by default, the same call does not."""
    if platform.libc_ver()[0] != "glibc":  # then nothing is claimed
        return

    def page_faults(**settings):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
        command = [sys.executable, "-c", FAULTS]
        done = subprocess.run(
            command, env=environment | settings, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert page_faults(MALLOC_TRIM_THRESHOLD_=str(2**17)) > 500
    assert page_faults() < 50
