"""Grade a class with nbgrader: every submission gets a row, and none stops the others.

Points are kept in nbgrader's gradebook, where scores given by hand are too; what happened to a
submission is kept beside it, one small file each, as soon as it is known. So a batch that was
stopped goes on where it was.
"""

import contextlib
import csv
import fcntl
import os
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from . import submission, workers
from .class_report import write_class_report
from .course import Course, CourseError, nbgrader_metadata, read_notebook, reason_of
from .platforms import safe, write_canvas, write_moodle
from .submission import Result

SECONDS = 600  # for one submission in all; the limits of its cells and calls end it long before


@dataclass(frozen=True)
class Exercise:
    """One exercise of one submission; `score` is None where there is none, which is not 0."""

    name: str
    score: float | None
    max_score: float
    by_hand: bool = False
    outcome: str = ""
    mistakes: tuple = ()


@dataclass(frozen=True)
class Row:
    """What became of one student's submission of one unit.

    Attributes
    ----------
    student, unit : str
    status, reason : str
        As in `Result`.
    exercises : tuple of Exercise
        In the order of the notebook.
    protection : str
        As in `Result`.
    """

    student: str
    unit: str
    status: str
    reason: str = ""
    exercises: tuple = field(default=(), repr=False)
    protection: str = ""

    @property
    def score(self):
        """The points, None where there are none at all."""
        scores = [exercise.score for exercise in self.exercises if exercise.score is not None]
        return sum(scores) if scores else None

    @property
    def max_score(self):
        return sum(exercise.max_score for exercise in self.exercises)


def grade_class(
    course,
    units=None,
    jobs=2,
    regrade=False,
    on_result=lambda result, left: None,
    require_sandbox=False,
    executor=None,
):
    """Grade everything in ``autograder/submitted/``; write feedback, grades.csv, exercises.csv.

    Parameters
    ----------
    course : Course
    units : iterable of str, optional
        When left out, every unit that anybody has handed in.
    jobs : int, default 2
        How many submissions are graded at the same time.
    regrade : bool, default False
        Grade again what has not changed since it was graded. Scores given by hand stay.
    on_result : callable, optional
        Called with each `Result` as it comes and with how many are left to be graded.
    require_sandbox : bool, default False
        Grade nothing where bubblewrap does not work.
    executor : callable, optional
        What does the jobs, in place of `jobs` processes of this machine, such as `cluster.Dask`:
        takes a function, the jobs, and the seconds for each, and yields as `workers.run` does.

    Returns
    -------
    list of Row
        One for each student and unit, sorted.

    Raises
    ------
    CourseError
        If there is nothing to grade, a unit does not exist, the gradebook does not fit, or
        somebody else is grading this course.
    """
    with _alone(course):
        return _grade_class(course, units, jobs, regrade, on_result, require_sandbox, executor)


@contextlib.contextmanager
def _alone(course):
    """Keep a second grader out, who would write the same files; the end of a process ends it."""
    course.desk.mkdir(parents=True, exist_ok=True)
    desk = os.open(course.desk, os.O_RDONLY)
    try:
        fcntl.flock(desk, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(desk)
        raise CourseError("this course is being graded already: wait until that is done") from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(desk)


def _grade_class(course, units, jobs, regrade, on_result, require_sandbox, executor):
    for unit in units or ():
        course.notebook(unit)
    if not course.units():
        raise CourseError(f"there are no units in {course.solutions}")
    students = students_of(course)
    if not students:
        raise CourseError(f"there are no submissions in {course.submitted}")
    handed_in = _handed_in(course, students)
    due = [unit for unit in course.units() if unit in (units or {unit for _, unit in handed_in})]
    test_cells = {unit: _test_cells(course, unit) for unit in due}
    pairs = {(student, unit) for student in students for unit in due}
    if not units:
        pairs |= handed_in  # folders that are no units get a row, too
    register(course, [student for student in students if submission.is_id(student)], due)
    in_gradebook = read_gradebook(course)

    results, waiting = {}, []
    of_unit = {unit: submission.digest_of(course.solutions / unit) for unit in due}
    for pair in sorted(pairs):
        before = submission.load(course, *pair)
        unchanged = (
            not regrade
            and before is not None
            and before.has_score
            and pair in in_gradebook
            and before.digest == submission.digest(course, *pair, of_unit.get(pair[1]))
        )
        try:
            result = submission.look_at(course, *pair, inside=not unchanged)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
            result = Result(*pair, submission.BROKEN, reason)
        if result is not None:
            results[pair] = result
        elif unchanged:
            results[pair] = before
        else:
            waiting.append((str(course.root), *pair, require_sandbox))
    executor = executor or partial(workers.run, n_workers=jobs)
    for left, result in enumerate(_graded(waiting, executor), start=1 - len(waiting)):
        submission.save(course, result)
        results[result.student, result.unit] = result
        on_result(result, -left)
    in_gradebook = read_gradebook(course)
    rows = [
        _row(result, test_cells.get(pair[1], ()), in_gradebook.get(pair, {}))
        for pair, result in sorted(results.items())
    ]
    write_csv(course, rows)
    write_canvas(course, rows)
    write_moodle(course, rows)
    write_class_report(course, rows)
    return rows


def students_of(course):
    """The ids of all students who have handed in something."""
    if not course.submitted.is_dir():
        return []
    return sorted(
        p.name for p in course.submitted.iterdir() if p.is_dir() and not p.name.startswith(".")
    )


def _handed_in(course, students):
    """The (student, unit) of every folder that was handed in."""
    found = set()
    for student in students:
        with contextlib.suppress(PermissionError):  # the row of each unit will say so
            found |= {
                (student, folder.name)
                for folder in (course.submitted / student).iterdir()
                if folder.is_dir() and not folder.name.startswith(".")
            }
    return found


def register(course, students, units):
    """Make sure that the gradebook knows students and units, without touching ``notebooks/``.

    Raises
    ------
    CourseError
        If nbgrader refuses, above all when exercises came or went that there are grades for.
    """
    course.submitted.mkdir(parents=True, exist_ok=True)
    job = (str(course.root), students, units)
    for _, said, error in workers.run(_register, [job], 1, SECONDS):
        if error or said:
            raise CourseError(error or said)


def _register(job):
    from nbgrader.api import Gradebook

    root, students, units = job
    course = Course(Path(root))
    with tempfile.TemporaryDirectory() as scratch:
        api = course.nbgrader(release_directory=scratch)
        for unit in units:
            called = api.generate_assignment(unit, force=True, create=True)
            if called["success"]:
                continue
            said = called.get("log") or called["error"]
            if "submissions associated" in said:
                return (
                    f"the exercises of {unit} are not those that the gradebook has grades for: "
                    "move autograder/gradebook.db away and grade again"
                )
            return f"solutions/{unit} cannot be registered with nbgrader: {reason_of(called)}"
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as gradebook:
        known = {student.id for student in gradebook.students}
        for student in students:  # here, as two graders would both add the same one
            if student not in known:
                gradebook.add_student(student)
    return ""


def read_gradebook(course):
    """All scores: a dict from (student, unit) to a dict from grade_id to (score, by hand)."""
    from nbgrader.api import (
        Assignment,
        BaseCell,
        Grade,
        Gradebook,
        SubmittedAssignment,
        SubmittedNotebook,
    )

    columns = (SubmittedAssignment.student_id, Assignment.name, BaseCell.name)
    columns += (Grade.auto_score, Grade.manual_score, Grade.extra_credit)
    scores = {}
    folders = course.nbgrader().coursedir
    with Gradebook(folders.db_url, folders.course_id) as gradebook:
        query = (
            gradebook.db.query(*columns)
            .select_from(Grade)
            .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
            .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
            .join(BaseCell, Grade.cell_id == BaseCell.id)
        )
        for student, unit, cell, auto, by_hand, extra in query:
            score = auto if by_hand is None else by_hand
            score = None if score is None else score + (extra or 0)
            scores.setdefault((student, unit), {})[cell] = (score, by_hand is not None)
    return scores


def _graded(waiting, executor):
    """A result for each job. Where the process died, which no student's code runs in, once more."""
    again = []
    for job, result, error in executor(_grade_one, waiting, seconds=SECONDS):
        if error == workers.DIED:
            again.append(job)
        else:
            yield result or Result(*job[1:3], submission.FAILED, error)
    for job, result, error in executor(_grade_one, again, seconds=SECONDS):
        yield result or Result(*job[1:3], submission.FAILED, error)


def _grade_one(job):
    return submission.grade(*job)


def _test_cells(course, unit):
    """The (grade_id, points) of a unit's test cells, in the order of the notebook."""
    cells = read_notebook(course.solutions / unit / course.notebook(unit)).cells
    marked = [nbgrader_metadata(cell) for cell in cells]
    return [(mark["grade_id"], float(mark["points"])) for mark in marked if mark.get("grade")]


def _row(result, test_cells, scores):
    """A result with its points; those of an automatic grading count only if there was one now."""
    exercises = []
    for name, points in test_cells:
        score, by_hand = scores.get(name, (None, False))
        exercises.append(
            Exercise(
                name.removeprefix("check_"),
                score if by_hand or result.has_score else None,
                points,
                by_hand,
                result.outcomes.get(name, ""),
                tuple(result.mistakes.get(name, ())),
            )
        )
    about = (result.student, result.unit, result.status, result.reason)
    return Row(*about, tuple(exercises), result.protection)


def write_csv(course, rows):
    """Write ``grades.csv`` (a line for each student and unit) and ``exercises.csv``."""
    _write(
        course.desk / "grades.csv",
        ["student", "unit", "status", "score", "max_score", "reason", "protection"],
        [
            [
                *(r.student, r.unit, r.status, _number(r.score), _number(r.max_score)),
                *(r.reason, r.protection),
            ]
            for r in rows
        ],
    )
    lines = []
    for r in rows:
        for e in r.exercises:
            points = [_number(e.score), _number(e.max_score)]
            lines.append(
                [
                    *(r.student, r.unit, e.name, *points, "yes" if e.by_hand else "", e.outcome),
                    " ".join(e.mistakes),
                ]
            )
    head = ["student", "unit", "exercise", "score", "max_score", "by_hand", "outcome", "mistakes"]
    _write(course.desk / "exercises.csv", head, lines)


def _write(path, head, lines):
    scratch = path.with_suffix(".new")
    with open(scratch, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[safe(cell) for cell in line] for line in [head, *lines]])
    scratch.replace(path)


def _number(value):
    """A number as text, nothing where there is none."""
    return "" if value is None else f"{value:.10g}"
