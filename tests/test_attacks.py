"""The grader against the corpus: attacks, untidy work, broken files."""

import re
import sys
from pathlib import Path

import pytest
from traitlets.config import Config

from bptt_lab.checker.exercise import EXERCISES
from bptt_lab.checker.judge import judge
from bptt_lab.checker.report import Outcome
from bptt_lab.grading import sandbox, submission
from bptt_lab.grading.border import BorderError, Closed, Line, pair
from bptt_lab.grading.course import Course, nbgrader_metadata, read_notebook
from bptt_lab.grading.grade import read_gradebook
from bptt_lab.grading.judged import JudgeInSandbox, read_secret, seed_of, what_is_checked

from .attacks.attacks import Attack
from .attacks.corpus import (
    ATTACKS,
    EXERCISE,
    HONEST,
    OTHER,
    ROOT,
    SHORT,
    UNIT,
    UNPROTECTED,
    grade_all,
    hand_in,
    hand_in_all,
    make_course,
    page,
)
from .attacks.honest import RIGHT, broken


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The whole corpus, graded once: the course and what became of each submission."""
    course = make_course(tmp_path_factory.mktemp("course"), SHORT)
    return course, grade_all(course, hand_in_all(course))


def test_nothing_is_won_and_nothing_is_lost(graded):
    _, lines = graded
    counts = {kind: sum(line.kind == kind for line in lines) for kind in ("attack", "honest")}
    assert counts == {"attack": len(ATTACKS), "honest": len(HONEST)}
    assert len(ATTACKS) >= 30
    assert len(HONEST) >= 30
    assert len(lines) - sum(counts.values()) >= 20
    assert [line for line in lines if not line.holds] == []


def test_each_broken_file_has_its_own_reason(graded):
    course, lines = graded
    good = (course.submitted / "honest-00" / UNIT / course.notebook(UNIT)).read_bytes()
    reasons = {line.name: line.reason for line in lines if line.kind == "broken"}
    for name, (_, part) in broken(good).items():
        assert part in reasons[name], name


def test_the_gradebook_holds_these_grades_and_no_others(graded):
    course, lines = graded
    most = {f"check_{EXERCISE}": 4.0, f"check_{OTHER}": 2.0}
    for (student, _), scores in read_gradebook(course).items():
        kind = student.split("-")[0]
        if kind == "honest":
            assert scores == {name: (points, False) for name, points in most.items()}, student
        if kind == "attack" and scores:
            assert scores[f"check_{EXERCISE}"] == (0.0, False), student
    assert lines


def test_nothing_is_left_behind(graded):
    course, _ = graded
    names = {path.name for path in course.root.rglob("*")}
    assert not names & {"forged", "stolen", "link"}
    secret = read_secret(course.desk / "secret").decode()
    solution = "(V.T @ error + W.T @ delta)"
    student = next(f"attack-{i:02d}" for i, name in enumerate(ATTACKS) if name == "link handed in")
    for path in (course.desk / "feedback" / student).rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert secret not in text
            assert solution not in text
    student = next(f"attack-{i:02d}" for i, name in enumerate(ATTACKS) if name == "script")
    (feedback,) = (course.desk / "feedback" / student).rglob("*.html")
    text = feedback.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "<script>fetch(" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_each_result_says_what_protected_the_machine(graded):
    course, lines = graded
    assert submission.load(course, "honest-00", UNIT).protection == sandbox.BUBBLEWRAP
    text = (course.desk / "grades.csv").read_text(encoding="utf-8")
    assert text.count(",bubblewrap\n") == sum(
        line.status in submission.WITH_SCORE for line in lines
    )


def test_the_page_in_docs_is_about_this_corpus(graded):
    _, lines = graded
    text = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| .* \| (\S+) / (\S+) \|", text, flags=re.MULTILINE)
    printed = re.findall(
        r"^\| (.+?) \| .* \| (\S+) / (\S+) \|", page(lines, ""), flags=re.MULTILINE
    )
    assert rows == printed


def test_the_attacks_are_real_ones(tmp_path):
    """Under nbgrader's own Execute, they gain what they get nothing for in the sandbox."""
    course = make_course(tmp_path, UNPROTECTED)
    entries = {}
    for i, (name, attack) in enumerate(ATTACKS.items()):
        if attack.works_without:
            hand_in(course, f"attack-{i:02d}", attack)
            entries[f"attack-{i:02d}"] = ("attack", name, attack.story)
    lines = grade_all(course, entries)
    assert len(lines) >= 10
    assert [line.name for line in lines if not line.score] == []


# The parts


def run(source, *functions, warm=None):
    """Run a cell in a sandbox, then judge functions of it."""
    session = (warm or sandbox.warm(require=True)).session()
    try:
        outputs = session.run(source, 10)
        return outputs, [
            judge(EXERCISES[name], 5, lambda case, name=name: session.ask(name, case, UNIT))
            for name in functions
        ]
    finally:
        session.close()


PRELUDE = "import numpy as np\nimport bptt_lab as lab\n"


def test_one_submission_sees_nothing_of_the_one_before():
    leave = (
        "import numpy\nnumpy.left = 1\nopen('left', 'w').write('x')\nimport os; print(os.getcwd())"
    )
    run(leave)
    look = "import os, numpy\nprint(os.listdir('.'), hasattr(numpy, 'left'), os.getpid())"
    assert run(look)[0] == [["stdout", ["[] False 1\n"]]]


def test_there_is_nothing_to_see():
    look = """
import os
for path in ("/proc", "/home", "{root}"):
    found = os.listdir(path) if os.path.exists(path) else []
    print([name for name in found if path != "{root}" or name != "{environment}"])
"""
    # Python itself has to be readable, and its environment may lie in the course's folder
    inside = Path(sys.prefix).is_relative_to(ROOT)
    environment = Path(sys.prefix).relative_to(ROOT).parts[0] if inside else ""
    (outputs,) = run(look.format(root=ROOT, environment=environment))[0]
    assert outputs == ["stdout", ["[]\n[]\n[]\n"]]


def test_cells_may_use_the_package_and_answers_may_not():
    cell = PRELUDE + "p = lab.init_params(np.random.default_rng(0), 3, 2, 3)\nx = np.arange(3)\n"
    cell += (
        "print(lab.relative_error(lab.bptt(p, x, x).W, lab.numerical_gradient(p, x, x).W) < 1e-9)"
    )
    assert run(cell)[0] == [["stdout", ["True\n"]]]
    mine = "def bptt_single_loop(p, x, y, s, y_hat):\n    return lab.bptt(p, x, y, s[0])\n"
    _, (report,) = run(PRELUDE + mine, "bptt_single_loop")
    assert report.outcome is Outcome.CRASHED
    assert sandbox.REFUSED in report.crash.message


@pytest.mark.parametrize("bubblewrap", [True, False])
def test_the_judgement_is_that_of_the_notebook(bubblewrap):
    warm = sandbox.Warm(bubblewrap)
    wrong = RIGHT.replace("W.T @ delta", "W @ delta")
    try:
        for source, score in ((RIGHT, 1.0), (wrong, 1 / 3), ("", 0.0)):
            outputs, (report,) = run(PRELUDE + source, EXERCISE, warm=warm)
            assert outputs == []
            assert report.score == pytest.approx(score)
        assert report.crash.name == "NameError"
        namespace = {}
        exec(PRELUDE + wrong, namespace)
        from bptt_lab.checker import check

        outside = check(namespace[EXERCISE], seed=5)
        assert repr(run(PRELUDE + wrong, EXERCISE, warm=warm)[1][0]) == repr(outside)
    finally:
        warm.stop()


def test_without_bubblewrap_it_says_so_or_refuses(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "_warm", {})
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(sandbox.SandboxError, match="a sandbox is required, and there is no bubble"):
        sandbox.warm(require=True)
    warm = sandbox.warm()
    assert warm.protection == "a process with limits only (there is no bubblewrap (bwrap) here)"
    with pytest.raises(sandbox.SandboxError, match="a sandbox is required, and this is a process"):
        sandbox.warm(require=True)
    warm.stop()


def test_a_warm_process_that_died_is_started_again():
    warm = sandbox.Warm()
    warm._process.kill()
    warm._process.wait()
    assert run("print(1)", warm=warm)[0] == [["stdout", ["1\n"]]]
    warm.stop()


def test_the_seed_is_that_of_student_unit_exercise_and_work(tmp_path):
    secret = read_secret(tmp_path / "desk" / "secret")
    assert read_secret(tmp_path / "desk" / "secret") == secret
    assert (tmp_path / "desk" / "secret").stat().st_mode & 0o077 == 0
    base = ("ada", UNIT, "check_x", "digest")
    seeds = {seed_of(secret, *base), seed_of(b"other", *base)}
    for i in range(4):
        seeds.add(seed_of(secret, *base[:i], "other", *base[i + 1 :]))
    assert len(seeds) == 6
    assert seed_of(secret, *base) in seeds


@pytest.mark.parametrize("source", ["assert f() == 1", "check(f)", "x = 1", "check(f()).points(1)"])
def test_a_test_cell_of_another_kind_is_refused(source):
    with pytest.raises(ValueError, match="is no check"):
        what_is_checked(source)


def test_what_a_test_cell_checks_is_read_from_it():
    hidden = "check(f).points(2)\ncheck(f, seed=7).points(2)"
    assert what_is_checked(hidden) == ("f", "f")
    assert what_is_checked("check(f, exercise='g').points(2)") == ("f", "g")
    with pytest.raises(ValueError, match="checks 2 functions"):
        what_is_checked("check(f).points(1)\ncheck(g).points(1)")


def test_every_file_of_the_package_is_known_to_the_sandbox():
    """A new module is open, cut, or left out on purpose: nothing gets in by accident."""
    outside = ("checker/", "grading/", "widgets/", "cli.py")
    names = {path.relative_to(sandbox.PACKAGE).as_posix() for path in sandbox.PACKAGE.rglob("*.py")}
    known = {*sandbox.OPEN, *sandbox.CUT, *sandbox.UNDRAWN}
    assert known <= names
    assert {n for n in names - known if not n.startswith(outside)} == set()


def test_no_reference_is_in_the_sandbox(tmp_path):
    sandbox.outfit(tmp_path)
    source = (tmp_path / "bptt_lab" / "bptt.py").read_text(encoding="utf-8")
    assert "@" not in re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
    names = {path.name for path in (tmp_path / "bptt_lab" / "checker").iterdir()}
    assert names == {"__init__.py", "watch.py"}


@pytest.mark.parametrize("unit", Course(ROOT).units())
def test_each_solution_has_full_points_in_the_sandbox(unit, tmp_path):
    course, config = Course(ROOT), Config()
    config.CourseDirectory.root = str(tmp_path)
    config.JudgeInSandbox.run_all = True
    nb = read_notebook(course.solutions / unit / course.notebook(unit))
    ids = {"student": "somebody", "assignment": unit}
    nb, _ = JudgeInSandbox(config=config).preprocess(nb, {"nbgrader": ids})
    for cell in nb.cells:
        mark = nbgrader_metadata(cell)
        if mark.get("grade") and not mark["solution"]:
            said = cell.outputs[-1].get("data", cell.outputs[-1])
            assert float(said["text/plain"]) == mark["points"], mark["grade_id"]
    assert nb.metadata["bptt_lab"] == {"protection": sandbox.BUBBLEWRAP, "mistakes": {}}


# The border

LIES = [
    b"",
    b"\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x02\0\0\0\0\0\0\0[]",
    b"\x04\0\0\0\0\0\0\0null",
    b"\x03\0\0\0\0\0\0\0\xff\xff\xff",
    b'\x0a\0\0\0\x01\0\0\0["a",null]x',
]
VALUES = [
    [1],
    {"array": "<f8", "shape": [2]},
    {"array": "<f8", "shape": [-1]},
    {"array": "<f8", "shape": [1 << 70]},
    {"array": "<f8", "shape": [True]},
    {"array": "|O", "shape": []},
    {"array": "V8", "shape": []},
    {"array": 1, "shape": []},
    {"array": "<f8", "shape": [0] * 9},
    {"remote": ["a", "b"]},
    {"named": [], "items": 1},
    {"tuple": {}},
    {"unknown": 1},
]


@pytest.mark.parametrize("content", LIES)
def test_a_malformed_message_is_refused(content):
    ours, theirs = pair()
    theirs.sendall(content)
    theirs.close()
    with pytest.raises(BorderError):
        Line(ours).read()
    ours.close()


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_malformed_value_is_refused(value):
    from bptt_lab.grading.border import unpack

    with pytest.raises(BorderError):
        unpack(value, b"")


def test_what_crosses_is_what_was_sent():
    import numpy as np

    from bptt_lab import Params

    value = [None, True, 3, -2.5, "é", (1, [2]), np.eye(2), np.array(1 + 2j), np.zeros((0, 3), int)]
    value.append(Params(np.ones((1, 2)), np.ones((2, 2)), np.ones((3, 2))))
    ours, theirs = pair()
    Line(theirs).write("value", value)
    theirs.close()
    kind, got = Line(ours, {"Params": Params}).read()
    assert kind == "value"
    assert repr(got) == repr(value)
    with pytest.raises(Closed):
        Line(ours).read()
    ours.close()


def test_an_object_crosses_as_its_name_only():
    from bptt_lab.grading.border import Opaque, pack, unpack

    for value, name in ((object(), "object"), ({1: 2}, "dict"), (Attack("x"), "Attack")):
        assert unpack(*pack(value)) == Opaque(name)
