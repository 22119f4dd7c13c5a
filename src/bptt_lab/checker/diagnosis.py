"""Which mistake it is: from the numbers that a student's function returned, to what went wrong.

Three instruments, from the sharpest to the bluntest:

1. *Naming.* Every mistake of the catalogue, and every pair of them that can be combined, is run on
   the same inputs. A name is given only if it explains every array on every fixture to eight
   digits and nothing else does; different mistakes differ there in the first or second digit.
2. *Credit.* On a fixture with distinct tokens and T ≤ H the terms C[t, k] of a gradient are
   linearly independent, so the weight with which each entered can be read back by least squares.
3. *Localising.* On the same fixture, the δ_k and the errors ŷ_t - y_t that a student must have
   computed can be solved for; the first wrong one is where to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product

import numpy as np

from ..bptt import credit
from .catalogue import CATALOGUE
from .exercise import EXERCISES
from .fixtures import fixtures
from .steps import Steps

SAME = 1e-8  # two computations of one thing differ by 1e-12 at most, two mistakes by 1e-3 at least


@dataclass(frozen=True)
class Reading:
    """An intermediate result, read back from what was returned, beside the right one.

    `name` is its symbol, `values` has a row for each step, and `backward` says in which order of
    time it is computed.
    """

    name: str
    values: np.ndarray
    backward: bool = False


@dataclass(frozen=True)
class FirstWrong:
    """The first wrong intermediate: its symbol, step, entry and the two numbers."""

    name: str
    step: int
    entry: int
    yours: float
    expected: float


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a wrong answer.

    Attributes
    ----------
    mistakes : tuple of Mistake
        One, or two that were made together; empty where no name fits.
    factor : float or None
        Everything that is wrong is this factor times the right answer.
    triangle, expected_triangle : ndarray of shape (T, T) or None
        The weights of the credit terms, yours and the right ones, where it is a matter of credit.
    first_wrong : FirstWrong or None
    """

    mistakes: tuple = ()
    factor: float | None = None
    triangle: np.ndarray | None = None
    expected_triangle: np.ndarray | None = None
    first_wrong: FirstWrong | None = None


@np.errstate(all="ignore")
def diagnose(exercise, seed, references, results):
    """Say what is known of a wrong answer.

    Parameters
    ----------
    exercise : Exercise
    seed : int
    references : list of (str, tuple, tuple)
        Fixture's name, arguments and right answers of each case.
    results : list of tuple
        The arrays that the student's function returned for each case.

    Returns
    -------
    Diagnosis
    """
    mistakes = _name_of_form(exercise, references, results)
    mistakes = mistakes or _name(exercise, seed, references, results)
    if _shapes(results) != _shapes(expected for _, _, expected in references):
        return Diagnosis(mistakes)
    triangle, expected_triangle = _read_credit(exercise, seed, references, results)
    if mistakes:
        return Diagnosis(mistakes, None, triangle, expected_triangle)
    return Diagnosis(
        (),
        _factor(references, results),
        triangle,
        expected_triangle,
        None if triangle is not None else _first_wrong(exercise, seed, references, results),
    )


def applicable(exercise, seed=0):
    """The mistakes that change the answers to an exercise: id -> list of the ways that do.

    A mistake that another one, earlier in the catalogue, equals in this exercise is left out.
    """
    found = {
        mistake.id: [replaced for replaced, answers in ways if None not in answers]
        for mistake, ways in _singles(exercise.name, seed)
    }
    return {mistake_id: ways for mistake_id, ways in found.items() if ways}


def combinable(exercise, seed=0):
    """All pairs of mistakes that can be made together: (ids, replaced) for each.

    They replace different steps, and do not together amount to one mistake of the catalogue, as
    they do where one hides the other, or to none, as T times too much divided by T does.
    """
    cases = exercise.cases(seed)
    alone = [_Answers(exercise, {}, cases)]
    alone += [answers for _, ways in _singles(exercise.name, seed) for _, answers in ways]
    pairs = []
    for (first, second), replaced, _ in _pairs(exercise.name, seed):
        answers = [_run(exercise, replaced, case) for _, case in cases]
        if None in answers:
            continue
        if not any(_same_cases(answers, other) for other in alone):
            pairs.append(((first.id, second.id), replaced))
    return pairs


def differs(exercise, replaced, case):
    """Whether a mistake changes the answer to one case (or makes it impossible)."""
    wrong = _run(exercise, replaced, case)
    return wrong is None or not _same(wrong, _run(exercise, {}, case))


@lru_cache(maxsize=256)
def _singles(name, seed):
    """(mistake, its ways) for all that matter in an exercise; a way is (replaced, answers)."""
    exercise = EXERCISES[name]
    cases = exercise.cases(seed)
    right = _Answers(exercise, {}, cases)
    seen, singles = [(_sums(right), right)], []
    used = _steps_used(exercise, cases)
    for mistake in CATALOGUE.values():
        ways = []
        for replaced in mistake.ways:
            answers = _Answers(exercise, replaced, cases)
            if used.isdisjoint(replaced) or answers[0] is None:
                continue
            sums = _sums(answers)
            if any(
                not np.abs(sums - other_sums).max() > SAME * max(sums[-1], other_sums[-1])
                and _same_cases(answers, other)
                for other_sums, other in seen
            ):
                continue
            ways.append((replaced, answers))
            seen.append((sums, answers))
        if ways:
            singles.append((mistake, ways))
    return singles


def _steps_used(exercise, cases):
    """The names of the steps that an exercise goes through; replacing another changes nothing."""
    used = set()

    class Traced(Steps):
        def __getattribute__(self, name):
            used.add(name)
            return super().__getattribute__(name)

    with np.errstate(all="ignore"):
        for _, case in cases:
            exercise.steps(Traced(), *case)
    return used


@lru_cache(maxsize=64)
def _pairs(name, seed):
    """(two mistakes, their replacements, answers to the first case) for all that combine.

    Of the ways of two mistakes it takes the first that replace different steps: all of them would
    take longer than a student likes to wait.
    """
    exercise = EXERCISES[name]
    _, case = exercise.cases(seed)[0]
    pairs = []
    sociable = [single for single in _singles(name, seed) if not single[0].alone]
    for (first, ways), (second, other_ways) in combinations(sociable, 2):
        for (one, _), (two, _) in product(ways, other_ways):
            if one.keys() & two.keys():
                continue
            answer = _run(exercise, {**one, **two}, case)
            if answer is not None:
                pairs.append(((first, second), {**one, **two}, answer))
                break
    return pairs


class _Answers(Sequence):
    """The answers to all cases, each computed when it is first asked for: most are not."""

    def __init__(self, exercise, replaced, cases):
        self.exercise, self.replaced, self.cases = exercise, replaced, cases
        self.known = {}

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, i):
        if i not in self.known:
            _, case = self.cases[i]
            self.known[i] = _run(self.exercise, self.replaced, case)
        return self.known[i]


def _run(exercise, replaced, case):
    """The answers of an exercise with some steps replaced; None where they cannot be computed."""
    with np.errstate(all="ignore"):
        try:
            answer = exercise.steps(Steps(**replaced), *case)
        except (ValueError, IndexError, TypeError):
            return None
    answers = answer if len(exercise.returns) > 1 else (answer,)
    return tuple(np.asarray(a, dtype=float) for a in answers)


def _name(exercise, seed, references, results):
    if exercise.steps is None or not any(np.isfinite(a).any() for r in results for a in r):
        return ()  # where nothing is a number, nothing speaks for one mistake rather than another
    for mistake, ways in _singles(exercise.name, seed):
        if any(_same_cases(answers, results) for _, answers in ways):
            return (mistake,)
    found = {}
    for pair, replaced, answer in _pairs(exercise.name, seed):
        if not _same(answer, results[0]):
            continue
        answers = [_run(exercise, replaced, case) for _, case, _ in references]
        if None not in answers and _same_cases(answers, results):
            found[pair[0].id, pair[1].id] = pair
    return next(iter(found.values())) if len(found) == 1 else ()


def _name_of_form(exercise, references, results):
    """Mistakes in the form of an answer, whatever its numbers are: order, transpose, clipping."""
    expected = [case_expected for _, _, case_expected in references]
    n = len(expected[0])
    for order in permutations(range(n)):
        if order != tuple(range(n)) and _same_cases(
            expected, [[r[i] for i in order] for r in results]
        ):
            return (CATALOGUE["W35"],)
    if _same_cases(expected, [[np.flip(r, 0) if r.ndim else r for r in case] for case in results]):
        return (CATALOGUE["W37"],)
    turned = [
        [_turned(got, right) for got, right in zip(case_results, case_expected, strict=True)]
        for case_results, case_expected in zip(results, expected, strict=True)
    ]
    if _shapes(turned) != _shapes(results) and _same_cases(expected, turned):
        return (CATALOGUE["V12"],)
    are_gradients = all(name in ("dU", "dW", "dV") for name in exercise.returns)
    if are_gradients and (_clipped(expected, results) or _clipped_by_norm(expected, results)):
        return (CATALOGUE["W33"],)
    return ()


def _shapes(cases):
    return [[np.shape(array) for array in arrays] for arrays in cases]


def _turned(got, expected):
    """`got`, transposed if only then it is right; a square one has the right shape either way."""
    if got.shape == np.shape(expected) and _close(got, np.asarray(expected)):
        return got
    return got.T if got.ndim == 2 else got


def _clipped(expected, results):
    """Whether all arrays are the right ones, cut off at one limit that some entries pass."""
    pairs = [
        (np.asarray(right), np.asarray(got))
        for case in zip(expected, results, strict=True)
        for right, got in zip(*case, strict=True)
    ]
    if any(r.dtype.kind != "f" or r.shape != g.shape or not np.isfinite(g).all() for r, g in pairs):
        return False
    limit = max(np.abs(got).max(initial=0.0) for _, got in pairs)
    if sum(np.count_nonzero(np.abs(right) > limit * 1.001) for right, _ in pairs) < 2:
        return False
    return limit > 0 and all(_close(got, right.clip(-limit, limit)) for right, got in pairs)


def _clipped_by_norm(expected, results):
    """Whether gradients are the right ones, scaled down to one norm: each array's, or that of all.

    One limit must show at least twice, or a wrong factor would pass for clipping.
    """
    pairs = [
        [(np.asarray(right), np.asarray(got)) for right, got in zip(*case, strict=True)]
        for case in zip(expected, results, strict=True)
    ]
    if any(r.shape != g.shape or not np.isfinite(g).all() for case in pairs for r, g in case):
        return False
    for groups in (pairs, [[pair] for case in pairs for pair in case]):
        norms = [
            [np.sqrt(sum((pair[side] ** 2).sum() for pair in group)) for side in (0, 1)]
            for group in groups
        ]
        limit = max(got for _, got in norms)
        clipped = [right > limit * 1.001 for right, _ in norms]
        if (
            limit > 0
            and sum(clipped) > 1
            and all(
                _close(got, right * (limit / norm if is_clipped else 1.0))
                for group, (norm, _), is_clipped in zip(groups, norms, clipped, strict=True)
                for right, got in group
            )
        ):
            return True
    return False


def _same_cases(some, others):
    pairs = zip(some, others, strict=True)
    return all(a is not None and b is not None and _same(a, b) for a, b in pairs)


def _same(some, others):
    """Whether all arrays agree to `SAME`, in units of the largest entry of each."""
    return all(_close(np.asarray(a), np.asarray(b)) for a, b in zip(some, others, strict=True))


def _sums(answers):
    """The sum of each array of the first case, and that of all absolute values: a fingerprint."""
    sums = [array.sum() for array in answers[0]]
    return np.array([*sums, sum(np.abs(array).sum() for array in answers[0])])


def _close(a, b):
    if a.shape != b.shape:
        return False
    a, b = a.astype(float), b.astype(float)
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)):
        return False
    if not finite.all():
        a, b = a[finite], b[finite]
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return bool((np.abs(a - b) <= SAME * scale).all())


def _factor(references, results):
    """The factor that all wrong arrays of all cases share, if there is one."""
    factors = []
    for (_, _, expected), result in zip(references, results, strict=True):
        for right, got in zip(expected, result, strict=True):
            right = np.asarray(right)
            if right.dtype.kind not in "fiu" or _close(got.astype(float), right.astype(float)):
                continue
            size = (right * right).sum()
            factor = (got * right).sum() / size if size else np.nan
            if not (np.isfinite(factor) and factor and _close(got, factor * right)):
                return None
            factors.append(factor)
    if not factors or np.ptp(factors) > SAME * np.abs(factors[0]):
        return None
    return float(factors[0])


def _read_credit(exercise, seed, references, results):
    """The weight of every credit term in the student's gradients, if weights explain them."""
    if exercise.reads_credit is None:
        return None, None
    fixture = fixtures(seed)[0]
    T = fixture.n_steps
    terms = credit(fixture.params, fixture.x, fixture.y, fixture.s_init)
    triangle = np.tril_indices(T)
    for (name, _, expected), result in zip(references, results, strict=True):
        if name != fixture.name or _same(expected, result):
            continue
        kept = [getattr(terms, parameter)[triangle] for parameter in exercise.reads_credit]
        basis = np.hstack([term.reshape(len(term), -1) for term in kept]).T
        weights = []
        for gradients in (result, expected):
            flat = np.concatenate([np.ravel(g) for g in gradients[: len(kept)]])
            if flat.shape != basis.shape[:1] or not np.isfinite(flat).all():
                return None, None
            solution, *_ = np.linalg.lstsq(basis, flat, rcond=None)
            if np.linalg.norm(basis @ solution - flat) > SAME * max(np.linalg.norm(flat), 1e-300):
                return None, None
            full = np.zeros((T, T))
            full[triangle] = solution
            weights.append(full)
        if np.abs(weights[0] - weights[1]).max() < SAME:
            return None, None  # it is not the credit that is wrong
        return weights
    return None, None


def _first_wrong(exercise, seed, references, results):
    """The first intermediate that is wrong, on the fixture where it can be solved for."""
    if exercise.reads is None:
        return None
    fixture = fixtures(seed)[0]
    for (name, case, expected), result in zip(references, results, strict=True):
        if name != fixture.name or _same(expected, result):
            continue
        yours = exercise.reads(result, *case)
        right = exercise.reads(expected, *case)
        for mine, other in zip(yours, right, strict=True):
            order = range(len(mine.values))
            for step in reversed(order) if mine.backward else order:
                off = np.abs(mine.values[step] - other.values[step])
                if not off.max() <= SAME * np.abs(other.values).max():
                    entry = int(np.nanargmax(off)) if np.isfinite(off).any() else 0
                    return FirstWrong(
                        mine.name,
                        step,
                        entry,
                        float(mine.values[step][entry]),
                        float(other.values[step][entry]),
                    )
        return None
    return None


def read_factors(product, right_factors):
    """The rows l_k of a sum Σ_k l_k ⊗ r_k, where the r_k are known and linearly independent."""
    return np.linalg.lstsq(right_factors.T, product.T, rcond=None)[0]
