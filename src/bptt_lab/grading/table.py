"""Grading as an instructor watches it: progress, then a table."""

import contextlib
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from . import sandbox
from .cluster import Dask
from .course import printable
from .grade import grade_class
from .submission import GRADED, MENDED

LONG = 150  # rows; a longer table shows only what somebody has to look at
COLOURS = {GRADED: "green", MENDED: "cyan"}


def grade_and_show(course, units, jobs, regrade, require_sandbox=False, dask=None):
    """Grade the class, with progress, and print a table; return the exit status.

    Parameters
    ----------
    course : Course
    units : list of str
        When empty, every unit that anybody has handed in.
    jobs : int
    regrade : bool
    require_sandbox : bool, default False
        Refuse to grade where bubblewrap does not work.
    dask : str, optional
        The address of a Dask scheduler, whose workers are to grade.

    Returns
    -------
    int
        0, whatever the grades are; the reasons of missing grades stand in the table.
    """
    if require_sandbox and not dask:
        sandbox.warm(require=True).stop()
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(contextlib.closing(Dask(dask, course))) if dask else None
        return _grade_and_show(course, units, jobs, regrade, require_sandbox, executor)


def _grade_and_show(course, units, jobs, regrade, require_sandbox, executor):
    console = Console(width=None if sys.stdout.isatty() else 140)
    n_graded = 0
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("looking through what was handed in", total=None)

        def show(result, left):
            nonlocal n_graded
            n_graded += 1
            text = printable(f"{result.student} {result.unit}: {result.status}")
            progress.update(task, completed=n_graded, total=n_graded + left, description=text)

        rows = grade_class(course, units, jobs, regrade, show, require_sandbox, executor)
        progress.update(task, description="done", total=n_graded, completed=n_graded)
    console.print(_table(rows))
    counts = {}
    for row in rows:
        counts[row.status] = counts.get(row.status, 0) + 1
    console.print(
        ", ".join(f"{count} {status}" for status, count in counts.items())
        + f"; graded just now: {n_graded}",
        highlight=False,
    )
    for protection in sorted({row.protection for row in rows if row.protection}):
        console.print(f"students' code ran in {protection}", highlight=False)
    desk = course.desk.relative_to(course.root)
    files = ("grades.csv", "exercises.csv", "canvas.csv", "moodle.csv", "class.html", "feedback/")
    console.print(", ".join(f"{desk}/{name}" for name in files), highlight=False)
    return 0


def _table(rows):
    table = Table(show_edge=False)
    for name in ("student", "unit"):
        table.add_column(name, no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("what happened", overflow="fold")
    shown = rows if len(rows) <= LONG else [row for row in rows if row.status != GRADED]
    for row in shown:
        score = "–" if row.score is None else f"{row.score:g}"
        cells = [row.student, row.unit, f"{score} / {row.max_score:g}", row.status, row.reason]
        styles = ["bold", "", "", COLOURS.get(row.status, "yellow"), ""]
        texts = map(printable, cells)
        table.add_row(*(Text(text, style) for text, style in zip(texts, styles, strict=True)))
    if len(shown) < len(rows):
        table.caption = f"and {len(rows) - len(shown)} more that were graded without a hitch"
    return table
