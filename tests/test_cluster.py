"""Many graders at once: a real PostgreSQL server, and a real Dask cluster."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from bptt_lab.grading.cluster import Dask
from bptt_lab.grading.course import CourseError
from bptt_lab.grading.grade import grade_class, read_gradebook
from bptt_lab.grading.table import grade_and_show

from .test_resume import double, expected, grades, make_class, n_gradable

pytestmark = pytest.mark.xdist_group("cluster")  # one server and one cluster for all of them
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) + [
    Path(found).parent for found in [shutil.which("postgres")] if found
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server():
    """The address of an empty PostgreSQL server; Debian: apt install postgresql."""
    assert POSTGRES, "there is no PostgreSQL server here: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="bptt-lab-"))
    command = []
    if os.getuid() == 0:  # which the server refuses to run as
        shutil.chown(folder, "postgres", "postgres")
        command = ["runuser", "-u", "postgres", "--"]
    port = free_port()

    def call(program, *arguments):
        command_line = [*command, str(POSTGRES[-1] / program), "-D", str(folder / "data")]
        with open(os.devnull) as nothing, contextlib.chdir("/"):
            subprocess.run(
                [*command_line, *arguments], check=True, stdin=nothing, stdout=subprocess.DEVNULL
            )

    call("initdb", "-U", "teacher", "-A", "trust", "-E", "UTF8")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://teacher@127.0.0.1:{port}"
    finally:
        call("pg_ctl", "-m", "fast", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def database(server):
    """The address of a new database, and its configuration."""
    from sqlalchemy import create_engine, text

    name = f"gradebook_{os.urandom(4).hex()}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture(scope="module")
def cluster():
    with (
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


def config(database):
    return f"\nc.CourseDirectory.db_url = {database!r}\n"


def test_many_graders_write_into_one_postgresql_gradebook(tmp_path, database):
    n_students = 12
    course = make_class(tmp_path, n_students, config(database))
    assert course.gradebook == database
    assert grades(grade_class(course, jobs=6)) == expected(n_students)
    assert len(read_gradebook(course)) == n_gradable(n_students)
    assert double(course) == []
    assert not (course.desk / "gradebook.db").exists()
    again = []
    rows = grade_class(course, jobs=6, on_result=lambda result, left: again.append(result))
    assert again == []  # nothing has changed
    assert grades(rows) == expected(n_students)


def test_points_given_by_hand_stay_in_postgresql_too(tmp_path, database):
    from nbgrader.api import Gradebook

    course = make_class(tmp_path, 1, config(database))
    (row,) = grade_class(course)
    exercise = row.exercises[0]
    with Gradebook(database, "bptt_lab") as gradebook:
        (notebook,) = gradebook.find_submission(row.unit, row.student).notebooks
        grade = gradebook.find_grade(f"check_{exercise.name}", notebook.name, row.unit, row.student)
        grade.manual_score = exercise.score - 0.5
        gradebook.db.commit()
    (row,) = grade_class(course, regrade=True)
    assert row.exercises[0].by_hand
    assert row.exercises[0].score == exercise.score - 0.5


def test_a_cluster_that_loses_a_worker_loses_nothing(tmp_path, database, cluster):
    n_students = 24
    course = make_class(tmp_path, n_students, config(database))
    before = cluster.run(os.getpid)
    seen = Counter()

    def kill_one(result, left):
        seen[result.student] += 1
        if left == n_students // 3:
            os.kill(next(iter(before.values())), signal.SIGKILL)

    rows = grade_class(course, executor=Dask(cluster, course), on_result=kill_one)
    assert grades(rows) == expected(n_students)
    assert set(seen.values()) == {1}
    assert len(seen) == len(read_gradebook(course)) == n_gradable(n_students)
    assert double(course) == []
    assert {row.protection for row in rows if row.score is not None} == {"bubblewrap"}
    cluster.wait_for_workers(3, timeout=60)
    assert set(before.values()) - set(cluster.run(os.getpid).values())


def test_the_command_grades_on_a_cluster(tmp_path, cluster, capsys):
    course = make_class(tmp_path, 4)
    address = cluster.scheduler.address
    assert grade_and_show(course, [], 2, False, require_sandbox=True, dask=address) == 0
    assert "graded just now: 4" in capsys.readouterr().out
    assert grades(grade_class(course)) == expected(4)


def test_a_cluster_that_cannot_work_is_refused_with_the_reason(tmp_path, cluster, monkeypatch):
    course = make_class(tmp_path, 1)
    with pytest.raises(CourseError, match="no Dask scheduler answers at tcp"):
        Dask(f"tcp://127.0.0.1:{free_port()}", course)
    import bptt_lab

    with monkeypatch.context() as patch:
        patch.setattr(bptt_lab, "__version__", "0")
        with pytest.raises(CourseError, match=r"has bptt_lab .*, and this is 0"):
            Dask(cluster, course)
    monkeypatch.setattr(socket, "gethostname", lambda: "another machine")
    with pytest.raises(CourseError, match="an sqlite file is not safe"):
        Dask(cluster, course)
