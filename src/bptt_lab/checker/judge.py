"""From a student's function to a report: have it called, and compare what was watched.

The order is the order in which a person would look: is it attempted, does it run, does it return
the right kind of thing, does it leave its inputs alone, does it say the same twice, and are the
numbers right. Nothing that the function prints or warns about costs a point.
"""

import copy
import difflib
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..numerical import relative_error
from .catalogue import CATALOGUE
from .diagnosis import Diagnosis, diagnose
from .exercise import EXERCISES
from .report import Crash, Outcome, Part, Report
from .watch import differ, watch

FINITE_DIFFERENCE = 1e-4  # no mistake of the catalogue comes this near; every useful h does
ANY_ERRSTATE = np.errstate(all="ignore")  # a notebook with np.seterr(all="raise") can be checked


def check(function, exercise=None, seed=0):
    """Check a student's function and say what is right and what is not.

    Parameters
    ----------
    function : callable
        The student's function. Its name says which exercise it is.
    exercise : str, optional
        The exercise's name, where the function has another one.
    seed : int, default 0
        The inputs are drawn from it, so a check can be replayed.

    Returns
    -------
    Report
        Shown as a coloured box in a notebook and as text in a terminal. ``report.points(n)`` turns
        it into marks.

    Raises
    ------
    TypeError
        If `function` cannot be called.
    ValueError
        If there is no exercise of that name.
    """
    exercise = _find(function, exercise)
    if (getattr(function, "__module__", None) or "").startswith("bptt_lab"):
        return Report(exercise, Outcome.NOT_ATTEMPTED, seed, notes=("this is the package's own",))
    return judge(exercise, seed, lambda case: watch(function, case))


def judge(exercise, seed, ask):
    """Judge a function that is called elsewhere, by what was watched of its calls.

    Parameters
    ----------
    exercise : Exercise
    seed : int
        The inputs are drawn from it.
    ask : callable
        Takes a tuple of arguments and returns what a call with them did, a `Watched`. It is asked
        for one case after the other, and no further once a call has failed.

    Returns
    -------
    Report
    """
    first, parts, results = None, {}, []
    references = _references(exercise.name, None if exercise.is_prediction else seed)
    for fixture, case, expected in references:
        watched = ask(case)
        first = first or watched
        if watched.raised is not None:
            return _failed_call(exercise, seed, watched, case)
        faults, case_parts = _compare(exercise, watched, expected, case)
        behaviour = None
        if watched.mutated:
            changed = watched.parameters[watched.mutated[0]]
            faults, behaviour = [f"it changes its argument `{changed}`"], "F16"
        elif not faults and watched is first:
            faults = _compare_again(exercise, ask, case, watched)
            behaviour = "W31"
        if faults:
            diagnosis = Diagnosis((CATALOGUE[behaviour],)) if behaviour else None
            return Report(
                exercise,
                Outcome.INCORRECT,
                seed,
                faults=tuple(faults),
                diagnosis=diagnosis,
                notes=first.notes,
            )
        results.append(watched.result if len(expected) > 1 else (watched.result,))
        for part in case_parts:  # keep the first case in which an array is wrong, or more wrong
            kept = parts.get(part.name)
            if kept is None or part.badness > kept.badness:
                parts[part.name] = replace(part, case=fixture)
    parts = tuple(parts.values())
    if all(part.right for part in parts):
        return Report(exercise, Outcome.CORRECT, seed, parts=parts, notes=first.notes)
    diagnosis = None
    if not exercise.is_prediction and all(part.is_numeric for part in parts):
        arrays = [tuple(map(np.asarray, result)) for result in results]
        only_last_digits = all(part.right or part.nearly for part in parts)
        diagnosis = (
            Diagnosis() if only_last_digits else diagnose(exercise, seed, references, arrays)
        )
    return Report(
        exercise, Outcome.INCORRECT, seed, parts=parts, diagnosis=diagnosis, notes=first.notes
    )


def _find(function, name):
    if not callable(function):
        raise TypeError(f"check takes your function itself, not {function!r}")
    if name is None:
        name = getattr(function, "__name__", type(function).__name__)
    if name not in EXERCISES:
        close = difflib.get_close_matches(name, EXERCISES, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"there is no exercise named {name!r}{hint}")
    return EXERCISES[name]


@lru_cache(maxsize=256)
@ANY_ERRSTATE
def _references(name, seed):
    """(fixture's name, arguments, right answers) of every case; none is ever handed out.

    A prediction has one case, whatever the seed: None.
    """
    exercise = EXERCISES[name]
    references = []
    for fixture, case in exercise.cases(seed):
        answer = exercise.reference(*copy.deepcopy(case))
        references.append((fixture, case, answer if len(exercise.returns) > 1 else (answer,)))
    return references


def _failed_call(exercise, seed, watched, case):
    raised = watched.raised
    if raised.not_attempted:
        return Report(exercise, Outcome.NOT_ATTEMPTED, seed)
    passed = tuple(
        f"{name}: {_describe(value)}" for name, value in zip(watched.parameters, case, strict=True)
    )
    crash = Crash(raised.name, raised.message, raised.line, passed)
    return Report(exercise, Outcome.CRASHED, seed, crash=crash, notes=watched.notes)


def _describe(value):
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array of shape {value.shape}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        inner = ", ".join(
            f"{name} {array.shape}" for name, array in zip(value._fields, value, strict=True)
        )
        return f"{type(value).__name__}({inner})"
    if callable(value):
        return f"the function {getattr(value, '__name__', repr(value))}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, dict):
        return f"a dict with the keys {', '.join(map(repr, value))}"
    text = repr(value)
    return text if len(text) <= 60 else f"an object of type {type(value).__name__}"


@ANY_ERRSTATE
def _compare(exercise, watched, expected, case):
    """Faults that make the numbers meaningless, or else one Part for each returned array."""
    result = watched.result
    n = len(expected)
    if result is None:
        return ["your function returns None: is there a `return` at its end?"], []
    if n > 1:
        wanted = f"{n} arrays, {', '.join(exercise.returns)}"
        if isinstance(result, np.ndarray) and result.shape[:1] == (n,):
            result = tuple(result)  # all in one array: whoever unpacks it gets the same
        if not isinstance(result, (tuple, list)):
            return [f"your function returns {_describe(result)}; it should return {wanted}"], []
        if len(result) != n:
            return [f"your function returns {len(result)} values; it should return {wanted}"], []
    else:
        result = (result,)
    if exercise.conditions is not None:
        problem = exercise.conditions(result, *copy.deepcopy(case))
        return [], [Part("your answer", problem is None, problem, is_numeric=False)]
    return [], [
        _compare_part(exercise, name, got, right)
        for name, got, right in zip(exercise.returns, result, expected, strict=True)
    ]


def _compare_part(exercise, name, got, right):
    if isinstance(right, str):
        return _compare_choice(name, got, right)
    right = np.asarray(right)
    try:
        got = np.asarray(got)
    except ValueError:
        return Part(name, False, "is not a regular array", is_numeric=False)
    if exercise.is_prediction and got.dtype.kind not in "fiub":
        return Part(name, False, f"should be a number, not {got.tolist()!r}", is_numeric=False)
    if got.dtype.kind not in "fiub":
        problem = f"should hold real numbers, but its dtype is {got.dtype}"
        return Part(name, False, problem, is_numeric=False)
    if got.shape != right.shape:
        return Part(name, False, f"has shape {got.shape}, but should have {right.shape}")
    if not np.isfinite(got).all():
        n = int((~np.isfinite(got)).sum())
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(got))[0])
        where = f"{name}[{', '.join(map(str, first))}]" if first else name
        return Part(name, False, f"is not finite in {n} of {got.size} entries, first in {where}")
    scale = np.abs(right).max(initial=0) or 1.0
    off = np.abs(got.astype(float) - right) / scale
    if (off <= exercise.rtol).all():
        return Part(name, True)
    problem = nearly = None
    if exercise.is_prediction:
        problem = f"{got} is not what the computation gives"
    elif got.dtype.kind == "f" and (off < FINITE_DIFFERENCE).all():
        problem, nearly = _few_digits(got, off)
    elif right.dtype.kind == "b" and right.ndim == 0:
        problem = f"is {bool(got)} where it should be {bool(right)}"
    elif got.dtype.kind in "iub" and right.dtype.kind == "f":
        problem = f"holds integers ({got.dtype}), which cut off every fraction"
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(off), off.shape))
    return Part(
        name,
        False,
        problem,
        relative_error=relative_error(got.astype(float), right),
        worst=worst,
        yours=float(got[worst]),
        expected=float(right[worst]),
        off=np.where(off > exercise.rtol, off, 0.0),
        nearly=nearly,
    )


def _few_digits(got, off):
    """What to say of an answer that is nearly right, and why: a formula leaves 1e-15, not this."""
    problem = f"is right to {int(-np.log10(off.max()))} digits only"
    if np.array_equal(got, got.astype(np.float32)):
        return f"{problem}, those of float32", "Keep float64 all the way."
    return problem, (
        "A formula computed in float64 is right to 14 or 15 digits; this is the error that a "
        "finite difference leaves (or float32 on the way)."
    )


def _compare_choice(name, got, right):
    if not isinstance(got, str):
        return Part(name, False, f"should be a letter in quotes, such as 'a', not {got!r}")
    if got.strip().lower() == right:
        return Part(name, True)
    return Part(name, False, f"{got.strip()!r} is not what the computation gives")


def _compare_again(exercise, ask, case, before):
    again = ask(case)
    if again.raised is not None:
        raised = again.raised
        return [f"a second call with the same arguments fails: {raised.name}: {raised.message}"]
    if differ(_as_arrays(before.result), _as_arrays(again.result)) and not _agree(
        exercise, before.result, again.result
    ):
        return ["a second call with the same arguments gives another result: is something kept?"]
    return []


def _agree(exercise, result, other):
    """Whether two results are the same but for rounding: a sum may be made in another order."""
    if len(exercise.returns) == 1:
        result, other = (result,), (other,)
    try:
        pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(result, other, strict=True)]
    except (TypeError, ValueError):
        return False
    return all(
        a.shape == b.shape
        and a.dtype.kind == b.dtype.kind == "f"
        and np.allclose(a, b, 0, exercise.rtol * np.abs(a).max(initial=0), equal_nan=True)
        for a, b in pairs
    )


def _as_arrays(result):
    if isinstance(result, (tuple, list)):
        return [_as_arrays(r) for r in result]
    return np.asarray(result)
