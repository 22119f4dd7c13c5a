"""More honest submissions: what other tools write, what other people import, what goes on."""

import json

from nbformat.v4 import new_code_cell, new_output

from .honest import BODY, HEAD, RIGHT, honest, noisy, returns

HELPER = "def error_of(row, target):\n    row = row.copy()\n    row[target] -= 1\n    return row\n"
WITH_HELPER = RIGHT.replace(
    "        error = y_hat[t].copy()\n        error[y[t]] -= 1\n",
    "        error = error_of(y_hat[t], y[t])\n",
)


def helper_above(nb):
    nb.cells.insert(1, new_code_cell(HELPER))


def with_widgets(nb):
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a", "version_major": 2}}
    shown = view | {"text/plain": "IntSlider()", "text/html": "<b>x</b>", "image/png": "aGk="}
    nb.cells[0].outputs = [new_output("display_data", data=shown)]
    state = {"state": {"a": {"model_name": "IntSliderModel", "state": {}}}, "version_major": 2}
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}


def version_3(nb):
    cells = []
    for cell in nb.cells:
        old = {"cell_type": cell.cell_type, "metadata": cell.metadata, "language": "python"}
        old |= {"input": cell.source, "outputs": [], "collapsed": False}
        cells.append(old)
    nb.clear()
    nb.update({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}})
    nb["worksheets"] = [{"cells": cells, "metadata": {}}]


def windows(nb):
    for cell in nb.cells:
        cell.source = cell.source.replace("\n", "\r\n")


def lines(nb):
    for cell in nb.cells:
        cell.source = cell.source.splitlines(keepends=True)


def vs_code(nb):
    nb.nbformat_minor = 2
    for cell in nb.cells:
        del cell["id"]
        cell.metadata["vscode"] = {"languageId": "python"}
    nb.metadata = {"kernelspec": {"name": "python3", "display_name": ".venv", "language": "python"}}
    nb.metadata["language_info"] = {"name": "python", "version": "3.13.1", "pygments_lexer": "ipy"}
    nb.metadata["orig_nbformat"] = 4


def colab(nb):
    nb.nbformat_minor = 0
    for i, cell in enumerate(nb.cells):
        del cell["id"]
        cell.metadata |= {"id": f"aB{i}", "outputId": f"c{i}", "colab": {"height": 34}}
    nb.metadata = {"colab": {"provenance": [], "toc_visible": True}, "accelerator": "GPU"}
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": {}}}  # no "state"
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}


def without_metadata(nb):
    nb.metadata = {}
    for cell in nb.cells:
        cell.metadata = (
            {"nbgrader": cell.metadata["nbgrader"]} if "nbgrader" in cell.metadata else {}
        )


def broken_metadata(nb):
    nb.metadata["language_info"] = {"name": None}
    nb.cells[0].metadata["tags"] = "mine"


def half_a_character(nb):
    nb.cells[0].source += "\n# \ud83d"


def uses_after_test(nb):
    nb.cells.insert(4, new_code_cell("print(lab.complex_step(its_loss, demo).W)"))


NETWORK = "demo = lab.init_params(np.random.default_rng(0), 4, 3, 4)\nx_demo = np.arange(4)\n"
SCRATCH_NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

UNTIDY = {
    "helper in a cell above": honest(
        "has a helper in a cell above", WITH_HELPER, spoil=helper_above
    ),
    "helper in a cell below": honest("has a helper in a cell below", WITH_HELPER, after=HELPER),
    "helper of before": honest(
        "defines a helper twice, the first one wrong",
        HELPER.replace("-= 1", "-= 2") + HELPER + WITH_HELPER,
    ),
    "constants": honest(
        "has global constants and counts its calls",
        "ONE, calls = 1, 0\n"
        + noisy("global calls\ncalls += 1").replace("error[y[t]] -= 1", "error[y[t]] -= ONE"),
    ),
    "dataclass": honest(
        "puts everything into a dataclass",
        "from dataclasses import dataclass\n@dataclass\nclass Grad:\n    U: object\n    W: object\n"
        "    V: object\n" + returns("(lambda g: (g.U, g.W, g.V))(Grad(dU, dW, dV))"),
    ),
    "methods": honest(
        "is a method of an object",
        "class Net:\n"
        + "".join(f"    {line}\n" for line in RIGHT.strip().split("\n")).replace(
            "(params", "(self, params"
        )
        + "bptt_single_loop = Net().bptt_single_loop\n",
    ),
    "decorator": honest(
        "has a decorator that measures the time",
        "import functools, time\ndef timed(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n"
        "        start = time.time()\n        answer = f(*a, **k)\n"
        "        print(time.time() - start)\n        return answer\n    return g\n@timed" + RIGHT,
    ),
    "style": honest(
        "sets a style",
        "import matplotlib.pyplot as plt\nplt.style.use('ggplot')\n"
        "plt.rcParams['figure.dpi'] = 200\nfig, ax = plt.subplots()\nax.plot([1, 2])" + RIGHT,
    ),
    "no such package": honest(
        "imports packages that are not here, in the cell of the answer",
        "import pandas as pd\nfrom tqdm.notebook import tqdm\nimport seaborn, numba" + RIGHT,
    ),
    "a name that is gone": honest(
        "imports a name that this NumPy has no more", "from numpy import trapz, cumproduct" + RIGHT
    ),
    "type hints": honest(
        "has type hints",
        "from __future__ import annotations\nimport numpy.typing as npt"
        + RIGHT.replace("y_hat):", "y_hat: npt.NDArray) -> tuple[npt.NDArray, ...]:"),
    ),
    "star import": honest(
        "imports everything of everything", "from numpy import *\nfrom bptt_lab import *" + RIGHT
    ),
    "own data": honest(
        "reads files of its own",
        "one = np.loadtxt('data/one.txt')\nimport os\nassert os.path.exists('notes.txt')"
        + RIGHT.replace("-= 1", "-= one"),
        files={"data/one.txt": "1.0\n", "notes.txt": "ü"},
    ),
    "sleep": honest("sleeps in a cell", before="import time\ntime.sleep(1)"),
    "recursion": honest(
        "is recursive",
        "import sys\nsys.setrecursionlimit(10**6)\n"
        + HEAD
        + "    U, W, V = params\n    dU, dW, dV = (np.zeros_like(p) for p in params)\n"
        "    def back(t, delta):\n        if t < 0:\n            return\n"
        "        error = y_hat[t] - np.eye(len(V))[y[t]]\n"
        "        dV[:] += np.outer(error, s[t + 1])\n"
        "        delta = (V.T @ error + W.T @ delta) * (1 - s[t + 1] ** 2)\n"
        "        dU[:, x[t]] += delta\n        dW[:] += np.outer(delta, s[t])\n"
        "        back(t - 1, delta)\n    back(len(y) - 1, np.zeros(len(W)))\n"
        "    return dU, dW, dV\n",
    ),
    "thread pool": honest(
        "asks the package from many threads",
        before=NETWORK
        + "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(8) as pool:\n"
        "    got = list(pool.map(lambda i: lab.bptt(demo, x_demo, x_demo).W, range(100)))",
    ),
    "thread that goes on": honest(
        "leaves a thread that goes on asking the package",
        before=NETWORK + "import threading\ndef go_on():\n    while True:\n"
        "        lab.loss(demo, x_demo, x_demo)\n"
        "threading.Thread(target=go_on, daemon=True).start()",
    ),
    "processes": honest(
        "starts processes in a cell of its own",
        after="import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n"
        "    pool.map(abs, [1])",
    ),
    "a loss of before": honest(
        "differentiates, after a test, a loss that it made before",
        before=NETWORK + "its_loss = lab.frozen_state_loss(demo, x_demo, x_demo, [0, 0, 1, 2])",
        spoil=uses_after_test,
    ),
    "seed": honest("seeds NumPy everywhere", noisy("np.random.seed(0)\nnp.random.rand(3)")),
    "lines": honest(
        "prints 100,000 lines when it is called", noisy("for i in range(100_000):\n    print(i)")
    ),
    "warnings are errors": honest(
        "makes warnings errors",
        "import warnings\nwarnings.simplefilter('error')\n" + noisy("np.log(np.zeros(1))"),
    ),
    "another byte order": honest("returns another byte order", returns("dU.astype('>f8'), dW, dV")),
    "matrices": honest("returns matrices", returns("np.matrix(dU), np.matrix(dW), dV")),
    "measured cell": honest("measures the cell with a magic", "%%time\n" + RIGHT),
    "captured cell": honest("captures what the cell prints", "%%capture out\n" + RIGHT),
    "names as texts": honest(
        "finds its modules by their names", RIGHT.replace("np.outer", "globals()['np'].outer")
    ),
    "autoreload": honest("loads extensions", "%load_ext autoreload\n%autoreload 2\n" + RIGHT),
    "await": honest("waits in a cell", before="import asyncio\nawait asyncio.sleep(0.01)"),
    "tabs": honest("has tabs", RIGHT.replace("    ", "\t")),
    "another folder": honest(
        "goes to another folder",
        before="import os\nos.makedirs('out', exist_ok=True)\nos.chdir('out')",
    ),
    "own output": honest(
        "sends its output to a file", "import sys\nsys.stdout = open('log.txt', 'w')" + RIGHT
    ),
    "memo": honest(
        "keeps what it computed", "memo = {}\n" + noisy("memo[len(memo)] = (params, x, y)")
    ),
    "long answer": honest(
        "has 2,000 lines", "\n".join(f"unused_{i} = {i}" for i in range(2000)) + "\n" + HEAD + BODY
    ),
    "widgets": honest("hands in widgets and pictures", spoil=with_widgets),
    "version 3": honest("is a notebook of version 3", spoil=version_3),
    "Windows": honest("has the line ends of Windows", spoil=windows),
    "lines of source": honest("has its sources as lists of lines", spoil=lines),
    "VS Code": honest("was saved by VS Code", spoil=vs_code),
    "Colab": honest("was saved by Colab", spoil=colab),
    "broken metadata": honest("has metadata of the wrong kind", spoil=broken_metadata),
    "half a character": honest("has half an emoji", spoil=half_a_character),
    "no metadata": honest("has no metadata but nbgrader's", spoil=without_metadata),
    "scratch notebook": honest(
        "has other notebooks beside it",
        files={
            "scratch.ipynb": SCRATCH_NOTEBOOK,
            "summed_gradients-Copy1.ipynb": SCRATCH_NOTEBOOK,
            ".ipynb_checkpoints/summed_gradients-checkpoint.ipynb": "{}",
        },
    ),
    "timestamp": honest("has a file timestamp.txt", files={"timestamp.txt": "yesterday\n"}),
}
