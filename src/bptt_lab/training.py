"""Training: gradient descent with any gradient, right, truncated or wrong, and what it learned.

The gradient is divided by the number of sequences of a batch and summed over steps, as everywhere
in this course.

Sources: Pascanu, Mikolov & Bengio (2013) for clipping by norm; Tallec & Ollivier (2017),
"Unbiasing truncated backpropagation through time", for influence balancing and random cuts.
"""

from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from .bptt import bptt, windowed_bptt
from .rnn import Params, forward, init_params, loss, require_integer
from .tasks import adding, agreement, delayed_copy


def global_norm(gradient):
    """The Euclidean norm of all entries of all matrices together.

    Parameters
    ----------
    gradient : sequence of ndarray

    Returns
    -------
    float
    """
    return float(np.sqrt(sum((matrix * matrix).sum() for matrix in gradient)))


def clip_by_norm(gradient, max_norm):
    """Scale a gradient down to `max_norm` if it is longer; its direction stays.

    Parameters
    ----------
    gradient : Params
    max_norm : float
        Positive.

    Returns
    -------
    Params

    Raises
    ------
    ValueError
        If `max_norm` is not positive.
    """
    _require_positive("max_norm", max_norm)
    norm = global_norm(gradient)
    factor = max_norm / norm if norm > max_norm else 1.0
    return Params(*(factor * matrix for matrix in gradient))


def clip_by_value(gradient, limit):
    """Cut every entry off at ±`limit`; this turns the gradient.

    Parameters
    ----------
    gradient : Params
    limit : float
        Positive.

    Returns
    -------
    Params

    Raises
    ------
    ValueError
        If `limit` is not positive.
    """
    _require_positive("limit", limit)
    return Params(*(matrix.clip(-limit, limit) for matrix in gradient))


def sgd_step(params, gradient, learning_rate):
    """One step downhill: every parameter minus `learning_rate` times its gradient.

    Parameters
    ----------
    params, gradient : Params
    learning_rate : float
        Positive.

    Returns
    -------
    Params
        New matrices; `params` is not changed.

    Raises
    ------
    ValueError
        If `learning_rate` is not positive.
    """
    _require_positive("learning_rate", learning_rate)
    return Params(*(p - learning_rate * g for p, g in zip(params, gradient, strict=True)))


class Run(NamedTuple):
    """What became of a training.

    Attributes
    ----------
    params : Params
    losses : ndarray of shape (n_updates,)
        Of each batch before its update, in nats for each sequence.
    norms : ndarray of shape (n_updates,)
        Of each gradient before it was clipped.
    """

    params: Params
    losses: np.ndarray
    norms: np.ndarray


def train(params, draw, gradient, n_updates, learning_rate, max_norm=1.0):
    """Stochastic gradient descent.

    Parameters
    ----------
    params : Params
        Where to start; not changed.
    draw : callable
        Takes nothing and returns `Sequences`.
    gradient : callable
        Takes params, x and y and returns Params: right or wrong, it is taken as the gradient.
    n_updates : int
    learning_rate : float
    max_norm : float or None, default 1.0
        Longer gradients are clipped to it; None for no clipping.

    Returns
    -------
    Run

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    require_integer("n_updates", n_updates, minimum=1)
    losses, norms = np.empty(n_updates), np.empty(n_updates)
    for update in range(n_updates):
        batch = draw()
        n_sequences = batch.y.shape[1]
        losses[update] = loss(params, batch.x, batch.y) / n_sequences
        step = Params(*(g / n_sequences for g in gradient(params, batch.x, batch.y)))
        norms[update] = global_norm(step)
        if max_norm is not None:
            step = clip_by_norm(step, max_norm)
        params = sgd_step(params, step, learning_rate)
    return Run(params, losses, norms)


def accuracy(params, batch):
    """The fraction of right answers, at the steps that count.

    The answer is the likeliest of the classes that come into question, so a guess is as good as the
    choice is narrow, and a network that is wrong about *when* to answer does not fall below it.

    Parameters
    ----------
    params : Params
    batch : Sequences

    Returns
    -------
    float
    """
    z = forward(params, batch.x).z[batch.scored]
    answers = batch.choices[z[..., batch.choices].argmax(axis=-1)]
    return float((answers == batch.y[batch.scored]).mean())


def contracting(rng, n_inputs, n_hidden, n_classes):
    """Parameters with the usual uniform W, whose memory fades within a few steps."""
    return init_params(rng, n_inputs, n_hidden, n_classes)


def orthogonal(rng, n_inputs, n_hidden, n_classes):
    """Parameters with an orthogonal W, which neither shrinks nor stretches what it carries."""
    W, _ = np.linalg.qr(rng.normal(size=(n_hidden, n_hidden)))
    return init_params(rng, n_inputs, n_hidden, n_classes)._replace(W=W)


def learned(seed, task, gradient, init=contracting, n_hidden=16, n_updates=600, learning_rate=0.5):
    """Train a network from a seed and return its accuracy on new sequences.

    Parameters
    ----------
    seed : int
    task : callable
        Takes a generator and a number of sequences, returns `Sequences`.
    gradient : callable
        As in `train`.
    init : callable, default `contracting`
        Takes a generator, D, H and C, returns Params.
    n_hidden, n_updates : int
    learning_rate : float

    Returns
    -------
    float
        On 500 sequences that were not trained on.
    """
    rng = np.random.default_rng(seed)
    first = task(rng, 1)
    params = init(rng, first.n_inputs, n_hidden, first.n_classes)
    run = train(params, lambda: task(rng, 16), gradient, n_updates, learning_rate)
    return accuracy(run.params, task(rng, 500))


def from_large_start(seed, max_norm, gain=2.5, distance=20, n_updates=300):
    """Train on agreement from a W that is too large, to see what clipping is good for.

    Parameters
    ----------
    seed : int
    max_norm : float or None
        As in `train`.
    gain : float, default 2.5
        How many times an orthogonal matrix W is.
    distance, n_updates : int

    Returns
    -------
    Run
    """
    rng = np.random.default_rng(seed)
    first = agreement(rng, 1, distance)
    start = orthogonal(rng, first.n_inputs, 16, first.n_classes)
    start = start._replace(W=gain * start.W)
    return train(start, lambda: agreement(rng, 16, distance), bptt, n_updates, 0.1, max_norm)


def accuracy_against_distance(
    windows, distances, seeds, task=agreement, *, progress=False, **options
):
    """What can be learned through a window: accuracy for every window, distance and seed.

    Parameters
    ----------
    windows, distances, seeds : sequence of int
    task : callable, default `agreement`
        Takes a generator, a number of sequences and a distance.
    progress : bool, default False
        Show a progress bar, in a notebook.
    **options
        Passed on to `learned`.

    Returns
    -------
    ndarray of shape (number of windows, of distances, of seeds)
    """

    def one(window, distance, seed):
        gradient = partial(windowed_bptt, window=window)
        return learned(seed, partial(task, distance=distance), gradient, **options)

    return _of_all(one, progress, windows, distances, seeds)


FLAWS = ("none", "W for its transpose", "immediate only", "slope one step late")


def flawed_bptt(params, x, y, flaw="none"):
    """The gradient of a batch with a flaw in its hops, to see what it learns all the same.

    Parameters
    ----------
    params : Params
    x, y : ndarray of int of shape (T, B)
    flaw : str
        One of `FLAWS`.

    Returns
    -------
    Params

    Raises
    ------
    ValueError
        If there is no such flaw.
    """
    if flaw not in FLAWS:
        raise ValueError(f"flaw must be one of {', '.join(FLAWS)}, not {flaw!r}")
    act = forward(params, x)
    error = act.y_hat - np.eye(len(params.V))[y]
    slope = 1 - act.s[1:] ** 2
    late = flaw == "slope one step late"
    back = {"W for its transpose": params.W.T, "immediate only": 0 * params.W}.get(flaw, params.W)
    delta = (error @ params.V) * slope
    for k in reversed(range(len(x) - 1)):
        delta[k] += (delta[k + 1] @ back) * slope[k + 1 if late else k]
    return Params(
        np.einsum("tbh,tbd->hd", delta, np.eye(params.U.shape[1])[x]),
        np.einsum("tbi,tbj->ij", delta, act.s[:-1]),
        np.einsum("tbc,tbh->ch", error, act.s[1:]),
    )


def copy_of(rng, n_sequences, distance, n_steps=12):
    """`delayed_copy` with the arguments that `accuracy_against_distance` gives."""
    return delayed_copy(rng, n_sequences, n_steps, distance)


def sum_of_bits(rng, n_sequences, distance):
    """`adding` with the arguments that `accuracy_against_distance` gives."""
    return adding(rng, n_sequences, distance)


def accuracy_against_flaw(lags, seeds, flaws=FLAWS, *, progress=False, **options):
    """What flawed gradients learn of delayed copies: accuracy for every flaw, lag and seed.

    Parameters
    ----------
    lags, seeds : sequence of int
    flaws : sequence of str
    progress : bool, default False
        Show a progress bar, in a notebook.
    **options
        Passed on to `learned`.

    Returns
    -------
    ndarray of shape (number of flaws, of lags, of seeds)
    """

    def one(flaw, lag, seed):
        gradient = partial(flawed_bptt, flaw=flaw)
        return learned(seed, partial(copy_of, distance=lag), gradient, **options)

    return _of_all(one, progress, flaws, lags, seeds)


def _of_all(function, progress, *axes):
    """The values of a function of all combinations, as an array with an axis for each."""
    found = np.empty([len(axis) for axis in axes])
    bar = None
    if progress:
        import ipywidgets
        from IPython.display import display

        bar = ipywidgets.IntProgress(max=found.size, description="training")
        display(bar)
    for place, arguments in zip(np.ndindex(found.shape), product(*axes), strict=True):
        found[place] = function(*arguments)
        if bar is not None:
            bar.value += 1
    if bar is not None:
        bar.close()
    return found


class InfluenceBalancing:
    """A chain in which a parameter helps at first and harms later, after Tallec & Ollivier.

    The state is ``s_t = A s_{t-1} + θ v`` with A = ½ (I + shift): of what a unit holds, half stays
    and half moves on, so what enters unit i reaches unit 0 about 2i steps later. The first
    `n_positive` units get +θ, the others -θ. The loss of a step is ``½ (s_t[0] - 1)²``. Seen over a
    few steps a larger θ raises s[0]; in the end it lowers it. A gradient that looks back too short
    a way has the wrong sign.

    Parameters
    ----------
    n_units, n_positive : int
    """

    def __init__(self, n_units=23, n_positive=10):
        require_integer("n_units", n_units, minimum=2)
        require_integer("n_positive", n_positive, minimum=1)
        self.A = 0.5 * (np.eye(n_units) + np.eye(n_units, k=1))
        self.v = np.where(np.arange(n_units) < n_positive, 1.0, -1.0)

    def slope(self, n_hops, weights=None):
        """d s[0] / dθ from the last `n_hops` + 1 steps.

        Parameters
        ----------
        n_hops : int
        weights : ndarray of shape (n_hops + 1,), optional
            Of the contribution of each lag; ones when left out.

        Returns
        -------
        float
        """
        weights = np.ones(n_hops + 1) if weights is None else weights
        through, total = np.eye(len(self.v))[0], 0.0
        for weight in weights:  # through = row 0 of A to the power of the lag
            total += weight * (through @ self.v)
            through = through @ self.A
        return float(total)

    def descend(self, slopes, learning_rate, theta=-0.05):
        """Train θ by gradient descent, one step of the chain for each update.

        Parameters
        ----------
        slopes : iterable of float
            d s[0] / dθ as it is taken in each update.
        learning_rate : float
        theta : float

        Returns
        -------
        ndarray
            The loss before each update; it ends where the loss passes 1e6.
        """
        s = np.linalg.solve(np.eye(len(self.v)) - self.A, theta * self.v)
        losses = []
        for slope in slopes:
            s = self.A @ s + theta * self.v
            off = s[0] - 1
            losses.append(0.5 * off**2)
            if losses[-1] > 1e6:
                break
            theta -= learning_rate * off * slope
        return np.array(losses)


def random_weights(rng, n_hops, probability):
    """Weights of the lags under random cuts: 0 behind a cut, 1 / (1 - c) for each hop before it.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_hops : int
    probability : float
        c, of a cut at each hop, 0 ≤ c < 1.

    Returns
    -------
    ndarray of shape (n_hops + 1,)
        Each has the mean 1, so the gradient that is weighted with them is unbiased.

    Raises
    ------
    ValueError
        If `probability` is not in [0, 1).
    """
    if not 0 <= probability < 1:
        raise ValueError(f"probability must be at least 0 and below 1, not {probability!r}")
    kept = rng.random(n_hops) >= probability
    return np.concatenate([[1.0], np.cumprod(kept / (1 - probability))])


def learning_report(seeds):
    """The learning claims of unit 06 with their spread, as lines; yields each when it is known.

    Parameters
    ----------
    seeds : sequence of int

    Yields
    ------
    str
    """
    windows = (0, 1, 2, 4, 8, 16)
    experiments = (
        ("delayed copy", copy_of, (1, 2, 4, 8), orthogonal, 600),
        ("agreement", agreement, (1, 2, 4, 8), orthogonal, 600),
        ("agreement, contracting W", agreement, (1, 2, 4, 8), contracting, 600),
        ("adding two marked bits of so many", sum_of_bits, (4, 8, 12), orthogonal, 1500),
    )
    yield f"Accuracy on new sequences, mean ± standard deviation over {len(seeds)} seeds."
    for title, task, distances, init, n_updates in experiments:
        yield f"\n{title}, {n_updates} updates"
        yield f"{'distance':>22s}" + "".join(f"{d:>14d}" for d in distances)
        for window in windows:
            (row,) = accuracy_against_distance(
                [window], distances, seeds, task, init=init, n_updates=n_updates
            )
            yield f"{f'window {window}':>22s}" + "".join(map(_spread, row))
    lags = (0, 1, 2, 4)
    yield f"\ndelayed copy with flawed gradients\n{'lag':>22s}" + "".join(f"{n:>14d}" for n in lags)
    for flaw in FLAWS:
        (row,) = accuracy_against_flaw(lags, seeds, [flaw], init=orthogonal)
        yield f"{flaw:>22s}" + "".join(map(_spread, row))
    yield "\nagreement at distance 20 from a W that is too large: loss at the end of 300 updates"
    for name, max_norm in (("no clipping", None), ("clipped to norm 1", 1.0)):
        ends = np.array([from_large_start(seed, max_norm).losses[-20:].mean() for seed in seeds])
        yield f"{name:>22s}{_spread(ends)}"
    chain = InfluenceBalancing()
    yield "\ninfluence balancing: loss at the end of 5000 updates (it starts at 0.245)"
    for n_hops in (10, 200):
        losses = chain.descend([chain.slope(n_hops)] * 5000, 1e-4)
        yield f"{f'window {n_hops}':>22s}    {losses[-1]:.1e} after {len(losses)}"
    for seed in seeds:
        rng = np.random.default_rng(seed)
        slopes = (chain.slope(200, random_weights(rng, 200, 0.05)) for _ in range(5000))
        losses = chain.descend(slopes, 1e-4)
        yield f"{f'random cuts, seed {seed}':>22s}    {losses[-1]:.1e} after {len(losses)}"


def _spread(values):
    return f"{f'{values.mean():.2f} ± {values.std():.2f}':>14s}"


def _require_positive(name, value):
    if not (np.isreal(value) and np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive finite number, not {value!r}")
