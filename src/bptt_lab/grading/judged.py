"""In Execute's place in nbgrader's pipeline: cells run in the sandbox, test cells are judged here.

The outputs of a test cell are then the report and a plain float, which nbgrader reads as ever: its
gradebook, formgrader, feedback and scores given by hand notice no difference.
"""

import ast
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from time import monotonic

from nbformat.v4 import new_output
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Integer, Unicode

from ..checker.exercise import EXERCISES
from ..checker.judge import judge
from ..checker.report import Crash, Outcome, Report
from ..checker.watch import SECONDS_PER_CALL, Raised, Watched, time_limit
from . import sandbox
from .border import BorderError
from .course import nbgrader_metadata
from .needed import needed
from .preprocessors import LEAST_SECONDS, NOT_RUN, original
from .submission import ENDLESS, LARGEST_BESIDE

SECONDS_TO_ASK = 30  # for all calls of an exercise; the last one may still come to its end
SECONDS_TO_JUDGE = 30  # for what is done on this side
MOST_DEATHS = 3  # of one notebook, after which it is not started again
LEFT_OUT = "not run while grading: no answer depends on this cell\n"
MOST_OUTPUTS = 500  # of one cell
MOST_TEXT = 300_000  # characters of a cell's outputs; the limit inside is not trusted
MOST_TEXT_IN_ALL = 3_000_000


class JudgeInSandbox(NbGraderPreprocessor):
    """Run a submission in the sandbox, and judge its answers outside.

    Each test cell is to be ``check(FUNCTION).points(N)``, with or without hidden tests of the same
    kind: what it checks is read from it, but it is never run.
    """

    timeout = Integer(25, help="Seconds for a cell.").tag(config=True)
    total_timeout = Integer(
        60, help="Seconds for a whole notebook; each cell still gets a little after that."
    ).tag(config=True)
    memory = Integer(3072, help="MB of address space for a submission.").tag(config=True)
    require_sandbox = Bool(
        False, help="Refuse to go on where there is no bubblewrap; BPTT_LAB_REQUIRE_SANDBOX too."
    ).tag(config=True)
    run_all = Bool(
        False, help="Run the instructor's demonstrations too, on which no answer depends."
    ).tag(config=True)
    secret = Unicode(
        "autograder/secret", help="The file that the inputs are drawn from; made when missing."
    ).tag(config=True)

    def preprocess(self, nb, resources):
        ids = resources["nbgrader"]
        folders = CourseDirectory(config=self.config)
        student, unit = ids["student"], ids["assignment"]
        secret = read_secret(Path(folders.root) / self.secret)
        submitted = folders.format_path(folders.submitted_directory, student, unit)
        require = self.require_sandbox or bool(os.environ.get(sandbox.REQUIRE))
        warm = sandbox.warm(require)
        files = _files(Path(submitted))
        limits = {"RLIMIT_AS": self.memory << 20}
        session = warm.session(files, limits)
        self._digest, self._end = _digest(nb, files), monotonic() + self.total_timeout
        self._room = MOST_TEXT_IN_ALL
        mistakes, ran, deaths = {}, [], []
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        to_run = range(len(code)) if self.run_all else self._to_run(code, resources)
        try:
            for i, cell in enumerate(code):
                cell.execution_count = None
                mark = nbgrader_metadata(cell)
                if _is_test(cell):
                    seed = seed_of(secret, student, unit, mark["grade_id"], self._digest)
                    cell.outputs, named = _judged(cell.source, mark, session, seed)
                    mistakes |= {mark["grade_id"]: named} if named else {}
                elif i in to_run:
                    cell.outputs = self._run(cell.source, session)
                    ran += [] if session.dead else [cell.source]
                else:
                    cell.outputs = [new_output("stream", name="stdout", text=LEFT_OUT)]
                more = any(map(_is_test, code[i + 1 :]))
                if session.dead and more and len(deaths) < MOST_DEATHS:
                    deaths.append(session.dead)
                    session.close()
                    session = warm.session(files, limits)
                    self._repeat(ran, session)
        finally:
            session.close()
        about = {"protection": warm.protection, "mistakes": mistakes}
        nb.metadata["bptt_lab"] = about | ({"deaths": deaths} if deaths else {})
        return nb, resources

    def _repeat(self, ran, session):
        """Bring a new process to where the last one was before what ended it."""
        for source in ran:
            if session.dead:
                return
            self._run(source, session)

    def _to_run(self, code, resources):
        """The numbers of the cells to run: not of demonstrations that were left as they are."""
        cells = original(self.config, resources).cells
        shown = {cell.source for cell in cells if not nbgrader_metadata(cell)}
        sources = ["" if _is_test(cell) else cell.source for cell in code]
        return needed(sources, {i for i, source in enumerate(sources) if source in shown})

    def _run(self, source, session):
        if session.dead:
            return [_error(NOT_RUN, f"{session.dead} in an earlier cell")]
        seconds = max(min(self.timeout, self._end - monotonic()), LEAST_SECONDS)
        try:
            outputs, used = _outputs(session.run(source, seconds), min(MOST_TEXT, self._room))
            self._room -= used
            return outputs
        except BorderError:
            name = "CellTimeoutError" if "stopped" in session.dead else "DeadKernelError"
            return [_error(name, f"{session.dead} in this cell")]


def read_secret(path):
    """The course secret; a new one is written, for its owner only, where there is none.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bytes
    """
    while True:
        try:
            if content := path.read_bytes().strip():
                return content
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode() + b"\n")
        try:
            os.link(scratch, path)  # of several graders that start at once, the first one wins
        except FileExistsError:
            if not path.read_bytes().strip():
                os.replace(scratch, path)
        finally:
            scratch.unlink(missing_ok=True)


def seed_of(secret, student, unit, grade_id, digest):
    """The seed of the inputs that a student's function is asked about.

    It depends on what was handed in, so that answers learnt from one grading help in no other; and
    on the exercise, so that inputs seen in one are of no use in the next.

    Parameters
    ----------
    secret : bytes
    student, unit, grade_id, digest : str

    Returns
    -------
    int
        ``check(function, seed=seed)`` replays the judgement.
    """
    text = json.dumps([student, unit, grade_id, digest]).encode()
    return int.from_bytes(hmac.new(secret, text, hashlib.sha256).digest()[:6], "big")


def _is_test(cell):
    mark = nbgrader_metadata(cell)
    return mark.get("grade") and not mark.get("solution")


def _digest(nb, files):
    """Of all that reaches the sandbox: whatever could hold answers learnt from a feedback."""
    sources = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    beside = [[name, hashlib.sha256(content).hexdigest()] for name, content in files]
    return hashlib.sha256(json.dumps([sources, beside]).encode()).hexdigest()


def _files(folder):
    """What was handed in beside the notebook: names and contents, no links, not too much."""
    files, room = [], LARGEST_BESIDE
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        linked = any((folder / Path(*parts[:n])).is_symlink() for n in range(1, len(parts) + 1))
        if linked or not path.is_file() or path.suffix == ".ipynb":
            continue
        if path.stat().st_size > room or len(files) >= 100:
            break
        content = path.read_bytes()
        room -= len(content)
        files.append((path.relative_to(folder).as_posix(), content))
    return files


def _outputs(said, room):
    """What a cell showed, as nbformat has it, and how long it is; what is malformed is left out.

    Parameters
    ----------
    said : list
    room : int
        Characters; what is longer is cut off.
    """
    outputs, used = [], 0
    for output in said[:MOST_OUTPUTS]:
        if not isinstance(output, list) or len(output) != 2 or not isinstance(output[1], list):
            continue
        kind, texts = output
        if any(not isinstance(text, str) for text in texts):
            continue
        texts = ["".join(texts)] if kind != "error" else texts
        for i, text in enumerate(texts):
            texts[i] = text[: max(room - used, 0)]
            used += len(texts[i])
        if kind in ("stdout", "stderr"):
            outputs.append(new_output("stream", name=kind, text=texts[0]))
        elif kind == "error" and len(texts) == 3:
            name, message, trace = texts
            outputs.append(_error(name, message, trace.split("\n")))
        elif kind in ("result", "display"):
            outputs.append(new_output("display_data", data={"text/plain": texts[0]}))
    return outputs, used


def _error(name, message, traceback=None):
    traceback = traceback or [f"{name}: {message}"]
    return new_output("error", ename=name, evalue=message, traceback=traceback)


def what_is_checked(source):
    """The function and the exercise that a test cell checks.

    Parameters
    ----------
    source : str
        Of the instructor's cell.

    Returns
    -------
    function, exercise : str

    Raises
    ------
    ValueError
        If it is not ``check(FUNCTION).points(N)``: such a cell cannot be judged outside.
    """
    found = set()
    for statement in ast.parse(source).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        match call:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(
                        func=ast.Name(id="check"), args=[ast.Name(id=name)], keywords=options
                    ),
                    attr="points",
                )
            ):
                named = {option.arg: option.value for option in options}
                value = getattr(named.get("exercise"), "value", name)
                found.add((name, value))
            case _:
                raise ValueError(f"`{ast.unparse(statement)}` is no check(FUNCTION).points(N)")
    if len(found) != 1:
        raise ValueError(f"it checks {len(found)} functions; it should check one")
    return found.pop()


def _judged(source, mark, session, seed):
    """The outputs of a test cell, the report and the points; and the ids of named mistakes."""
    points = float(mark["points"])
    try:
        name, exercise = what_is_checked(source)
        exercise = EXERCISES[exercise]
    except (SyntaxError, ValueError, KeyError) as error:
        raise ValueError(f"test cell {mark['grade_id']} cannot be judged: {error}") from error
    if session.dead:
        return [_error(NOT_RUN, f"{session.dead} in an earlier cell")], []
    end = monotonic() + SECONDS_TO_ASK

    def ask(case):
        if monotonic() < end:
            return session.ask(name, case, exercise.unit)
        message = f"its calls take more than {SECONDS_TO_ASK:g} seconds in all"
        raised = Raised(ENDLESS, message, endless=True)
        return Watched(raised=raised, parameters=sandbox.argument_names(len(case)))

    try:
        # never in the midst of a call, whose answer would then come as that to the next question
        with time_limit(SECONDS_TO_ASK + SECONDS_PER_CALL + sandbox.GRACE + SECONDS_TO_JUDGE):
            report = judge(exercise, seed, ask)
    except Exception as error:  # whatever odd numbers make the comparison raise
        crash = Crash("not comparable", f"{type(error).__name__}: {error}"[:300], None, ())
        report = Report(exercise, Outcome.CRASHED, seed, crash=crash)
    score = float(round(points * report.score, 2))
    shown = {"text/plain": repr(report), "text/html": report._repr_html_()}
    named = [mistake.id for mistake in report.diagnosis.mistakes] if report.diagnosis else []
    return [
        new_output("display_data", data=shown),
        new_output("execute_result", data={"text/plain": repr(score)}),
    ], named
