"""How long grading takes, side by side: ``python -m benchmarks.grading [UNIT ...]``.

The same submissions, the instructor edition handed in by several students, are graded by plain
``nbgrader autograde`` with nbgrader's default steps (a kernel for each notebook), by the same
command with ours, by ``bptt-lab grade``, which makes the feedback too, and in the sandbox alone.
Each has a course folder of its own and the machine to itself. A small and a larger class are
graded: the difference is what a submission takes, the rest is what starting up does.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bptt_lab.grading import sandbox
from bptt_lab.grading.course import Course, read_notebook
from bptt_lab.grading.grade import grade_class, register

ROOT = Path(__file__).parent.parent
PLAIN = """
del c.Autograde, c.GenerateFeedback, c.Exporter
"""


def make_course(folder, unit, n_students, config=""):
    """A course of one unit that everybody handed in right."""
    folder.mkdir()
    text = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (folder / "nbgrader_config.py").write_text(text + config, encoding="utf-8")
    shutil.copytree(ROOT / "solutions" / unit, folder / "solutions" / unit)
    course = Course(folder)
    students = [f"student-{i:03d}" for i in range(n_students)]
    for student in students:
        shutil.copytree(course.solutions / unit, course.submitted / student / unit)
    register(course, students, [unit])
    return course


def nbgrader(command, course, unit):
    """Seconds of ``nbgrader COMMAND UNIT``, which takes one submission after the other."""
    program = "import sys; from nbgrader.apps.nbgraderapp import main; sys.exit(main())"
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", program, command, unit],
        cwd=course.root,
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    return time.perf_counter() - start


def grade(course, jobs):
    """Seconds of ``bptt-lab grade``."""
    start = time.perf_counter()
    rows = grade_class(course, jobs=jobs)
    seconds = time.perf_counter() - start
    if not all(row.score == row.max_score for row in rows):
        raise RuntimeError(f"not everything was graded: {rows}")
    return seconds


def in_sandbox(course, unit, n_students):
    """Seconds of running and judging alone: what replaces the kernel."""
    from traitlets.config import Config

    from bptt_lab.grading.judged import JudgeInSandbox

    config = Config()
    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.source_directory = "solutions"
    sandbox.warm(require=True)
    name = course.notebook(unit).removesuffix(".ipynb")
    nb = read_notebook(course.solutions / unit / course.notebook(unit))
    start = time.perf_counter()
    for i in range(n_students):
        ids = {"student": f"student-{i:03d}", "assignment": unit, "notebook": name}
        JudgeInSandbox(config=config).preprocess(nb, {"nbgrader": ids})
    return time.perf_counter() - start


def measure(unit, n_students, jobs):
    """Seconds of every way to grade the same class."""
    with tempfile.TemporaryDirectory() as folder:
        courses = {
            name: make_course(Path(folder) / name, unit, n_students, PLAIN * (name == "plain"))
            for name in ("plain", "plugin", "ours", "parallel")
        }
        autograde = nbgrader("autograde", courses["plain"], unit)
        return {
            "nbgrader autograde": autograde,
            "… with our steps": nbgrader("autograde", courses["plugin"], unit),
            "… and generate_feedback": autograde
            + nbgrader("generate_feedback", courses["plain"], unit),
            "bptt-lab grade, 1 job": grade(courses["ours"], 1),
            f"bptt-lab grade, {jobs} jobs": grade(courses["parallel"], jobs),
            "in the kernel's place alone": in_sandbox(courses["ours"], unit, n_students),
        }


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    parser.add_argument("units", nargs="*", default=["00-start", "03-summed-gradients"])
    parser.add_argument("--students", type=int, nargs=2, default=[5, 25], metavar=("FEW", "MANY"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    few, many = options.students
    print(f"{few} and {many} students; {os.cpu_count()} cores\n")
    print("| unit | | s to start | ms a submission | of nbgrader autograde | of … and feedback |")
    print("|---|---|---|---|---|---|")
    for unit in options.units:
        first, second = (measure(unit, n, options.jobs) for n in (few, many))
        each = {name: (second[name] - first[name]) / (many - few) for name in first}
        plain, with_feedback = each["nbgrader autograde"], each["… and generate_feedback"]
        for name, seconds in each.items():
            start = first[name] - few * seconds
            ratios = f"1 / {plain / seconds:.1f} | 1 / {with_feedback / seconds:.1f}"
            print(f"| {unit} | {name} | {start:.1f} | {1000 * seconds:.0f} | {ratios} |")
            unit = ""


if __name__ == "__main__":
    main()
