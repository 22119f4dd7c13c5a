"""A batch that is stopped in the middle, or loses workers: nothing is lost, nothing is double."""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bptt_lab.grading.grade import grade_class, read_gradebook, students_of

from .attacks.attacks import Attack
from .attacks.corpus import SHORT, UNIT, hand_in, make_course
from .attacks.honest import HONEST

COMMAND = "import sys; from bptt_lab.cli import main; sys.exit(main(sys.argv[1:]))"
EMPTY, DIES = None, Attack("ends the process", "import os\nos._exit(0)")
MIXED = (HONEST["prints"], HONEST["list"], Attack("wrong"), HONEST["deleted test"], EMPTY, DIES)
SCORES = (6.0, 6.0, 2.0, 6.0, None, 2.0)


def make_class(folder, n_students, config=""):
    course = make_course(folder, SHORT + config)
    for i in range(n_students):
        entry = MIXED[i % len(MIXED)]
        hand_in(course, f"s-{i:03d}", entry or MIXED[0])
        if entry is EMPTY:
            (course.submitted / f"s-{i:03d}" / UNIT / course.notebook(UNIT)).write_bytes(b"")
    return course


def grades(rows):
    return {row.student: row.score for row in rows}


def n_gradable(n_students):
    return sum(MIXED[i % len(MIXED)] is not EMPTY for i in range(n_students))


def expected(n_students):
    return {f"s-{i:03d}": SCORES[i % len(SCORES)] for i in range(n_students)}


def double(course):
    """Rows of the gradebook that stand there more than once."""
    from nbgrader.api import Gradebook
    from sqlalchemy import text

    query = "select count(*) from {0} group by {1} having count(*) > 1"
    tables = (
        ("submitted_assignment", "assignment_id, student_id"),
        ("grade", "cell_id, notebook_id"),
    )
    with Gradebook(course.gradebook, "bptt_lab") as gradebook:
        return [row for table in tables for row in gradebook.db.execute(text(query.format(*table)))]


def finished(course):
    files = course.desk.glob("results/*/*.json")
    return {path: path.read_bytes() for path in files}


def test_a_batch_goes_on_after_kill_9(tmp_path):
    n_students = 10
    course = make_class(tmp_path, n_students)
    for _ in range(2):
        before = finished(course)
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", COMMAND, "grade", "--jobs", "2"],
            cwd=course.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        family = []
        while len(finished(course)) < len(before) + 2:
            assert process.poll() is None
            family = psutil.Process(process.pid).children(recursive=True)
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(family, timeout=30)
        assert alive == []  # workers and sandboxes end by themselves
    before = finished(course)
    assert 4 <= len(before) < n_students
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMMAND, "grade", "--jobs", "2"],
        cwd=course.root,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    n_graded = int(re.search(r"graded just now: (\d+)", done.stdout)[1])
    assert n_graded == n_gradable(n_students) - len(before)
    after = finished(course)
    assert {path: after[path] for path in before} == before
    assert grades(grade_class(course)) == expected(n_students)
    assert double(course) == []


@pytest.mark.parametrize(("n_students", "every"), [(200, 20)])
def test_workers_that_are_killed_lose_nothing(tmp_path, n_students, every):
    course = make_class(tmp_path, n_students)
    n_killed = 0

    def kill_one(result, left):
        nonlocal n_killed
        if left % every == 0 and left:
            workers = [
                p for p in psutil.Process().children() if "grading.workers" in " ".join(p.cmdline())
            ]
            workers[0].kill()
            n_killed += 1

    rows = grade_class(course, jobs=2, on_result=kill_one)
    assert n_killed >= n_gradable(n_students) // every - 1
    assert grades(rows) == expected(n_students)
    assert len(students_of(course)) == n_students
    assert len(read_gradebook(course)) == n_gradable(n_students)
    assert double(course) == []


def test_what_has_changed_is_graded_again_and_nothing_else(tmp_path):
    course = make_class(tmp_path, 4)
    first = grades(grade_class(course))
    before = finished(course)
    notebook = course.submitted / "s-003" / UNIT / course.notebook(UNIT)
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(text.replace("1 - s", "1  - s"), encoding="utf-8")
    (notebook.parent / "mine.txt").write_text("more")
    graded = []
    second = grades(
        grade_class(course, on_result=lambda result, left: graded.append(result.student))
    )
    assert graded == ["s-003"]
    assert first == second == expected(4)
    after = finished(course)
    assert sum(after[path] != before[path] for path in before) == 1
