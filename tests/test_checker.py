"""The check: its four outcomes, what it notices, and what it never holds against a student."""

import html
import io
import itertools
import logging
import sys
import time
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest

from bptt_lab import rnn
from bptt_lab.checker import EXERCISES, check, judge, watch
from bptt_lab.checker.exercise import exercise, prediction
from bptt_lab.checker.fixtures import fixtures
from bptt_lab.checker.report import Outcome, _html_line, _text_line
from bptt_lab.checker.watch import TooLongError, time_limit

UNIT = "test"


@pytest.fixture(autouse=True)
def _exercises(monkeypatch):
    """Three exercises for these tests alone."""
    monkeypatch.setattr("bptt_lab.checker.exercise.EXERCISES", {})
    monkeypatch.setattr(judge, "EXERCISES", sys.modules["bptt_lab.checker.exercise"].EXERCISES)
    judge._references.cache_clear()

    @exercise(UNIT, returns="y_hat", calls=lambda f: [(f.activations.z,)])
    def demo_softmax(z):
        return rnn.softmax(z)

    @exercise(UNIT, returns=("total", "twice"), calls=lambda f: [(f.params.W, f.s_init)])
    def demo_pair(W, s):
        return W.sum(), 2 * s

    @prediction(UNIT)
    def demo_choice():
        return "b"

    @prediction(UNIT, rtol=0.05)
    def demo_number():
        return 13.0

    yield
    judge._references.cache_clear()


def right_softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_correct():
    report = check(right_softmax, "demo_softmax")
    assert report.outcome is Outcome.CORRECT
    assert report.score == 1.0
    assert repr(report) == "✓ demo_softmax: correct (agrees with the reference, seed 0)"


def test_the_functions_own_name_says_which_exercise_it_is():
    def demo_softmax(z):
        return right_softmax(z)

    assert check(demo_softmax).outcome is Outcome.CORRECT


def test_not_attempted_is_one_line():
    def demo_softmax(z):
        raise NotImplementedError

    report = check(demo_softmax)
    assert report.outcome is Outcome.NOT_ATTEMPTED
    assert report.score == 0.0
    assert repr(report).splitlines() == ["○ demo_softmax: not attempted yet"]


def test_a_crash_shows_the_students_own_line_and_what_was_passed_in():
    def broken(z):
        wrong = np.ones(3)
        return right_softmax(z @ wrong)

    report = check(broken, "demo_softmax")
    assert report.outcome is Outcome.CRASHED
    assert report.score == 0.0
    text = repr(report)
    assert "ValueError: matmul" in text
    assert "`return right_softmax(z @ wrong)`" in text
    assert "z: float64 array of shape (6, 9)" in text


def test_a_crash_shows_the_students_line_and_names_as_they_were_written():
    def broken(z):
        return right_softmax(z**2 + z**2) + z_t  # noqa: F821

    report = check(broken, "demo_softmax")
    line = "return right_softmax(z**2 + z**2) + z_t  # noqa: F821"
    assert f"`{line}`" in repr(report)
    page = html.unescape(report._repr_html_())
    assert f"<code>{line}</code>" in page
    assert "NameError: name 'z_t' is not defined" in page


def test_powers_in_a_sentence_are_no_emphasis():
    assert _text_line("**Wrong.** A ** n is") == "Wrong. A ** n is"
    assert _text_line("`s**2 * t**2`") == "`s**2 * t**2`"
    assert "<code>s**2 * t_k**2</code>, a<sub>t</sub>" in _html_line("`s**2 * t_k**2`, a_t")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda z: None, "returns None: is there a `return`"),
        (lambda z: right_softmax(z)[:-1], "has shape (5, 9), but should have (6, 9)"),
        (lambda z: right_softmax(z).astype(complex), "its dtype is complex128"),
        (lambda z: right_softmax(z).astype(np.float32), "those of float32"),
        (lambda z: right_softmax(z).astype(int), "holds integers (int64)"),
        (lambda z: np.full(z.shape, np.nan), "is not finite in 54 of 54 entries, first in"),
        (lambda z: [[1.0], [2.0, 3.0]], "is not a regular array"),
        (lambda z: "0.5", "its dtype is <U3"),
        (lambda z: right_softmax(z) * 2, "relative error 0.5"),
        (lambda z: right_softmax(z) + 1e-10, "the error that a finite difference leaves"),
    ],
)
def test_incorrect_says_what_is_wrong(function, words):
    report = check(function, "demo_softmax")
    assert report.outcome is Outcome.INCORRECT
    assert report.score < 1.0
    assert words in repr(report)


def test_the_worst_entry_is_shown_with_both_numbers_and_a_map():
    def one_entry_off(z):
        y_hat = right_softmax(z)
        y_hat[2, 1] += 0.5
        return y_hat

    report = check(one_entry_off, "demo_softmax")
    (part,) = report.parts
    expected = right_softmax(fixtures(0)[0].activations.z)[2, 1]
    assert part.worst == (2, 1)
    assert part.yours == pytest.approx(expected + 0.5)
    assert part.expected == pytest.approx(expected)
    text = repr(report)
    assert "1 of 54 entries" in text
    assert "worst at y_hat[2, 1]" in text
    drawn = text.splitlines()[-6:]
    assert [row.strip() for row in drawn] == ["·········"] * 2 + ["·#·······"] + ["·········"] * 3


def test_a_mistake_that_shows_on_one_fixture_only_is_traced_to_it():
    def wrong_when_long(z):
        return right_softmax(z) * (2 if len(z) == 11 else 1)

    text = repr(check(wrong_when_long, "demo_softmax"))
    assert "(a longer sentence)" in text


def test_partial_credit_is_the_fraction_of_right_parts():
    report = check(lambda W, s: (W.sum(), 3 * s), "demo_pair")
    assert report.score == 0.5
    assert "✓ total is right" in repr(report)
    assert "✗ twice is off" in repr(report)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda W, s: W.sum(), "it should return 2 arrays, total, twice"),
        (lambda W, s: (1.0, 2.0, 3.0), "returns 3 values; it should return 2 arrays"),
        (
            lambda W, s: {"total": W, "twice": s},
            "returns a dict with the keys 'total', 'twice'; it",
        ),
    ],
)
def test_a_wrong_number_of_results_is_said(function, words):
    assert words in repr(check(function, "demo_pair"))


def test_results_may_come_from_a_generator_or_in_one_array():
    assert check(lambda W, s: (r for r in (W.sum(), 2 * s)), "demo_pair").score == 1.0
    assert "returns 1000 values" in repr(check(lambda W, s: itertools.count(), "demo_pair"))
    in_one = check(lambda W, s: np.array([s, 2 * s]), "demo_pair")
    assert in_one.score == 0.5
    assert "total has shape (8,), but should have ()" in repr(in_one)


def test_a_sum_in_another_order_is_no_other_result():
    calls = iter(range(1000))

    def in_another_order(z):
        return right_softmax(z) * (1 + 1e-15 * (next(calls) % 2))

    assert check(in_another_order, "demo_softmax").outcome is Outcome.CORRECT


def test_a_changed_argument_is_named():
    def in_place(logits):
        logits -= logits.max(axis=-1, keepdims=True)
        return right_softmax(logits)

    report = check(in_place, "demo_softmax")
    assert report.outcome is Outcome.INCORRECT
    assert report.score == 0.0
    assert "changes its argument `logits`" in repr(report)


def test_working_in_place_on_an_own_copy_is_fine():
    def on_a_copy(z):
        z = z.copy()
        z -= z.max(axis=-1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=-1, keepdims=True)
        return z

    assert check(on_a_copy, "demo_softmax").outcome is Outcome.CORRECT


def test_a_result_that_changes_on_the_second_call_is_refused():
    kept = np.zeros(1)

    def accumulating(z):
        kept[0] += 1
        return right_softmax(z) * kept[0]

    report = check(accumulating, "demo_softmax")
    assert report.outcome is Outcome.INCORRECT
    assert "second call" in repr(report)


def test_returning_the_same_buffer_every_time_is_seen_as_it_was_returned():
    buffer = {}

    def reuses(z):
        out = buffer.setdefault(z.shape, np.empty(z.shape))
        out[:] = right_softmax(z)
        return out

    assert check(reuses, "demo_softmax").outcome is Outcome.CORRECT


def test_warnings_prints_and_logging_cost_nothing_and_keep_stderr_silent(capsys):
    def noisy(z):
        print("shape", z.shape)
        print("to stderr", file=sys.stderr)
        logging.getLogger().warning("logged")
        warnings.warn("careful", stacklevel=1)
        np.float64(1.0) / np.float64(0.0)
        return right_softmax(z)

    report = check(noisy, "demo_softmax")
    marks = report.points(2)
    assert marks == 2.0
    assert type(marks) is float
    assert capsys.readouterr().err == ""
    assert "warning: UserWarning: careful" in repr(report)
    assert "printed: shape (6, 9)" in repr(report)


def test_an_endless_loop_is_stopped_and_said(monkeypatch):
    monkeypatch.setattr(watch, "SECONDS_PER_CALL", 0.1)

    def endless(z):
        while True:
            pass

    report = check(endless, "demo_softmax")
    assert report.outcome is Outcome.CRASHED
    assert "an endless loop?" in repr(report)


def test_exit_in_a_function_does_not_end_the_notebook():
    report = check(lambda z: sys.exit(0), "demo_softmax")
    assert report.outcome is Outcome.CRASHED


def test_endless_recursion_is_a_crash():
    def again(z):
        return again(z)

    assert "RecursionError" in repr(check(again, "demo_softmax"))


def test_the_packages_own_function_is_not_an_attempt():
    report = check(rnn.softmax, "demo_softmax")
    assert report.outcome is Outcome.NOT_ATTEMPTED
    assert "the package's own" in repr(report)


def test_predictions():
    assert check(lambda: "b", "demo_choice").score == 1.0
    assert check(lambda: " B ", "demo_choice").score == 1.0
    wrong = check(lambda: "a", "demo_choice")
    assert wrong.score == 0.0
    assert "'a' is not what the computation gives" in repr(wrong)
    assert "b" not in repr(wrong).split("computation gives")[1].split(".")[0]
    assert "a letter in quotes" in repr(check(lambda: 2, "demo_choice"))
    assert "should be a number, not 'c'" in repr(check(lambda: "c", "demo_number"))
    assert check(lambda: 13.4, "demo_number").score == 1.0
    assert check(lambda: 12, "demo_number").score == 0.0
    assert "13.0" not in repr(check(lambda: 12, "demo_number"))


def test_points_are_a_plain_float_within_the_points_and_are_shown(capsys):
    marks = check(lambda W, s: (W.sum(), s), "demo_pair").points(3)
    assert type(marks) is float
    assert marks == 1.5
    assert "demo_pair" in capsys.readouterr().out


def test_a_check_is_deterministic_and_seeds_differ():
    assert repr(check(lambda z: z, "demo_softmax", seed=5)) == repr(
        check(lambda z: z, "demo_softmax", seed=5)
    )
    assert repr(check(lambda z: z, "demo_softmax", seed=5)) != repr(
        check(lambda z: z, "demo_softmax", seed=6)
    )


def test_the_reference_cannot_be_changed_through_what_was_handed_out():
    def vandal(z):
        z[:] = 0
        return z

    check(vandal, "demo_softmax")
    assert check(right_softmax, "demo_softmax").outcome is Outcome.CORRECT


def test_unknown_names_get_a_suggestion():
    def demo_softmaxx(z):
        return z

    with pytest.raises(ValueError, match="did you mean 'demo_softmax'"):
        check(demo_softmaxx)
    with pytest.raises(TypeError, match="your function itself"):
        check(3.0)


def test_two_exercises_cannot_share_a_name():
    with pytest.raises(ValueError, match="two exercises named 'demo_choice'"):

        @prediction(UNIT)
        def demo_choice():
            return "a"


class _WellFormed(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "function",
    [
        right_softmax,
        lambda z: z,
        lambda z: None,
        lambda z: z @ np.ones((1, 1)),
        lambda z: print("<script>alert(1)</script>") or z,
    ],
)
def test_html_is_well_formed_without_scripts_and_says_what_the_text_says(function):
    report = check(function, "demo_softmax")
    html = report._repr_html_()
    parser = _WellFormed()
    parser.feed(html)
    assert parser.open == []
    assert parser.tags <= set(
        ["div", "span", "b", "br", "code", "details", "summary", "sub", "table", "tr", "td"]
    )
    symbol, words, _ = report.outcome.value
    assert symbol in html
    assert words in html


@pytest.mark.parametrize("seed", range(200))
def test_fixtures_have_no_blind_spot(seed):
    first, second, third = fixtures(seed)
    for fixture in (first, second, third):
        W, T = fixture.params.W, fixture.n_steps
        assert np.abs(W - W.T).max() > 0.3
        assert np.abs(fixture.s_init).min() >= 0.2
        assert 0 < fixture.window < T - 1
        assert (fixture.x != fixture.y).all()
        assert len({T, *fixture.params.V.shape}) == 3
        assert np.abs(fixture.activations.s[1:]).max() < 1
        assert np.abs(fixture.activations.a).max() > 1
    assert len(set(first.x)) == first.n_steps <= len(first.params.W)
    assert len(set(second.x)) < second.n_steps
    assert third.n_steps > 10


def test_every_exercise_of_the_course_has_an_answer_on_every_fixture(monkeypatch):
    monkeypatch.undo()
    assert EXERCISES
    for name in EXERCISES:
        for _, _, expected in judge._references(name, 1):
            for answer in expected:
                arrays = answer if isinstance(answer, tuple) else (answer,)
                assert all(isinstance(a, str) or np.isfinite(a).all() for a in arrays)


def test_a_terminal_without_ipython_prints(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    check(right_softmax, "demo_softmax").points(1)
    assert "✓ demo_softmax: correct" in out.getvalue()


def test_a_time_limit_goes_on_after_one_within_it():
    def sleep():
        with time_limit(5):
            pass
        time.sleep(5)

    with pytest.raises(TooLongError), time_limit(0.2):
        sleep()
