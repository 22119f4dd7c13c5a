"""How good the check is, measured on the catalogue itself: the kill matrix and the naming matrix.

The *kill matrix* says which fixture sees which mistake. The *naming matrix* plants every mistake,
and every pair that can be combined, in every exercise on fresh fixtures, and says what the check
answered.
"""

from dataclasses import astuple, dataclass, field, replace

import numpy as np

from .diagnosis import applicable, combinable, differs
from .exercise import EXERCISES
from .fixtures import fixtures
from .judge import check
from .report import Outcome
from .steps import Steps


@dataclass
class Tally:
    """What became of the mistakes that were planted.

    `wrongly` lists (exercise, seed, planted ids, named ids) for every name that did not fit.
    """

    planted: int = 0
    detected: int = 0
    named: int = 0
    unnamed: int = 0
    wrongly: list = field(default_factory=list)

    def __add__(self, other):
        return Tally(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def plant(exercise, replaced):
    """A student's function that makes a mistake: the exercise with some steps replaced."""

    def planted(*arguments):
        with np.errstate(all="ignore"):
            return exercise.steps(Steps(**replaced), *arguments)

    planted.__module__ = "planted"  # or the check would call it the package's own
    return planted


def naming_matrix(seeds, pairs=False, names=None, at_most=None):
    """Plant every mistake of the catalogue in every exercise, and tally the verdicts.

    Parameters
    ----------
    seeds : iterable of int
        Each draws fixtures of its own.
    pairs : bool, default False
        Plant all pairs that can be combined instead of single mistakes.
    names : iterable of str, optional
        The exercises; all that mistakes can be planted in when left out.
    at_most : int, optional
        Plant only so many for each exercise and seed, evenly spread over all.

    Returns
    -------
    dict of str to Tally
        By the name of the exercise.
    """
    tallies = {}
    for exercise in EXERCISES.values():
        if exercise.steps is None or (names is not None and exercise.name not in names):
            continue
        tally = tallies[exercise.name] = Tally()
        for seed in seeds:
            to_plant = _to_plant(exercise, seed, pairs)
            if at_most is not None and len(to_plant) > at_most:
                chosen = np.linspace(0, len(to_plant) - 1, at_most).astype(int)
                to_plant = [to_plant[i] for i in chosen]
            for ids, replaced in to_plant:
                report = check(plant(exercise, replaced), exercise.name, seed)
                _count(tally, exercise, seed, ids, report)
    return tallies


def _to_plant(exercise, seed, pairs):
    if pairs:
        return combinable(exercise, seed)
    return [
        ((mistake_id,), replaced)
        for mistake_id, ways in applicable(exercise, seed).items()
        for replaced in ways
    ]


def _count(tally, exercise, seed, ids, report):
    named = () if report.diagnosis is None else tuple(m.id for m in report.diagnosis.mistakes)
    tally.planted += 1
    tally.detected += report.outcome in (Outcome.INCORRECT, Outcome.CRASHED)
    if not named:
        tally.unnamed += 1
    elif set(named) == set(ids):
        tally.named += 1
    else:
        tally.wrongly.append((exercise.name, seed, ids, named))


def kill_matrix(exercise, tried):
    """Which fixture sees which mistake.

    Parameters
    ----------
    exercise : Exercise
    tried : dict of str to Fixture

    Returns
    -------
    dict of str to dict of str to bool
        ``[mistake's id][fixture's name]``: whether the mistake changes an answer there.
    """
    return {
        mistake_id: {
            name: any(
                differs(exercise, way, case) for way in ways for case in exercise.calls(fixture)
            )
            for name, fixture in tried.items()
        }
        for mistake_id, ways in applicable(exercise).items()
    }


def blind_fixtures(seed=0):
    """Fixtures of the kind that tutorials check with, each blind to some mistakes.

    Returns
    -------
    dict of str to Fixture
    """
    good = fixtures(seed)[0]
    W = good.params.W
    return {
        "T = 1": _cut(good, 1),
        "T = 2, s_init = 0": replace(_cut(good, 2), s_init=np.zeros_like(good.s_init)),
        "s_init = 0": replace(good, s_init=np.zeros_like(good.s_init)),
        "symmetric W": replace(good, params=good.params._replace(W=(W + W.T) / 2)),
        "window ≥ T": replace(good, window=good.n_steps),
    }


def _cut(fixture, n_steps):
    return replace(fixture, x=fixture.x[:n_steps], y=fixture.y[:n_steps])


def kills(exercise, tried):
    """How many mistakes each fixture sees: name -> (seen, ids that it is blind to)."""
    matrix = kill_matrix(exercise, tried)
    missed = {name: [m for m, seen in matrix.items() if not seen[name]] for name in tried}
    return {name: (len(matrix) - len(ids), ids) for name, ids in missed.items()}
