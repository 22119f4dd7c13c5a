"""Call a student's function and watch it: what it returns, raises, changes, prints and warns about.

Nothing is judged here, and nothing here knows an answer: `judge` compares what was watched. So this
file can run in the process of the student while the judging is done in another.
"""

import contextlib
import copy
import inspect
import io
import linecache
import signal
import threading
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from time import monotonic

import numpy as np

SECONDS_PER_CALL = 10  # an exercise takes milliseconds, so this is an endless loop
MOST_RESULTS = 1000  # no exercise asks for so many, so this is an endless generator


@dataclass(frozen=True)
class Raised:
    """An exception that a call ended in.

    Attributes
    ----------
    name, message : str
    line : tuple or None
        The last line of the traceback that the student wrote: its number and its text.
    not_attempted, endless : bool
        Whether it is the NotImplementedError of the released notebook, or the time limit.
    """

    name: str
    message: str
    line: tuple | None = None
    not_attempted: bool = False
    endless: bool = False


@dataclass(frozen=True)
class Watched:
    """One call of the student's function: what it returned or raised, and what it did besides.

    Attributes
    ----------
    result : object
    raised : Raised or None
    mutated : tuple of int
        The indices of the arguments that it changed.
    notes : tuple of str
        What it printed and warned about.
    parameters : tuple of str
        The names of its parameters, one for each argument.
    """

    result: object = None
    raised: Raised | None = None
    mutated: tuple = ()
    notes: tuple = ()
    parameters: tuple = ()


def watch(function, case):
    """Call a function with a copy of the arguments of a case.

    Parameters
    ----------
    function : callable
    case : tuple
        The arguments.

    Returns
    -------
    Watched
    """
    result = raised = None
    given = copy.deepcopy(case)
    out, err = io.StringIO(), io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        warnings.simplefilter("always")
        try:
            with time_limit(SECONDS_PER_CALL):
                result = function(*given)
                if isinstance(result, Iterator):  # a generator, or what `map` gives
                    result = tuple(islice(result, MOST_RESULTS))
                # it may be a view of what was given, or be changed by the next call
                result = copy.deepcopy(result)
        except (Exception, SystemExit) as error:
            raised = _raised(function, error)
    mutated = [i for i, (a, b) in enumerate(zip(given, case, strict=True)) if differ(a, b)]
    notes = [f"warning: {w.category.__name__}: {w.message}" for w in caught]
    notes += [f"printed: {line}" for line in (out.getvalue() + err.getvalue()).splitlines()]
    unique = list(dict.fromkeys(notes))
    notes = tuple(unique[:8] + [f"… and {len(unique) - 8} more lines"] * (len(unique) > 8))
    return Watched(result, raised, tuple(mutated), notes, _parameter_names(function, len(case)))


class TooLongError(Exception):
    """A call was still running when its time was up."""


@contextlib.contextmanager
def time_limit(seconds):
    """Stop an endless loop where the platform can (a POSIX main thread); elsewhere do nothing.

    Parameters
    ----------
    seconds : float

    Raises
    ------
    TooLongError
        In the midst of what is run, when the time is up.
    """
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")):
        yield
        return

    def stop(signum, frame):
        raise TooLongError(f"it was still running after {seconds} seconds: an endless loop?")

    before, start = signal.signal(signal.SIGALRM, stop), monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # a limit around this one goes on
            signal.setitimer(signal.ITIMER_REAL, max(left - (monotonic() - start), 1e-3))


def _raised(function, error):
    endless = isinstance(error, TooLongError)
    return Raised(
        "no end in sight" if endless else type(error).__name__,
        str(error),
        _own_line(function, error),
        isinstance(error, NotImplementedError),
        endless,
    )


def _parameter_names(function, n):
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return tuple((names + [f"argument {i + 1}" for i in range(len(names), n)])[:n])


def _own_line(function, error):
    """The last line of the traceback that the student wrote: (number, text), or None."""
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == own]
    if not lines:
        return None
    frame = lines[-1]
    return frame.lineno, (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()


def differ(a, b):
    """Whether two values are not the same, entry by entry and in their dtypes."""
    if isinstance(a, (tuple, list)):
        return len(a) != len(b) or any(map(differ, a, b))
    if isinstance(a, np.ndarray):
        same = a.shape == b.shape and a.dtype == b.dtype
        return not (same and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(a, (int, float, str)):
        return a != b
    return False
