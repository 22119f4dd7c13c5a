"""Exercises of unit 03-summed-gradients: the gradients of W and U, summed over time."""

import numpy as np

from ... import rnn
from ...bptt import bptt, credit
from ...numerical import complex_step, numerical_gradient, relative_error
from ..catalogue import CATALOGUE
from ..diagnosis import Reading
from ..exercise import EXERCISES, exercise, prediction
from ..fixtures import fixtures
from ..steps import Steps

UNIT = "03-summed-gradients"
NUMERICAL = "the numerical gradient"


# One copy of W for every step


def _copies_calls(fixture):
    """Equal copies, copies that all differ, and a single step."""
    W, T = fixture.params.W, fixture.n_steps
    equal = np.repeat(W[None], T, axis=0)
    different = equal * (1 + 0.1 * np.arange(T))[:, None, None]
    return [
        (fixture.params, equal, fixture.x, fixture.y, fixture.s_init),
        (fixture.params, different, fixture.x, fixture.y, fixture.s_init),
        (fixture.params, different[-1:], fixture.x[:1], fixture.y[:1], fixture.s_init),
    ]


def _loss_with_copies_by_steps(steps, params, W_copies, x, y, s_init):
    s = steps.states_with_copies(params, W_copies, x, s_init)
    return steps.loss_of_states(params.V, s, x, y)


@exercise(UNIT, returns="loss", calls=_copies_calls, steps=_loss_with_copies_by_steps)
def loss_with_copies(params, W_copies, x, y, s_init):
    s, total = s_init, 0.0
    for W, x_t, y_t in zip(W_copies, x, y, strict=True):
        step = rnn.run(params._replace(W=W), np.array([x_t]), s)
        s = step.s[1]
        total = total + rnn.cross_entropy(step.z, np.array([y_t])).sum()
    return total


# One hop, and the error of one loss


@exercise(
    UNIT,
    returns="J",
    calls=lambda f: [(f.params.W, s_k) for s_k in f.activations.s[[1, -1]]],
    against="the numerical Jacobian",
    steps=lambda steps, W, s_k: steps.slopes_times(
        steps.first_slope(np.array([s_k, s_k]))[0], steps.hop(np.eye(len(W)), W)
    ),
)
def state_jacobian(W, s_k):
    a_k, nothing = np.arctanh(s_k), np.zeros(len(W))
    rows = [
        complex_step(lambda moved, i=i: np.tanh(a_k + W @ moved)[i], nothing) for i in range(len(W))
    ]
    return np.array(rows)


def _loss_of_nudges(params, x, y, s_init, losses):
    """The losses `losses` as a function of a nudge to the pre-activation of every step."""

    def loss(nudges):
        s, states = s_init, []
        for x_k, nudge in zip(x, nudges, strict=True):
            s = np.tanh(params.U[:, x_k] + params.W @ s + nudge)
            states.append(s)
        return rnn.cross_entropy(np.array(states) @ params.V.T, y)[losses].sum()

    return loss


def _gradient_calls(fixture):
    """The whole sentence, and its first step alone."""
    s, y_hat = fixture.activations.s, fixture.activations.y_hat
    return [
        (fixture.params, fixture.x, fixture.y, s, y_hat),
        (fixture.params, fixture.x[:1], fixture.y[:1], s[:2], y_hat[:1]),
    ]


@exercise(
    UNIT,
    returns="delta",
    calls=_gradient_calls,
    against="the numerical derivative by the pre-activations",
    steps=lambda steps, params, x, y, s, y_hat: np.einsum(
        "t,tk,tki->ki",
        steps.asked(len(y)),
        steps.weights(np.tri(len(y))),
        steps.deltas(params, steps.error(y_hat, steps.target(x, y)), s),
    ),
    reads=lambda answer, params, x, y, s, y_hat: [Reading("δ", answer[0], backward=True)],
)
def delta_last_loss(params, x, y, s, y_hat):
    return complex_step(_loss_of_nudges(params, x, y, s[0], [-1]), np.zeros_like(s[1:]))


@exercise(
    UNIT,
    returns="delta_t",
    calls=lambda f: [
        (f.params, f.activations.y_hat[t] - f.one_hot[t], f.activations.s[t + 1], delta_next)
        for t, delta_next in ((1, f.s_init), (f.n_steps - 1, np.zeros_like(f.s_init)))
    ],
    against="the numerical derivative by the pre-activation",
    steps=lambda steps, params, error_t, s_t, delta_next: (
        steps.inject(error_t, params.V) * steps.first_slope(np.array([s_t, s_t]))[0]
        + steps.hop(delta_next, params.W) * steps.hop_slope(np.array([s_t, s_t]))[0]
    ),
)
def backward_step(params, error_t, s_t, delta_next):
    a_t = np.arctanh(s_t)

    def blamed(nudge):
        moved = np.tanh(a_t + nudge)
        return error_t @ (params.V @ moved) + delta_next @ (params.W @ moved)

    return complex_step(blamed, np.zeros_like(s_t))


# All losses


@exercise(
    UNIT,
    returns=("dU", "dW"),
    calls=_gradient_calls,
    against=NUMERICAL,
    steps=lambda steps, params, x, y, s, y_hat: steps.gradients_UW(params, x, y, s, y_hat),
    reads=lambda answer, params, x, y, s, y_hat: [Reading("δ", answer[0].T[x], backward=True)],
    reads_credit=("U", "W"),
)
def bptt_double_loop(params, x, y, s, y_hat):
    gradient = numerical_gradient(params, x, y, s[0])
    return gradient.U, gradient.W


@exercise(
    UNIT,
    returns="dU",
    calls=lambda f: [
        (f.activations.a, f.x, f.params.U.shape[1]),
        (f.activations.s[:1], f.x[:1], 9),
    ],
    against=NUMERICAL,
    steps=lambda steps, delta, x, n_inputs: steps.sum_U(delta[None], x, n_inputs),
)
def input_gradient(delta, x, n_inputs):
    def blamed(U):
        return (delta * U.T[x]).sum()

    return complex_step(blamed, np.zeros((delta.shape[1], n_inputs)))


@exercise(
    UNIT,
    returns=("dU", "dW", "dV"),
    calls=_gradient_calls,
    against=NUMERICAL,
    steps=lambda steps, params, x, y, s, y_hat: (
        *steps.gradients_UW(params, x, y, s, y_hat),
        steps.gradient_V(y_hat, y, s, x),
    ),
    reads=lambda answer, params, x, y, s, y_hat: [Reading("δ", answer[0].T[x], backward=True)],
    reads_credit=("U", "W"),
)
def bptt_single_loop(params, x, y, s, y_hat):
    return tuple(numerical_gradient(params, x, y, s[0]))


# Predictions


@prediction(UNIT)
def predict_terms():
    """How many of the contributions of E_3 to dW are not zero when the initial state is zero."""
    f = fixtures(0)[0]
    terms = credit(f.params, f.x[:4], f.y[:4]).W[3]
    return int((np.abs(terms).max(axis=(1, 2)) > 0).sum())


@prediction(UNIT)
def predict_first_copy():
    """What the loss does when only the first step's W is moved and the initial state is zero."""
    f = fixtures(0)[0]
    copies = np.repeat(f.params.W[None], f.n_steps, axis=0)
    zero = np.zeros_like(f.s_init)
    before = loss_with_copies(f.params, copies, f.x, f.y, zero)
    copies[0] += 1.0
    after = loss_with_copies(f.params, copies, f.x, f.y, zero)
    return "a" if after == before else ("b" if abs(after - before) < 1e-3 else "c")


@prediction(UNIT)
def predict_visits():
    """Steps that the double loop visits for each one that the single loop visits, at T = 20."""
    T = 20
    return sum(1 for t in range(T) for k in range(t + 1)) / T


@prediction(UNIT)
def predict_repeated_token():
    """Column of dU of a token that comes twice: the sum, the last, or the mean of its visits."""
    f = fixtures(0)[0]
    x = f.x[:4].copy()
    x[3] = x[1]
    terms = credit(f.params, x, f.y[:4], f.s_init).U.sum(axis=0)[:, :, x[1]]  # by step
    column = bptt(f.params, x, f.y[:4], f.s_init).U[:, x[1]]
    offers = {"a": terms[1] + terms[3], "b": terms[3], "c": (terms[1] + terms[3]) / 2}
    return next(letter for letter, offer in offers.items() if np.allclose(offer, column))


@prediction(UNIT, rtol=1e-6)
def predict_angle_of_mean():
    """The angle, in degrees, between the gradient of the summed and of the mean loss."""
    f = fixtures(0)[0]
    of_sum = bptt(f.params, f.x, f.y, f.s_init).W.ravel()
    of_mean = complex_step(
        lambda p: rnn.loss(p, f.x, f.y, f.s_init) / f.n_steps, f.params
    ).W.ravel()
    cosine = of_sum @ of_mean / np.linalg.norm(of_sum) / np.linalg.norm(of_mean)
    return float(np.round(np.degrees(np.arccos(min(cosine, 1.0))), 3))


# Find the mistake: gradients that were found elsewhere, to be named and mended


@prediction(UNIT)
def predict_case_1():
    """The line of the first case that is wrong: the one in which the slope of a hop stands."""
    lines = {"a": "error", "b": "inject", "c": "sum_U", "d": "sum_W", "e": "hop_slope"}
    (wrong_step,) = CATALOGUE["W8"].ways[0]
    return next(letter for letter, step in lines.items() if step == wrong_step)


@prediction(UNIT)
def predict_case_2():
    """How often the second case counts the term C[3, 1]."""
    return int(CATALOGUE["W15"].ways[0]["weights"](np.tri(4))[3, 1])


def _mended(function):
    """Register an exercise that asks for the same gradients as the double loop."""
    double_loop = EXERCISES["bptt_double_loop"]
    return exercise(
        UNIT,
        returns=double_loop.returns,
        calls=double_loop.calls,
        against=double_loop.against,
        steps=double_loop.steps,
        reads=double_loop.reads,
        reads_credit=double_loop.reads_credit,
    )(function)


@_mended
def mend_case_1(params, x, y, s, y_hat):
    return bptt_double_loop(params, x, y, s, y_hat)


@_mended
def mend_case_2(params, x, y, s, y_hat):
    return bptt_double_loop(params, x, y, s, y_hat)


# Break the check: networks on which a given mistake cannot be seen

LARGEST_DESIGN = 100


def _unseen(mistake_id, case):
    """What keeps a case from hiding a mistake of the double loop, None if it does hide it."""
    params, x, y, s_init = case
    if x.ndim != 1 or not rnn.is_tokens(x):
        return "is no single sentence of tokens"
    if len(x) < 4:
        return f"has {len(x)} steps; at least 4 are asked for"
    largest = max(len(x), *(size for matrix in params for size in matrix.shape))
    if largest > LARGEST_DESIGN:  # it is computed by the one who checks it, T² times
        return f"has steps or units up to {largest}; {LARGEST_DESIGN} are enough"
    if not np.all(s_init):
        return "starts from a state with a zero in it; every entry should differ from zero"
    double_loop = EXERCISES["bptt_double_loop"]
    activations = rnn.forward(params, x, s_init)
    call = (params, x, y, activations.s, activations.y_hat)
    right = double_loop.steps(Steps(), *call)
    immediate = double_loop.steps(Steps(**CATALOGUE["W1"].ways[0]), *call)
    if relative_error(immediate[1], right[1]) < 0.01:
        return "hardly sends any error back (less than 1 % of dW): of course nothing is seen"
    wrong = double_loop.steps(Steps(**CATALOGUE[mistake_id].ways[0]), *call)
    off = max(relative_error(w, r) for w, r in zip(wrong, right, strict=True))
    if off > double_loop.rtol:
        return f"still shows the mistake: right and wrong gradient differ by {off:.1g}"
    return None


def _hides(mistake_id):
    def conditions(answer, *given):
        try:
            rnn.validate(answer[0], answer[1], answer[2], answer[3])
            case = rnn.Params(*answer[0]), *map(np.asarray, answer[1:])
        except (TypeError, ValueError) as error:
            return f"is no network with a sentence: {error}"
        return _unseen(mistake_id, case)

    return conditions


@exercise(
    UNIT,
    returns=("params", "x", "y", "s_init"),
    calls=lambda f: [(f.params, f.x, f.y, f.s_init)],
    against="what was asked",
    conditions=_hides("W14"),
)
def hide_missing_transpose(params, x, y, s_init):
    return params._replace(W=params.W + params.W.T), x, y, s_init


@exercise(
    UNIT,
    returns=("params", "x", "y", "s_init"),
    calls=lambda f: [(f.params, f.x, f.y, f.s_init)],
    against="what was asked",
    conditions=_hides("W25"),
)
def hide_lost_visits(params, x, y, s_init):
    n_inputs = params.U.shape[1]
    return params, np.arange(n_inputs), np.resize(y, n_inputs), s_init
