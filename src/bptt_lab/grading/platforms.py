"""Grades as Canvas and Moodle take them back: a CSV each, with a column for each unit."""

import csv
import re

from .course import printable

NUMBER = re.compile(r"-?[\d.]+")
CANVAS_HEAD = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def write_canvas(course, rows):
    """Write ``canvas.csv``: Canvas matches students by SIS Login ID, units by name.

    Parameters
    ----------
    course : Course
    rows : list of Row
    """
    units, scores = _by_student(rows)
    most = {row.unit: row.max_score for row in rows}
    lines = [[*CANVAS_HEAD, *units]]
    lines.append(["    Points Possible", "", "", "", "", *(f"{most[unit]:g}" for unit in units)])
    lines += [[student, "", "", student, "", *_cells(scores[student], units)] for student in scores]
    _write(course.desk / "canvas.csv", lines)


def write_moodle(course, rows):
    """Write ``moodle.csv``: Moodle lets one choose which column says who it is.

    Parameters
    ----------
    course : Course
    rows : list of Row
    """
    units, scores = _by_student(rows)
    head = [["username", *(word for unit in units for word in (unit, f"{unit} (feedback)"))]]
    reasons = {(row.student, row.unit): row.reason for row in rows}
    lines = []
    for student in scores:
        line = [student]
        for unit, score in zip(units, _cells(scores[student], units), strict=True):
            line += [score, reasons.get((student, unit), "")]
        lines.append(line)
    _write(course.desk / "moodle.csv", head + lines)


def _by_student(rows):
    scores = {}
    for row in rows:
        scores.setdefault(row.student, {})[row.unit] = row.score
    return sorted({row.unit for row in rows}), scores


def _cells(scores, units):
    """No score stays empty, which neither platform takes for a zero."""
    return ["" if scores.get(unit) is None else f"{scores[unit]:g}" for unit in units]


def safe(text):
    """A text that no spreadsheet takes for a formula, and no terminal for an order."""
    text = printable(text)
    is_formula = text.startswith(("=", "+", "-", "@")) and not NUMBER.fullmatch(text)
    return "'" + text if is_formula else text


def _write(path, lines):
    scratch = path.with_suffix(".new")
    with open(scratch, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[safe(cell) for cell in line] for line in lines])
    scratch.replace(path)
