"""Every right answer is accepted and every wrong one refused, on several fresh fixtures."""

import importlib
from pathlib import Path

import pytest

from bptt_lab.checker import EXERCISES, check
from bptt_lab.checker.report import Outcome

from . import answers

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


def refused(function, name, seed):
    report = check(function, name, seed)
    return report.outcome in (Outcome.INCORRECT, Outcome.CRASHED) and report.score < 1


@pytest.mark.parametrize(("name", "function"), RIGHT)
def test_right_answers_are_accepted(name, function):
    for seed in range(5):
        report = check(function, name, seed)
        assert report.outcome is Outcome.CORRECT, report


@pytest.mark.parametrize(("name", "function"), WRONG)
def test_wrong_answers_are_refused(name, function):
    for seed in (0, 1):
        assert refused(function, name, seed)


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
