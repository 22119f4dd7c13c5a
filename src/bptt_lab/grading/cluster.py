"""Grading on more than one machine: the same jobs, handed to the workers of a Dask cluster.

Every machine sees the course's folder under the same path, and the gradebook through nbgrader's
``db_url``. Dask gives the jobs of a worker that is lost to the others.
"""

import socket
import threading
from pathlib import Path

from .course import CONFIG, CourseError
from .workers import DIED, Worker

SECONDS_TO_CONNECT = 20
_mine = threading.local()  # the process of each thread of a Dask worker


class Dask:
    """An executor for `grade_class`: the workers of a Dask cluster.

    Parameters
    ----------
    address : str or distributed.Client
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    course : Course
        Its folder and its gradebook are looked at first.

    Raises
    ------
    CourseError
        If nobody answers, there are no workers, one does not see the course or has another version
        of this package, or workers on several machines would share an sqlite file.
    """

    def __init__(self, address, course):
        from distributed import Client

        self._ours = isinstance(address, str)
        try:
            self.client = Client(address, timeout=SECONDS_TO_CONNECT) if self._ours else address
        except (OSError, ValueError, TypeError) as error:
            raise CourseError(f"no Dask scheduler answers at {address}: {error}") from error
        try:
            self._look(course, address)
        except CourseError:
            self.close()
            raise

    def close(self):
        """Say goodbye to the scheduler, unless it is somebody else's connection."""
        if self._ours:
            self.client.close()

    def _look(self, course, address):
        about = self.client.run(_about, str(course.root))
        if not about:
            raise CourseError(f"the Dask cluster at {address} has no workers")
        here = _about(str(course.root))
        for worker, (_, version, sees_course) in about.items():
            if not sees_course:
                raise CourseError(f"Dask's worker {worker} does not see {course.root}")
            if version != here[1]:
                raise CourseError(
                    f"Dask's worker {worker} has bptt_lab {version}, and this is {here[1]}"
                )
        machines = {here[0]} | {machine for machine, _, _ in about.values()}
        if len(machines) > 1 and course.gradebook.startswith("sqlite"):
            raise CourseError(
                f"the workers are on {len(machines)} machines, where an sqlite file is not safe: "
                "set c.CourseDirectory.db_url to a PostgreSQL server"
            )

    def __call__(self, function, jobs, seconds):
        """Do all jobs; yields as `workers.run` does."""
        from distributed import as_completed

        futures = {self.client.submit(_do, function, job, seconds, pure=False): job for job in jobs}
        for future in as_completed(futures):
            job = futures.pop(future)
            if future.status == "finished":
                yield (job, *future.result())
            else:  # it was lost with several workers, one after the other
                yield job, None, DIED
            future.release()


def _about(root):
    """The machine, the version of this package, and whether the course is there."""
    from .. import __version__

    return socket.gethostname(), __version__, (Path(root) / CONFIG).is_file()


def _do(function, job, seconds):
    """Do a job on a Dask worker, in a process of its own that stays for the next one.

    nbgrader changes the working directory, and the check's limits need a main thread: neither is
    to be had in the threads of a Dask worker.
    """
    worker = getattr(_mine, "worker", None)
    if worker is None or not worker.alive or worker.function != function:
        worker = _mine.worker = Worker(function)
    worker.give(job, seconds)
    return worker.answer()
