"""Many jobs on a few processes, of which any may hang or die without harm to the other jobs."""

import contextlib
import multiprocessing
import os
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from time import monotonic

import psutil

DIED = "the process that ran it died"


@dataclass
class _Worker:
    process: multiprocessing.Process
    pipe: Connection
    job: object = None
    deadline: float = float("inf")


def run(function, jobs, n_workers, seconds):
    """Do all jobs, each in a process of its own or one that it has to itself meanwhile.

    Parameters
    ----------
    function : callable
        Takes a job and returns its result; it must be importable, and both picklable.
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
                worker = idle.pop() if idle else _start(function)
                worker.job, worker.deadline = waiting.popleft(), monotonic() + seconds
                with contextlib.suppress(OSError):  # it died while it was idle: found out below
                    worker.pipe.send(worker.job)
                busy.append(worker)
            patience = min(worker.deadline for worker in busy) - monotonic()
            ready = wait([worker.pipe for worker in busy], timeout=max(patience, 0))
            for worker in list(busy):
                if worker.pipe in ready:
                    try:
                        answer = worker.pipe.recv()
                    except (EOFError, OSError):
                        answer = None, DIED
                        kill(worker.process)
                    else:
                        idle.append(worker)
                elif monotonic() > worker.deadline:
                    answer = None, f"it was killed, as it was still running after {seconds:g} s"
                    kill(worker.process)
                else:
                    continue
                busy.remove(worker)
                yield (worker.job, *answer)
    finally:
        for worker in idle:
            worker.pipe.close()  # which ends it
        for worker in busy:
            kill(worker.process)
        for worker in idle:
            worker.process.join(timeout=10)
            kill(worker.process)


def _start(function):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(function, theirs), daemon=False)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _work(function, pipe):
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # kernels write here too, and would tear the progress display apart
        os.dup2(quiet, stream)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            answer = function(job), None
        except Exception as error:
            answer = None, f"{type(error).__name__}: {error}"
        pipe.send(answer)


def kill(process):
    """End a process and all that it started."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.kill()
    for child in family:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    process.join()
