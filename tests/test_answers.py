"""Every right answer is accepted and every wrong one refused, on several fresh fixtures."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from bptt_lab.checker import EXERCISES, check
from bptt_lab.checker.report import Outcome

from . import answers
from .answers import unusual

MODULES = sorted(p.stem for p in Path(answers.__file__).parent.glob("[a-z]*.py"))
ANSWERS = [importlib.import_module(f"{answers.__name__}.{name}") for name in MODULES]
RIGHT = [
    pytest.param(name, function, id=f"{name}-{i}")
    for module in ANSWERS
    for name, functions in module.RIGHT.items()
    for i, function in enumerate(functions)
]
WRONG = [
    pytest.param(name, function, id=f"{name}-{label}")
    for module in ANSWERS
    for name, functions in module.WRONG.items()
    for label, function in functions.items()
]


FITS = {  # names that fit answers whose label has no id, or that of an equal mistake
    "F14 state leaks into the next call": ("W31",),
    "off-diagonal sign": ("V5b",),
    "sign turned": ("V5f", "N1d"),
    "diagonal forgotten": ("V5c",),
    "diagonal zero": ("V5d",),
    "identity for diag(y_hat)": ("V5e",),
    "V6 target forgotten": ("V5c",),
    "error squared": ("V16",),
    "absolute error": ("V17",),
    "class next to the target": ("V18",),
    "classes counted from 1": ("V18b",),
    "V3 times y_hat (1 - y_hat)": ("V5",),
    "V14 divided by T": ("W36",),
    "V14 divided by T and C": ("W36b",),
    "transposed": ("V12",),
    "slope of tanh multiplied in": ("V19",),
    "state times its slope": ("V19",),
    "target's row only": ("V5",),
    "sums before the product": ("V20",),
    "first step left out": ("V11b",),
    "last step left out": ("V10b",),
    "V11 = for +=": ("V10",),
    "divided by h": ("N1b",),
    "not divided": ("N1c",),
    "/ 2 * h": ("N1e",),
    "second derivative": ("N1g",),
    "W30 sign of U and W": ("V2",),
    "W36 averaged": ("W29",),
    "T11 turned over": ("W1",),
    "W14 transposed": ("J7",),
    "W8 columns scaled": ("J4",),
    "W2 own error missing": ("W3b",),
    "entropy": ("F10g",),
    "order of time turned": ("W37",),
    "in reverse": ("W37",),
    "all losses": ("W2b",),
    "chunks one too long": ("T1c",),
    "last chunk only": ("T2b",),
    "mask transposed": ("T11",),
    "mask inverted": ("T13b",),
    "no mask": ("T5",),
    "mean": ("T13c",),
    "first row only": ("W26",),
    "everything frozen": ("T15b",),
    "the seed's listing, index by index": ("W8b and W18b",),
    **{
        label: ("F16",)
        for label in (
            "V15 changes y_hat_t",
            "V15 y_hat itself is changed (an alias)",
            "V15 y_hat is changed through a view",
            "V15 y_hat is changed, a copy returned",
            "V15 y_hat itself is changed (the seed's alias)",
            "V15 y_hat is changed step by step",
            "V15 V is left changed",
            "changes s_t",
        )
    },
}


def mistakes_named(report):
    return () if report.diagnosis is None else tuple(m.id for m in report.diagnosis.mistakes)


def refused(function, name, seed):
    report = check(function, name, seed)
    return report.outcome in (Outcome.INCORRECT, Outcome.CRASHED) and report.score < 1


@pytest.mark.parametrize(("name", "function"), RIGHT)
def test_right_answers_are_accepted(name, function, seeds):
    for seed in seeds:
        report = check(function, name, seed)
        assert report.outcome is Outcome.CORRECT, report


@pytest.mark.parametrize(("name", "function"), WRONG)
def test_wrong_answers_are_refused_and_keep_their_name(name, function, seeds):
    names = set()
    for seed in seeds:
        assert refused(function, name, seed)
        names.add(mistakes_named(check(function, name, seed)))
    assert len(names) == 1, f"it depends on the seed which mistake this is: {names}"


@pytest.mark.parametrize(("name", "function"), WRONG)
def test_no_wrong_answer_gets_a_name_that_does_not_fit(request, name, function):
    """The answers are written by hand; each label says which mistake it was written for."""
    label = request.node.callspec.id.removeprefix(f"{name}-")
    named = mistakes_named(check(function, name))
    family = {re.match(r"[A-Z]\d+", mistake)[0] for mistake in named}  # F10b is a kind of F10
    own = set(re.findall(r"^[A-Z]\d+", label))
    assert not named or family == own or " and ".join(named) in FITS.get(label, ()), named


@pytest.mark.parametrize(
    ("name", "mistake", "function"),
    [pytest.param(*key, function, id="-".join(key)) for key, function in unusual.NAMED.items()],
)
def test_a_mistake_in_a_loop_of_its_own_is_named(name, mistake, function):
    for seed in (0, 1):
        assert mistakes_named(check(function, name, seed)) == (mistake,)


@pytest.mark.parametrize("function", unusual.NAMELESS)
def test_what_is_not_in_the_catalogue_gets_no_name(function):
    report = check(function, "bptt_single_loop")
    assert report.outcome is Outcome.INCORRECT
    assert mistakes_named(report) == ()


def test_a_notebook_in_which_numpy_raises_can_be_checked():
    right, wrong = unusual.through_a_flat_view, unusual.NAMED["total_loss", "F10h"]
    with np.errstate(all="raise"):
        for seed in (40, 41):  # not checked before, so that nothing is remembered
            assert check(right, "output_error", seed).outcome is Outcome.CORRECT
            assert mistakes_named(check(wrong, "total_loss", seed)) == ("F10h",)


def test_a_right_answer_among_the_wrong_ones_would_be_noticed():
    name, function = RIGHT[0].values
    assert not refused(function, name, 0)


def test_every_coding_exercise_has_three_right_answers_and_a_wrong_one():
    right = [answer.values[0] for answer in RIGHT]
    wrong = {answer.values[0] for answer in WRONG}
    for name, exercise in EXERCISES.items():
        if not exercise.is_prediction:
            assert right.count(name) >= 3, name
            assert name in wrong, name


def test_there_are_many_wrong_answers():
    assert len(WRONG) >= 40


@pytest.mark.parametrize("name", [n for n, e in EXERCISES.items() if e.is_prediction])
def test_predictions_accept_their_answer_only(name):
    answer = EXERCISES[name].reference()
    assert check(lambda: answer, name).outcome is Outcome.CORRECT
    other = "z" if isinstance(answer, str) else answer + 1000
    assert refused(lambda: other, name, 0)
