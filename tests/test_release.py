"""The student edition: made the same every time, and never at the cost of somebody's work."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bptt_lab.grading.course import Course, CourseError
from bptt_lab.grading.release import build, holds_work, outdated, release

ROOT = Path(__file__).parent.parent
ANSWER = "def f():\n    ### BEGIN SOLUTION\n    return 'the answer'\n    ### END SOLUTION"
TEST = """check(f).points(2)
### BEGIN HIDDEN TESTS
check(f, seed=1).points(2)
### END HIDDEN TESTS"""


def mark(grade_id, points=None):
    graded = {"points": points} if points is not None else {}
    return {
        "nbgrader": graded
        | {
            "grade": bool(graded),
            "grade_id": grade_id,
            "locked": bool(graded),
            "schema_version": 3,
            "solution": not graded,
            "task": False,
        }
    }


def unit():
    cells = [
        new_markdown_cell("# A unit", id="title"),
        new_code_cell(ANSWER, metadata=mark("f"), id="f"),
        new_code_cell(TEST, metadata=mark("check_f", 2), id="check_f"),
    ]
    return new_notebook(cells=cells)


def put(nb, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)
    return path


@pytest.fixture
def course(tmp_path):
    """Two small units."""
    (tmp_path / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    for name in ("00-one", "01-two"):
        put(unit(), tmp_path / "solutions" / name / f"{name[3:]}.ipynb")
    return Course(tmp_path)


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def committed(path):
    """What git has of a file: somebody may have worked in it since, as students do."""
    name = path.relative_to(ROOT).as_posix()
    shown = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True)
    return shown.stdout if shown.returncode == 0 else None


def test_the_student_edition_is_up_to_date(tmp_path):
    fresh = build(Course(ROOT), tmp_path / "release")
    names = {path.relative_to(fresh) for path in fresh.rglob("*.ipynb")}
    here = {path.relative_to(ROOT / "notebooks") for path in (ROOT / "notebooks").glob("*/*.ipynb")}
    assert names <= here, "make release"
    for name in names:
        path = ROOT / "notebooks" / name
        content = committed(path) if holds_work(path) else path.read_bytes()
        assert content == (fresh / name).read_bytes(), f"{name} is not up to date: make release"


def test_a_release_hides_answers_and_a_second_one_changes_nothing(course):
    assert release(course) == ["00-one/one.ipynb", "01-two/two.ipynb"]
    first = snapshot(course.notebooks)
    assert not any(b"answer" in content or b"seed" in content for content in first.values())
    assert all(b"YOUR CODE HERE" in content for content in first.values())
    assert release(course) == outdated(course) == []
    assert snapshot(course.notebooks) == first


def test_a_change_of_a_solution_reaches_the_student_edition(course):
    release(course)
    nb = unit()
    nb.cells[0].source = "# Another title"
    put(nb, course.solutions / "00-one" / "one.ipynb")
    assert outdated(course) == ["00-one/one.ipynb"]
    assert release(course) == ["00-one/one.ipynb"]
    assert b"Another title" in (course.notebooks / "00-one" / "one.ipynb").read_bytes()


def run_it(nb):
    nb.cells[2].execution_count = 3


def show_something(nb):
    nb.cells[2].outputs = [new_output("stream", name="stdout", text="hello")]


def answer_without_running(nb):
    nb.cells[1].source = "def f():\n    return 'my answer'"


def take_notes(nb):
    nb.cells.append(new_markdown_cell("what I think"))


WORK = [run_it, show_something, answer_without_running, take_notes]


@pytest.mark.parametrize("work", WORK)
def test_work_is_not_overwritten_unless_forced(course, work):
    release(course)
    path = course.notebooks / "00-one" / "one.ipynb"
    nb = nbformat.read(path, as_version=4)
    work(nb)
    put(nb, path)
    before = snapshot(course.notebooks)
    with pytest.raises(CourseError, match=r"notebooks/00-one/one\.ipynb holds somebody's work"):
        release(course)
    assert snapshot(course.notebooks) == before
    assert release(course, force=True) == ["00-one/one.ipynb"]
    assert outdated(course) == []


def test_what_an_editor_changes_by_itself_is_no_work(course):
    release(course)
    path = course.notebooks / "00-one" / "one.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.metadata["language_info"] = {"name": "python", "version": "3.99"}
    put(nb, path)
    assert release(course) == ["00-one/one.ipynb"]


def test_a_persons_own_files_are_left_alone(course):
    release(course)
    mine = put(new_notebook(), course.notebooks / "00-one" / "scratch.ipynb")
    data = course.notebooks / "00-one" / "data.csv"
    data.write_text("1,2")
    assert release(course, force=True) == []
    assert mine.exists()
    assert data.exists()


def test_a_file_that_cannot_be_read_counts_as_work(course):
    release(course)
    path = course.notebooks / "00-one" / "one.ipynb"
    path.write_text("{")
    with pytest.raises(CourseError, match="somebody's work"):
        release(course)


def test_a_removed_unit_goes_but_not_with_work_in_it(course):
    release(course)
    (course.solutions / "01-two" / "two.ipynb").unlink()
    path = course.notebooks / "01-two" / "two.ipynb"
    pristine = path.read_bytes()
    nb = nbformat.read(path, as_version=4)
    answer_without_running(nb)
    put(nb, path)
    with pytest.raises(CourseError, match="01-two"):
        release(course)
    path.write_bytes(pristine)
    assert release(course) == ["01-two/two.ipynb"]
    assert not path.parent.exists()


def without_metadata(nb):
    del nb.cells[1].metadata["nbgrader"]


def without_points(nb):
    nb.cells[2].metadata["nbgrader"]["points"] = 0


def twice_the_same_id(nb):
    nb.cells[1].metadata["nbgrader"]["grade_id"] = "check_f"


def without_an_end(nb):
    nb.cells[1].source = ANSWER.replace("### END SOLUTION", "")


def without_a_region(nb):
    nb.cells[1].source = "def f():\n    return 'the answer'"


def with_an_incomplete_mark(nb):
    del nb.cells[1].metadata["nbgrader"]["locked"]


def without_tests(nb):
    nb.cells.pop()


def with_an_invalid_cell(nb):
    nb.cells[1]["outputs"] = [{"output_type": "nonsense"}]


UNFIT = {
    without_metadata: r"cell 'f' has a SOLUTION region, but",
    without_points: r"cell 'check_f' is graded and has no points",
    twice_the_same_id: r"cell 'check_f': two cells have this grade_id",
    without_an_end: r"cell 'f': BEGIN and END SOLUTION do not match",
    without_a_region: r"cell 'f' is a solution cell without a BEGIN SOLUTION",
    with_an_incomplete_mark: r"cell 'f' lacks the nbgrader metadata locked",
    without_tests: r"it has no test cell with nbgrader metadata",
    with_an_invalid_cell: r"it is not valid",
}


@pytest.mark.parametrize(("spoil", "message"), UNFIT.items())
def test_an_unfit_solution_is_refused_by_name(course, spoil, message):
    nb = unit()
    spoil(nb)
    path = course.solutions / "01-two" / "two.ipynb"
    path.write_text(json.dumps(nb))
    with pytest.raises(CourseError, match=rf"solutions/01-two/two\.ipynb: {message}"):
        release(course)
    assert not course.notebooks.exists()


def test_a_solution_that_is_no_notebook_is_refused_by_name(course):
    (course.solutions / "00-one" / "one.ipynb").write_text("hello")
    with pytest.raises(CourseError, match=r"one\.ipynb is no valid notebook"):
        release(course)


def test_a_program_among_the_solutions_is_refused(course):
    (course.solutions / "00-one" / "answers.py").write_text("answer = 42")
    with pytest.raises(CourseError, match=r"00-one/answers\.py"):
        release(course)


def test_outside_a_course_the_command_says_so(tmp_path):
    command = "import sys; from bptt_lab.cli import main; sys.exit(main(['release']))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "there is no nbgrader_config.py" in done.stderr
    assert "Traceback" not in done.stderr
