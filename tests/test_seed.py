"""docs/seed.md: every topic of the tutorial has a section and an exercise that exist."""

import re
from pathlib import Path

import nbformat
import pytest

from bptt_lab.checker import EXERCISES
from bptt_lab.grading.course import Course

ROOT = Path(__file__).parent.parent
COURSE = Course(ROOT)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "seed.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| .* \| \d\d-", line)
]


def headings(unit):
    nb = nbformat.read(COURSE.solutions / unit / COURSE.notebook(unit), as_version=4)
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    return re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_its_section_and_its_exercises_exist(row):
    _, unit, section, names = row
    assert section in headings(unit)
    for name in re.findall(r"`(\w+)`", names):
        assert name in EXERCISES


def test_a_missing_section_would_be_found():
    assert "No such section" not in headings("01-loss")


def test_there_is_a_row_for_every_unit_and_every_reader():
    assert {row[1] for row in ROWS} == set(COURSE.units()) - {"00-start"}
    assert len(ROWS) >= 30
