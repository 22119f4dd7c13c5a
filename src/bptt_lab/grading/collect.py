"""Submissions as a learning platform exports them, sorted into ``autograder/submitted/``.

Canvas names a file ``lastnamefirstname_[LATE_]USER_SUBMISSION_name-1.ipynb``; Moodle makes a folder
``Full Name_PARTICIPANT_assignsubmission_file_`` for each student. A folder ``STUDENT/UNIT/`` or
``STUDENT/name.ipynb`` is taken as it is. A roster says which student has which id.
"""

import contextlib
import csv
import os
import re
import shutil
import tempfile
import time
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from .course import CourseError, first_line, printable
from .submission import is_id

CANVAS = re.compile(r"^(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)$")
MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d+)_assignsubmission_\w+?_?$")
LARGEST = 200_000_000  # bytes that a zip may unpack to
MOST_FILES = 50_000
UNREADABLE = (OSError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, zlib.error)


@dataclass(frozen=True)
class Found:
    """A notebook in an export.

    Attributes
    ----------
    path : Path
    name, id : str
        The student's, as the platform has them; either may be empty.
    number : int
        The larger, the later it was handed in.
    late : bool
    """

    path: Path
    name: str
    id: str
    number: int
    late: bool


def collect(course, source, unit, roster=None):
    """Sort an export into ``submitted/STUDENT/UNIT/``; what is there already is kept.

    Parameters
    ----------
    course : Course
    source : path
        A folder or a zip.
    unit : str
    roster : path, optional
        A CSV with a column ``student`` and any of ``name``, ``id``: whose id belongs to whom.

    Returns
    -------
    collected : list of (str, str)
        A student and what happened.
    surprises : list of str
        What somebody has to look at.

    Raises
    ------
    CourseError
        If the source or the roster cannot be read.
    """
    notebook, source = course.notebook(unit), Path(source)
    known = _read_roster(roster) if roster else {}
    with tempfile.TemporaryDirectory() as scratch:
        if source.is_file():
            folder = Path(scratch)
            surprises = _unpack(source, folder)
        elif source.is_dir():
            folder, surprises = source, []
        else:
            raise CourseError(f"there is no folder or zip {source}")
        chosen = {}
        for found in _find(folder, unit, surprises):
            student = _student(found, known)
            if student is None:
                surprises.append(
                    f"{found.path.name}: {found.name!r} is not in the roster, or not alone"
                )
                continue
            if not is_id(student) or student.startswith("."):
                surprises.append(f"{found.path.name}: {student!r} can be no student's id here")
                continue
            if student in chosen:
                surprises.append(f"{student} handed in twice: the later one counts")
                if chosen[student].number > found.number:
                    continue
            chosen[student] = found
        collected = []
        for student, found in sorted(chosen.items()):
            target = course.submitted / student / unit / notebook
            content = found.path.read_bytes()
            late = "late" if found.late else "in time"
            if target.is_file() and target.read_bytes() == content:
                collected.append((student, "unchanged"))
                continue
            what = "replaced" if target.is_file() else "new"
            target.parent.mkdir(parents=True, exist_ok=True)
            new = target.with_suffix(".new")
            new.write_bytes(content)
            new.replace(target)
            if found.late:
                (target.parent / "LATE").write_text("the platform marked it as late\n")
            else:
                (target.parent / "LATE").unlink(missing_ok=True)
            collected.append((student, f"{what}, {late}"))
    missing = sorted(set(known.values()) - set(chosen)) if known else []
    surprises += [f"{student} is in the roster and handed in nothing" for student in missing]
    return collected, list(map(printable, surprises))


def _unpack(source, folder):
    surprises, total = [], 0
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise CourseError(f"{source} holds {len(entries)} files; {MOST_FILES} are the most")
            for entry in entries:
                parts = Path(entry.filename.replace("\\", "/")).parts
                is_link = entry.external_attr >> 16 & 0o170000 == 0o120000
                if is_link or ".." in parts or Path(entry.filename).is_absolute():
                    surprises.append(f"{entry.filename!r} is a link or leads out of the zip: left")
                    continue
                total += entry.file_size
                if total > LARGEST:
                    raise CourseError(f"{source} unpacks to more than {LARGEST} bytes")
                if not entry.is_dir():
                    try:
                        _unpack_one(archive, entry, folder.joinpath(*parts))
                    except UNREADABLE as error:  # the others are handed in all the same
                        why = getattr(error, "strerror", None) or first_line(error)
                        surprises.append(f"{entry.filename!r} cannot be unpacked ({why}): left")
    except UNREADABLE as error:
        raise CourseError(f"{source} is no zip that can be read: {first_line(error)}") from error
    return surprises


def _unpack_one(archive, entry, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as inside, open(path, "wb") as outside:
        try:
            shutil.copyfileobj(inside, outside)
        except UNREADABLE:
            path.unlink()
            raise
    with contextlib.suppress(ValueError, OverflowError):  # a date that is none
        when = time.mktime((*entry.date_time, 0, 0, -1))
        os.utime(path, (when, when))  # it says which of two was handed in later


def _find(folder, unit, surprises):
    """Every notebook with what its name says, and the rest as surprises."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_dir() or any(part.startswith((".", "__MACOSX")) for part in inside.parts):
            continue
        if path.is_symlink() or path.suffix != ".ipynb":
            surprises.append(f"{inside} is no notebook")
            continue
        moodle = [MOODLE.match(part) for part in inside.parts[:-1]]
        canvas = CANVAS.match(path.name)
        if any(moodle):
            match = next(match for match in moodle if match)
            yield Found(path, match["name"], match["id"], path.stat().st_mtime_ns, False)
        elif len(inside.parts) == 1 and canvas:
            late = canvas["late"] is not None
            yield Found(path, canvas["name"], canvas["id"], int(canvas["number"]), late)
        elif len(inside.parts) == 2 or (len(inside.parts) == 3 and inside.parts[1] == unit):
            yield Found(path, inside.parts[0], "", path.stat().st_mtime_ns, False)
        else:
            surprises.append(f"{inside}: no student's name can be read from it")


def _student(found, known):
    if not known:
        return found.id or found.name
    for key in (found.id, _plain(found.name), found.name):
        if key and key in known:
            return known[key]
    return None


def _plain(name):
    """A name as Canvas writes it: letters only, in an order that does not matter."""
    text = unicodedata.normalize("NFKD", name).casefold()
    words = re.findall(r"\w+", "".join(c for c in text if not unicodedata.combining(c)))
    return "".join(sorted("".join(words)))


def _read_roster(path):
    """From every id and name to the student; a name that two have says nothing."""
    known, names = {}, {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"the roster {path} cannot be read: {first_line(error)}") from error
    if not rows or "student" not in rows[0]:
        raise CourseError(f"the roster {path} should have a column 'student', and rows")
    for row in rows:
        student = (row["student"] or "").strip()
        if not any(value.strip() for value in row.values() if isinstance(value, str)):
            continue
        if not is_id(student) or student.startswith(".") or {"/", "\\"} & set(student):
            raise CourseError(f"the roster {path} has {student!r}, which can be no student's id")
        for key in (student, (row.get("id") or "").strip()):
            if key and known.setdefault(key, student) != student:
                raise CourseError(f"the roster {path} has two students for {key!r}")
        names.setdefault(_plain(row.get("name") or ""), set()).add(student)
    for name, (student, *others) in names.items():
        if name and not others:
            known.setdefault(name, student)
    return known
