"""The notebooks, both editions: they run, they grade as they should, and they give nothing away."""

import re
import shutil
import warnings
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from bptt_lab.checker import EXERCISES
from bptt_lab.grading.course import Course, nbgrader_metadata
from bptt_lab.grading.release import KERNELSPEC, build

ROOT = Path(__file__).parent.parent
COURSE = Course(ROOT)
UNITS = COURSE.units()
LEAST_CODING, LEAST_PREDICTIONS = 16, 10
TRIVIAL = 24  # characters; shorter lines of an answer may well occur elsewhere

each_unit = pytest.mark.parametrize("unit", UNITS)


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """The student edition, made afresh: somebody may have worked in notebooks/."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build(COURSE, tmp_path_factory.mktemp("released"))


def read(folder, unit):
    return nbformat.read(folder / unit / COURSE.notebook(unit), as_version=4)


def solution_cells(nb):
    return [cell for cell in nb.cells if nbgrader_metadata(cell).get("solution")]


def check_cells(nb):
    return [cell for cell in nb.cells if nbgrader_metadata(cell).get("grade")]


def name_of(cell):
    return nbgrader_metadata(cell)["grade_id"]


def executed(folder, unit, scratch):
    """The notebook of a unit, run in a copy of its folder."""
    shutil.copytree(folder / unit, scratch / unit)
    nb = read(folder, unit)
    client = NotebookClient(
        nb, timeout=120, allow_errors=True, resources={"metadata": {"path": str(scratch / unit)}}
    )
    with warnings.catch_warnings():  # those of this process, about sockets and event loops
        warnings.simplefilter("ignore")
        client.execute()
    return nb


def went_wrong(nb):
    """Errors and everything on stderr, with the cell it came from."""
    return [
        (cell.id, output.get("ename", "stderr"), output.get("evalue", output.get("text")))
        for cell in nb.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def marks(cell):
    """What a check cell ends in, as nbgrader reads it: the text of a plain float."""
    (result,) = [output for output in cell.outputs if output.output_type == "execute_result"]
    return result.data["text/plain"]


def reports(cell):
    return [o.data["text/plain"] for o in cell.outputs if o.output_type == "display_data"]


@each_unit
def test_the_instructor_edition_runs_clean_and_gets_full_marks(unit, tmp_path):
    nb = executed(COURSE.solutions, unit, tmp_path)
    assert went_wrong(nb) == []
    for cell in check_cells(nb):
        assert marks(cell) == repr(float(nbgrader_metadata(cell)["points"])), name_of(cell)
        assert all(text.startswith("✓") for text in reports(cell)), name_of(cell)


@each_unit
def test_the_student_edition_runs_clean_and_nothing_counts_as_attempted(unit, released, tmp_path):
    nb = executed(released, unit, tmp_path)
    assert went_wrong(nb) == []
    for cell in check_cells(nb):
        name = name_of(cell).removeprefix("check_")
        assert marks(cell) == "0.0", name
        assert reports(cell) == [f"○ {name}: not attempted yet"], name


@each_unit
def test_the_student_edition_gives_nothing_away(unit, released):
    text = "\n".join(cell.source for cell in read(released, unit).cells)
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)", text)
    for cell in solution_cells(read(COURSE.solutions, unit)):
        for region in re.findall(r"BEGIN SOLUTION\n(.*?)### END", cell.source, flags=re.DOTALL):
            lines = [line.strip() for line in region.splitlines()]
            if name_of(cell).startswith("mend_"):  # all but the mended lines are given
                assert not all(line in text for line in lines), name_of(cell)
                continue
            lines = [line for line in lines if len(line) >= TRIVIAL and not line.startswith("for ")]
            told = [line for line in lines if line in text]
            assert told == [], name_of(cell)
    for cell in solution_cells(read(released, unit)):
        assert cell.source.rstrip().endswith("raise NotImplementedError()"), name_of(cell)


@each_unit
@pytest.mark.parametrize("edition", ["solutions", "released"])
def test_notebooks_are_normalised(unit, edition, released):
    nb = read(COURSE.solutions if edition == "solutions" else released, unit)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5)
    assert dict(nb.metadata["kernelspec"]) == KERNELSPEC
    assert set(nb.metadata) <= {"kernelspec"} | ({"bptt_lab"} if edition == "released" else set())
    ids = [cell.id for cell in nb.cells]
    assert len(set(ids)) == len(ids)
    for cell in nb.cells:
        assert set(cell.metadata) <= {"nbgrader", "deletable", "editable", "jupyter", "tags"}
        assert cell.source == cell.source.rstrip()
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@each_unit
def test_every_exercise_is_a_function_and_the_check_below_it(unit):
    nb = read(COURSE.solutions, unit)
    graded = [cell for cell in nb.cells if nbgrader_metadata(cell)]
    assert len(graded) % 2 == 0
    for solution, test in zip(graded[::2], graded[1::2], strict=True):
        name = name_of(solution)
        assert name_of(test) == f"check_{name}"
        assert re.fullmatch(r"[a-z][a-z0-9_]+", name)
        assert re.match(rf"def {name}\(.*\):\n    \"\"\"", solution.source), name
        points = nbgrader_metadata(test)["points"]
        assert points > 0
        visible, _, hidden = test.source.partition("### BEGIN HIDDEN TESTS")
        assert visible.strip() == f"check({name}).points({points})"
        if not EXERCISES[name].is_prediction:
            assert re.search(rf"\ncheck\({name}, seed=\d+\)\.points\({points}\)\n", hidden), name


def test_every_exercise_stands_in_its_unit_once():
    used = Counter(
        (unit, name_of(cell))
        for unit in UNITS
        for cell in solution_cells(read(COURSE.solutions, unit))
    )
    known = Counter((exercise.unit, exercise.name) for exercise in EXERCISES.values())
    assert used == known
    assert max(Counter(name for _, name in used).values()) == 1


def test_there_are_enough_exercises():
    kinds = Counter(exercise.is_prediction for exercise in EXERCISES.values())
    assert kinds[False] >= LEAST_CODING
    assert kinds[True] >= LEAST_PREDICTIONS


@each_unit
def test_links_lead_somewhere(unit):
    for cell in read(COURSE.solutions, unit).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\((?!https?:|#|attachment:)([^)#]+)", cell.source):
                assert (COURSE.solutions / unit / target).exists(), (cell.id, target)


@each_unit
def test_the_first_cell_says_what_for_and_how_long(unit):
    first = read(COURSE.solutions, unit).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert re.search(r"\bable to\b", first.source)
    assert re.search(r"\b\d+ minutes\b", first.source)
