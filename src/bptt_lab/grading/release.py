"""Make the student edition from the instructor edition, byte for byte the same every time."""

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path

from .course import CourseError, first_line, nbgrader_metadata, read_notebook, reason_of

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
MARK = "bptt_lab"  # where a released notebook keeps the fingerprint that it was made with
REGION = re.compile(r"### (BEGIN|END) (SOLUTION|HIDDEN TESTS)")
KEPT = ("nbgrader", "deletable", "editable")  # metadata of a cell: what nbgrader says of it


def release(course, force=False):
    """Make ``notebooks/`` anew from ``solutions/``.

    Parameters
    ----------
    course : Course
    force : bool, default False
        Overwrite notebooks even if somebody has worked in them.

    Returns
    -------
    list of str
        The files that changed, relative to ``notebooks/``.

    Raises
    ------
    CourseError
        If a solution notebook cannot be released, or if a notebook in ``notebooks/`` holds
        somebody's work; then nothing is changed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        fresh = build(course, Path(scratch) / "release")
        changed = _pending(course, fresh)
        worked_in = [name for name in changed if holds_work(course.notebooks / name)]
        if worked_in and not force:
            names = ", ".join(f"notebooks/{name}" for name in worked_in)
            raise CourseError(
                f"{names} holds somebody's work (it was run or changed), which would be "
                "overwritten: move it away, or release with --force"
            )
        for name in changed:
            target = course.notebooks / name
            if (fresh / name).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(fresh / name, target)
            else:
                target.unlink()
                if not any(target.parent.iterdir()):
                    target.parent.rmdir()
    return changed


def outdated(course):
    """The files that `release` would change, relative to ``notebooks/``; nothing is written."""
    with tempfile.TemporaryDirectory() as scratch:
        return _pending(course, build(course, Path(scratch) / "release"))


def _pending(course, fresh):
    """What differs, without the files that no release made: those are a person's own."""
    return [
        name
        for name in differences(course.notebooks, fresh)
        if (fresh / name).exists() or _mark(course.notebooks / name) is not None
    ]


def build(course, target):
    """Make the student edition in another folder.

    Parameters
    ----------
    course : Course
    target : Path

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    CourseError
        If a solution notebook cannot be released.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.utils import capture_log

    units = course.units()
    if not units:
        raise CourseError(f"there are no notebooks in {course.solutions}")
    unfit = [
        f"solutions/{unit}/{course.notebook(unit)}: {problem}"
        for unit in units
        for problem in problems(read_notebook(course.solutions / unit / course.notebook(unit)))
    ]
    unfit += [
        f"{path.relative_to(course.root)}: a program would go to the students as it is"
        for path in sorted(course.solutions.glob("*/**/*.py"))
    ]
    if unfit:
        raise CourseError("the instructor edition has to be mended first:\n" + "\n".join(unfit))
    api = course.nbgrader(gradebook=False, release_directory=str(target))
    for unit in units:
        name = course.notebook(unit)
        api.coursedir.assignment_id = unit
        converter = GenerateAssignment(coursedir=api.coursedir, parent=api)
        converter.no_database = True
        result = capture_log(converter)
        if not result["success"]:
            raise CourseError(f"solutions/{unit}/{name} cannot be released: {reason_of(result)}")
        normalise(target / unit / name)
    return target


def normalise(path):
    """Rewrite a notebook without outputs, counts, and metadata that only a machine cares about."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in KEPT}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    metadata = {"kernelspec": KERNELSPEC, MARK: {"released": _fingerprint(notebook)}}
    notebook.metadata = nbformat.from_dict(metadata)
    path.write_bytes((nbformat.writes(notebook) + "\n").encode())


def differences(old, new):
    """The files that differ between two folders or stand in one of them only, sorted."""
    names = {
        path.relative_to(folder).as_posix()
        for folder in (old, new)
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    return sorted(n for n in names if _bytes(old / n) != _bytes(new / n))


def _bytes(path):
    return path.read_bytes() if path.is_file() else None


def problems(nb):
    """What makes a solution notebook unfit for release, as a list of sentences."""
    import nbformat

    found = []
    try:
        nbformat.validate(nb)
    except nbformat.ValidationError as error:
        found.append(f"it is not valid: {first_line(error)}")
    names = [nbgrader_metadata(cell).get("grade_id") for cell in nb.cells]
    for cell, name in zip(nb.cells, names, strict=True):
        metadata, where = nbgrader_metadata(cell), f"cell {cell.get('id')!r}"
        marks = REGION.findall(cell.source)
        solution, grade = bool(metadata.get("solution")), bool(metadata.get("grade"))
        if metadata:
            where = f"cell {name!r}"
            lacking = {"grade", "grade_id", "locked", "solution", "schema_version"} - set(metadata)
            if lacking:
                found.append(f"{where} lacks the nbgrader metadata {', '.join(sorted(lacking))}")
            elif names.count(name) > 1:
                found.append(f"{where}: two cells have this grade_id")
            if grade and not metadata.get("points", 0) > 0:
                found.append(f"{where} is graded and has no points")
        for kind, marked in (("SOLUTION", solution), ("HIDDEN TESTS", grade)):
            begins, ends = marks.count(("BEGIN", kind)), marks.count(("END", kind))
            if begins != ends:
                found.append(f"{where}: BEGIN and END {kind} do not match")
            if begins and not marked:
                found.append(f"{where} has a {kind} region, but nbgrader's metadata say otherwise")
        if solution and ("BEGIN", "SOLUTION") not in marks:
            found.append(f"{where} is a solution cell without a BEGIN SOLUTION")
    if not any(nbgrader_metadata(cell).get("grade") for cell in nb.cells):
        found.append("it has no test cell with nbgrader metadata")
    return found


def _fingerprint(notebook):
    """A digest of all that a person can change in a notebook: cells, their order, what they show.

    Metadata do not belong to it: an editor changes them by itself.
    """
    cells = [
        (cell.cell_type, cell.source, cell.get("outputs"), cell.get("execution_count"))
        for cell in notebook.cells
    ]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def _mark(path):
    """The fingerprint that a notebook was released with, None if no release made it."""
    if path.suffix != ".ipynb":
        return None
    try:
        return read_notebook(path).metadata.get(MARK, {}).get("released")
    except CourseError:
        return None


def holds_work(path):
    """Whether a notebook was run or changed since its release, or never came from one."""
    if path.suffix != ".ipynb" or not path.is_file():
        return False
    mark = _mark(path)
    return mark is None or mark != _fingerprint(read_notebook(path))
