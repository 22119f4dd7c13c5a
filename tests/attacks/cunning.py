"""Attacks that need to know how this grader works: its questions, its border, its pages."""

from .attacks import SESSION, WRONG, Attack

ZEROS = "    return tuple(np.zeros_like(p) for p in params)\n"
OWN_LOSS = """
def own_loss(p, x, y, s_init):
    U, W, V = p
    state, total = s_init, 0.0
    for t in range(len(x)):
        state = np.tanh(U[:, x[t]] + W @ state)
        z = V @ state
        total = total + np.log(np.exp(z).sum()) - z[y[t]]
    return total
"""
RAW = """
def bptt_single_loop(params, x, y, s, y_hat):
    import sys
    frame = sys._getframe()
    while "nonce" not in frame.f_locals:
        frame = frame.f_back
    nonce = frame.f_locals["nonce"]
    {lines}
"""


def raw(result):
    """Answer the question itself with this piece of JSON as its result."""
    lines = (
        "import json, struct\n"
        f"    told = ['answer', {{'list': [nonce, {result}, None, {{'list': []}}, {{'list': []}}, "
        "{'list': []}]}]\n"
        "    text = json.dumps(told).encode()\n"
        "    session().line.end.sendall(struct.pack('<II', len(text), 0) + text)\n" + ZEROS
    )
    return RAW.format(lines=lines)


def returns(expression):
    return f"def bptt_single_loop(params, x, y, s, y_hat):\n    return {expression}\n"


def answer_as_test(nb):
    nb.cells[1].metadata["nbgrader"]["grade_id"] = "check_bptt_single_loop"
    nb.cells[1].source += "\n4.0"


def swapped_ids(nb):
    first, second = (c for c in nb.cells if c.source.startswith("check("))
    first.metadata, second.metadata = second.metadata, first.metadata


def easier_twice(nb):
    first, second = (c for c in nb.cells if c.source.startswith("check("))
    first.source = second.source


def test_as_text(nb):
    for cell in nb.cells:
        if cell.source.startswith("check("):
            cell.cell_type, cell.source = "markdown", "**4.0**"
            del cell["outputs"], cell["execution_count"]


def homoglyph(nb):
    nb.cells.append(nb.cells[2].copy())
    nb.cells[-1] = type(nb)(nb.cells[2] | {"id": "twin", "source": "4.0"})
    mark = dict(nb.cells[2].metadata["nbgrader"], grade_id="check_bptt_single_l\u043e\u043ep")
    nb.cells[-1].metadata = type(nb)({"nbgrader": mark})


def forged_findings(nb):
    nb.metadata["bptt_lab"] = {"protection": "a bank vault", "mistakes": ["W1", 4.0]}


def odd_points(nb):
    for cell, points in zip(nb.cells, (4, -4, float("nan"), "1e9", 1e308), strict=False):
        cell.metadata.setdefault("nbgrader", {"grade": True})["points"] = points


def markdown(nb):
    from nbformat.v4 import new_markdown_cell

    nb.cells.insert(
        0,
        new_markdown_cell(
            '<script>fetch("/forged")</script><img src=x onerror=\'fetch("/forged")\'>'
            "[look](javascript:alert(1)) <iframe srcdoc='<script>alert(1)</script>'></iframe>"
            "<svg onload=alert(1)> <img src='https://192.0.2.1/seen'> <base href='//192.0.2.1'>"
            " $\\href{javascript:alert(1)}{x}$ <form action='https://192.0.2.1'><input></form>"
        ),
    )
    nb.metadata["language_info"] = {"name": 'python"><script>alert(1)</script>'}
    nb.cells[2].metadata["tags"] = ['"><script>alert(1)</script>']


CUNNING = {
    # what differentiates in the student's place
    "complex step of its own loss": Attack(
        "has the package's complex step differentiate its own forward pass",
        OWN_LOSS,
        "def bptt_single_loop(params, x, y, s, y_hat):\n"
        "    start = s[0].astype(complex)\n"
        "    return tuple(lab.complex_step(lambda p: own_loss(p, x, y, start), params))\n",
        works_without=True,
    ),
    "complex step, kept": Attack(
        "keeps the package's complex step under another name",
        OWN_LOSS + "from bptt_lab.numerical import complex_step as mine\n",
        "def bptt_single_loop(params, x, y, s, y_hat):\n"
        "    start = s[0].astype(complex)\n"
        "    return tuple(mine(lambda p: own_loss(p, x, y, start), params))\n",
        works_without=True,
    ),
    "extrapolated differences": Attack(
        "extrapolates difference quotients of the package's loss until all digits are right",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    def quotient(k, at, h):
        ends = []
        for step in (h, -h):
            moved = [p.copy() for p in params]
            moved[k][at] += step
            ends.append(lab.loss(lab.Params(*moved), x, y, s[0]))
        return (ends[0] - ends[1]) / (2 * h)
    gradients = []
    for k, p in enumerate(params):
        g = np.zeros_like(p)
        for at in np.ndindex(p.shape):
            row = [quotient(k, at, 0.04 / 2**n) for n in range(4)]
            for j in range(1, 4):
                row = [(4**j * b - a) / (4**j - 1) for a, b in zip(row, row[1:])]
            g[at] = row[0]
        gradients.append(g)
    return tuple(gradients)
""",
        works_without=True,
    ),
    "long double": Attack(
        "takes difference quotients of the package's loss in a longer float",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    long, h = [p.astype(np.longdouble) for p in params], np.longdouble(1e-5)
    gradients = []
    for k, p in enumerate(long):
        g = np.zeros(p.shape)
        for at in np.ndindex(p.shape):
            ends = []
            for step in (h, -h, 2 * h, -2 * h):
                moved = [q.copy() for q in long]
                moved[k][at] += step
                ends.append(lab.loss(lab.Params(*moved), x, y, s[0].astype(np.longdouble)))
            g[at] = (8 * (ends[0] - ends[1]) - (ends[2] - ends[3])) / (12 * h)
        gradients.append(g)
    return tuple(gradients)
""",
    ),
    # what is asked, and when
    "answers learnt beforehand": Attack(
        "has the package answer for many seeds, and hopes to be asked for one of them",
        """
known = {}
for seed in (*range(20), 20151008):
    rng = np.random.default_rng(seed)
    for d, h, c, n in ((9, 8, 9, 6), (4, 5, 6, 8), (7, 3, 8, 11)):
        p = lab.init_params(rng, d, h, c)
        x, y = rng.integers(d, size=n), rng.integers(c, size=n)
        known[x.tobytes(), y.tobytes()] = tuple(lab.bptt(p, x, y))""",
        returns("known.get((x.tobytes(), y.tobytes()), tuple(np.zeros_like(p) for p in params))"),
    ),
    "check with seeds": Attack(
        "reads the expected numbers out of reports for many seeds",
        after="told = [repr(check(bptt_single_loop, seed=k)) for k in range(30)]\n"
        "secret = [r.parts[0].expected for r in map(check, [bptt_single_loop]) if r.parts]",
    ),
    "asked between the questions": Attack(
        "a thread asks for the reference whenever the grader does not listen to an answer",
        SESSION
        + """
import threading, time
seen, got = [], {}
def between():
    while True:
        time.sleep(0.0005)
        for p, x, y, start in seen[-1:]:
            arguments = [["params", p], ["x", x], ["y", y], ["s_init", start]]
            try:
                got[x.tobytes()] = tuple(session()._ask("package", ["bptt.bptt", arguments]))
            except Exception:
                pass
threading.Thread(target=between, daemon=True).start()""",
        """
def bptt_single_loop(params, x, y, s, y_hat):
    seen.append((params, x, y, s[0]))
    time.sleep(0.05)
    return got.get(x.tobytes(), tuple(np.zeros_like(p) for p in params))
""",
    ),
    "asked in the next cell": Attack(
        "remembers the questions and has a later cell answer them",
        "seen = []",
        "def bptt_single_loop(params, x, y, s, y_hat):\n    seen.append((params, x, y, s[0]))\n"
        + ZEROS,
        last="answers = [lab.bptt(*question) for question in seen]",
    ),
    "unlocked": Attack(
        "tells its own side of the package that no answer is asked for, and asks the grader",
        "from bptt_lab import withheld",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    withheld.ASKED = False
    return tuple(withheld.withheld("bptt.bptt", dict(params=params, x=x, y=y, s_init=s[0])))
""",
    ),
    "a function of before": Attack(
        "keeps a loss that the grader holds, and differentiates it while it is asked",
        "p = lab.init_params(np.random.default_rng(0), 9, 8, 9)\n"
        "kept = lab.frozen_state_loss(p, np.arange(6), np.arange(6), np.zeros(6, int))",
        """
def bptt_single_loop(params, x, y, s, y_hat):
    h = 1e-30
    return tuple(np.full(p.shape, kept([q + 1j * h for q in params]).imag / h) for p in params)
""",
    ),
    "a flood of questions": Attack(
        "asks the package a hundred thousand times in an answer",
        function="def bptt_single_loop(params, x, y, s, y_hat):\n"
        "    for i in range(100_000):\n        lab.forward(params, x, s[0])\n" + ZEROS,
    ),
    # what crosses the border
    "a function as an answer": Attack(
        "answers with one of the grader's own functions", SESSION, raw("{'remote': [1, 'f']}")
    ),
    "named lies": Attack(
        "answers with a Params of something else",
        SESSION,
        raw("{'named': 'Params', 'items': [True, None, {'opaque': 'ndarray'}]}"),
    ),
    "NaN as a number": Attack(
        "answers with JSON's NaN and Infinity",
        SESSION,
        raw("{'list': [float('nan'), float('inf'), 1e308]}"),
    ),
    "a number of 4000 digits": Attack(
        "answers with numbers that no float can hold", SESSION, raw("{'list': [10**4000] * 3}")
    ),
    "a true": Attack("answers that it is right", SESSION, raw("True")),
    "one long text": Attack(
        "returns a list with one long text, an array of which takes all memory",
        function=returns('["x" * 20_000] + [""] * 10_000, 0, 0'),
    ),
    "complex": Attack(
        "returns complex numbers", function=returns("[p * complex(0, np.nan) for p in params]")
    ),
    "bool": Attack("returns True everywhere", function=returns("[p == p for p in params]")),
    "text": Attack("returns texts", function=returns("[p.astype(str) for p in params]")),
    "times": Attack(
        "returns times that are not a time",
        function=returns("[np.full(p.shape, 'NaT', 'M8[s]') for p in params]"),
    ),
    "records": Attack(
        "returns records",
        function=returns("[np.zeros(p.shape, [('a', float), ('b', 'O')]) for p in params]"),
    ),
    "objects": Attack(
        "returns arrays of objects that run code where they are loaded or compared",
        """
import os
class Run(float):
    def __reduce__(self):
        return os.system, ("echo > ../../../forged",)
    def __array_ufunc__(self, *a, **k):
        return True""",
        returns("[np.full(p.shape, Run(), object) for p in params]"),
    ),
    "half floats": Attack(
        "returns inf in a short float", function=returns("[p.astype('e') * 6e4 for p in params]")
    ),
    "nothing of it": Attack(
        "returns arrays without entries, of which all are right",
        function=returns("[p[:0] for p in params]"),
    ),
    "one for all": Attack(
        "returns one entry for each array, which broadcasts",
        function=returns("[p[:1, :1] for p in params]"),
    ),
    "a view without end": Attack(
        "returns a view of one number that looks like terabytes",
        function=returns("[np.broadcast_to(0.0, (10**6, 10**6)) for p in params]"),
    ),
    "negative strides": Attack(
        "returns views that run backwards through memory",
        function=returns("[np.zeros(p.shape)[::-1, ::-1] for p in params]"),
    ),
    "what it was given": Attack(
        "changes what it was given and returns it",
        function="def bptt_single_loop(params, x, y, s, y_hat):\n"
        "    for p in params:\n        p[:] = 0\n    return params\n",
    ),
    "patched border": Attack(
        "has its side of the border write what it wants",
        "from bptt_lab.grading import border\nplain = border.pack\n"
        "border.pack = lambda value: plain(4.0)",
    ),
    "patched watch": Attack(
        "has its side say that nothing went wrong",
        "from bptt_lab.checker import watch\n"
        "watch.watch = lambda f, case: watch.Watched(tuple(np.zeros_like(p) for p in case[0]))",
    ),
    # limits, from inside
    "signals": Attack(
        "turns the time limits off",
        "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nsignal.setitimer(0, 0)\n"
        "while True:\n    pass",
    ),
    "clock": Attack(
        "makes the time stand still",
        "import time\ntime.time = time.monotonic = time.perf_counter = lambda: 0.0",
    ),
    "output without a limit": Attack(
        "lifts the limit of its outputs",
        "from bptt_lab.grading.inside import RECORD\nRECORD.room = 10**9\nprint('x' * 1_500_000)",
    ),
    # the notebook, and who reads it
    "answer as a test": Attack("says that its answer is the test", spoil=answer_as_test),
    "swapped ids": Attack("gives each test the id of the other", spoil=swapped_ids),
    "easier one twice": Attack("has the easier exercise checked twice", spoil=easier_twice),
    "test as text": Attack("makes the tests markdown cells", spoil=test_as_text),
    "homoglyph": Attack("adds a test whose id looks the same", spoil=homoglyph),
    "forged findings": Attack(
        "says itself what protected the machine, and which mistakes were found",
        spoil=forged_findings,
    ),
    "odd points": Attack("has exercises worth NaN, -4 and 1e308 points", spoil=odd_points),
    "swapped names": Attack(
        "names the function of the other exercise like this one",
        function=WRONG + "\nbackward_step = bptt_single_loop\n",
    ),
    "script in a text": Attack(
        "puts scripts, frames and links into its texts and metadata", spoil=markdown
    ),
    "terminal": Attack(
        "prints what a terminal obeys",
        "print('\\x1b]0;owned\\x07\\x1b[2J\\x1b[31m')",
        function="def bptt_single_loop(params, x, y, s, y_hat):\n"
        "    raise ValueError('\\x1b[2J=1+1')\n",
    ),
}
