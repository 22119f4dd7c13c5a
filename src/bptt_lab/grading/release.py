"""Make the student edition from the instructor edition, byte for byte the same every time."""

import shutil
import tempfile
from pathlib import Path

from .course import CourseError, reason_of

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


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
        changed = differences(course.notebooks, fresh)
        worked_in = [name for name in changed if _has_been_run(course.notebooks / name)]
        if worked_in and not force:
            names = ", ".join(f"notebooks/{name}" for name in worked_in)
            raise CourseError(
                f"{names} holds somebody's work (it has been run), which would be overwritten: "
                "move it away, or release with --force"
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
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC})
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "nbgrader"}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)


def differences(old, new):
    """The files that differ between two folders or stand in one of them only, sorted."""
    names = {
        str(path.relative_to(folder))
        for folder in (old, new)
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    return sorted(n for n in names if _bytes(old / n) != _bytes(new / n))


def _bytes(path):
    return path.read_bytes() if path.is_file() else None


def _has_been_run(path):
    """Whether a notebook has outputs or counts: JupyterLab leaves them, a release never does."""
    import nbformat

    if path.suffix != ".ipynb" or not path.is_file():
        return False
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:
        return True  # whatever it is, it is not ours
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return any(cell.outputs or cell.execution_count for cell in code)
