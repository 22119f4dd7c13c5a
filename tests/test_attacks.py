"""The grader against the corpus: attacks, untidy work, broken files."""

import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from traitlets.config import Config

from bptt_lab.checker.exercise import EXERCISES
from bptt_lab.checker.judge import judge
from bptt_lab.checker.report import Outcome
from bptt_lab.grading import judged, sandbox, submission
from bptt_lab.grading.border import BorderError, Closed, Line, pair
from bptt_lab.grading.course import Course, nbgrader_metadata, read_notebook
from bptt_lab.grading.grade import grade_class, read_gradebook
from bptt_lab.grading.judged import JudgeInSandbox, _outputs, read_secret, seed_of, what_is_checked

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
    assert [line for line in lines if "there is no feedback" in line.reason] == []


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


def student_of(attack):
    return f"attack-{list(ATTACKS).index(attack):02d}"


def test_nothing_is_left_behind(graded):
    course, _ = graded
    names = {path.name for path in course.root.rglob("*")}
    assert not names & {"forged", "stolen", "link"}
    secret = read_secret(course.desk / "secret").decode()
    solution = "(V.T @ error + W.T @ delta)"
    for path in (course.desk / "feedback" / student_of("link handed in")).rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert secret not in text
            assert solution not in text
    (feedback,) = (course.desk / "feedback" / student_of("script")).rglob("*.html")
    text = feedback.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "<script>fetch(" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.filterwarnings("ignore:No lexer found")
@pytest.mark.parametrize("template", ["feedback", "formgrade"])
def test_a_text_runs_nothing_where_the_instructor_reads_it(graded, template):
    import nbgrader.server_extensions.formgrader as formgrader
    from bs4 import BeautifulSoup
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import PyFileConfigLoader

    course, _ = graded
    student = student_of("script in a text")
    if template == "feedback":
        (path,) = (course.desk / "feedback" / student).rglob("*.html")
        text = path.read_text(encoding="utf-8")
    else:  # formgrader makes its page from the graded notebook with nbconvert's own exporter
        config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
        config.HTMLExporter.template_name = "formgrade"
        config.HTMLExporter.extra_template_basedirs = [
            str(Path(formgrader.__file__).parent / "templates")
        ]
        path = course.autograded / student / UNIT / course.notebook(UNIT)
        about = dict.fromkeys(("base_url", "student", "notebook_path", "submission_id"), "")
        about |= {"index": 0, "total": 1}
        text, _ = HTMLExporter(config=config).from_filename(str(path), resources=about)
    page = BeautifulSoup(text, "html.parser")
    assert page.find(string=re.compile("fetch")) is not None  # it is shown as a text
    assert [s for s in page.find_all("script") if re.search("fetch|alert", s.text)] == []
    assert page.find_all(["iframe", "form", "base", "object", "embed"]) == []
    for tag in page.find_all(True):
        allowed = {"onclick"} if template == "formgrade" and tag.name == "span" else set()
        assert {name for name in tag.attrs if name.startswith("on")} <= allowed, tag
        assert not re.search(r"javascript:|192\.0\.2", " ".join(map(str, tag.attrs.values()))), tag
    assert "\\href" not in text


def test_answers_learnt_from_a_feedback_help_no_more(tmp_path):
    """The feedback names the seed; a file beside the same code could bring its answers."""
    from bptt_lab import bptt
    from bptt_lab.checker.fixtures import fixtures

    look_up = Attack(
        "looks up answers",
        "from answers import known",
        "def bptt_single_loop(params, x, y, s, y_hat):\n"
        "    wrong = [np.zeros_like(p) for p in params]\n"
        "    return [np.array(g) for g in known.get(str(params.U[0, 0]), wrong)]\n",
        files={"answers.py": "known = {}\n"},
    )
    course = make_course(tmp_path, SHORT)
    hand_in(course, "eve", look_up)

    def grade():
        (row,) = grade_class(course, jobs=1)
        nb = read_notebook(course.autograded / "eve" / UNIT / course.notebook(UNIT))
        report = next(c for c in nb.cells if c.source.startswith(f"check({EXERCISE}")).outputs[0]
        return row.exercises[0].score, int(re.search(r"seed (\d+)", report.data["text/plain"])[1])

    score, seed = grade()
    assert score == 0
    answers = {}
    for f in fixtures(seed):
        right = [g.tolist() for g in bptt(f.params, f.x, f.y, f.s_init)]
        answers[str(f.params.U[0, 0])] = right
    path = course.submitted / "eve" / UNIT / "answers.py"
    path.write_text(f"known = {answers!r}\n")
    score, another = grade()
    assert score == 0
    assert another != seed


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


def test_what_ends_the_process_costs_its_own_exercise_only(tmp_path):
    """And what ends it again and again is started a few times only."""
    course = make_course(tmp_path, SHORT)
    dies = f"import os\ndef {EXERCISE}(*a):\n    os._exit(1)\n"
    later = "import os, threading\nthreading.Timer(0.2, os._exit, (0,)).start()"
    hand_in(course, "in a call", Attack("", function=dies))
    hand_in(course, "in a cell", Attack("", function=RIGHT, after="import os\nos._exit(1)"))
    hand_in(course, "a bomb", Attack("", function=RIGHT, before="import time\n" + later))
    path = course.submitted / "a bomb" / UNIT / course.notebook(UNIT)
    nb = read_notebook(path)
    nb.cells.insert(2, nbformat.v4.new_code_cell("time.sleep(1)"))
    nbformat.write(nb, path)
    rows = {row.student: row for row in grade_class(course)}
    scores = {name: [e.score for e in row.exercises] for name, row in rows.items()}
    assert scores == {"a bomb": [4, 2], "in a call": [0, 2], "in a cell": [4, 2]}
    assert {row.status for row in rows.values()} == {submission.KERNEL_DIED}
    again = "the kernel died: it was started again for what came after that"
    assert all(again in row.reason for row in rows.values())


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


def test_there_is_no_memory_beside_the_limit():
    """What a file in memory or System V's shared memory takes is no process's address space."""
    cell = """
import ctypes, os
try:
    print(os.memfd_create("more"))
except OSError as error:
    print(error.strerror)
libc = ctypes.CDLL(None, use_errno=True)
for call in (lambda: libc.shmget(0, 4096, 0o1600), lambda: libc.msgget(0, 0o1600)):
    print(call(), os.strerror(ctypes.get_errno()))
"""
    refused = "Operation not permitted\n"
    assert run(cell)[0] == [["stdout", [refused + 2 * f"-1 {refused}"]]]


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


def test_slow_answers_leave_the_next_ones_alone(monkeypatch):
    monkeypatch.setattr(judged, "SECONDS_TO_ASK", 0.5)
    session = sandbox.warm(require=True).session()

    def outputs_after(cell):
        session.run(cell, 10)
        mark = {"points": 4, "grade_id": "check"}
        shown, _ = judged._judged(f"check({EXERCISE}).points(4)", mark, session, 5)
        return [output.data["text/plain"] for output in shown]

    slow = f"import time\nplain = {EXERCISE}\ndef {EXERCISE}(*a):\n"
    slow += "    time.sleep(0.3)\n    return plain(*a)"
    try:
        session.run(PRELUDE + RIGHT, 10)
        report, points = outputs_after(slow)
        assert "no end in sight: its calls take more than 0.5 seconds in all" in report
        assert points == "0.0"
        assert outputs_after(f"{EXERCISE} = plain")[1] == "4.0"
    finally:
        session.close()


BIG, MANY = np.zeros((1000, 1000)), np.zeros(200_000, int)
NETWORK = (np.zeros((8, 4)), np.zeros((8, 8)), np.zeros((4, 8)))
ASKED = {
    "an honest gradient": ("bptt", {"params": NETWORK, "x": [0] * 50, "y": [1] * 50}, True),
    "all of it": ("credit", {"params": NETWORK, "x": MANY[:40], "y": MANY[:40]}, True),
    "real inputs": ("credit", {"params": NETWORK, "x": BIG[:30, :4], "y": MANY[:30]}, True),
    "a softmax": ("softmax", {"z": BIG}, True),
    "a radius": ("spectral_radius", {"W": BIG[:100, :100]}, True),
    "a long sentence": ("credit", {"params": NETWORK, "x": MANY, "y": MANY}, False),
    "as a list": ("credit", {"params": NETWORK, "x": [0] * 5000, "y": [0] * 5000}, False),
    "as lists": ("forward", {"params": [[[0.0] * 300] * 300] * 3, "x": MANY}, False),
    "many vectors": (
        "forward",
        {"params": (BIG[:, :1], BIG, BIG[:1]), "x": MANY[:, None] * 1.0},
        False,
    ),
    "many states": ("state_jacobians", {"W": BIG, "s": np.zeros((2000, 1000))}, False),
    "a large radius": ("spectral_radius", {"W": BIG}, False),
    "a large number": ("closed_loop_forward", {"first": 0, "n_steps": 10**10}, False),
}


@pytest.mark.parametrize(("name", "arguments", "fine"), ASKED.values(), ids=ASKED)
def test_the_grader_computes_what_a_notebook_needs_and_no_more(name, arguments, fine):
    if fine:
        sandbox._require_affordable(name, arguments)
    else:
        with pytest.raises(ValueError, match="too"):
            sandbox._require_affordable(name, arguments)


def test_the_grader_holds_a_few_functions_and_no_more():
    cell = PRELUDE + "p = lab.init_params(np.random.default_rng(0), 2, 2, 2)\n"
    cell += "x = np.zeros((2, {}), int)\nkept = []\ntry:\n    for i in range(12):\n"
    cell += "        kept.append(lab.frozen_state_loss(p, x, x, [0, 1]))\n"
    cell += "except MemoryError as error:\n    print(error)\nprint(len(kept), kept[0](p) > 0)"
    assert run(cell.format(3))[0] == [["stdout", ["12 True\n"]]]
    ((_, (text,)),) = run(cell.format(500_000))[0]
    assert "there is no room for so many functions\n6 True" in text


def test_an_answer_stays_small_whatever_it_is_made_of():
    long = "def bptt_single_loop(*a):\n    return ['x' * 20_000] + [''] * 10_000, 0, 0\n"
    _, (report,) = run(PRELUDE + long, "bptt_single_loop")
    assert report.crash.message == "your function returns 800240000 bytes"


@pytest.mark.parametrize("name", ["hide_missing_transpose", "hide_lost_visits"])
def test_a_network_of_the_student_s_own_stays_small(name):
    _, case = EXERCISES[name].cases(5)[0]
    long = np.resize(case[1], 30_000), np.resize(case[2], 30_000)
    problem = EXERCISES[name].conditions((case[0], *long, case[3]), *case)
    assert problem == "has steps or units up to 30000; 100 are enough"


def test_a_flood_of_output_is_cut_off_outside_too():
    flood = [["stdout", ["x" * 800]], ["error", ["E", "y" * 800, "z"]], ["result", ["w"]]]
    outputs, used = _outputs(flood, 1000)
    assert used == 1000
    assert outputs[0].text == "x" * 800
    assert outputs[1].evalue == "y" * 199
    assert outputs[2].data["text/plain"] == ""


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
