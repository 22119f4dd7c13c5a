"""Honest but untidy submissions, which keep every point, and broken ones, which get a reason."""

import copy
import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from .attacks import Attack

RIGHT = """
def bptt_single_loop(params, x, y, s, y_hat):
    U, W, V = params
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    delta = np.zeros(len(W))
    for t in reversed(range(len(y))):
        error = y_hat[t].copy()
        error[y[t]] -= 1
        dV += np.outer(error, s[t + 1])
        delta = (V.T @ error + W.T @ delta) * (1 - s[t + 1] ** 2)
        dU[:, x[t]] += delta
        dW += np.outer(delta, s[t])
    return dU, dW, dV
"""
BODY = RIGHT.split("\n", 2)[2]
HEAD = RIGHT.split("\n", 2)[1] + "\n"


def noisy(lines):
    return HEAD + "".join(f"    {line}\n" for line in lines.split("\n")) + BODY


def returns(expression):
    return RIGHT.replace("return dU, dW, dV", f"return {expression}")


def no_kernel(nb):
    nb.metadata = {}


def other_kernel(nb):
    nb.metadata["kernelspec"] = {"name": "conda-env-x", "display_name": "X", "language": "python"}


def deleted_test(nb):
    nb.cells = [c for c in nb.cells if not c.source.startswith("check(bptt_single_loop")]


def duplicated_test(nb):
    nb.cells += [copy.deepcopy(c) for c in nb.cells if c.source.startswith("check(")]


def duplicated_answer(nb):
    cell = next(c for c in nb.cells if c.source.lstrip().startswith("def bptt_single"))
    twin = copy.deepcopy(cell)
    twin.source = "# first attempt\n" + twin.source.replace("dV", "dV")
    nb.cells.insert(1, twin)


def extra_cells(nb):
    nb.cells[1:1] = [new_markdown_cell("# notes"), new_code_cell("1 / 0"), new_code_cell("?np")]


def merged_cells(nb):
    first = next(c for c in nb.cells if c.source.lstrip().startswith("def bptt_single"))
    nb.cells[0].source += "\n" + first.source
    first.source = "# moved up"


def edited_metadata(nb):
    for cell in nb.cells:
        cell.metadata["tags"] = ["mine"]
        if "nbgrader" in cell.metadata:
            cell.metadata["nbgrader"]["schema_version"] = 99


def same_ids(nb):
    for cell in nb.cells:
        cell.id = "same"


def with_outputs(nb):
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text="old warning")]


def honest(story, function=RIGHT, **more):
    return Attack(story, function=function, **more)


HONEST = {
    "plain": honest("the model answer"),
    "prints": honest("prints when it is called", noisy("print(params.U)")),
    "stderr": honest("prints to stderr", noisy("import sys\nprint('here', file=sys.stderr)")),
    "warns": honest("warns", noisy("import warnings\nwarnings.warn('is this right?')")),
    "overflows": honest("overflows on the way", noisy("np.exp(np.array([1000.0]))")),
    "divides by zero": honest("divides by zero on the way", noisy("np.ones(1) / np.zeros(1)")),
    "logs": honest("logs", noisy("import logging\nlogging.warning('still debugging')")),
    "warning in a cell": honest("a cell before warns", before="np.log(np.zeros(2))"),
    "error in a cell": honest("a cell before fails", after="1 / 0"),
    "syntax error in a cell": honest("a cell has a syntax error", after="def f(:"),
    "seterr": honest("makes NumPy raise", before="np.seterr(under='ignore')\nnp.exp([-1000.0])"),
    "list": honest("returns a list", returns("[dU, dW, dV]")),
    "Params": honest("returns Params", returns("lab.Params(dU, dW, dV)")),
    "lists of lists": honest("returns lists", returns("dU.tolist(), dW.tolist(), dV.tolist()")),
    "Fortran order": honest("returns another order", returns("np.asfortranarray(dU), dW, dV")),
    "views": honest("returns views", returns("dU.T.copy().T, dW[:], dV[::1]")),
    "masked array": honest("returns a masked array", returns("np.ma.array(dU), dW, dV")),
    "lambda": honest(
        "is a lambda", RIGHT + "g = bptt_single_loop\nbptt_single_loop = lambda *a: g(*a)\n"
    ),
    "helper": honest(
        "calls a helper",
        RIGHT.replace("def bptt_single_loop", "def helper")
        + "def bptt_single_loop(*a):\n    return helper(*a)\n",
    ),
    "later helper": honest(
        "calls a helper that a later cell changes",
        "def flip(a):\n    return a\n" + returns("flip(dU), dW, dV"),
        last="def flip(a):\n    return -a",
    ),
    "class": honest(
        "is an object that can be called",
        RIGHT.replace("def bptt_single_loop", "def helper")
        + "class F:\n    def __call__(self, *a):\n        return helper(*a)\n"
        + "bptt_single_loop = F()\n",
    ),
    "default arguments": honest(
        "has more arguments", RIGHT.replace("y_hat):", "y_hat, debug=False):")
    ),
    "plots": honest(
        "plots", noisy("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    ),
    "slow": honest("takes a second", noisy("import time\ntime.sleep(0.05)")),
    "pip": honest("installs first", before="!pip install numpy\n%pip install numpy\nimport numpy"),
    "magics": honest(
        "uses magics", before="%matplotlib inline\n%timeit -n1 -r1 1 + 1\n%%time"[:-6]
    ),
    "input": honest("waits for input in a cell", after="name = input('your name? ')"),
    "own check": honest(
        "compares with the package in the same cell",
        before="demo = lab.init_params(np.random.default_rng(0), 5, 2, 5)\n"
        "truth = lab.bptt(demo, np.arange(4), np.arange(4))\nassert truth.U.shape == (2, 5)",
    ),
    "package's forward": honest(
        "uses the package's forward pass",
        noisy("y_hat = lab.forward(params, x, s[0]).y_hat"),
    ),
    "threads": honest(
        "uses a thread", noisy("import threading\nthreading.Thread(target=int).start()")
    ),
    "temporary file": honest(
        "writes a file",
        noisy("import tempfile\ntempfile.TemporaryFile().write(b'1')\nopen('a', 'w')"),
    ),
    "own module": honest(
        "has a helper module beside the notebook",
        "import my_helper\n" + returns("my_helper.same(dU), dW, dV"),
        files={"my_helper.py": "def same(a):\n    return a\n"},
    ),
    "unicode": honest("writes Greek and emoji", noisy("δ = 1\nprint('∂E/∂U 🙂', δ)")),
    "endless cell": honest("an endless cell behind the tests", last="while True:\n    pass"),
    "dies at the end": honest("the kernel dies behind the tests", last="import os\nos._exit(1)"),
    "output flood": honest("prints a lot", after="for i in range(100_000):\n    print(i)"),
    "missing optional cell": honest("the imports come twice", before="import numpy as np"),
    "no kernel": honest("has no kernel", spoil=no_kernel),
    "other kernel": honest("has another kernel's name", spoil=other_kernel),
    "deleted test": honest("a test cell was deleted", spoil=deleted_test),
    "duplicated test": honest("test cells were copied", spoil=duplicated_test),
    "duplicated answer": honest("an answer cell was copied", spoil=duplicated_answer),
    "extra cells": honest("has cells of its own", spoil=extra_cells),
    "merged cells": honest("moved its answer to another cell", spoil=merged_cells),
    "edited metadata": honest("an editor changed metadata", spoil=edited_metadata),
    "same ids": honest("all cells have one id", spoil=same_ids),
    "old outputs": honest("hands in outputs", spoil=with_outputs),
}


def broken(good):
    """Broken files: from a name to bytes (None for a good file) and a part of the reason."""
    text = good.decode()
    as_json = json.loads(text)

    def changed(**parts):
        return json.dumps(as_json | parts).encode()

    cells = as_json["cells"]
    return {
        "nothing": (b"", "is empty"),
        "blank": (b"  \n ", "is empty"),
        "only a byte-order mark": (b"\xef\xbb\xbf", "is empty"),
        "cut off": (good[: len(good) // 2], "is not valid JSON"),
        "latin-1": (text.replace("answer", "é").encode("latin-1") + b"\xe9", "is not UTF-8"),
        "utf-16": (text.encode("utf-16"), "is not UTF-8"),
        "picture": (b"\x89PNG\r\n\x1a\n\x00\xff", "is not UTF-8"),
        "zip": (b"PK\x03\x04\xff\xfe", "is not UTF-8"),
        "zeros": (bytes(1000), "is not valid JSON"),
        "web page": (b"<!DOCTYPE html><p>Sign in", "is not valid JSON"),
        "script": (b"import numpy as np\n", "is not valid JSON"),
        "merge conflict": (b"<<<<<<< HEAD\n" + good, "is not valid JSON"),
        "two files in one": (good + good, "is not valid JSON"),
        "list": (b"[]", "is a JSON file, but no notebook"),
        "null": (b"null", "is a JSON file, but no notebook"),
        "other JSON": (b'{"name": "package"}', "is a JSON file, but no notebook"),
        "from the future": (changed(nbformat=5), "has the notebook format 5"),
        "from long ago": (changed(nbformat=2), "has the notebook format 2"),
        "without cells": (
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode(),
            "damaged",
        ),
        "cells are a text": (changed(cells="text"), "damaged"),
        "cells are numbers": (changed(cells=[1, 2]), "damaged"),
        "a source is a number": (changed(cells=[cells[0] | {"source": 7}]), "damaged"),
        "deep": (b"[" * 100_000, "is not valid JSON"),
        "another name": (None, "there is"),
    }
