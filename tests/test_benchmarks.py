"""The benchmark compares what computes the same thing, and says so when it does not."""

import numpy as np
import pytest

from benchmarks import contenders as who
from benchmarks.tables import Table, growth
from benchmarks.timing import Workers, compare

SMALL = (4, 5, 6)


@pytest.fixture(scope="module")
def workers():
    with Workers(n_threads=1) as workers:
        yield workers


@pytest.mark.parametrize("batch", [1, 3])
def test_all_contenders_compute_the_same(workers, batch):
    problem = who.draw(*SMALL, batch)
    run = {
        "ours": (who.ours, (problem,)),
        "double loop": (who.double_loop, (problem,)),
        "autograd": (who.with_autograd, (problem,)),
    }
    seconds, first = compare(workers, run, n_rounds=2, rtol=1e-12)
    assert set(seconds) == set(first) == set(run)
    assert all((times > 0).all() and times.shape == (2,) for times in seconds.values())


def test_windows_and_everything_at_once_compute_the_same(workers):
    problem = who.draw(*SMALL, 1)
    pairs = [
        ((who.our_windows, (problem, 2)), (who.double_loop_gradient, (problem, 2))),
        ((who.our_every_window, (problem,)), (who.each_window_by_itself, (problem,))),
        ((who.our_numerical_gradient, (problem,)), (who.numerical_gradient_in_a_loop, (problem,))),
    ]
    for ours, theirs in pairs:
        run = {"ours": ours, "theirs": theirs}
        compare(workers, run, n_rounds=1, rtol=1e-12)


def test_a_contender_that_computes_something_else_is_noticed(workers):
    problem = who.draw(*SMALL, 1)
    run = {
        "ours": (who.our_windows, (problem, 2)),
        "another window": (who.our_windows, (problem, 1)),
    }
    with pytest.raises(ArithmeticError, match="another window gives another result"):
        compare(workers, run, n_rounds=1, rtol=1e-9)


def test_an_error_in_a_worker_says_where(workers):
    run = {"ours": (who.our_windows, (who.draw(*SMALL, 1), -1))}
    with pytest.raises(RuntimeError, match="window must be at least 0"):
        compare(workers, run, n_rounds=1)


def test_a_goal_is_met_or_missed(capsys):
    table = Table()
    table.goal("fast enough", 2.0, 1.0)
    table.goal("too slow", 0.5, 1.0, "it has to count")
    table.row("a", 1)
    assert table.met == ["fast enough: 2, goal 1"]
    assert table.missed == ["too slow: 0.5, goal 1; it has to count"]
    assert capsys.readouterr().out == "| a | 1 |\n"


def test_growth_is_measured_and_printed(workers):
    table = Table()
    growth(table, workers, n_rounds=1)
    rows = [line for line in table.lines if line.startswith("| ")]
    assert len(rows) == 5
    slopes = [float(row.split("|")[3]) for row in rows[1:4]]
    assert all(np.isfinite(slopes))
