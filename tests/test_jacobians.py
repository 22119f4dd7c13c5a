"""Jacobians of states: against the complex step, and what bounds their products."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bptt_lab as lab
from bptt_lab import jacobians

from .drawing import cases, draw_case


def numerical_product(params, x, s, t, k):
    """∂s_t/∂s_k by a complex step."""
    n = len(params.W)
    columns = []
    for j in range(n):
        moved = s[k + 1].astype(complex)
        moved[j] += 1e-30j
        for step in range(k + 1, t + 1):
            moved = np.tanh(params.U[:, x[step]] + params.W @ moved)
        columns.append(moved.imag / 1e-30 if t > k else np.eye(n)[j])
    return np.array(columns).T


@given(case=cases.filter(lambda case: case.x.ndim == 1))
@settings(deadline=None)
def test_products_are_the_derivatives_of_states(case):
    params, x, _, s_init = case
    s = lab.forward(params, x, s_init).s
    T = len(x)
    found = jacobians.products(jacobians.state_jacobians(params.W, s))
    assert found.shape == (T + 1, *params.W.shape)
    for n in range(T + 1):
        right = numerical_product(params, x, s, T - 1, T - 1 - n)
        np.testing.assert_allclose(found[n], right, atol=1e-13 * max(1, np.abs(right).max()))


@given(case=cases.filter(lambda case: case.x.ndim == 1))
@settings(deadline=None)
def test_bounds_are_bounds(case):
    params, x, _, s_init = case
    s = lab.forward(params, x, s_init).s
    said = jacobians.bounds(params.W, jacobians.state_jacobians(params.W, s))
    slack = 1 + 1e-12
    assert (said["measured"] <= slack * said["product of norms"]).all()
    assert (said["product of norms"] <= slack * said["‖W‖₂ⁿ"]).all()
    assert said["measured"][0] == said["ρ(W)ⁿ"][0] == 1


def test_the_seed_s_bound_and_the_radius_are_no_bounds():
    rng = np.random.default_rng(0)
    W = 1.5 * rng.normal(size=(20, 20)) / np.sqrt(20)
    s = lab.forward(lab.init_params(rng, 4, 20, 4)._replace(W=W), rng.integers(4, size=10)).s
    said = jacobians.bounds(W, jacobians.state_jacobians(W, s))
    assert said["measured"][1] > said["the seed's 1"][1]
    non_normal = np.array([[0.5, 5.0], [0.0, 0.5]])
    powers = jacobians.norms(jacobians.products(np.array([non_normal] * 4)))
    assert jacobians.spectral_radius(non_normal) == 0.5
    np.testing.assert_allclose(powers[1:], [5.05, 5.01, 3.75, 2.50], atol=0.005)


@given(seed=st.integers(0, 1000), radius=st.floats(0, 3), n=st.integers(1, 8))
def test_scaling_sets_the_radius(seed, radius, n):
    W = np.random.default_rng(seed).normal(size=(n, n))
    assert jacobians.spectral_radius(jacobians.with_radius(W, radius)) == pytest.approx(radius)


def test_omega_is_zero_for_a_rotation_and_grows_with_what_is_lost():
    rng = np.random.default_rng(1)
    W, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    still, errors = np.zeros((4, 5)), rng.normal(size=(3, 5))
    assert jacobians.omega(W, still, errors) == pytest.approx(0, abs=1e-28)
    assert jacobians.omega(0.5 * W, still, errors) == pytest.approx(3 * 0.25)
    assert jacobians.omega(W, still + 0.5, errors) > 0.01


def test_omega_follows_its_definition():
    params, x, _, s_init = draw_case(2)
    s = lab.forward(params, x, s_init).s
    d_s = np.random.default_rng(3).normal(size=s[1:].shape)
    total = 0.0
    for t in range(len(x)):
        J = np.diag(1 - s[t + 1] ** 2) @ params.W
        total += (np.linalg.norm(d_s[t] @ J) / np.linalg.norm(d_s[t]) - 1) ** 2
    assert jacobians.omega(params.W, s, d_s) == pytest.approx(total, rel=1e-13)


W, S = np.eye(3), np.zeros((5, 3))
BAD = {
    "W must be a square matrix": lambda: jacobians.state_jacobians(np.ones((2, 3)), S),
    r"s must have shape \(T \+ 1, 3\) to match W, not \(5, 2\)": lambda: jacobians.state_jacobians(
        W, S[:, :2]
    ),
    r"jacobians must have shape \(T, H, H\)": lambda: jacobians.products(W),
    "radius must be a finite number": lambda: jacobians.with_radius(W, -1.0),
    "no eigenvalue other than zero": lambda: jacobians.with_radius(np.eye(3, k=1), 1.0),
    r"d_s must have shape \(4, 3\)": lambda: jacobians.omega(W, S, np.ones((3, 3))),
    r"d_s must not be zero, but d_s\[0\] is": lambda: jacobians.omega(W, S, np.zeros((4, 3))),
}


@pytest.mark.parametrize(("message", "call"), BAD.items())
def test_bad_input_is_refused_by_name(message, call):
    with pytest.raises(ValueError, match=message):
        call()
