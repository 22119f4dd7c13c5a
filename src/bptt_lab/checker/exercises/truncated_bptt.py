"""Exercises of unit 04-truncated-bptt: windows, chunks and the loss that they belong to."""

import numpy as np

from ... import rnn
from ...bptt import bptt_every_window, credit
from ...bptt import windowed_bptt as windowed
from ...numerical import complex_step, numerical_gradient
from ...truncation import chunk_horizon, window_horizon
from ..catalogue import CATALOGUE
from ..diagnosis import Reading
from ..exercise import EXERCISES, exercise, prediction
from ..fixtures import fixtures

UNIT = "04-truncated-bptt"
NUMERICAL = "the numerical gradient of its own loss"


def _mask(horizon):
    """The kept terms of a horizon, T × T."""
    t, k = np.indices((len(horizon), len(horizon)))
    return (horizon[:, None] <= k) & (k <= t)


# Masks


@exercise(
    UNIT,
    returns="mask",
    calls=lambda f: [(f.n_steps, window) for window in (f.window, 0, 1, f.n_steps + 2)],
    steps=lambda steps, n_steps, window: steps.window_mask(n_steps, window).astype(float),
)
def window_mask(n_steps, window):
    return _mask(window_horizon(n_steps, window))


@exercise(
    UNIT,
    returns="mask",
    calls=lambda f: [(f.n_steps, k1) for k1 in (f.window, 1, f.n_steps - 1, f.n_steps + 2)],
    steps=lambda steps, n_steps, k1: steps.chunk_mask(n_steps, k1).astype(float),
)
def chunk_mask(n_steps, k1):
    return _mask(chunk_horizon(n_steps, k1))


def _masked_calls(fixture):
    terms = credit(fixture.params, fixture.x, fixture.y, fixture.s_init).W
    masks = (window_mask(fixture.n_steps, fixture.window), chunk_mask(fixture.n_steps, 3))
    return [(terms, mask) for mask in masks]


@exercise(
    UNIT,
    returns="dW",
    calls=_masked_calls,
    steps=lambda steps, credit_W, mask: steps.masked(credit_W, mask),
)
def masked_gradient(credit_W, mask):
    return np.einsum("tk,tkij->ij", mask.astype(float), credit_W)


# Truncated gradients, each against its own loss


def _truncated_calls(*lengths):
    """Calls with each of the lengths; "own" is the fixture's own window, "all" more than T."""

    def calls(fixture):
        s, y_hat = fixture.activations.s, fixture.activations.y_hat
        known = {"own": fixture.window, "all": fixture.n_steps + 2}
        return [
            (fixture.params, fixture.x, fixture.y, s, y_hat, known.get(length, length))
            for length in lengths
        ]

    return calls


def _frozen_gradient(params, x, y, s_init, horizon):
    gradient = numerical_gradient(params, x, y, s_init, horizon)
    return gradient.U, gradient.W


@exercise(
    UNIT,
    returns=("dU", "dW"),
    calls=_truncated_calls("own", 0, "all"),
    against=NUMERICAL,
    steps=lambda steps, params, x, y, s, y_hat, window: steps.gradients_UW(
        params, x, y, s, y_hat, steps.window_mask(len(y), window)
    ),
    reads=lambda answer, params, x, y, s, y_hat, window: [
        Reading("δ", answer[0].T[x], backward=True)
    ],
    reads_credit=("U", "W"),
)
def windowed_bptt(params, x, y, s, y_hat, window):
    return _frozen_gradient(params, x, y, s[0], window_horizon(len(x), window))


@exercise(
    UNIT,
    returns=("dU", "dW"),
    calls=_truncated_calls("own", 1, "all"),
    against=NUMERICAL,
    steps=lambda steps, params, x, y, s, y_hat, k1: steps.gradients_UW(
        params, x, y, s, y_hat, steps.chunk_mask(len(y), k1)
    ),
    reads=lambda answer, params, x, y, s, y_hat, k1: [Reading("δ", answer[0].T[x], backward=True)],
    reads_credit=("U", "W"),
)
def chunked_bptt(params, x, y, s, y_hat, k1):
    return _frozen_gradient(params, x, y, s[0], chunk_horizon(len(x), k1))


def _frozen_calls(fixture):
    """At the base point, and away from it, where freezing makes a difference."""
    s = fixture.activations.s
    moved = rnn.Params(
        *(p * (1 + 0.1 * np.cos(np.arange(p.size))).reshape(p.shape) for p in fixture.params)
    )
    return [
        (params, fixture.x, fixture.y, s, window)
        for params, window in ((fixture.params, 1), (moved, fixture.window), (moved, 0))
    ]


def _frozen_by_steps(steps, params, x, y, s_base, window):
    U, W, V = params
    ends = []
    for t in range(len(y)):
        first = steps.first_step(t, window)
        s = steps.freeze(s_base, first, params)
        for k in steps.run_steps(first, t):
            s = steps.state(U, W, x[k], s)
        ends.append(s)
    states = np.array([s_base[0], *ends])
    return steps.loss_of_states(V, states, x, y)


@exercise(UNIT, returns="loss", calls=_frozen_calls, steps=_frozen_by_steps)
def frozen_state_loss(params, x, y, s_base, window):
    total = 0.0
    for t in range(len(x)):
        first = max(0, t - window)
        total += rnn.cross_entropy(
            rnn.run(params, x[first : t + 1], s_base[first]).z[-1:], y[t : t + 1]
        )[0]
    return total


def _every_window_calls(fixture):
    s, error = fixture.activations.s, fixture.activations.y_hat - fixture.one_hot
    return [(fixture.params, s, error), (fixture.params, s[:2], error[:1])]


def _every_window_by_steps(steps, params, s, error):
    T = len(error)
    deltas = steps.deltas(params, error, s)
    every = []
    for window in range(T):
        weights = steps.weights(steps.window_mask(T, window).astype(float))
        total = steps.sum_W(weights[:, :, None] * deltas, s)
        every.append(steps.finish_UW(total, total, T)[1])
    return np.array(every)


@exercise(
    UNIT,
    returns="dW",
    calls=_every_window_calls,
    against=NUMERICAL,
    steps=_every_window_by_steps,
)
def every_window_w(params, s, error):
    # the losses that give this error are linear in the logits: E_t = error_t · z_t
    _, W, V = params
    T, a = len(error), np.arctanh(s[1:])
    every = []
    for window in range(T):
        horizon = window_horizon(T, window)

        def loss(moved, horizon=horizon):
            total = 0.0
            for t in range(T):
                state = s[horizon[t]]
                for k in range(horizon[t], t + 1):
                    state = np.tanh(a[k] - W @ s[k] + moved @ state)
                total = total + error[t] @ (V @ state)
            return total

        every.append(complex_step(loss, W))
    return np.array(every)


# Predictions


@prediction(UNIT)
def predict_contributions():
    """Contributions to dW at T = 7 and τ = 4."""
    return int(_mask(window_horizon(7, 4)).sum())


def igor():
    """The network and sentence of a reader's question: params, x, y."""
    rng = np.random.RandomState(10)
    U = rng.uniform(-np.sqrt(1 / 8), np.sqrt(1 / 8), (2, 8))
    V = rng.uniform(-np.sqrt(1 / 2), np.sqrt(1 / 2), (8, 2))
    W = rng.uniform(-np.sqrt(1 / 2), np.sqrt(1 / 2), (2, 2))
    return rnn.Params(U, W, V), np.arange(7), np.arange(1, 8)


@prediction(UNIT)
def predict_larger_window():
    """Whether a larger window always brings an entry nearer to the whole gradient."""
    params, x, y = igor()
    entry = bptt_every_window(params, x, y).U[:, 0, 0]
    off = np.abs(entry - entry[-1])
    return "a" if (np.diff(off) <= 0).all() else "b"


@prediction(UNIT, rtol=1e-9)
def predict_mean_reach():
    """Hops that a loss reaches back, on average, with chunks of 10 steps."""
    steps = np.arange(100)
    return float((steps - chunk_horizon(100, 10)).mean())


@prediction(UNIT)
def predict_longer_window():
    """Which of two gains of W needs the longer window for the same relative error."""
    needed = []
    for gain in (0.5, 1.2):
        f = fixtures(0)[2]
        params = f.params._replace(W=gain * f.params.W / np.linalg.norm(f.params.W, 2))
        every = bptt_every_window(params, f.x, f.y, f.s_init).W
        off = np.linalg.norm(every - every[-1], axis=(1, 2)) / np.linalg.norm(every[-1])
        needed.append(int(np.argmax(off < 0.01)))
    return "a" if needed[0] > needed[1] else ("b" if needed[1] > needed[0] else "c")


@prediction(UNIT)
def predict_gradient_of_v():
    """Whether truncation changes dE/dV."""
    f = fixtures(0)[0]
    whole = bptt_every_window(f.params, f.x, f.y, f.s_init).V[-1]
    return "b" if np.allclose(windowed(f.params, f.x, f.y, 0, f.s_init).V, whole) else "a"


# Find the mistake, and break the check


@prediction(UNIT)
def predict_case_3():
    """How many of 20 losses the third case sends back at all, at τ = 4."""
    mask = CATALOGUE["T2"].ways[0]["window_mask"](20, 4)
    return int(mask.any(axis=1).sum())


def _mended(function):
    """Register an exercise that asks for the same gradients as a window."""
    window = EXERCISES["windowed_bptt"]
    return exercise(
        UNIT,
        returns=window.returns,
        calls=window.calls,
        against=window.against,
        steps=window.steps,
        reads=window.reads,
        reads_credit=window.reads_credit,
    )(function)


@_mended
def mend_case_3(params, x, y, s, y_hat, window):
    return windowed_bptt(params, x, y, s, y_hat, window)


def _smallest_blind_window(answer, n_steps):
    """Whether the window is the smallest for which keeping one hop less makes no difference."""
    (window,) = answer
    if isinstance(window, bool) or not isinstance(window, (int, np.integer)) or window < 0:
        return f"should be a whole number, 0 or more, not {window!r}"

    def hides(tau):
        lag = np.subtract.outer(np.arange(n_steps), np.arange(n_steps))
        return np.array_equal((lag >= 0) & (lag <= tau), (lag >= 0) & (lag < tau))

    if not hides(window):
        return f"{window} does not hide it in a sentence of {n_steps} steps"
    if window > 0 and hides(window - 1):
        return f"{window} hides it in a sentence of {n_steps} steps, but a smaller one does, too"
    return None


@exercise(
    UNIT,
    returns="window",
    calls=lambda f: [(f.n_steps,), (1,)],
    against="what was asked",
    conditions=_smallest_blind_window,
)
def blind_window(n_steps):
    return n_steps
