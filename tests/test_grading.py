"""Grading: the example class from end to end, and each accident that it has to survive."""

import copy
import csv
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bptt_lab.cli import main
from bptt_lab.grading import submission, workers
from bptt_lab.grading.course import Course, CourseError, nbgrader_metadata, read_notebook
from bptt_lab.grading.grade import _alone, grade_class
from bptt_lab.grading.preprocessors import NOT_RUN, ExecuteWithinLimits, RepairCells, repair
from bptt_lab.grading.release import build

ROOT = Path(__file__).parent.parent
EXAMPLE = runpy.run_path(str(ROOT / "autograder" / "example_class.py"))
UNITS, CLASS, PREFIX = EXAMPLE["UNITS"], EXAMPLE["CLASS"], EXAMPLE["PREFIX"]
COMMAND = "import sys; from bptt_lab.cli import main; sys.exit(main(sys.argv[1:]))"
BUILT_ON = {"mend_case_3": "windowed_bptt"}  # the model answer calls the other exercise
DEADLY = {"backward_step", "chunked_bptt"}  # the cells in which jon's kernel dies
STATUS = {  # of both units, where it is not "graded"
    "jon": ("kernel died", "kernel died"),
    "kim": ("graded", "timed out"),
    "leo": ("mended", "mended"),
    "mia": ("broken file", "broken file"),
    "cleo": ("graded", "missing"),
}


@pytest.fixture
def course(tmp_path):
    """The units of the example class, without the cells that only tell and show.

    The notebooks are run whole in test_notebooks.py; here it is about the grading, and figures
    would take most of the time.
    """
    (tmp_path / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    (tmp_path / "autograder").mkdir()
    example = (ROOT / "autograder" / "example_class.py").read_text(encoding="utf-8")
    (tmp_path / "autograder" / "example_class.py").write_text(example, encoding="utf-8")
    whole, small = Course(ROOT), Course(tmp_path)
    for unit in UNITS:
        nb = read_notebook(whole.solutions / unit / whole.notebook(unit))
        imports = next(cell for cell in nb.cells if cell.cell_type == "code")
        nb.cells = [imports, *(cell for cell in nb.cells if nbgrader_metadata(cell))]
        (small.solutions / unit).mkdir(parents=True)
        nbformat.write(nb, small.solutions / unit / whole.notebook(unit))
    return small


def run(course, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=course.root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def grades(course):
    return {(r["student"], r["unit"]): r for r in read_csv(course.desk / "grades.csv")}


def exercises(course):
    rows = read_csv(course.desk / "exercises.csv")
    return {(r["student"], r["exercise"]): r for r in rows}


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*.*")}


def give_by_hand(course, student, unit, cell, score):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course.desk / 'gradebook.db'}", "bptt_lab") as gradebook:
        notebook = course.notebook(unit).removesuffix(".ipynb")
        gradebook.find_grade(cell, notebook, unit, student).manual_score = score
        gradebook.db.commit()


def test_the_example_class_from_end_to_end(course):
    real = course.submitted / "somebody"
    real.mkdir(parents=True)
    (real / "note.txt").write_text("not ours")
    done = run(course, "grade", "--example", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr

    # every student and unit has a row, with the status that belongs to it and a reason
    table = grades(course)
    students = [*(PREFIX + name for name in CLASS), "somebody"]
    assert set(table) == {(student, unit) for student in students for unit in UNITS}
    for name in CLASS:
        for unit, status in zip(UNITS, STATUS.get(name, ("graded", "graded")), strict=True):
            row = table[PREFIX + name, unit]
            assert row["status"] == status, row
            assert row["reason"], row
            assert (row["score"] == "") == (status in ("missing", "broken file")), row
            assert PREFIX + name in done.stdout
    assert all(table["somebody", unit]["status"] == "missing" for unit in UNITS)

    # what is right has full points, what is wrong or left out has not, and an empty score is no 0
    points = exercises(course)
    for name, student in CLASS.items():
        if name == "mia":
            continue
        for (who, exercise), row in points.items():
            if who != PREFIX + name or row["unit"] not in student.units:
                continue
            spoilt = DEADLY if name == "jon" else set(student.wrong)
            wrong = {exercise, BUILT_ON.get(exercise)} & spoilt and name != "nia"
            left_out = exercise in student.left_out or student.left_out == ("*",)
            score, most = float(row["score"]), float(row["max_score"])
            assert (score < most) if wrong or left_out else (score == most), row
            assert row["outcome"] != "correct" if wrong or left_out else row["outcome"] == "correct"
    assert {row["score"] for (who, _), row in points.items() if who == PREFIX + "mia"} == {""}
    reason = table[PREFIX + "jon", UNITS[0]]["reason"]
    assert "the kernel died: it was started again for what came after that" in reason
    for name in ("ada", "ben", "jon", "kim", "leo", "nia"):
        unit = UNITS[1]
        html = course.desk / "feedback" / (PREFIX + name) / unit / course.notebook(unit)
        assert html.with_suffix(".html").stat().st_size > 10_000
    assert (real / "note.txt").read_text() == "not ours"

    # a second run changes nothing
    state = snapshot(course.desk)
    again = run(course, "grade")
    assert "graded just now: 0" in again.stdout
    now = snapshot(course.desk)
    assert {p: content for p, (_, content) in now.items() if state[p][1] != content} == {}
    stamps = {p: stamp for p, (stamp, _) in snapshot(course.desk / "autograded").items()}
    assert stamps == {p: state[p][0] for p in stamps}

    # a score given by hand counts at once, and survives a new submission, of which only that
    # student is graded again
    who, unit, exercise = PREFIX + "gus", UNITS[0], "bptt_single_loop"
    give_by_hand(course, who, unit, f"check_{exercise}", 1.25)
    path = course.submitted / who / unit / course.notebook(unit)
    nb = read_notebook(path)
    nb.cells.append(new_code_cell("# I thought about it again"))
    nbformat.write(nb, path)
    assert "graded just now: 1" in run(course, "grade").stdout
    row = exercises(course)[who, exercise]
    assert (row["score"], row["by_hand"]) == ("1.25", "yes")
    table_now = grades(course)
    del table[who, unit], table_now[who, unit]
    assert table_now == table


def test_grading_that_cannot_run_says_why(course):
    done = run(course, "grade")
    assert done.returncode == 1
    assert "there are no submissions in" in done.stderr
    done = run(course, "grade", "99-none")
    assert done.returncode == 1
    assert "there is no unit '99-none'; there are 03-summed-gradients" in done.stderr
    done = run(course, "grade", "--jobs", "0")
    assert done.returncode == 1
    assert "--jobs must be at least 1, not 0" in done.stderr


def test_grading_without_fork_says_where_it_works(monkeypatch, capsys):
    monkeypatch.delattr(os, "fork")  # as on Windows
    assert main(["grade"]) == 1
    assert "grading needs Linux or macOS" in capsys.readouterr().err


# Files


def hand_in(course, content, name=None, student="ada"):
    folder = course.submitted / student / UNITS[0]
    folder.mkdir(parents=True)
    (folder / (name or course.notebook(UNITS[0]))).write_bytes(content)
    return submission.look_at(course, student, UNITS[0])


GOOD = nbformat.writes(new_notebook(cells=[new_code_cell("1")])).encode()
VERSION = b'"nbformat": 4'
BROKEN = {
    "nothing": (b"", "is empty"),
    "cut off": (GOOD[:40], r"is not valid JSON"),
    "latin-1": (GOOD.replace(b'"1"', '"é"'.encode("latin-1")), r"is not UTF-8 \(byte \d+\)"),
    "utf-16": (GOOD.decode().encode("utf-16"), "is not UTF-8"),
    "a list": (b"[]", "is a JSON file, but no notebook"),
    "no version": (b'{"cells": []}', "is a JSON file, but no notebook"),
    "from the future": (GOOD.replace(VERSION, b'"nbformat": 5'), "has the notebook format 5"),
    "from long ago": (GOOD.replace(VERSION, b'"nbformat": 2'), "has the notebook format 2"),
    "without cells": (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "damaged notebook"),
    "deep": (b"[" * 100_000, "is not valid JSON"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_has_a_reason(course, content, message):
    result = hand_in(course, content)
    assert result.status == "broken file"
    assert re.search(message, result.reason), result.reason


@pytest.mark.parametrize("content", [GOOD, b"\xef\xbb\xbf" + GOOD])
def test_a_good_file_can_be_graded(course, content):
    assert hand_in(course, content) is None


def test_another_name_is_pointed_out(course):
    result = hand_in(course, GOOD, name="summed_gradients (1).ipynb")
    assert result.status == "missing"
    assert "there is summed_gradients (1).ipynb: rename it" in result.reason


@pytest.mark.parametrize("student", ["a[1]", "a*", "what?", " a", "a ", "a\nb"])
def test_a_student_id_that_nbgrader_cannot_take_is_refused(course, student):
    result = hand_in(course, GOOD, student=student)
    assert result.status == "not gradable"
    assert f"rename the folder {student!r}" in result.reason


@pytest.mark.parametrize("student", ["o'brien é", "12345", "x@y.edu", "-a", "a,b; c"])
def test_other_odd_ids_are_fine(course, student):
    assert hand_in(course, GOOD, student=student) is None


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_is_no_name_is_no_student(name):
    assert not submission.is_id(name)


def test_a_file_that_is_too_large_is_not_read(course):
    result = hand_in(course, GOOD)
    assert result is None
    folder = course.submitted / "ada" / UNITS[0]
    for name in (course.notebook(UNITS[0]), "data.bin"):
        with open(folder / name, "r+b" if name.endswith("ipynb") else "wb") as file:
            file.truncate(1 << 40)  # of which the disk holds nothing
    before = submission.digest_of(folder)
    result = submission.look_at(course, "ada", UNITS[0])
    assert result.status == "broken file"
    assert "has 1,099,511,627,776 bytes; 25,000,000 can be read" in result.reason
    with open(folder / "data.bin", "r+b") as file:
        file.truncate(1 << 41)
    assert submission.digest_of(folder) != before
    names = [path.name for path in folder.iterdir()]
    assert sorted(submission._left_behind(folder, names)) == sorted(names)


def test_pipes_and_odd_names_in_a_submission_stop_nobody(course):
    hand_in(course, (course.solutions / UNITS[0] / course.notebook(UNITS[0])).read_bytes())
    folder = course.submitted / "ada" / UNITS[0]
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "other.ipynb")
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    os.symlink(b"caf\xe9", folder / "link")
    (course.submitted / os.fsdecode(b"caf\xe9")).mkdir()
    (course.submitted / "\x1b[31mred").mkdir()
    nested = course.submitted / "eve"
    nested.mkdir()
    shutil.copy(folder / course.notebook(UNITS[0]), nested / "\x1b[2Jx.ipynb")
    for n_graded in (1, 0):
        done = run(course, "grade", UNITS[0])
        assert f"graded just now: {n_graded}" in done.stdout
        assert "\x1b" not in done.stdout
        table = {row["student"]: row for row in read_csv(course.desk / "grades.csv")}
        assert table["ada"]["status"] == "graded"
        assert table["caf\ufffd"]["status"] == table["\ufffd[31mred"]["status"] == "not gradable"
        assert table["eve"]["reason"] == (
            f"nothing was handed in; there is \ufffd[2Jx.ipynb: it belongs into eve/{UNITS[0]}"
        )


def test_what_cannot_be_read_has_a_row(course, monkeypatch):
    hand_in(course, GOOD)

    def look_at(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(submission, "look_at", look_at)
    (row,) = grade_class(course, [UNITS[0]])
    assert (row.status, row.reason) == ("broken file", "it cannot be read: Permission denied")


def test_a_feedback_that_failed_is_made_by_the_next_run(course):
    hand_in(course, (course.solutions / UNITS[0] / course.notebook(UNITS[0])).read_bytes())
    (course.desk / "feedback").write_text("in the way")  # as a full disk would be
    (row,) = grade_class(course, jobs=1)
    assert row.status == "graded"
    assert "there is no feedback" in row.reason
    (course.desk / "feedback").unlink()
    (again,) = grade_class(course, jobs=1)
    assert "there is no feedback" not in again.reason
    assert again.score == row.score == again.max_score
    assert len(list((course.desk / "feedback").rglob("*.html"))) == 1


def test_two_graders_do_not_meet(course):
    hand_in(course, GOOD)
    with _alone(course):
        done = run(course, "grade")
        assert done.returncode == 1
        assert "this course is being graded already" in done.stderr
    assert run(course, "grade").returncode == 0


def test_a_course_that_is_not_whole_says_so(course, tmp_path):
    hand_in(course, GOOD)
    path = course.solutions / UNITS[0] / course.notebook(UNITS[0])
    good = path.read_bytes()
    path.write_text("{}")
    assert f"{path} is no valid notebook" in run(course, "grade").stderr
    path.write_bytes(good)
    (path.parent / "second.ipynb").write_bytes(good)
    assert "holds 2 notebooks; it should hold one" in run(course, "grade", UNITS[0]).stderr
    (path.parent / "second.ipynb").unlink()
    (course.desk / "gradebook.db").write_bytes(b"no database " * 1000)
    done = run(course, "grade")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("file is not a database")
    shutil.rmtree(course.solutions)
    done = run(course, "grade")
    assert done.returncode == 1
    assert f"there are no units in {course.solutions}" in done.stderr
    (tmp_path / "[1]").mkdir()
    (tmp_path / "[1]" / "nbgrader_config.py").write_text("")
    with pytest.raises(CourseError, match="takes no folder with"):
        Course.find(tmp_path / "[1]")


def test_a_full_disk_is_said_in_a_line(course, monkeypatch, capsys):
    hand_in(course, GOOD)

    def full(*arguments):
        raise OSError(28, "No space left on device", "grades.new")

    monkeypatch.chdir(course.root)
    monkeypatch.setattr("bptt_lab.grading.grade.write_csv", full)
    assert main(["grade"]) == 1
    assert "bptt-lab: No space left on device: grades.new" in capsys.readouterr().err


@pytest.mark.parametrize("inside", [True, False])
def test_plain_nbgrader_follows_no_links_either(course, inside):
    solution = course.solutions / UNITS[0] / course.notebook(UNITS[0])
    hand_in(course, solution.read_bytes())
    folder = course.submitted / "ada" / UNITS[0]
    if inside:
        (folder / "stolen.txt").symlink_to(course.root / "nbgrader_config.py")
    else:
        (folder / solution.name).unlink()
        (folder / solution.name).symlink_to(solution)
    program = "from nbgrader.apps import NbGraderApp; NbGraderApp.launch_instance()"
    (course.root / "notebooks").mkdir()
    for command in (("generate_assignment", UNITS[0]), ("autograde", UNITS[0])):
        done = subprocess.run(
            [sys.executable, "-c", program, *command, "--force"],
            cwd=course.root,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert "is a link; links are not followed" in done.stderr
    assert list(course.autograded.rglob("*.*")) == []


# Cells


@pytest.fixture
def solution(course):
    return read_notebook(course.solutions / UNITS[0] / course.notebook(UNITS[0]))


def names(nb):
    return [nbgrader_metadata(cell).get("grade_id") for cell in nb.cells]


def test_nothing_is_mended_where_nothing_is_broken(solution):
    nb = copy.deepcopy(solution)
    assert repair(nb, solution) == []
    assert nb == solution


def test_deleted_test_cells_come_back_where_they_were(solution):
    nb = copy.deepcopy(solution)
    nb.cells = [cell for cell in nb.cells if not nbgrader_metadata(cell).get("grade")]
    (note,) = repair(nb, solution)
    assert note.startswith("a deleted test cell was put back: check_")
    assert names(nb) == names(solution)


def test_a_pair_that_was_deleted_gets_its_test_back_only(solution):
    nb = copy.deepcopy(solution)
    gone = {"bptt_double_loop", "check_bptt_double_loop"}
    nb.cells = [cell for cell in nb.cells if nbgrader_metadata(cell).get("grade_id") not in gone]
    repair(nb, solution)
    assert names(nb) == [name for name in names(solution) if name != "bptt_double_loop"]


def test_of_two_copies_the_last_one_counts(solution):
    nb = copy.deepcopy(solution)
    nb.cells.append(copy.deepcopy(nb.cells[1]))
    (note,) = repair(nb, solution)
    assert note == f"of several copies of a cell the last one counts: {names(solution)[1]}"
    assert names(nb)[1] is None
    assert names(nb)[-1] == names(solution)[1]


@pytest.mark.parametrize("change", [{"schema_version": 99}, {"points": 100}, {"grade": False}])
def test_changed_metadata_are_set_right(solution, change):
    nb = copy.deepcopy(solution)
    nb.cells[2].metadata["nbgrader"] |= change
    (note,) = repair(nb, solution)
    assert note == f"changed nbgrader metadata was set right: {names(solution)[2]}"
    assert nb == solution


def test_a_submission_does_not_say_itself_how_it_was_graded(course, solution):
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(course.root)
    solution = copy.deepcopy(solution)
    solution.metadata["bptt_lab"] = {"protection": "bubblewrap", "mistakes": ["W1"]}
    ids = {"student": "ada", "assignment": UNITS[0], "notebook": "summed_gradients"}
    config.CourseDirectory.source_directory = "solutions"
    nb, _ = RepairCells(config=config).preprocess(solution, {"nbgrader": ids})
    assert "bptt_lab" not in nb.metadata


@pytest.mark.parametrize("metadata", ["text", None, [], {"grade_id": []}, {"grade_id": "unknown"}])
def test_metadata_that_mean_nothing_are_removed(solution, metadata):
    nb = copy.deepcopy(solution)
    nb.cells.append(new_code_cell("1", metadata={"nbgrader": metadata}))
    repair(nb, solution)
    assert "nbgrader" not in nb.cells[-1].metadata


# Limits


def execute(sources, **limits):
    nb = new_notebook(cells=[new_code_cell(source) for source in sources])
    nb, _ = ExecuteWithinLimits(**limits).preprocess(nb, {"metadata": {}})
    errors = [[o.ename for o in c.outputs if o.output_type == "error"] for c in nb.cells]
    return nb, errors


@pytest.mark.filterwarnings("ignore")
def test_a_flood_and_a_loop_end_and_what_follows_is_run():
    flood, loop = "while True:\n    print('x' * 1000)", "while True:\n    pass"
    nb, errors = execute([flood, loop, "print('here')"], timeout=3, output_limit=10_000)
    assert errors[0] == ["KeyboardInterrupt"]
    assert "CellTimeoutError" in errors[1]
    assert errors[2] == []
    assert nb.cells[2].outputs[0].text == "here\n"
    assert sum(len(o.get("text", "")) for o in nb.cells[0].outputs) < 30_000


@pytest.mark.filterwarnings("ignore")
def test_a_notebook_has_a_limit_of_its_own_and_a_dead_kernel_keeps_what_was_run():
    naps = ["import time, os\ntime.sleep(60)"] * 2
    nb, errors = execute([*naps, "1 + 1", "os._exit(1)", "2"], timeout=30, total_timeout=1)
    assert all("CellTimeoutError" in names for names in errors[:2])
    assert nb.cells[2].outputs[0].data["text/plain"] == "2"
    assert errors[3:] == [["DeadKernelError"], [NOT_RUN]]


# Workers: any of them may die, hang, or raise


def work(job):
    if job == "die":
        os._exit(1)
    if job == "hang":
        subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"], check=True)
    if job == "raise":
        raise ValueError("no")
    return job.upper()


def test_no_job_stops_another():
    jobs = ["a", "die", "b", "hang", "c", "raise", "d"]
    ended = {job: (result, error) for job, result, error in workers.run(work, jobs, 2, 20)}
    assert ended == {job: (job.upper(), None) for job in "abcd"} | {
        "die": (None, "the process that ran it died"),
        "hang": (None, "it was killed, as it was still running after 20 s"),
        "raise": (None, "ValueError: no"),
    }


def test_the_example_class_is_the_same_every_time(course, tmp_path):
    first, second = ({}, {})
    for made in (first, second):
        EXAMPLE["make"](course)
        made |= {p: p.read_bytes() for p in course.submitted.rglob("*.ipynb")}
    assert first == second
    assert len({path.parent.parent for path in first}) == len(CLASS) >= 8
    fresh = build(course, tmp_path / "released")
    untouched = course.submitted / f"{PREFIX}ben" / UNITS[0] / course.notebook(UNITS[0])
    released = read_notebook(fresh / UNITS[0] / course.notebook(UNITS[0]))
    assert read_notebook(untouched) == released


def test_the_feedback_page_is_nbconvert_s(course):
    """Made faster, it is the same page, for one student and for the next."""
    from bs4 import BeautifulSoup

    unit = UNITS[0]
    for student in ("ann", "bob"):
        shutil.copytree(course.solutions / unit, course.submitted / student / unit)
        path = course.submitted / student / unit / course.notebook(unit)
        nb = read_notebook(path)
        nb.cells.append(new_markdown_cell(f"# Of {student}\n`x` and $\\delta_t$ <b>&amp; so on"))
        nbformat.write(nb, path)
    pages = {student: [] for student in ("ann", "bob")}
    theirs = "bptt_lab.grading.feedback.FeedbackPage", "nbconvert.exporters.HTMLExporter"
    for replace in (("", ""), theirs):
        config = course.root / "nbgrader_config.py"
        config.write_text(config.read_text().replace(*replace))
        grade_class(course, jobs=1, regrade=True)
        for student, made in pages.items():
            path = course.desk / "feedback" / student / unit / course.notebook(unit)
            made.append(path.with_suffix(".html").read_text(encoding="utf-8"))
    for ours, whole in pages.values():
        assert "Test cell" in ours
        assert str(BeautifulSoup(ours, features="html.parser")) == whole
    config = course.root / "nbgrader_config.py"
    assert theirs[1] in config.read_text()
