"""The trusted side of the sandbox: start it, run a submission in it, ask it for numbers.

Student code runs in another process, which has no reference, no network, no gradebook and no other
submission. It is asked for numbers and gives plain values (`border`); what they are worth is found
out here.
"""

import ast
import atexit
import inspect
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from time import monotonic

import numpy as np

from .. import rnn
from ..checker.watch import SECONDS_PER_CALL, Raised, TooLongError, Watched, time_limit
from .border import BorderError, Closed, Line, Remote, TooLate, pair
from .course import CourseError
from .submission import NONSENSE
from .withheld import REFUSED

PACKAGE = Path(rnn.__file__).parent
BUBBLEWRAP = "bubblewrap"
PROCESS = "a process with limits only"
OPEN = ("__init__.py", "tasks.py", "truncation.py", "checker/watch.py")
OPEN += tuple(f"grading/{name}.py" for name in ("__init__", "border", "inside", "stand_in"))


def _functions(module):
    """The public functions that a module of the package defines."""
    module = import_module(f"bptt_lab.{module}")
    members = inspect.getmembers(module, inspect.isfunction)
    own = [name for name, function in members if function.__module__ == module.__name__]
    return tuple(name for name in own if not name.startswith("_"))


CUT = {  # functions that stay on this side
    "bptt.py": _functions("bptt"),
    "cells.py": ("forward", "loss", "bptt", "path_norms"),
    "closed_loop.py": _functions("closed_loop"),
    "forward_mode.py": _functions("forward_mode"),
    "jacobians.py": _functions("jacobians"),
    "numerical.py": ("frozen_state_loss", "numerical_gradient", "_gradient_of_sequence"),
    "rnn.py": ("softmax", "cross_entropy", "forward", "run", "hidden_states", "loss"),
    "training.py": ("global_norm", "clip_by_norm", "clip_by_value", "sgd_step", "flawed_bptt"),
}
NOT_WHILE_ASKED = {"numerical.py": ("central_difference", "complex_step")}
LEFT_OUT = ("step", "back")  # methods of the cells, which only what is cut calls
# trainings that a notebook shows and no grade depends on
SLOW = ("accuracy_against_distance", "accuracy_against_flaw", "learning_report")
# figures and widgets would take most of the time, and no grade depends on one
UNDRAWN = ("plots.py", "widgets/__init__.py")
MOVED = {"grading/stand_in.py": "checker/__init__.py", "grading/withheld.py": "withheld.py"}
# what differentiates by itself, so that no gradient of it were the student's own
HIDDEN = ("autograd", "jax", "jaxlib", "torch", "tensorflow", "casadi", "theano", "pytensor")
REQUIRE = "BPTT_LAB_REQUIRE_SANDBOX"  # in the environment: refuse to go on without bubblewrap
SECONDS_TO_START = 120
SCRATCH = "/scratch"  # the only place inside that can be written to, empty for each submission
GRACE = 2.0  # seconds that the inside has to end a cell by itself
LARGEST_ANSWER = 500_000  # bytes; the exercises ask for a few thousand
LARGEST_HELD = 100_000_000  # bytes of what the functions hold that a submission gets from here
MOST_HELD = 5_000  # of such functions
FORWARD = ("forward", "run", "hidden_states", "loss")
MOST_FORWARD = 100  # for one answer; a difference quotient takes two for each weight, some hundreds
LARGEST_COMPUTATION = 60_000_000  # entries that a cell may have the package compute at once
QUADRATIC = ("credit", "credit_deltas", "bptt_double_loop", "bptt_every_window", "path_norms")
QUADRATIC += ("rtrl", "rtrl_steps")
ELEMENTWISE = ("softmax", "cross_entropy", "norms", "global_norm", "clip_by_norm", "clip_by_value")
ELEMENTWISE += ("sgd_step",)
LIMITS = {
    "RLIMIT_AS": 3 << 30,
    "RLIMIT_CPU": 600,
    "RLIMIT_FSIZE": 32 << 20,
    "RLIMIT_NOFILE": 256,
    "RLIMIT_NPROC": 512,
    "RLIMIT_CORE": 0,
}


class SandboxError(CourseError):
    """The sandbox itself cannot be used; the message says why."""


def outfit(folder):
    """Write the package as it is inside the sandbox: without references, checker and gradebook.

    Parameters
    ----------
    folder : Path
        Where ``bptt_lab`` is to stand.
    """
    for name in OPEN:
        _place(folder, name, (PACKAGE / name).read_text(encoding="utf-8"))
    for name, target in MOVED.items():
        _place(folder, target, (PACKAGE / name).read_text(encoding="utf-8"))
    for name, functions in CUT.items():
        source = (PACKAGE / name).read_text(encoding="utf-8")
        _place(folder, name, _without(source, name.removesuffix(".py"), functions))

    for name in UNDRAWN:
        _place(folder, name, _undrawn((PACKAGE / name).read_text(encoding="utf-8")))


def _undrawn(source):
    """A module with the same public functions, which draw nothing and return a placeholder."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.ImportFrom) and node.level:  # what a package gathers
            names += [alias.name for alias in node.names]
    lines = [f"{name} = Picture" for name in names if not name.startswith("_")]
    return "\n".join(["from bptt_lab.grading.stand_in import Picture", "", *lines, ""])


def _place(folder, name, text):
    path = Path(folder) / "bptt_lab" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _without(source, module, functions):
    """A module's source in which these functions ask the grader instead of computing."""
    tree, body = ast.parse(source), []
    guarded = NOT_WHILE_ASKED.get(f"{module}.py", ())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            if node.name in guarded:
                guard = f"not_while_asked({module + '.' + node.name!r})"
                node.body = [node.body[0], *ast.parse(guard).body, *node.body[1:]]
            elif node.name in functions:
                question = f"return withheld({module + '.' + node.name!r}, locals())"
                node.body = [node.body[0], *ast.parse(question).body]  # its docstring stays
            elif node.name in SLOW:
                refusal = f"raise RuntimeError('{node.name} takes too long to run while grading')"
                node.body = [node.body[0], *ast.parse(refusal).body]
            elif module == "bptt":
                continue
        elif isinstance(node, ast.ClassDef):
            node.body = [n for n in node.body if getattr(n, "name", "") not in LEFT_OUT]
        body.append(node)
    used = ast.parse("from .withheld import not_while_asked, withheld").body
    tree.body = [body[0], *used, *body[1:]]
    return ast.unparse(tree)


class Warm:
    """A process inside the sandbox that is ready for submissions, one at a time.

    Parameters
    ----------
    bubblewrap : bool
        Whether to wrap it; otherwise it is a process with limits and no walls.

    Raises
    ------
    SandboxError
        If it cannot be started.
    """

    def __init__(self, bubblewrap=True):
        self.protection = BUBBLEWRAP if bubblewrap else PROCESS
        self._bubblewrap = bubblewrap
        self._scratch = tempfile.TemporaryDirectory(prefix="bptt-lab-")
        self._library = Path(self._scratch.name) / "library"
        outfit(self._library)
        self._process = None
        self._start()
        atexit.register(self.stop)

    def _start(self):
        ours, theirs = pair()
        library = "/sandbox" if self._bubblewrap else str(self._library)
        program = f"import sys; sys.path.insert(0, {library!r}); "
        program += "from bptt_lab.grading.inside import main; "
        program += f"main({theirs.fileno()}, {self._bubblewrap and SCRATCH!r})"
        command = [sys.executable, "-I", "-B", "-c", program]
        scratch = SCRATCH if self._bubblewrap else self._scratch.name
        environment = _environment(scratch)
        if self._bubblewrap:
            command = [*_walls(self._library, environment), *command]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            ours.close()
            theirs.close()
            raise SandboxError(f"{command[0]} cannot be started: {error.strerror}") from error
        theirs.close()
        self._control = ours
        ours.settimeout(SECONDS_TO_START)
        try:
            said = ours.recv(1)
        except OSError:
            said = b""
        if said not in (b"N", b"O") or not said:
            said = self._process.stderr.read().decode(errors="replace") if not said else ""
            self.stop()
            raise SandboxError(said.strip().split("\n")[-1] or "it does not start")
        self._many = not self._bubblewrap or said == b"N"
        ours.settimeout(GRACE + 3)

    def session(self, files=(), limits=None):
        """Start a submission.

        Parameters
        ----------
        files : iterable of (str, bytes), optional
            What else was handed in: names relative to the working directory, and contents.
        limits : dict, optional
            In place of some of LIMITS.

        Returns
        -------
        Session
        """
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._start()
        ours, theirs = pair()
        try:
            socket.send_fds(self._control, [b"S"], [theirs.fileno()])
            if self._control.recv(1) != b"+":
                raise OSError
        except OSError as error:
            self.stop()
            raise SandboxError("the warm process does not answer") from error
        finally:
            theirs.close()
        here = f"{SCRATCH}/work"
        if not self._bubblewrap:
            here = tempfile.mkdtemp(dir=self._scratch.name)
        files = [[name, np.frombuffer(content, np.uint8)] for name, content in files]
        limits = LIMITS | (limits or {})
        session = Session(ours, lambda: self._end(here))
        session.line.write("start", [files, [list(limit) for limit in limits.items()], here])
        return session

    def _end(self, here):
        """Kill what is left of a submission, and everything if that cannot be done."""
        try:
            self._control.sendall(b"K")
            if self._control.recv(1) != b"+":
                raise OSError
        except OSError:
            self.stop()
        if not self._bubblewrap:
            shutil.rmtree(here, ignore_errors=True)
        if not self._many:
            self.stop()

    def stop(self):
        """End the process and all inside it; the next session starts a new one."""
        if self._process is None:
            return
        self._process.kill()  # bubblewrap's children die with it
        self._process.wait()
        self._process.stderr.close()
        self._control.close()
        self._process = None


def _environment(scratch):
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "MPLCONFIGDIR": f"{scratch}/matplotlib",
        "IPYTHONDIR": f"{scratch}/ipython",
        "LANG": "C.UTF-8",
        "NBGRADER_EXECUTION": "autograde",
        "OPENBLAS_NUM_THREADS": "1",  # a thread each takes address space, and the work is small
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def _walls(library, environment):
    """The command line of bubblewrap: only the interpreter and its libraries can be seen."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += ["--unshare-user", "--uid", "65534", "--gid", "65534"]  # nobody can be mapped again
    for path in ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/opt/homebrew"):
        command += ["--ro-bind-try", path, path]
    for path in ("ld.so.cache", "alternatives", "fonts", "localtime"):
        command += ["--ro-bind-try", f"/etc/{path}", f"/etc/{path}"]
    prefixes = list(dict.fromkeys((sys.base_prefix, sys.exec_prefix, sys.prefix)))
    for prefix in prefixes:
        if not Path(prefix).is_relative_to("/usr") or prefix.startswith("/usr/local/"):
            command += ["--ro-bind", prefix, prefix]
    for folder in map(Path, sys.path):
        if folder.name not in ("site-packages", "dist-packages"):
            continue
        for name in ("bptt_lab", *HIDDEN):
            if (folder / name).is_dir():
                command += ["--tmpfs", str(folder / name)]
    command += ["--ro-bind", str(library), "/sandbox", "--dev", "/dev", "--proc", "/proc"]
    command += ["--size", str(64 << 20), "--tmpfs", SCRATCH, "--remount-ro", "/dev"]
    if not any(Path(prefix).is_relative_to("/tmp") for prefix in prefixes):
        command += ["--symlink", SCRATCH, "/tmp"]
    command += ["--remount-ro", "/", "--chdir", SCRATCH, "--clearenv"]
    for name, value in environment.items():
        command += ["--setenv", name, value]
    return command


class Session:
    """A submission that runs in the sandbox.

    Attributes
    ----------
    dead : str or None
        Why nothing can be run any more.
    """

    def __init__(self, end, finish):
        self.line = Line(end, {"Params": rnn.Params, "Activations": rnn.Activations})
        self._finish = finish
        self._functions = {}  # that stay here and are called from there, by their number
        self._made = self._held = self._forward = 0
        self._asking, self._asked_with = None, ()
        self.dead = None

    def close(self):
        """Kill whatever still runs."""
        self.line.close()
        self._finish()

    def run(self, source, seconds):
        """Run a cell.

        Parameters
        ----------
        source : str
        seconds : float

        Returns
        -------
        list
            Of outputs, each a list: a kind, and a list of texts.

        Raises
        ------
        BorderError
            If the process died, does not come to an end, or talks nonsense; `dead` says what.
        """
        (outputs,) = self._exchange("cell", [source, seconds], 1, seconds)
        if not isinstance(outputs, list):
            raise self._broken("a cell's outputs are no list")
        return outputs

    def ask(self, name, case, unit):
        """Call a function of the student.

        Parameters
        ----------
        name : str
        case : tuple
            The arguments.
        unit : str
            Of the exercise: it says what of the package may be used.

        Returns
        -------
        Watched
        """
        self._asking, self._forward = unit, 0
        case = [self._remote(value) for value in case]
        self._asked_with = [value.number for value in case if isinstance(value, Remote)]
        try:
            answer = self._exchange("call", [name, case], 5, SECONDS_PER_CALL)
            return _watched(answer, len(case))
        except TooLate:
            message = f"it was still running after {SECONDS_PER_CALL} seconds: an endless loop?"
            raised = Raised("no end in sight", message, endless=True)
        except Closed:
            raised = Raised("the kernel died", "it ended while your function was called")
        except BorderError as error:
            raised = Raised("no answer", f"{error}")
        finally:
            for number in self._asked_with:
                del self._functions[number]
            self._asking, self._asked_with = None, ()
        return Watched(raised=raised, parameters=argument_names(len(case)))

    def _remote(self, value, n_tokens=1):
        if not callable(value) or isinstance(value, np.ndarray):
            return value
        self._made += 1
        self._functions[self._made] = value, n_tokens
        return Remote(self._made, getattr(value, "__name__", "f"))

    def _exchange(self, kind, what, n_values, seconds):
        if self.dead:
            raise Closed(self.dead)
        nonce = secrets.token_hex(8)  # an answer written beforehand answers nothing
        deadline = monotonic() + seconds + GRACE
        try:
            self.line.write(kind, [nonce, *what], deadline)
            while True:
                said, value = self.line.read(deadline)
                if said == "answer":
                    break
                self.line.write("value", self._serve(said, value, deadline), deadline)
        except TooLate:
            self.dead = "it could not be stopped"
            raise
        except Closed:
            self.dead = "the kernel died"
            raise
        except BorderError as error:
            raise self._broken(str(error)) from error
        if not (isinstance(value, list) and len(value) == 1 + n_values and value[0] == nonce):
            raise self._broken("an answer that nobody asked for")
        return value[1:]

    def _broken(self, why):
        self.dead = f"{NONSENSE}: {why}"
        return BorderError(why)

    def _serve(self, kind, value, deadline):
        """Answer a question from inside: [error or None, value]."""
        try:
            function, arguments = self._what(kind, value)
            with time_limit(max(deadline - monotonic() - GRACE, 0.1)):
                answer = function(**arguments) if kind == "package" else function(*arguments)
            n_tokens = max([1, _loose(arguments), *(a.size for a in _arrays(arguments))])
            return [None, self._remote(answer, n_tokens)]
        except BorderError:
            raise
        except TooLongError:
            return [["TimeoutError", "this takes the package too long"], None]
        except Exception as error:  # whatever odd arguments make the package raise
            known = (ValueError, TypeError, IndexError, PermissionError, MemoryError)
            name = next((k.__name__ for k in known if isinstance(error, k)), "RuntimeError")
            return [[name, str(error)[:1000]], None]

    def _what(self, kind, value):
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
            raise BorderError("a question that is none")
        what, arguments = value
        if kind == "remote" and type(what) is int and what in self._functions:
            if self._asking and what not in self._asked_with:
                raise PermissionError(f"a function of bptt_lab {REFUSED}")
            function, n_tokens = self._functions[what]
            _require_affordable("", dict(enumerate(arguments)), n_tokens)
            return function, arguments
        module, _, name = what.partition(".") if kind == "package" else ("", "", "")
        if name not in CUT.get(f"{module}.py", ()):
            raise BorderError("a question for what is not there")
        module = import_module(f"bptt_lab.{module}")
        arguments = dict(arguments)
        if self._asking and (
            module is not rnn or self._asking == "01-loss" or _has_more_than_float64(arguments)
        ):
            raise PermissionError(f"bptt_lab.{name} {REFUSED}")
        self._forward += name in FORWARD
        if self._asking and self._forward > MOST_FORWARD:
            raise PermissionError(f"bptt_lab.{name} is asked for more than {MOST_FORWARD} times")
        _require_affordable(name, arguments)
        if name == "frozen_state_loss":
            self._held += sum(array.nbytes for array in _arrays(arguments))
            if self._held > LARGEST_HELD or self._made >= MOST_HELD:
                raise MemoryError("while grading, there is no room for so many functions")
        return getattr(module, name), arguments


def _arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))


def _n_items(value):
    return sum(map(_n_items, value)) if isinstance(value, (tuple, list)) else 1


def _longest(value):
    """The bytes that the longest text, or any other single value, takes in an array."""
    if isinstance(value, (tuple, list)):
        return max(map(_longest, value), default=0)
    return 4 * len(value) if isinstance(value, str) else 8


def _has_more_than_float64(value):
    """Whether there is anything to take a step with that leaves no error in float64."""
    return any(a.dtype.kind == "c" or a.dtype.itemsize > 8 for a in _arrays(value))


def _require_affordable(name, arguments, n_tokens=1):
    """Refuse what would take much time or memory on the side that everybody shares.

    Parameters
    ----------
    name : str
    arguments : dict
    n_tokens : int
        Of the sentence that the function itself holds.
    """
    if any(type(v) is int and abs(v) > 1e9 for v in arguments.values()):
        raise ValueError("a number is too large")
    arrays = list(_arrays(arguments))
    sequences = list(_arrays({k: v for k, v in arguments.items() if k != "params"}))
    loose = _loose(arguments)  # may be tokens, and may be weights
    n_weights = loose + sum(a.size for a in arrays if a.ndim == 2 and a.dtype.kind in "fc")
    n_tokens = max([n_tokens, loose, *map(_rows, sequences)])
    n_steps = max([loose, *(len(a) for a in sequences if a.ndim)], default=0)
    work = loose + sum(a.size for a in arrays)
    if name not in ELEMENTWISE:
        work += n_tokens * (n_weights if name else work)
    if name in QUADRATIC:
        work *= n_steps
    if name == "products":
        work *= max(map(len, arrays), default=1)
    if name in ("numerical_gradient", "_gradient_of_sequence"):
        work *= n_weights
    if work > LARGEST_COMPUTATION:
        raise ValueError(f"this is too much to compute while grading ({work:.0e} entries)")


def _rows(array):
    """How many tokens, or vectors, an array may hold."""
    real = array.ndim > 1 and array.dtype.kind in "fc"
    return array.size // max(array.shape[-1], 1) if real else array.size


def _loose(value):
    """How many numbers stand in lists rather than in arrays."""
    if isinstance(value, dict):
        return sum(map(_loose, value.values()))
    if isinstance(value, (tuple, list)):
        return sum(type(v) in (bool, int, float) or _loose(v) for v in value)
    return 0


def argument_names(n):
    """What to call arguments of which nobody said the names."""
    return tuple(f"argument {i + 1}" for i in range(n))


def _watched(answer, n_arguments):
    """What came across as a `Watched`, of which every part is of its type.

    Raises
    ------
    BorderError
        If it is not.
    """
    result, raised, changed, notes, names = answer
    # a list with one long text would become an array in which every text is as long
    size = sum(array.nbytes for array in _arrays(result)) + _n_items(result) * _longest(result)
    if size > LARGEST_ANSWER:
        raised = ["ValueError", f"your function returns {size} bytes", None, False, False]
        result = None
    if raised is not None:
        if not isinstance(raised, list) or [type(v) for v in raised[:2]] != [str, str]:
            raise BorderError("an exception that is none")
        _, _, line, *flags = raised if len(raised) == 5 else [*raised[:2], None, False, False]
        if not (isinstance(line, list) and [type(v) for v in line] == [int, str]):
            line = None
        raised = Raised(raised[0][:200], raised[1][:2000], tuple(line) if line else None)
        raised = Raised(
            raised.name, raised.message, raised.line, flags[0] is True, flags[1] is True
        )
    if not isinstance(changed, list) or any(type(i) is not int for i in changed):
        raise BorderError("a list of changed arguments that is none")
    if not isinstance(names, list) or any(type(name) is not str for name in names):
        raise BorderError("a list of names that is none")
    if not isinstance(notes, list) or any(type(note) is not str for note in notes):
        raise BorderError("a list of notes that is none")
    names = (
        tuple(name[:80] for name in names[:n_arguments]) + argument_names(n_arguments)[len(names) :]
    )
    changed = tuple(i for i in changed if 0 <= i < n_arguments)
    return Watched(result, raised, changed, tuple(n[:500] for n in notes[:10]), names)


_warm = {}


def warm(require=False):
    """The warm process of this process, started when it is first needed.

    Parameters
    ----------
    require : bool, default False
        Refuse to go on without bubblewrap.

    Returns
    -------
    Warm

    Raises
    ------
    SandboxError
        If bubblewrap is required and does not work, or nothing can be started.
    """
    key = os.getpid()
    if key not in _warm:
        try:
            if shutil.which("bwrap") is None:
                raise SandboxError("there is no bubblewrap (bwrap) here")
            _warm[key] = Warm(bubblewrap=True)
        except SandboxError as error:
            if require:
                raise SandboxError(f"a sandbox is required, and {error}") from error
            _warm[key] = Warm(bubblewrap=False)
            _warm[key].protection = f"{PROCESS} ({error})"
    if require and not _warm[key].protection.startswith(BUBBLEWRAP):
        raise SandboxError(f"a sandbox is required, and this is {_warm[key].protection}")
    return _warm[key]
