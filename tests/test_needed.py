"""Which cells are run while grading: nothing is left out that an answer may depend on."""

from pathlib import Path

import pytest

from bptt_lab.grading.course import Course, nbgrader_metadata, read_notebook
from bptt_lab.grading.needed import needed

ROOT = Path(__file__).parent.parent

ANSWER = "def answer(x):\n    return scale * x"


@pytest.mark.parametrize(
    ("demonstration", "runs"),
    [
        ("scale = 2", True),
        ("for scale in range(3): pass", True),
        ("with open('f') as scale: pass", True),
        ("def scale(): return 1", True),
        ("class scale: pass", True),
        ("import numpy as scale", True),
        ("from numpy import pi as scale", True),
        ("from numpy import *", True),
        ("scale += 1", True),
        ("(scale := 3)", True),
        ("scale[0] = 1", True),
        ("scale.x.y = 1", True),
        ("scale.append(1)", True),
        ("scale['a'].append(1)", True),
        ("def f():\n    global scale\n    scale = 1", True),
        ("def f():\n    scale.append(1)\nf()", True),
        ("%matplotlib inline\nscale = 1", True),
        ("no python at all", True),
        ("print(answer(2), scale)", False),
        ("def f(scale):\n    scale.append(1)\n    return scale", False),
        ("other = scale.x", False),
        ("%matplotlib inline", False),
    ],
)
def test_a_demonstration_runs_if_an_answer_reads_what_it_sets(demonstration, runs):
    assert needed([demonstration, ANSWER], {0}) == ({0, 1} if runs else {1})


def test_what_a_needed_demonstration_reads_is_needed_too():
    cells = ["base = 2", "unused = base", "scale = base + 1", ANSWER]
    assert needed(cells, {0, 1, 2}) == {0, 2, 3}


def test_a_method_of_a_module_changes_no_name():
    cells = ["import numpy as np", "np.seterr(all='raise')", "def answer(x):\n    return np.exp(x)"]
    assert needed(cells, {0, 1}) == {0, 2}


@pytest.mark.parametrize("magic", ["%%time\n", "\n%%capture out\n", "%%timeit -n1\n"])
def test_a_magic_hides_none_of_its_code(magic):
    """Such a cell is one call, with all its code as a text."""
    cells = ["import numpy as np", "scale = 2", "other = 3", magic + ANSWER]
    assert needed(cells, {0, 1, 2}) == {1, 3}
    assert needed([magic + "scale = 2", ANSWER], {0}) == {0, 1}
    assert needed(["scale = 2", "%time answer = lambda x: scale * x"], {0}) == {0, 1}


@pytest.mark.parametrize(
    "odd",
    [
        "def broken(:",
        "from numpy import *",
        "x = (" + "(" * 500,
        "exec(text)",
        "def f():\n    return globals()['a']",
        "get_ipython().user_ns['a']",
    ],
)
def test_all_is_run_when_the_names_of_a_cell_are_not_known(odd):
    assert needed(["a = 1", odd, "b = 2"], {0, 2}) == {0, 1, 2}


def test_a_magic_hides_no_name():
    assert needed(["scale = 1", "!pip install numpy\n%pip list\n" + ANSWER], {0}) == {0, 1}


@pytest.mark.parametrize("unit", Course(ROOT).units())
def test_solutions_depend_on_their_imports_only(unit):
    """The premise of the grader's speed: an answer is a function of its arguments."""
    course = Course(ROOT)
    code = [
        cell
        for cell in read_notebook(course.solutions / unit / course.notebook(unit)).cells
        if cell.cell_type == "code"
    ]
    shown = {i for i, cell in enumerate(code) if not nbgrader_metadata(cell)}
    tests = {i for i, cell in enumerate(code) if cell.source.startswith("check(")}
    sources = ["" if i in tests else cell.source for i, cell in enumerate(code)]
    run = needed(sources, shown) & shown
    assert len(run) == 1
    assert "import numpy as np" in code[run.pop()].source
