"""Timing side by side: every contender gets a short turn, and all take turns in many rounds.

Other work on the machine comes and goes. As the contenders of a comparison are timed within a
fraction of a second of each other, it meets them all, and the median of the ratios of all rounds
is steadier than the ratio of two times.

Each contender works in a process of its own, driven from one place, and only one of them works at
a time. In one common process the threads that one library keeps waiting take the cores from the
next: on two cores a PyTorch gradient of 2 ms was seen to take 64 ms right after one by NumPy.
"""

import importlib.util
import multiprocessing
import os
import time

import numpy as np

TURN = 0.03  # seconds of work in a turn, so that a call of a few microseconds can be timed
PAUSE = 0.3  # seconds between two turns: threads go on waiting actively after a call
SLOW = 0.5  # seconds; what takes longer is not warmed up before each turn
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def is_installed(library):
    """Whether `library` can be imported."""
    return importlib.util.find_spec(library) is not None


class Workers:
    """One process for each contender, started when it is first needed.

    Parameters
    ----------
    n_threads : int
        Threads, and where the platform allows it also cores, that each of them may use.
    """

    def __init__(self, n_threads):
        self._n_threads = n_threads
        self._running = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection, process in self._running.values():
            connection.send(None)
            process.join()

    def ask(self, name, *request):
        """Send a request to the process of the contender `name`, and wait for its answer."""
        if name not in self._running:
            self._running[name] = self._start()
        connection, _ = self._running[name]
        connection.send(request)
        answer = connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _start(self):
        limits = dict.fromkeys(THREAD_LIMITS, str(self._n_threads))
        before = {name: os.environ.get(name) for name in limits}
        os.environ.update(limits)  # a library reads them once, when it is imported
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, self._n_threads), daemon=True)
        process.start()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        return here, process


def compare(workers, contenders, n_rounds, rtol=None):
    """Time contenders side by side.

    Parameters
    ----------
    workers : Workers
    contenders : dict
        From a name to ``(build, arguments)``. ``build(*arguments)`` is called once in the process
        of that name, and returns what is timed: a function without arguments.
    n_rounds : int
    rtol : float, optional
        How far the results may differ from those of the first contender, relative to the norm;
        results are not compared when left out, and a contender that returns None never is.

    Returns
    -------
    seconds : dict
        From a name to an array of `n_rounds` seconds per call.
    first : dict
        From a name to the seconds of building and the first call, compilation included.

    Raises
    ------
    ArithmeticError
        If two contenders do not compute the same: then there is nothing to compare.
    """
    first, prints = {}, {}
    for name, (build, arguments) in contenders.items():
        first[name], prints[name] = workers.ask(name, "build", name, build, arguments)
    if rtol is not None:
        _require_agreement(prints, rtol)
    seconds = {name: [] for name in contenders}
    for _ in range(n_rounds):
        for name in contenders:
            time.sleep(PAUSE)
            seconds[name].append(workers.ask(name, "time", name))
    for name in contenders:
        workers.ask(name, "drop", name)
    return {name: np.array(values) for name, values in seconds.items()}, first


def _require_agreement(prints, rtol):
    expected = next(iter(prints.values()))
    for name, arrays in prints.items():
        for got, right in zip(arrays, expected, strict=True) if arrays else ():
            if not np.abs(got - right).max() <= rtol * right[1]:
                raise ArithmeticError(f"{name} gives another result: {got}, not {right}")


def _fingerprint(result):
    """For each array: an arbitrary projection, and the norm."""
    arrays = [np.asarray(array, dtype=float).ravel() for array in result or ()]
    return [
        np.array([np.cos(np.arange(array.size)) @ array, np.linalg.norm(array)]) for array in arrays
    ]


def _serve(connection, n_threads):
    if hasattr(os, "sched_setaffinity"):  # XLA has no setting for the number of its threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_threads])
    built, calls = {}, {}
    while (request := connection.recv()) is not None:
        try:
            connection.send(_answer(built, calls, *request))
        except Exception as error:
            connection.send(RuntimeError(f"{request[:2]}: {error!r}"))


def _answer(built, calls, verb, name, build=None, arguments=()):
    if verb == "drop":
        del built[name], calls[name]
        return None
    if verb == "build":
        start = time.perf_counter()
        run = built[name] = build(*arguments)
        result = run()
        first = time.perf_counter() - start
        once = first
        if first < SLOW:
            once = min(_seconds(run, 1) for _ in range(3))
        calls[name] = max(1, int(TURN / once)), once < SLOW
        return first, _fingerprint(result)
    n_calls, warm_up = calls[name]
    if warm_up:
        _seconds(built[name], max(1, n_calls // 4))
    return _seconds(built[name], n_calls)


def _seconds(run, n_calls):
    start = time.perf_counter()
    for _ in range(n_calls):
        run()
    return (time.perf_counter() - start) / n_calls
