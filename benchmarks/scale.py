"""A course of 10,000 submissions, by numbers: ``python -m benchmarks.scale [--submissions N]``.

A few submissions are graded; then the gradebook and the folders are filled up with copies of them
until there are N students. What does not grow with the grading itself is measured in that course:
looking through all of it, the reports, and what one more submission takes. The time for all N
follows from the time for one, as submissions share nothing but the gradebook.
"""

import argparse
import copy
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bptt_lab.grading import submission
from bptt_lab.grading.grade import grade_class

from .grading import make_course

GRADED = 20  # submissions from whose grading the time for one is taken
KILO, MEGA, GIGA = 1e3, 1e6, 1e9


def student(i):
    return f"student-{i:06d}"


def size_of(folder):
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fill(course, unit, n_graded, n_students):
    """Give the course n_students more or less like the n_graded that it has."""
    from nbgrader.api import (
        Comment,
        Grade,
        Gradebook,
        Student,
        SubmittedAssignment,
        SubmittedNotebook,
    )

    def rows(gradebook, kind, column=None, values=()):
        query = gradebook.db.query(kind)
        query = query if column is None else query.filter(column.in_(values))
        names = [column.key for column in kind.__table__.columns]
        return [{name: getattr(row, name) for name in names} for row in query]

    with Gradebook(course.gradebook, course.nbgrader().coursedir.course_id) as gradebook:
        (assignment,) = rows(
            gradebook, SubmittedAssignment, SubmittedAssignment.student_id, [student(0)]
        )
        (notebook,) = rows(
            gradebook, SubmittedNotebook, SubmittedNotebook.assignment_id, [assignment["id"]]
        )
        grades = rows(gradebook, Grade, Grade.notebook_id, [notebook["id"]])
        comments = rows(gradebook, Comment, Comment.notebook_id, [notebook["id"]])
        (person,) = rows(gradebook, Student, Student.id, [student(0)])
        new = {
            kind: [] for kind in (Student, SubmittedAssignment, SubmittedNotebook, Grade, Comment)
        }
        for i in range(n_graded, n_students):
            new[Student].append(person | {"id": student(i)})
            ids = {"id": f"a{i:031d}", "student_id": student(i)}
            new[SubmittedAssignment].append(assignment | ids)
            ids = {"id": f"n{i:031d}", "assignment_id": ids["id"]}
            new[SubmittedNotebook].append(notebook | ids)
            for kind, letter, likes in ((Grade, "g", grades), (Comment, "c", comments)):
                for j, like in enumerate(likes):
                    own = {"id": f"{letter}{i:021d}{j:010d}", "notebook_id": ids["id"]}
                    new[kind].append(like | own)
        for kind, values in new.items():
            columns = {column.key: column.name for column in kind.__table__.columns}
            table = [{columns[key]: value for key, value in row.items()} for row in values]
            gradebook.db.execute(kind.__table__.insert(), table)
        gradebook.db.commit()
    like = submission.load(course, student(0), unit)
    name = course.notebook(unit)
    for i in range(n_graded, n_students):
        folder = course.submitted / student(i) / unit
        folder.mkdir(parents=True)
        os.link(course.submitted / student(0) / unit / name, folder / name)
        result = copy.copy(like)
        result.student = student(i)
        submission.save(course, result)


def grade_more(course, unit, numbers, jobs):
    """Hand in and grade these students; return seconds from the first result to the last."""
    name, moments = course.notebook(unit), []
    for i in numbers:
        folder = course.submitted / student(i) / unit
        folder.mkdir(parents=True)
        shutil.copy(course.solutions / unit / name, folder)
    rows = grade_class(
        course, jobs=jobs, on_result=lambda result, left: moments.append(time.perf_counter())
    )
    if not all(row.score == row.max_score for row in rows):
        raise RuntimeError("not everything was graded")
    return (moments[-1] - moments[jobs - 1]) / (len(moments) - jobs)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("unit", nargs="?", default="03-summed-gradients")
    parser.add_argument("--submissions", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    n, unit, jobs = options.submissions, options.unit, options.jobs

    def say(what, value):
        print(f"| {what} | {value} |", flush=True)

    print(f"| {n} submissions of {unit}; {os.cpu_count()} cores, {jobs} jobs | |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        course = make_course(Path(folder) / "course", unit, 0)
        empty = grade_more(course, unit, range(GRADED), jobs)
        say("time for each, in an empty gradebook", f"{1000 * empty:.0f} ms")
        one = {name: size_of(course.desk / name) / GRADED for name in ("autograded", "feedback")}
        for name, size in one.items():
            say(f"{name}/", f"{size / KILO:.0f} KB each, {size * n / GIGA:.1f} GB in all")
        before = (course.desk / "gradebook.db").stat().st_size
        fill(course, unit, GRADED, n)
        size = (course.desk / "gradebook.db").stat().st_size
        each = (size - before) / (n - GRADED)
        say("gradebook", f"{size / MEGA:.0f} MB, {each / KILO:.1f} KB each")
        say("results/", f"{size_of(course.desk / 'results') / MEGA:.0f} MB")
        start = time.perf_counter()
        rows = grade_class(course, jobs=jobs)
        say("looking through all when nothing is new", f"{time.perf_counter() - start:.0f} s")
        if len(rows) != n or not all(row.score == row.max_score for row in rows):
            raise RuntimeError("the copies are not taken as graded")
        for name in ("grades.csv", "exercises.csv", "class.html"):
            say(name, f"{(course.desk / name).stat().st_size / MEGA:.1f} MB")
        full = grade_more(course, unit, range(n, n + GRADED), jobs)
        say("time for each, in the full gradebook", f"{1000 * full:.0f} ms")
        say("so all of them take", f"{n * (empty + full) / 2 / 3600:.1f} h here")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak *= 1 if sys.platform == "darwin" else 1024
        workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        say("most memory of the coordinator", f"{peak / MEGA:.0f} MB")
        say("most memory of a process that grades", f"{workers / MEGA:.0f} MB")


if __name__ == "__main__":
    main()
