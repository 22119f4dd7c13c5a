"""An example class: what students hand in, from perfect to broken, made from the course itself.

Right answers come from ``solutions/``, wrong ones stand below. Every id starts with ``example-``,
and nothing else in ``submitted/`` is touched, so the class may sit beside a real one.
"""

import copy
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent

from bptt_lab.grading.course import nbgrader_metadata, read_notebook
from bptt_lab.grading.release import build

PREFIX = "example-"
UNITS = ("03-summed-gradients", "04-truncated-bptt")

# What follows are bodies of functions, each put where the notebook says YOUR CODE HERE

UNTRANSPOSED_DOUBLE_LOOP = """
dU, dW = np.zeros_like(U), np.zeros_like(W)
for t in range(len(y)):
    error = y_hat[t].copy()
    error[y[t]] -= 1
    delta = (V.T @ error) * (1 - s[t + 1] ** 2)
    for k in range(t, -1, -1):
        dU[:, x[k]] += delta
        dW += np.outer(delta, s[k])
        delta = (W @ delta) * (1 - s[k] ** 2)
return dU, dW
"""
UNTRANSPOSED_SINGLE_LOOP = """
dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
delta = np.zeros(len(W))
for t in reversed(range(len(y))):
    error = y_hat[t].copy()
    error[y[t]] -= 1
    dV += np.outer(error, s[t + 1])
    delta = (V.T @ error + W @ delta) * (1 - s[t + 1] ** 2)
    dU[:, x[t]] += delta
    dW += np.outer(delta, s[t])
return dU, dW, dV
"""
IMMEDIATE_DOUBLE_LOOP = """
dU, dW = np.zeros_like(U), np.zeros_like(W)
for t in range(len(y)):
    error = y_hat[t].copy()
    error[y[t]] -= 1
    delta = (V.T @ error) * (1 - s[t + 1] ** 2)
    dU[:, x[t]] += delta
    dW += np.outer(delta, s[t])
return dU, dW
"""
TURNED_SIGN = """
dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
delta = np.zeros(len(W))
for t in reversed(range(len(y))):
    error = -y_hat[t]
    error[y[t]] += 1
    dV += np.outer(error, s[t + 1])
    delta = (V.T @ error + W.T @ delta) * (1 - s[t + 1] ** 2)
    dU[:, x[t]] += delta
    dW += np.outer(delta, s[t])
return dU, dW, dV
"""
WRAPPED_AROUND = """
dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
delta = np.zeros(len(W))
for t in reversed(range(len(y))):
    error = y_hat[t].copy()
    error[y[t]] -= 1
    dV += np.outer(error, s[t + 1])
    delta = (V.T @ error + W.T @ delta) * (1 - s[t + 1] ** 2)
    dU[:, x[t]] += delta
    dW += np.outer(delta, s[t - 1])
return dU, dW, dV
"""
WINDOW_TOO_SHORT = """
dU, dW = np.zeros_like(U), np.zeros_like(W)
for t in range(len(y)):
    error = y_hat[t].copy()
    error[y[t]] -= 1
    delta = (V.T @ error) * (1 - s[t + 1] ** 2)
    for k in range(t, max(-1, t - window), -1):
        dU[:, x[k]] += delta
        dW += np.outer(delta, s[k])
        delta = (W.T @ delta) * (1 - s[k] ** 2)
return dU, dW
"""
ENDLESS = """
dU, dW = np.zeros_like(U), np.zeros_like(W)
t = 0
while t < len(y):
    dW += np.outer(V.T @ y_hat[t], s[t])
return dU, dW
"""
NOISY = """
import logging
import sys
import warnings
print("slope", 1 - s_k**2)
print("debugging", file=sys.stderr)
warnings.warn("is this right?")
logging.warning("still debugging")
np.log(np.zeros(2))
return (1 - s_k**2)[:, None] * W
"""
NOISY_CELL = "import sys\n\nprint('here', file=sys.stderr)\nnp.exp(np.array([1000.0]))"


@dataclass(frozen=True)
class Student:
    """What one student does.

    Attributes
    ----------
    story : str
    wrong : dict
        From an exercise to the body that is written instead of a right one.
    left_out : tuple of str
        Exercises that are not attempted; ``("*",)`` stands for all of them.
    units : tuple of str
        What is handed in.
    spoil : callable or None
        Changes the finished notebook: takes it and returns it, or bytes to hand in instead.
    """

    story: str
    wrong: dict = field(default_factory=dict)
    left_out: tuple = ()
    units: tuple = UNITS
    spoil: object = None


def without_a_test(nb):
    """Delete a test cell and, as people do, copy another cell with all of its metadata."""
    cells = [cell for cell in nb.cells if _name(cell) != "check_bptt_single_loop"]
    for index, cell in enumerate(cells):
        if _name(cell) in ("check_backward_step", "window_mask"):
            twin = copy.deepcopy(cell)
            twin.id = f"copy-of-{cell.id}"
            cells.insert(index, twin)
            break
    nb.cells = cells
    return nb


def cut_off(nb):
    """An upload that broke off."""
    return json.dumps(nb)[:4000].encode()


def with_a_dead_kernel(nb):
    """A cell in the middle takes the kernel down."""
    middle = next(cell for cell in nb.cells if _name(cell) in ("backward_step", "chunked_bptt"))
    middle.source += "\n\n\nimport os\nos._exit(1)"
    return nb


def with_noise(nb):
    """A warning and a line on stderr in a cell that is not graded."""
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    code[0].source += "\n" + NOISY_CELL
    return nb


CLASS = {
    "ada": Student("everything right"),
    "ben": Student("untouched", left_out=("*",)),
    "cleo": Student(
        "got half way through unit 03, and did not hand in unit 04",
        left_out=("backward_step", "input_gradient", "bptt_single_loop", "predict_angle_of_mean"),
        units=UNITS[:1],
    ),
    "dan": Student(
        "W where Wᵀ belongs",
        {
            "bptt_double_loop": UNTRANSPOSED_DOUBLE_LOOP,
            "backward_step": (
                "return (params.V.T @ error_t + params.W @ delta_next) * (1 - s_t**2)"
            ),
            "bptt_single_loop": UNTRANSPOSED_SINGLE_LOOP,
        },
    ),
    "eve": Student(
        "takes s_{t-1} for a constant: the immediate derivative only",
        {"bptt_double_loop": IMMEDIATE_DOUBLE_LOOP},
    ),
    "fay": Student("y - ŷ for ŷ - y", {"bptt_single_loop": TURNED_SIGN}),
    "gus": Student("s[t - 1], which wraps around", {"bptt_single_loop": WRAPPED_AROUND}),
    "hal": Student(
        "a window of one hop too few",
        {
            "windowed_bptt": WINDOW_TOO_SHORT,
            "window_mask": (
                "t, k = np.indices((n_steps, n_steps))\nreturn (k <= t) & (t - k < window)"
            ),
        },
    ),
    "ida": Student(
        "crashes",
        {"state_jacobian": "return (1 - s_k**2) @ w", "masked_gradient": "return credit_W[999]"},
    ),
    "jon": Student("takes the kernel down", spoil=with_a_dead_kernel),
    "kim": Student("an endless loop", {"windowed_bptt": ENDLESS}),
    "leo": Student("deleted a test cell, copied another one", spoil=without_a_test),
    "mia": Student("a file that broke off", spoil=cut_off),
    "nia": Student("right, with warnings and noise", {"state_jacobian": NOISY}, spoil=with_noise),
}


def make(course):
    """Put the example class into ``autograder/submitted/``.

    Parameters
    ----------
    course : bptt_lab.grading.course.Course
    """
    for folder in course.submitted.glob(f"{PREFIX}*"):
        shutil.rmtree(folder)
    with tempfile.TemporaryDirectory() as scratch:
        released = build(course, Path(scratch))
        for name, student in CLASS.items():
            for unit in student.units:
                folder = course.submitted / f"{PREFIX}{name}" / unit
                folder.mkdir(parents=True)
                file = course.notebook(unit)
                solution = read_notebook(course.solutions / unit / file)
                nb = fill_in(read_notebook(released / unit / file), solution, student)
                content = student.spoil(nb) if student.spoil else nb
                if not isinstance(content, bytes):
                    content = json.dumps(content, indent=1, ensure_ascii=False).encode()
                (folder / file).write_bytes(content)


def fill_in(nb, solution, student):
    """Write a student's answers into a released notebook."""
    answers = {_name(cell): cell.source for cell in solution.cells}
    for cell in nb.cells:
        name = _name(cell)
        is_answer = nbgrader_metadata(cell).get("solution")
        if is_answer and name not in student.left_out and student.left_out != ("*",):
            cell.source = answer(answers[name], student.wrong.get(name))
    return nb


def answer(source, body=None):
    """A solution cell without nbgrader's marks, with another body if one is given."""
    before, _, rest = source.partition("    ### BEGIN SOLUTION\n")
    own, _, after = rest.partition("    ### END SOLUTION")
    if body is not None:
        own = indent(body.strip() + "\n", "    ")
    return (before + own + after.lstrip("\n")).rstrip()


def _name(cell):
    return nbgrader_metadata(cell).get("grade_id")
