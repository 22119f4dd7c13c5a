"""Steps of our own in nbgrader's pipeline; ``nbgrader_config.py`` puts them there.

nbgrader stops at ordinary accidents: a test cell that was copied, metadata that an editor changed,
a kernel that died. Here such a submission is mended, run as far as it goes, and graded.
"""

import asyncio
import copy
from functools import lru_cache
from pathlib import Path
from time import monotonic

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import from_dict
from nbformat.v4 import new_output
from nbgrader import api
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from traitlets import Integer

from .course import nbgrader_metadata, read_original

NOT_RUN = "NotRun"  # the name of the error in a cell that was never run
LEAST_SECONDS = 2.0  # what an honest cell still gets when others have used up all the time

# nbgrader opens its database nine times for a submission, each time with a new engine, which has to
# compile all statements anew; let it have the same one again.
if not hasattr(api.create_engine, "cache_info"):
    api.create_engine = lru_cache(maxsize=8)(api.create_engine)


def repair(nb, solution):
    """Give the cells of a submission back what nbgrader has to know about them.

    Metadata is taken from the instructor edition by grade_id, of several copies the last one
    counts, and a missing test cell is put back. A missing solution cell stays away: the function
    may have moved to another cell, and an empty one would undo it.

    Parameters
    ----------
    nb : NotebookNode
        The submission; changed in place.
    solution : NotebookNode
        The instructor edition.

    Returns
    -------
    list of str
        What was mended, as sentences.
    """
    known = {
        nbgrader_metadata(cell)["grade_id"]: cell
        for cell in solution.cells
        if nbgrader_metadata(cell)
    }
    place, copied, altered = {}, [], []
    for index, cell in enumerate(nb.cells):
        metadata = nbgrader_metadata(cell)
        cell.setdefault("metadata", {}).pop("nbgrader", None)
        name = metadata.get("grade_id")
        if not (isinstance(name, str) and name in known):
            continue
        if name in place:
            copied.append(name)
        place[name] = index
        right = nbgrader_metadata(known[name])
        if any(metadata.get(key) != right[key] for key in right):
            altered.append(name)
    for name, index in place.items():
        nb.cells[index].metadata["nbgrader"] = copy.deepcopy(nbgrader_metadata(known[name]))
    missing = []
    for position, (name, cell) in enumerate(known.items()):
        if not nbgrader_metadata(cell)["grade"] or name in place:
            continue
        earlier = [place[other] for other in list(known)[:position] if other in place]
        index = max(earlier, default=-1) + 1
        nb.cells.insert(index, copy.deepcopy(cell))
        place = {other: at + (at >= index) for other, at in place.items()} | {name: index}
        missing.append(name)
    kinds = (
        ("a deleted test cell was put back", missing),
        ("of several copies of a cell the last one counts", copied),
        ("changed nbgrader metadata was set right", altered),
    )
    return [f"{what}: {_listed(list(dict.fromkeys(names)))}" for what, names in kinds if names]


def _listed(names):
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def original(config, resources):
    """The instructor's notebook of the submission that nbgrader works on; not to be changed."""
    folders, ids = CourseDirectory(config=config), resources["nbgrader"]
    unit = folders.format_path(folders.source_directory, ".", ids["assignment"])
    return read_original(f"{unit}/{ids['notebook']}.ipynb")


class RepairCells(NbGraderPreprocessor):
    """Mend a submission before nbgrader looks at it; see `repair`.

    Raises
    ------
    ValueError
        If the submission is a link, or holds one: it may lead to what is not the student's.
    """

    def preprocess(self, nb, resources):
        folders, ids = CourseDirectory(config=self.config), resources["nbgrader"]
        folder = folders.format_path(folders.submitted_directory, ids["student"], ids["assignment"])
        for path in (Path(folder).parent, Path(folder), *Path(folder).rglob("*")):
            if path.is_symlink():
                raise ValueError(f"{path.name} is a link; links are not followed")
        solution = original(self.config, resources)
        for note in repair(nb, solution):
            self.log.warning("%s: %s", resources["nbgrader"]["student"], note)
        # What else an editor, or a student, wrote there is of no use, and some of it stops nbgrader
        nb.metadata = copy.deepcopy(solution.metadata)
        for cell in nb.cells:
            kept = {"nbgrader": nbgrader_metadata(cell)} if nbgrader_metadata(cell) else {}
            cell.metadata = from_dict(kept)
            cell.source = cell.source.encode("utf-8", "replace").decode()  # half a character
        return nb, resources


class ExecuteWithinLimits(Execute):
    """nbgrader's Execute, which comes to an end with a grade whatever the submission does.

    Time is limited for each cell and in all; a flood of output is cut off. If the kernel dies or
    cannot be interrupted, what was run before keeps its points and the rest is marked as not run.
    """

    total_timeout = Integer(
        60, help="Seconds for a whole notebook; each cell still gets a little after that."
    ).tag(config=True)
    output_limit = Integer(
        200_000, help="Characters that a cell may print; the cell is interrupted after that."
    ).tag(config=True)

    def preprocess(self, nb, resources, km=None):
        self._end = monotonic() + self.total_timeout
        self._stopped = None
        self.timeout_func = self._seconds_for
        return super().preprocess(nb, resources, km)

    def _seconds_for(self, cell):
        return max(min(self.timeout, self._end - monotonic()), LEAST_SECONDS)

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        if self._stopped:
            cell.outputs = [_error(NOT_RUN, self._stopped)]
            return cell, resources
        self._printed = 0
        try:
            return super().preprocess_cell(cell, resources, index)
        except DeadKernelError:
            self._stopped = "the kernel died in an earlier cell"
            cell.outputs.append(_error("DeadKernelError", "the kernel died in this cell"))
        except CellTimeoutError:
            self._stopped = "an earlier cell could not be stopped"
            cell.outputs.append(_error("CellTimeoutError", "this cell could not be stopped"))
        return cell, resources

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] == "stream":
            before = self._printed
            self._printed += len(msg["content"]["text"])
            if before > self.output_limit:
                return None
            if self._printed > self.output_limit:
                msg["content"]["text"] = "\n… the rest of the output was cut off\n"
                self._interruption = asyncio.ensure_future(self.km.interrupt_kernel())
        return super().process_message(msg, cell, cell_index)


def _error(name, message):
    return new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])
