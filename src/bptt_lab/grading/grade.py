"""Grade a class with nbgrader: every submission gets a row, and none stops the others.

Each submission is graded in a process of its own, since nbgrader changes the working directory and
a submission may take its process down. What nbgrader would stumble over (a file that is no
notebook, copied cells) is looked at first. One process writes to the gradebook at a time.
"""

import csv
import json
import multiprocessing
import os
import re
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from .course import Course, CourseError, reason_of

STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
GRADED, UNCHANGED, FAILED, MISSING = "graded", "unchanged", "not gradable", "missing"


@dataclass
class Row:
    """What became of one student's submission of one unit.

    Attributes
    ----------
    student, unit : str
    status : str
        "graded", "unchanged", "not gradable" or "missing".
    reason : str
        What a person should know: why there is no grade, or what was odd about the submission.
    score, max_score : float or None
        None where there is no grade, which is not the same as 0.
    exercises : dict of str to (float or None, float)
        Score and maximum of each test cell, by its grade id.
    """

    student: str
    unit: str
    status: str
    reason: str = ""
    score: float | None = None
    max_score: float | None = None
    exercises: dict = field(default_factory=dict)


def grade_class(course, units=None, jobs=2, regrade=False, on_row=lambda row: None):
    """Grade everything in ``autograder/submitted/`` and write feedback and ``grades.csv``.

    Parameters
    ----------
    course : Course
    units : iterable of str, optional
        All units when left out.
    jobs : int, default 2
        How many submissions are graded at the same time.
    regrade : bool, default False
        Grade again what has not changed since it was graded.
    on_row : callable, optional
        Called with each row as it comes.

    Returns
    -------
    list of Row
        One for each student and unit, sorted.

    Raises
    ------
    CourseError
        If there is nothing to grade, or a unit does not exist.
    """
    units = list(units or course.units())
    notebooks = {unit: course.notebook(unit) for unit in units}
    students = students_of(course)
    if not students:
        raise CourseError(f"there are no submissions in {course.desk / 'submitted'}")
    _register(course, units)
    said_before = _read_reasons(course)
    rows, work = [], []
    for student in students:
        for unit in units:
            row = _look(course, student, unit, notebooks[unit], regrade)
            if row is None:
                work.append((student, unit))
            else:
                row.reason = row.reason or said_before.get((student, unit), "")
                rows.append(row)
                on_row(row)
    for row in _grade_all(course, work, jobs):
        rows.append(row)
        on_row(row)
    rows.sort(key=lambda row: (row.student, row.unit))
    write_csv(course, rows)
    return rows


def students_of(course):
    """The ids of all students who have handed in something."""
    submitted = course.desk / "submitted"
    return sorted(p.name for p in submitted.iterdir() if p.is_dir()) if submitted.is_dir() else []


def write_csv(course, rows):
    """Write ``grades.csv`` (a line for each student and unit) and ``exercises.csv``."""
    course.desk.mkdir(exist_ok=True)
    with open(course.desk / "grades.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "unit", "status", "score", "max_score", "reason"])
        for row in rows:
            score = "" if row.score is None else row.score
            maximum = "" if row.max_score is None else row.max_score
            writer.writerow([row.student, row.unit, row.status, score, maximum, row.reason])
    with open(course.desk / "exercises.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "unit", "exercise", "score", "max_score"])
        for row in rows:
            for exercise, (score, maximum) in row.exercises.items():
                name = exercise.removeprefix("check_")
                writer.writerow(
                    [row.student, row.unit, name, "" if score is None else score, maximum]
                )


def _read_reasons(course):
    """What ``grades.csv`` said of each submission when it was last written."""
    path = course.desk / "grades.csv"
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {(row["student"], row["unit"]): row["reason"] for row in csv.DictReader(file)}


def _quiet():
    """Send what kernels and libraries say on stderr nowhere: a worker's rows say what matters."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _register(course, units):
    """Make sure that the gradebook knows the assignments, without touching ``notebooks/``."""
    (course.desk / "submitted").mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_quiet) as pool:
        log = pool.submit(_register_in_process, course.root, units).result()
    if log:
        raise CourseError(log)


def _register_in_process(root, units):
    course = Course(root)
    with tempfile.TemporaryDirectory() as scratch:
        api = course.nbgrader(release_directory=scratch)
        for unit in units:
            result = api.generate_assignment(unit, force=True, create=True)
            if not result["success"]:
                return f"solutions/{unit} cannot be registered with nbgrader:\n{result['log']}"
    return ""


def _look(course, student, unit, notebook, regrade):
    """A row for a submission that need not or cannot be graded; None for one that can."""
    if not STUDENT.fullmatch(student):
        reason = (
            f"the folder name {student!r} is no student id: use letters, digits, and . _ @ - only"
        )
        return Row(student, unit, FAILED, reason)
    path = course.desk / "submitted" / student / unit / notebook
    if not path.is_file():
        return Row(student, unit, MISSING, f"{unit}/{notebook} was not handed in")
    problem = _unreadable(path)
    if problem:
        return Row(student, unit, FAILED, problem)
    graded = course.desk / "autograded" / student / unit / notebook
    solution = course.solutions / unit / notebook
    newest = max(path.stat().st_mtime, solution.stat().st_mtime)
    if not regrade and graded.is_file() and graded.stat().st_mtime > newest:
        row = _read_scores(course, student, unit)
        if row.score is not None:
            row.status = UNCHANGED
            return row
    return None


def _unreadable(path):
    """Why a file is no notebook that can be graded, or nothing."""
    try:
        notebook = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "the file is not text in UTF-8"
    except json.JSONDecodeError as error:
        return f"the file is not a notebook (no valid JSON: {error.msg} in line {error.lineno})"
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        version = notebook.get("nbformat") if isinstance(notebook, dict) else None
        if isinstance(version, int) and version < 4:
            return f"the notebook has the old format {version}: open and save it in JupyterLab"
        return "the file is not a notebook (it has no cells)"
    if not any("nbgrader" in cell.get("metadata", {}) for cell in notebook["cells"]):
        return "no cell of the notebook belongs to an exercise: is it the right file?"
    return ""


def _grade_all(course, work, jobs):
    """Rows as they come; a process that dies costs its own submission only."""
    context = multiprocessing.get_context("spawn")
    lock = context.Manager().Lock()
    with ProcessPoolExecutor(jobs, context, initializer=_quiet, max_tasks_per_child=8) as pool:
        futures = {pool.submit(_grade_one, course.root, s, u, lock): (s, u) for s, u in work}
        crashed = []
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                crashed.append(futures[future])
    for (
        student,
        unit,
    ) in crashed:  # the one that broke the pool, and those it took along: one by one
        with ProcessPoolExecutor(1, context, initializer=_quiet) as pool:
            try:
                yield pool.submit(_grade_one, course.root, student, unit, lock).result()
            except BrokenProcessPool:
                yield Row(student, unit, FAILED, "the process that graded it died")


def _grade_one(root, student, unit, lock):
    """Autograde one submission and make its feedback, in this process."""
    course = Course(Path(root))
    notebook = course.notebook(unit)
    with tempfile.TemporaryDirectory() as staging:  # what was handed in is never changed
        copy = Path(staging) / student / unit
        shutil.copytree(course.desk / "submitted" / student / unit, copy)
        oddities = _repair(copy / notebook, course.solutions / unit / notebook)
        api = course.nbgrader(submitted_directory=staging)
        result = api.autograde(unit, student, force=True, create=True)
    if not result["success"]:
        return Row(student, unit, FAILED, reason_of(result))
    with lock:
        row = _read_scores(course, student, unit)
    graded = course.desk / "autograded" / student / unit / notebook
    oddities += _what_happened(graded)
    feedback = api.generate_feedback(unit, student, force=True)
    if not feedback["success"]:
        oddities.append("there is no feedback: " + reason_of(feedback))
    row.reason = "; ".join(oddities)
    return row


def _repair(path, solution_path):
    """Undo, in the file at `path`, what would stop nbgrader; return what was done, in words."""
    original = path.read_bytes()
    submission = json.loads(original.decode("utf-8-sig"))
    solution = json.loads(solution_path.read_text(encoding="utf-8"))
    ours = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell["metadata"]["nbgrader"]
        for cell in solution["cells"]
        if "nbgrader" in cell["metadata"]
    }
    seen, oddities = set(), []
    if original.startswith(b"\xef\xbb\xbf"):
        oddities.append("a byte-order mark was removed")
    for cell in submission["cells"]:
        mark = cell.get("metadata", {}).get("nbgrader")
        if mark is None:
            continue
        grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
        if grade_id not in ours or grade_id in seen:
            del cell["metadata"]["nbgrader"]
            oddities.append(f"a copy of the cell {grade_id} does not count")
        else:
            seen.add(grade_id)
            if mark.get("schema_version") != ours[grade_id]["schema_version"]:
                mark["schema_version"] = ours[grade_id]["schema_version"]
                oddities.append(f"the metadata of the cell {grade_id} was restored")
    missing = [grade_id for grade_id in ours if grade_id not in seen]
    path.write_text(json.dumps(submission, indent=1, ensure_ascii=False), encoding="utf-8")
    if missing:
        oddities.append("cells that were deleted were restored: " + ", ".join(missing))
    return oddities


def _read_scores(course, student, unit):
    """A row from the gradebook."""
    from nbgrader.api import MissingEntry

    row = Row(student, unit, GRADED)
    with course.nbgrader().gradebook as gradebook:
        try:
            submission = gradebook.find_submission(unit, student)
        except MissingEntry:
            return Row(student, unit, FAILED, "it is not in the gradebook")
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        for grade in grades:
            has_score = grade.manual_score is not None or grade.auto_score is not None
            row.exercises[grade.name] = (grade.score if has_score else None, grade.max_score)
        row.exercises = dict(sorted(row.exercises.items()))
        row.score, row.max_score = round(submission.score, 2), submission.max_score
    return row


def _what_happened(path):
    """What is to be said of a graded notebook besides its marks."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    errors = [
        output.get("ename", "")
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if output.get("output_type") == "error"
    ]
    said = []
    late = sum(name == "CellTimeoutError" for name in errors)
    if late:
        said.append(f"{late} cell(s) were stopped because they ran too long")
    if len(errors) > late:
        said.append(f"{len(errors) - late} cell(s) ended in an error")
    return said
