"""Many jobs on a few processes, of which any may hang or die without harm to the other jobs."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import threading
from collections import deque
from multiprocessing.connection import Connection, wait
from time import monotonic

import psutil

DIED = "the process that ran it died"


class Worker:
    """A process that does jobs of one kind, one after the other; it ends when this side is gone.

    It is no `multiprocessing.Process`, as those may not be started in every process, and a
    cluster's worker is one of the others.

    Parameters
    ----------
    function : callable
        Takes a job and returns its result; it must be importable, and both picklable.
    """

    def __init__(self, function):
        self.function = function
        self.pipe, theirs = multiprocessing.Pipe()
        program = f"import sys; sys.path[:] = {sys.path!r}; "
        program += f"from {__name__} import main; main({theirs.fileno()})"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,  # nothing is sent through it: its end says that we are gone
            stdout=subprocess.DEVNULL,  # libraries write here, and would tear the progress apart
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self.pipe.send(function)

    def give(self, job, seconds):
        """Start a job, which has so many seconds."""
        self.job, self.seconds = job, seconds
        self.deadline = monotonic() + seconds
        with contextlib.suppress(OSError):  # it died while it was idle, which `answer` finds out
            self.pipe.send(job)

    def answer(self):
        """The result and the error of the job; waits until it is done, or its time is up.

        Returns
        -------
        result : object or None
        error : str or None
            A sentence if there is no result. If the process is gone, `alive` is False.
        """
        if not self.pipe.poll(max(self.deadline - monotonic(), 0)):
            self.kill()
            return None, f"it was killed, as it was still running after {self.seconds:g} s"
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.kill()
            return None, DIED

    @property
    def alive(self):
        return self.process.poll() is None

    def close(self):
        """End it, gently at first."""
        self.pipe.close()
        self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        self.kill()

    def kill(self):
        """End it and all that it started."""
        try:
            family = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        self.process.kill()
        for child in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.wait()
        self.process.stdin.close()


def run(function, jobs, n_workers, seconds):
    """Do all jobs, each in a process of its own or one that it has to itself meanwhile.

    Parameters
    ----------
    function : callable
        As of `Worker`.
    jobs : iterable
    n_workers : int
    seconds : float
        After so many, a job's process is killed with all of its children.

    Yields
    ------
    job, result, error
        In the order in which they end. `error` is None, or a sentence if there is no result.
    """
    waiting, idle, busy = deque(jobs), [], []
    try:
        while waiting or busy:
            while waiting and len(busy) < n_workers:
                worker = idle.pop() if idle else Worker(function)
                worker.give(waiting.popleft(), seconds)
                busy.append(worker)
            patience = min(worker.deadline for worker in busy) - monotonic()
            ready = wait([worker.pipe for worker in busy], timeout=max(patience, 0))
            for worker in list(busy):
                if worker.pipe not in ready and monotonic() < worker.deadline:
                    continue
                busy.remove(worker)
                answer = worker.answer()
                if worker.alive:
                    idle.append(worker)
                yield (worker.job, *answer)
    finally:
        for worker in busy:
            worker.kill()
        for worker in idle:
            worker.close()


def main(descriptor):
    """What a worker's process does: jobs, until the other side is gone."""
    threading.Thread(target=_end_with_the_other_side, daemon=True).start()
    pipe = Connection(descriptor)
    with contextlib.suppress(EOFError):
        function = pipe.recv()
        while True:
            job = pipe.recv()
            try:
                answer = function(job), None
            except Exception as error:
                answer = None, f"{type(error).__name__}: {error}"
            pipe.send(answer)


def _end_with_the_other_side():
    """End in the midst of a job, too: somebody else may be given it again."""
    sys.stdin.buffer.read()
    os._exit(1)
