"""Where a course lives on disk, and nbgrader with that course's own configuration."""

import os
import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CONFIG = "nbgrader_config.py"
SECONDS_FOR_LOCK = 60  # a grader waits for another one to write; sqlite itself gives up after 5


class CourseError(Exception):
    """Something about the course itself keeps the work from being done; the message says what."""


@dataclass(frozen=True)
class Course:
    """A folder with an ``nbgrader_config.py``, and the folders that it names.

    Attributes
    ----------
    root : Path
    """

    root: Path

    @classmethod
    def find(cls, start=None):
        """The course that the folder `start` (the current one when left out) lies in.

        Raises
        ------
        CourseError
            If neither the folder nor one above it holds ``nbgrader_config.py``.
        """
        start = Path.cwd() if start is None else Path(start)
        for folder in (start.resolve(), *start.resolve().parents):
            if (folder / CONFIG).is_file():
                if set("*?[") & set(str(folder)):
                    raise CourseError(f"nbgrader takes no folder with * ? [ in its path: {folder}")
                return cls(folder)
        raise CourseError(f"there is no {CONFIG} in {start} or above: run this inside the course")

    @property
    def solutions(self):
        """The instructor edition."""
        return self.root / "solutions"

    @property
    def notebooks(self):
        """The student edition."""
        return self.root / "notebooks"

    @property
    def desk(self):
        """Where submissions, grades and feedback live."""
        return self.root / "autograder"

    @property
    def submitted(self):
        """What was handed in: STUDENT/UNIT/NOTEBOOK."""
        return self.desk / "submitted"

    @property
    def autograded(self):
        """What nbgrader made of it."""
        return self.desk / "autograded"

    def units(self):
        """The names of all units, in order."""
        return sorted(p.parent.name for p in self.solutions.glob("*/*.ipynb"))

    def notebook(self, unit):
        """The file name of a unit's notebook.

        Raises
        ------
        CourseError
            If there is no such unit, or not exactly one notebook in it.
        """
        found = sorted(p.name for p in (self.solutions / unit).glob("*.ipynb"))
        if not found:
            known = ", ".join(self.units())
            raise CourseError(f"there is no unit {unit!r}; there are {known}")
        if len(found) > 1:
            raise CourseError(f"solutions/{unit} holds {len(found)} notebooks; it should hold one")
        return found[0]

    @property
    def gradebook(self):
        """The address of nbgrader's database, as SQLAlchemy has it."""
        from sqlalchemy import make_url

        url = make_url(self._config().CourseDirectory.get("db_url", "sqlite:///gradebook.db"))
        if url.get_backend_name() == "sqlite" and url.database:
            path = self.root / url.database  # relative paths are meant from the root
            url = url.set(database=path.as_posix())
            url = url.update_query_dict({"timeout": str(SECONDS_FOR_LOCK)} | dict(url.query))
        return url.render_as_string(hide_password=False)

    def _config(self):
        from traitlets.config import PyFileConfigLoader

        return PyFileConfigLoader(CONFIG, path=str(self.root)).load_config()

    def nbgrader(self, gradebook=True, require_sandbox=False, **directories):
        """nbgrader's Python interface with the configuration of this course.

        Parameters
        ----------
        gradebook : bool, default True
            Whether nbgrader may write to its gradebook.
        require_sandbox : bool, default False
            Refuse to run anything without bubblewrap, whatever the configuration says.
        **directories
            Options of nbgrader's CourseDirectory to replace, such as ``release_directory``.

        Returns
        -------
        nbgrader.apps.NbGraderAPI
            It changes the working directory as it works: use it in a process of its own.
        """
        from nbgrader.apps import NbGraderAPI

        config = self._config()
        config.CourseDirectory.root = str(self.root)
        config.CourseDirectory.db_url = self.gradebook
        for option, value in directories.items():
            config.CourseDirectory[option] = value
        config.SaveCells.enabled = gradebook
        if require_sandbox:
            config.JudgeInSandbox.require_sandbox = True
        here = str(Path(sys.executable).parent)  # a new gradebook calls alembic, by its name
        if here not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = here + os.pathsep + os.environ["PATH"]
        return NbGraderAPI(config=config)


def read_notebook(path):
    """Read a notebook of the course.

    Raises
    ------
    CourseError
        If it cannot be read; the message names the file.
    """
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise CourseError(f"{path} is no valid notebook: {first_line(error)}") from error


def read_original(path):
    """Read a notebook of the instructor edition: once, as long as it does not change.

    Parameters
    ----------
    path : path

    Returns
    -------
    NotebookNode
        To be looked at only: others get the same one.

    Raises
    ------
    CourseError
        If it cannot be read; the message names the file.
    """
    path = Path(path)
    try:
        about = path.stat()
    except OSError as error:
        raise CourseError(f"{path} is no valid notebook: {first_line(error)}") from error
    return _read_once(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=32)
def _read_once(path, changed, size):
    return read_notebook(path)


def nbgrader_metadata(cell):
    """What nbgrader keeps in a cell: a dict, empty for all cells that it does not know."""
    metadata = cell.get("metadata", {}).get("nbgrader")
    return metadata if isinstance(metadata, dict) else {}


def printable(text):
    """A text without characters that a terminal would obey, or that no file can hold."""
    return "".join("\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text)


def first_line(error):
    """The first line of what an error says, or its name where it says nothing."""
    return str(error).strip().split("\n")[0] or type(error).__name__


def reason_of(result):
    """What a person should know of a failed call of nbgrader, from what it logged."""
    text = (result.get("error") or "") + "\n" + (result.get("log") or "")
    if "DeadKernelError" in text or "Kernel died" in text:
        return "the kernel died while it ran (os._exit, or out of memory)"
    errors = re.findall(r"^\s*[\w.]+(?:Error|Exception): .*$", text, flags=re.MULTILINE)
    return errors[-1].strip() if errors else "nbgrader says: " + text.strip()[-200:]
