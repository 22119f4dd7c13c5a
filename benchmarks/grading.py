"""How long grading takes, side by side: ``python -m benchmarks.grading [UNIT ...]``.

The same submissions, the instructor edition handed in by several students, are graded by plain
``nbgrader autograde`` (its own Execute, a kernel for each notebook), by the same command with the
sandbox in Execute's place, by ``bptt-lab grade`` (feedback included), and in the sandbox alone.
Each has a course folder of its own and the machine to itself.
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
PLAIN = (
    "\nc.Autograde.autograde_preprocessors = [p.replace('bptt_lab.grading.judged.JudgeInSandbox',"
    " 'nbgrader.preprocessors.Execute') for p in c.Autograde.autograde_preprocessors]\n"
)


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


def autograde(course, unit):
    """Seconds of ``nbgrader autograde``, which grades one after the other."""
    program = "import sys; from nbgrader.apps.nbgraderapp import main; sys.exit(main())"
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", program, "autograde", unit],
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


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    parser.add_argument("units", nargs="*", default=["00-start", "03-summed-gradients"])
    parser.add_argument("--students", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    n = options.students
    print(f"ms for each submission, of {n} students; {os.cpu_count()} cores\n")
    print("| unit | | ms | of nbgrader's |\n|---|---|---|---|")
    for unit in options.units:
        with tempfile.TemporaryDirectory() as folder:
            courses = {
                name: make_course(Path(folder) / name, unit, n, PLAIN if name == "plain" else "")
                for name in ("plain", "plugin", "ours", "parallel")
            }
            seconds = {
                "nbgrader autograde": autograde(courses["plain"], unit),
                "the same, with the sandbox": autograde(courses["plugin"], unit),
                "bptt-lab grade, 1 job, with feedback": grade(courses["ours"], 1),
                f"bptt-lab grade, {options.jobs} jobs": grade(courses["parallel"], options.jobs),
                "in the sandbox": in_sandbox(courses["ours"], unit, n),
            }
        plain = seconds["nbgrader autograde"]
        for name, value in seconds.items():
            print(f"| {unit} | {name} | {1000 * value / n:.0f} | 1 / {plain / value:.1f} |")
            unit = ""


if __name__ == "__main__":
    main()
