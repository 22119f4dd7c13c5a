"""One student's submission of one unit: look at it, let nbgrader grade it, say what happened.

`grade` runs in a process of its own, since nbgrader changes the working directory and student code
may take the process down.
"""

import hashlib
import json
import os
import shutil
import tempfile
import unicodedata
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from .course import (
    Course,
    first_line,
    nbgrader_metadata,
    printable,
    read_notebook,
    read_original,
    reason_of,
)

GRADED = "graded"
MENDED = "mended"  # graded, after something was put right
TIMED_OUT = "timed out"  # graded, but something did not come to an end
KERNEL_DIED = "kernel died"  # graded, but for what ended it, and as far as it could be run
NO_ANSWER = "no answer"  # graded up to where the student's process answered nonsense
MISSING = "missing"
BROKEN = "broken file"
FAILED = "not gradable"
WITH_SCORE = (GRADED, MENDED, TIMED_OUT, KERNEL_DIED, NO_ANSWER)

OUTCOMES = {  # how a report begins
    "✓": "correct",
    "✗": "not right yet",
    "!": "stops with an error",
    "○": "not attempted",
}
ENDLESS = "no end in sight"  # what a report says of a function that the check had to stop
NONSENSE = "what came out of the sandbox is no answer"
STOPPED = ("CellTimeoutError", "KeyboardInterrupt")
LARGEST = 25_000_000  # bytes of a notebook; with figures in it, it has one or two millions
LARGEST_BESIDE = 8_000_000  # bytes of another file; a larger one is not taken along
BOM = b"\xef\xbb\xbf"
KERNEL_STARTS = 3  # with several graders at once, a kernel may lose its port to another one


@dataclass
class Result:
    """What became of a submission; it is kept as JSON, the points are in the gradebook.

    Attributes
    ----------
    student, unit : str
    status : str
        One of the constants of this module.
    reason : str
        For people: what happened, or what to do.
    digest : str
        Of all that the grade depends on: it is made anew only when this changes. Empty where
        something went wrong that may go right the next time.
    outcomes : dict
        From a test cell's grade_id to what its check said.
    protection : str
        What kept the student's code from the rest of the machine while it ran.
    mistakes : dict
        From a test cell's grade_id to the ids of the mistakes of the catalogue that were named.
    """

    student: str
    unit: str
    status: str
    reason: str = ""
    digest: str = ""
    outcomes: dict = field(default_factory=dict)
    protection: str = ""
    mistakes: dict = field(default_factory=dict)

    def __post_init__(self):
        self.reason = printable(self.reason)  # file names and errors may hold anything

    @property
    def has_score(self):
        return self.status in WITH_SCORE


def digest_of(folder):
    """A digest of a folder's files; of links, of where they lead to."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("**/*")):
        name = os.fsencode(path.relative_to(folder))
        if path.is_symlink():  # never followed: it may lead to what is not the student's
            digest.update(name + b" -> " + os.fsencode(path.readlink()))
        elif path.is_file() and ".ipynb_checkpoints" not in path.parts:
            digest.update(name + b"\0")
            digest.update(hashlib.sha256(_content(path)).digest())
    return digest.hexdigest()


def _content(path):
    """What a file holds; its size only, where that is so large that no grade depends on it."""
    try:
        size = path.stat().st_size
        return f"{size} bytes".encode() if size > LARGEST else path.read_bytes()
    except OSError as error:
        return str(error.strerror).encode()


def digest(course, student, unit, of_unit=None):
    """A digest of the submission and of the instructor edition that it is graded against.

    Parameters
    ----------
    course : Course
    student, unit : str
    of_unit : str, optional
        The digest of the instructor edition, if it is known.
    """
    of_unit = of_unit or digest_of(course.solutions / unit)
    return f"{digest_of(course.submitted / student / unit)}-{of_unit}"


def is_id(student):
    """Whether nbgrader can have a student of that id."""
    return (
        student not in ("", ".", "..")
        and student == student.strip()
        and not any(letter in "*?[" or unicodedata.category(letter)[0] == "C" for letter in student)
    )


def look_at(course, student, unit, inside=True):
    """Why a submission cannot be graded, as a `Result`; None if it can.

    Parameters
    ----------
    course : Course
    student, unit : str
    inside : bool, default True
        Read the notebook as well, which takes longer than the rest.
    """
    folder = course.submitted / student / unit

    def result(status, reason):
        return Result(student, unit, status, reason)

    if not is_id(student):
        reason = "nbgrader takes no student id with * ? [, control characters or spaces at its ends"
        return result(FAILED, f"{reason}: rename the folder {student!r}")
    if unit not in course.units():
        return result(FAILED, f"there is no such unit; there are {', '.join(course.units())}")
    if folder.is_symlink() or folder.parent.is_symlink():
        return result(BROKEN, "the folder is a link; links are not followed")
    if not folder.is_dir():
        found = ", ".join(sorted(other.name for other in folder.parent.glob("*.ipynb")))
        instead = f"; there is {found}: it belongs into {student}/{unit}" if found else ""
        return result(MISSING, f"nothing was handed in{instead}")
    path = folder / course.notebook(unit)
    if path.is_symlink():
        return result(BROKEN, f"{path.name} is a link; links are not followed")
    if not path.is_file():
        found = ", ".join(sorted(other.name for other in folder.glob("*.ipynb")))
        instead = f"; there is {found}: rename it if that is it" if found else ""
        return result(MISSING, f"there is no {path.name}{instead}")
    if inside and (broken := _why_broken(path)):
        return result(BROKEN, f"{path.name} {broken}")
    return None


def _why_broken(path):
    try:
        size = path.stat().st_size
        if size > LARGEST:
            return f"has {size:,} bytes; {LARGEST:,} can be read: clear its outputs"
        content = path.read_bytes().removeprefix(BOM)
        notebook = json.loads(content.decode("utf-8"))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {error.start})"
    except (ValueError, RecursionError) as error:
        return f"is not valid JSON ({first_line(error)})" if content.strip() else "is empty"
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        return "is a JSON file, but no notebook"
    if not 3 <= notebook["nbformat"] <= 4:
        return f"has the notebook format {notebook['nbformat']}; 3 and 4 can be read"
    try:
        cells = _parsed(content).cells
        if all(isinstance(cell.source, str) and cell.cell_type for cell in cells):
            return None
    except Exception as error:  # whatever a damaged notebook makes the reader raise
        return f"is a damaged notebook ({type(error).__name__}: {first_line(error)})"
    return "is a damaged notebook"


def _parsed(content):
    import nbformat

    with warnings.catch_warnings():  # of cells with the same id, which nbgrader sets right
        warnings.simplefilter("ignore")
        return nbformat.reads(content.decode("utf-8"), as_version=4)


def grade(root, student, unit, require_sandbox=False):
    """Grade one submission and make the feedback; nothing that a submission does raises here.

    Parameters
    ----------
    root : path
        The course's folder.
    student, unit : str
    require_sandbox : bool, default False
        Refuse to run anything without bubblewrap.

    Returns
    -------
    Result
    """
    course = Course(Path(root))
    try:
        return look_at(course, student, unit) or _grade(course, student, unit, require_sandbox)
    except Exception as error:
        return Result(student, unit, FAILED, f"{type(error).__name__}: {first_line(error)}")


def _grade(course, student, unit, require_sandbox):
    from .preprocessors import repair

    notebook = course.notebook(unit)
    with tempfile.TemporaryDirectory() as staging:  # what was handed in is never changed
        copy = Path(staging) / student / unit
        shutil.copytree(course.submitted / student / unit, copy, ignore=_left_behind)
        content = (copy / notebook).read_bytes()
        notes = ["a byte-order mark was removed"] if content.startswith(BOM) else []
        (copy / notebook).write_bytes(content.removeprefix(BOM))
        stamp = copy / "timestamp.txt"  # nbgrader takes it for the time of the submission
        if stamp.is_file() and not _is_date(stamp):
            stamp.unlink()
            notes.append("timestamp.txt holds no date and was left out")
        # nbgrader mends it in the same way, and does not say so
        notes += repair(
            _parsed(content.removeprefix(BOM)), read_original(course.solutions / unit / notebook)
        )
        api = course.nbgrader(require_sandbox=require_sandbox, submitted_directory=staging)
        for _ in range(KERNEL_STARTS):
            called = api.autograde(unit, student, force=True, create=True)
            if called["success"] or "Kernel died before replying" not in str(called):
                break
    if not called["success"]:
        return Result(student, unit, FAILED, reason_of(called))
    result = Result(student, unit, GRADED)
    graded = read_notebook(course.autograded / student / unit / notebook)
    result.outcomes = outcomes(graded)
    kept = graded.metadata.get("bptt_lab", {})
    result.protection, result.mistakes = kept.get("protection", ""), kept.get("mistakes", {})
    result.status, notes = _status(result.outcomes, _stopped(graded), notes, kept.get("deaths", []))
    called = api.generate_feedback(unit, student, force=True)
    if called["success"]:
        result.digest = digest(course, student, unit)
    else:  # without a digest, the next run does it again
        notes.append("there is no feedback: " + reason_of(called))
    result.reason = "; ".join(notes)
    return result


def _is_date(path):
    from nbgrader.utils import parse_utc

    try:
        return parse_utc(path.read_text(encoding="utf-8").strip() or None) or True
    except (ValueError, OverflowError, OSError):
        return False


def _left_behind(folder, names):
    """Links, pipes and sockets, which are no part of what was handed in, and what is too large."""
    paths = [Path(folder) / name for name in names]
    return [
        p.name
        for p in paths
        if p.is_symlink()
        or not (p.is_file() or p.is_dir())
        or (p.suffix != ".ipynb" and p.is_file() and p.stat().st_size > LARGEST_BESIDE)
        or (p.is_file() and p.stat().st_size > LARGEST)
    ]


def outcomes(notebook):
    """What each check of a graded notebook said: a dict from grade_id to words.

    Only for people to read; the points come from nbgrader.
    """
    return {
        nbgrader_metadata(cell)["grade_id"]: _outcome(cell)
        for cell in notebook.cells
        if nbgrader_metadata(cell).get("grade") and cell.cell_type == "code"
    }


def _outcome(cell):
    from .preprocessors import NOT_RUN

    said = "no check"
    for output in cell.outputs:
        if output.output_type == "error":
            if output.ename == NOT_RUN:
                return f"not run: {output.evalue}"
            if output.ename in STOPPED:
                return TIMED_OUT
            if output.ename == "DeadKernelError":
                return KERNEL_DIED
            return f"{output.ename}: {output.evalue}"
        text = output.get("data", {}).get("text/plain", "") or output.get("text", "")
        if text[:1] in OUTCOMES:
            said = TIMED_OUT if ENDLESS in text else OUTCOMES[text[0]]
    return said


def _stopped(notebook):
    """The names of the cells that were stopped: by a limit on cells, or their function by a check.

    The function's name, if it is known; a cell of the student's own has the id of the cell.
    """
    names = [
        nbgrader_metadata(cell).get("grade_id") or cell.get("id", "a cell")
        for cell in notebook.cells
        if cell.cell_type == "code"
        and (
            _outcome(cell) == TIMED_OUT
            or any(output.get("ename") in STOPPED for output in cell.outputs)
        )
    ]
    return list(dict.fromkeys(name.removeprefix("check_") for name in names))


def _status(outcomes, stopped, notes, deaths=()):
    """The status that follows from what the checks said, and all that is to be said of it.

    Parameters
    ----------
    outcomes : dict
    stopped : list of str
        The names of cells that were stopped.
    notes : list of str
        What was mended.
    deaths : sequence of str
        Why the process ended, each time that it was started again.
    """
    said = list(outcomes.values())
    not_run = [words for words in said if words.startswith("not run")]
    if deaths and not not_run:
        status = KERNEL_DIED if KERNEL_DIED in "".join(deaths) else TIMED_OUT
        status = NO_ANSWER if NONSENSE in "".join(deaths) else status
        why = "; ".join(dict.fromkeys(deaths))
        which = f" ({', '.join(stopped)})" if stopped else ""
        notes = [f"{why}{which}: it was started again for what came after that", *notes]
    elif KERNEL_DIED in said or any(KERNEL_DIED in words for words in not_run):
        status = KERNEL_DIED
        notes = [f"the kernel died; {len(not_run)} exercises were not run", *notes]
    elif NONSENSE in "".join(not_run):
        status = NO_ANSWER
        why = not_run[0].removeprefix("not run: ").removesuffix(" in an earlier cell")
        notes = [f"{why}; {len(not_run)} exercises were not run", *notes]
    elif stopped or not_run:
        status = TIMED_OUT
        after = f"; {len(not_run)} exercises were not run after that" if not_run else ""
        which = ", ".join(stopped) or "a cell"
        notes = [f"does not come to an end: {which}{after}", *notes]
    else:
        status = MENDED if notes else GRADED
    untouched = said.count("not attempted")
    if untouched == len(said):
        return status, ["nothing was attempted", *notes]
    tally = f"{said.count('correct')} of {len(said)} exercises right"
    return status, [tally + (f", {untouched} not attempted" if untouched else ""), *notes]


def load(course, student, unit):
    """The result of the last grading, None if there is none."""
    try:
        return Result(**json.loads(_kept(course, student, unit).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save(course, result):
    """Keep a result: all of it or, if the machine stops meanwhile, the one before."""
    path = _kept(course, result.student, result.unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(vars(result), indent=1, ensure_ascii=False), encoding="utf-8")
    scratch.replace(path)


def _kept(course, student, unit):
    return course.desk / "results" / student / f"{unit}.json"
