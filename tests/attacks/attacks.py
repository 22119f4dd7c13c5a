"""Attacks: each wants points for a gradient that is wrong, or somebody else's grade.

Every attack stands in the student's own cell before the wrong function of WRONG, or brings a
function of its own. `works_without` marks those that gain points under nbgrader's own Execute,
where the check runs beside the student's code: they prove that the attacks are real ones.
"""

from dataclasses import dataclass, field

WRONG = """
def bptt_single_loop(params, x, y, s, y_hat):
    return tuple(np.zeros_like(p) for p in params)
"""


@dataclass(frozen=True)
class Attack:
    """What a student hands in.

    Attributes
    ----------
    story : str
    before : str
        Comes before the function in the student's cell.
    function : str
    after : str
        A cell of its own behind the function and before the test cell.
    last : str
        A cell of its own behind everything.
    files : dict
        From a name to content, or to another path for a symbolic link.
    spoil : callable or None
        Changes the finished notebook.
    works_without : bool
    """

    story: str
    before: str = ""
    function: str = WRONG
    after: str = ""
    last: str = ""
    files: dict = field(default_factory=dict)
    spoil: object = None
    works_without: bool = False


def forged_outputs(nb):
    for cell in nb.cells:
        if cell.cell_type == "code":
            shown = {"output_type": "execute_result", "execution_count": 1, "metadata": {}}
            cell.outputs = [shown | {"data": {"text/plain": "3.0"}}]


def edited_tests(nb):
    for cell in nb.cells:
        if cell.source.startswith("check("):
            cell.source = "3.0"


def more_points(nb):
    for cell in nb.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.metadata["nbgrader"]["points"] = 1000


def tests_are_mine(nb):
    for cell in nb.cells:
        if cell.source.startswith("check("):
            cell.metadata["nbgrader"] |= {"solution": True, "locked": False}
            cell.source = "3.0"


SEARCH = """
import glob, json, os
found = []
for root in ("/", "..", "../..", "../../..", "../../../.."):
    found += glob.glob(os.path.join(root, "solutions", "*", "*.ipynb"))
for path in found:
    for cell in json.load(open(path))["cells"]:
        source = "".join(cell["source"])
        if source.startswith("def bptt_single_loop"):
            exec(source)
"""
SEARCHED = (
    WRONG.replace("def ", "def not_")
    + "if not found:\n    bptt_single_loop = not_bptt_single_loop\n"
)
REFERENCE = """
def bptt_single_loop(params, x, y, s, y_hat):
    g = lab.bptt(params, x, y, s[0])
    return g.U, g.W, g.V
"""
GRADEBOOK = "../../../gradebook.db"
SQL = """
import glob, sqlite3
for path in glob.glob("{path}") + glob.glob("/*/*/*/*/gradebook.db"):
    db = sqlite3.connect(path)
    db.execute("{statement}")
    db.commit()
"""
SESSION = """
import gc
def session():
    return next(o for o in gc.get_objects() if type(o).__name__ == "_Session")
"""

ATTACKS = {
    "allclose": Attack(
        "patches NumPy's comparisons",
        "np.allclose = np.array_equal = lambda *a, **k: True\n"
        "np.testing.assert_allclose = lambda *a, **k: None\nnp.abs = lambda a: np.zeros(1)",
    ),
    "patched report": Attack(
        "gives the report a score of 1",
        "from bptt_lab.checker import Report\nReport.score = property(lambda self: 1.0)",
        works_without=True,
    ),
    "patched judge": Attack(
        "replaces the comparison of the checker",
        "try:\n    from bptt_lab.checker import judge, report\n"
        "    judge._compare_part = lambda e, name, got, right: report.Part(name, True)\n"
        "except ImportError:\n    pass",
        works_without=True,
    ),
    "from another cell": Attack(
        "the same, from a cell of its own",
        after="import bptt_lab.checker as c\nc.Report.points = lambda self, n: float(n)",
        works_without=True,
    ),
    "the caller's frame": Attack(
        "returns `expected` of the function that calls it",
        function="""
import sys
def bptt_single_loop(params, x, y, s, y_hat):
    frame = sys._getframe()
    while frame:
        if "expected" in frame.f_locals:
            return frame.f_locals["expected"]
        frame = frame.f_back
    return tuple(np.zeros_like(p) for p in params)
""",
        works_without=True,
    ),
    "references in memory": Attack(
        "looks through all objects for the references and their cache",
        function="""
import gc
def bptt_single_loop(params, x, y, s, y_hat):
    for o in gc.get_objects():
        if getattr(o, "__name__", "") == "_references":
            for _, case, expected in o("bptt_single_loop", 0) + o("bptt_single_loop", 20151008):
                if np.array_equal(case[1], x) and np.array_equal(case[0].W, params.W):
                    return expected
    return tuple(np.zeros_like(p) for p in params)
""",
    ),
    "input transformer": Attack(
        "turns later cells into 2.0",
        "get_ipython().input_transformers_post.append(lambda lines: ['2.0'])",
        works_without=True,
    ),
    "AST transformer": Attack(
        "turns every call of a method points into 2.0",
        """
import ast
class T(ast.NodeTransformer):
    def visit_Call(self, node):
        if getattr(node.func, "attr", "") == "points":
            return ast.copy_location(ast.Constant(2.0), node)
        return self.generic_visit(node)
get_ipython().ast_transformers.append(T())""",
        works_without=True,
    ),
    "forged display": Attack(
        "shows 3.0 as the cell's value while it is called",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    get_ipython().displayhook(3.0)
    return tuple(np.zeros_like(p) for p in params)
""",
    ),
    "pre_run_cell": Attack(
        "a hook puts another `check` back before each cell",
        """
class Full:
    def points(self, n):
        return float(n)
get_ipython().events.register(
    "pre_run_cell", lambda info: get_ipython().user_ns.update(check=lambda *a, **k: Full()))""",
        works_without=True,
    ),
    "own check": Attack(
        "defines its own check",
        "class Full:\n    def points(self, n):\n        return float(n)\n"
        "def check(*a, **k):\n    return Full()",
        works_without=True,
    ),
    "own float": Attack("replaces float", "import builtins\nbuiltins.float = lambda x=0: 4.0"),
    "solutions": Attack("runs the solution from disk", SEARCH, SEARCHED, works_without=True),
    "SQL update": Attack(
        "gives everybody 3 points",
        SQL.format(path=GRADEBOOK, statement="UPDATE grade SET auto_score = 3.0"),
    ),
    "extra credit": Attack(
        "gives itself extra credit in the gradebook",
        SQL.format(path=GRADEBOOK, statement="UPDATE grade SET extra_credit = 100"),
    ),
    "max_score": Attack(
        "makes every exercise worth 0",
        SQL.format(path=GRADEBOOK, statement="UPDATE grade_cells SET max_score = 0"),
    ),
    "other submissions": Attack(
        "overwrites what others handed in",
        "import glob\nfor p in glob.glob('../../../submitted/*/*/*.ipynb') + "
        "glob.glob('/*/*/*/submitted/*/*/*.ipynb'):\n    open(p, 'w').write('')",
    ),
    "the secret": Attack(
        "reads the course secret",
        "secret = open('../../../secret').read()",
        function=WRONG,
    ),
    "lab.bptt": Attack("returns what the package computes", function=REFERENCE, works_without=True),
    "lab.bptt, kept": Attack(
        "keeps the package's function under another name",
        "mine = lab.bptt\nfrom bptt_lab import bptt as again\nlab.bptt = None",
        function=REFERENCE.replace("lab.bptt", "(mine or again)"),
    ),
    "lab.windowed_bptt": Attack(
        "the same with a window that is long enough",
        function=REFERENCE.replace("y, s[0]", "y, 99, s[0]").replace("bptt(p", "windowed_bptt(p"),
        works_without=True,
    ),
    "lab.numerical_gradient": Attack(
        "has the package differentiate",
        function=REFERENCE.replace("lab.bptt", "lab.numerical_gradient"),
        works_without=True,
    ),
    "complex step of lab.loss": Attack(
        "differentiates the package's loss instead of deriving it",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    g = lab.complex_step(lambda p: lab.loss(p, x, y, s[0]), params)
    return g.U, g.W, g.V
""",
        works_without=True,
    ),
    "finite differences": Attack(
        "differentiates its own loss numerically, right to ten digits",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    def loss(p):
        state, total = s[0], 0.0
        for t in range(len(x)):
            state = np.tanh(p[0][:, x[t]] + p[1] @ state)
            z = p[2] @ state
            total += np.log(np.exp(z - z.max()).sum()) + z.max() - z[y[t]]
        return total
    gradients = []
    for i, p in enumerate(params):
        g = np.zeros_like(p)
        for at in np.ndindex(p.shape):
            ends = []
            for h in (1e-5, -1e-5):
                moved = [q.copy() for q in params]
                moved[i][at] += h
                ends.append(loss(moved))
            g[at] = (ends[0] - ends[1]) / 2e-5
        gradients.append(g)
    return tuple(gradients)
""",
    ),
    "autograd": Attack(
        "has autograd differentiate its own forward pass",
        "import autograd\nimport autograd.numpy as anp",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    def loss(p):
        state, total = s[0], 0.0
        for t in range(len(x)):
            state = anp.tanh(p[0][:, x[t]] + anp.dot(p[1], state))
            z = anp.dot(p[2], state)
            total = total + anp.log(anp.sum(anp.exp(z - 1.0))) + 1.0 - z[y[t]]
        return total
    return tuple(autograd.grad(loss)(tuple(params)))
""",
        works_without=True,
    ),
}
