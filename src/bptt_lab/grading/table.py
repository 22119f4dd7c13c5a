"""Grading as an instructor watches it: progress, then a table."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .grade import grade_class, students_of


def grade_and_show(course, units, jobs, regrade):
    """Grade the class, with progress, and print a table; return the exit status.

    Parameters
    ----------
    course : Course
    units : list of str
        All units when empty.
    jobs : int
    regrade : bool

    Returns
    -------
    int
        0, whatever the grades are; the reasons of missing grades stand in the table.
    """
    console = Console()
    units = units or course.units()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("grading", total=len(students_of(course)) * len(units) or None)

        def show(row):
            progress.update(task, advance=1, description=f"{row.student} {row.unit}: {row.status}")

        rows = grade_class(course, units, jobs, regrade, on_row=show)
        progress.update(task, description="done")
    console.print(_table(rows, units))
    odd = [row for row in rows if row.reason]
    for row in odd:
        console.print(f"[bold]{row.student}[/] {row.unit}: {row.reason}", highlight=False)
    desk = course.desk.relative_to(course.root)
    console.print(f"{desk}/grades.csv, {desk}/exercises.csv, {desk}/feedback/", highlight=False)
    return 0


def _table(rows, units):
    table = Table()
    table.add_column("student")
    for unit in units:
        table.add_column(unit.split("-")[0], justify="right")
    table.add_column("total", justify="right")
    by_student = {}
    for row in rows:
        by_student.setdefault(row.student, {})[row.unit] = row
    for student, theirs in by_student.items():
        scores = [theirs[unit].score for unit in units]
        cells = ["–" if score is None else f"{score:g}" for score in scores]
        total = sum(score for score in scores if score is not None)
        table.add_row(student, *cells, f"{total:g}")
    maxima = {row.unit: row.max_score for row in rows if row.max_score is not None}
    table.add_section()
    table.add_row(
        "points", *(f"{maxima.get(unit, 0):g}" for unit in units), f"{sum(maxima.values()):g}"
    )
    return table
