"""The program inside the sandbox: a warm process that is forked for each submission.

The fork runs the student's cells and calls their functions with what it is given. It holds no
reference and no secret, and nothing that it says is more than a value: `sandbox.py`, on the other
side, judges. Whatever the student's code does to this process, it does to its own answers.
"""

import ast
import builtins
import contextlib
import ctypes
import os
import platform
import resource
import signal
import socket
import struct
import sys
import threading
import warnings

from .border import BorderError, Line, Remote

OUTPUT_LIMIT = 200_000  # characters of a cell; the rest is dropped
MOST_OUTPUTS = 500
GUARD = """
try:
    pass
except ImportError as _missing:
    __import__("sys").stderr.write(f"{_missing!r}; the rest of the cell is run\\n")
"""
CLONE = {"NEWNS": 0x20000, "NEWIPC": 0x8000000, "NEWUSER": 0x10000000, "NEWPID": 0x20000000}
PRIVATE, NO_SUID_NO_DEV, READ_ONLY = 1 << 18 | 1 << 14, 2 | 4, 1
# Numbers of system calls: of the architecture, clone, clone3, and of those that start or read a
# process, could reach out of a namespace, or take memory that no limit counts (memfd, System V)
DENIED = {
    "x86_64": (
        0xC000003E,
        56,  # clone
        435,  # clone3
        "57 58 59 322 101 310 311 272 308 165 166 155 161 321 298 323 425 "
        "248 249 250 428 429 430 431 432 433 442 319 447 29 68",
    ),
    "aarch64": (
        0xC00000B7,
        220,
        435,
        "221 281 117 270 271 97 268 40 39 41 51 280 241 282 425 "
        "217 218 219 428 429 430 431 432 433 442 279 447 194 186",
    ),
}


def main(descriptor, scratch):
    """Serve submissions, one at a time, until the other side closes the socket.

    Parameters
    ----------
    descriptor : int
        A socket: ``S`` and a socket start a submission, ``K`` ends it.
    scratch : str or None
        What is emptied for each submission, which then gets namespaces of its own inside those of
        this process; None for no namespaces at all.
    """
    control = socket.socket(fileno=descriptor)
    shell = _shell()
    nested = scratch if scratch and _can_nest(scratch) else None
    control.sendall(b"N" if nested else b"O")
    running = None
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not order:
            os._exit(0)
        if order == b"S":
            end = socket.socket(fileno=descriptors[0])
            running = _fork(shell, end, control, nested)
            end.close()
        elif running is not None:
            _end(*running)
            running = None
        control.sendall(b"+")


def _fork(shell, end, control, nested):
    """Start a submission; return the process to kill and the one to wait for."""
    told, tell = os.pipe()
    outer = os.fork()
    if outer == 0:
        try:
            os.close(told)
            control.close()
            if nested:
                _unshare()
                inner = os.fork()
                if inner:
                    os.write(tell, struct.pack("<i", inner))
                    end.close()
                    os.close(tell)
                    os.waitpid(inner, 0)
                    os._exit(0)
                _mount_over(nested)
            else:
                os.setsid()
                os.write(tell, struct.pack("<i", os.getpid()))
            os.close(tell)
            _Session(shell, end).serve()
        finally:
            os._exit(1)
    os.close(tell)
    number = os.read(told, 4)
    os.close(told)
    return (struct.unpack("<i", number)[0] if len(number) == 4 else outer), outer, nested


def _end(process, outer, nested):
    for kill in (os.kill,) if nested else (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)  # the first of a namespace takes all others with it
    os.waitpid(outer, 0)


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _check(status):
    if status != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _can_nest(scratch):
    child = os.fork()
    if child == 0:
        try:
            _unshare()
            inner = os.fork()
            if inner == 0:
                _mount_over(scratch)
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _unshare():
    uid, gid = os.getuid(), os.getgid()
    _check(_libc().unshare(sum(CLONE.values())))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    with open("/proc/self/gid_map", "w") as file:
        file.write(f"{gid} {gid} 1")


def _mount_over(scratch):
    """An empty scratch folder, no /proc, and no right to change that."""
    libc = _libc()
    _check(libc.mount(b"none", b"/", None, PRIVATE, None))
    options = b"size=64m,nr_inodes=2000,mode=1777"
    _check(libc.mount(b"tmpfs", scratch.encode(), b"tmpfs", NO_SUID_NO_DEV, options))
    _check(libc.mount(b"tmpfs", b"/proc", b"tmpfs", NO_SUID_NO_DEV | READ_ONLY, b"size=4k"))
    for capability in range(64):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; ends in EINVAL past the last one
    header = struct.pack("<Ii", 0x20080522, 0)
    _check(libc.capset(header, bytes(24)))


def _deny_processes():
    """No new processes, but threads: a filter on system calls, where its numbers are known."""
    known = DENIED.get(platform.machine())
    if not sys.platform.startswith("linux") or known is None:
        return
    architecture, clone, clone3, denied = known
    allow, refuse, absent = 0x7FFF0000, 0x50001, 0x50000 | 38  # ENOSYS: libc then uses clone

    def jump(code, value, yes, no):
        return struct.pack("<HBBI", code, yes, no, value)

    def give(value):
        return struct.pack("<HBBI", 0x06, 0, 0, value)

    load = 0x20
    program = [jump(load, 4, 0, 0), jump(0x15, architecture, 1, 0), give(refuse)]
    program += [jump(load, 0, 0, 0), jump(0x35, 0x40000000, 0, 1), give(refuse)]
    for number in map(int, denied.split()):
        program += [jump(0x15, number, 0, 1), give(refuse)]
    program += [jump(0x15, clone3, 0, 1), give(absent)]
    program += [jump(0x15, clone, 0, 3), jump(load, 16, 0, 0)]
    program += [jump(0x45, 0x10000, 1, 0), give(refuse), give(allow)]
    code = ctypes.create_string_buffer(b"".join(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    what = Program(len(program), ctypes.addressof(code))
    libc = _libc()
    _check(libc.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
    _check(libc.prctl(22, 2, ctypes.byref(what), 0, 0))  # PR_SET_SECCOMP


def _limit(name, value):
    number = getattr(resource, name, None)
    if number is None:
        return
    hard = resource.getrlimit(number)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some
        resource.setrlimit(number, (value, value))


# Cells


class _Printed:
    """Stands for stdout or stderr: keeps what is written in order, up to a limit."""

    encoding, errors, closed = "utf-8", "strict", False

    def __init__(self, name, record):
        self.name, self.record = name, record

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.record.stream(self.name, text)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def isatty(self):
        return False

    def writable(self):
        return True

    def readable(self):
        return False

    def fileno(self):
        raise OSError("this stream has no file descriptor")


class _Record:
    """The outputs of a cell, as lists of plain values."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.outputs, self.room = [], OUTPUT_LIMIT

    def _fit(self, text):
        if self.room <= 0:
            return ""
        if len(text) > self.room:
            text = text[: self.room] + "\n… the rest of the output was cut off\n"
        self.room -= len(text)
        return text

    def stream(self, name, text):
        text = self._fit(text)
        if not text:
            return
        if self.outputs and self.outputs[-1][0] == name:
            self.outputs[-1][1].append(text)
        else:
            self.outputs.append([name, [text]])

    def show(self, kind, data):
        text = data.get("text/plain", "")
        text = self._fit(text if isinstance(text, str) else "")
        if text:
            self.outputs.append([kind, [text]])

    def error(self, name, message, traceback):
        self.outputs.append(["error", [self._fit(part) for part in (name, message, traceback)]])


RECORD = _Record()


def _shell():
    """IPython as in a notebook, with nothing behind it: what it shows goes to RECORD."""
    os.environ.setdefault("MPLBACKEND", "agg")
    import matplotlib

    matplotlib.use("agg")
    import ipywidgets  # noqa: F401  (so that no submission has to wait for it)
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib import pyplot  # noqa: F401

    import bptt_lab.checker
    import bptt_lab.plots  # noqa: F401

    class Hook(DisplayHook):
        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            RECORD.show("result", format_dict)

        def finish_displayhook(self):
            pass

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, **others):
            RECORD.show("display", data)

        def clear_output(self, wait=False):
            pass

    class Shell(InteractiveShell):
        def _showtraceback(self, kind, value, traceback):
            RECORD.error(kind.__name__, str(value), "\n".join(traceback))

        def system(self, command):
            print(f"not run while grading: !{command}")

        system_raw = system_piped = system

        def enable_gui(self, gui=None):
            pass

        def enable_matplotlib(self, gui=None):
            return gui, "agg"

        def getoutput(self, command, split=True, depth=0):
            self.system(command)
            return [] if split else ""

    class MissingImports(ast.NodeTransformer):
        """A package that is not here costs the import, and not the rest of its cell."""

        def visit_Module(self, module):
            module.body = [self.guarded(statement) for statement in module.body]
            return module

        def guarded(self, statement):
            if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                return statement
            if getattr(statement, "module", "") == "__future__":
                return statement
            (guard,) = ast.parse(GUARD).body
            for node in ast.walk(guard):
                ast.copy_location(node, statement)
            guard.body = [statement]
            return guard

    Shell.display_pub_class = Publisher
    Shell.displayhook_class = Hook
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.display_page = True
    shell = Shell.instance(config=config)
    shell.ast_transformers.append(MissingImports())
    shell.run_cell("1 + 1", silent=True)  # what is imported only now, is imported once
    return shell


class _Session:
    """One submission: serves the messages of the trusted side until it is killed."""

    def __init__(self, shell, end):
        self.shell = shell
        self.line, self.lock = Line(end, _named()), threading.Lock()
        self.running = False  # a cell or a call, in which the package may be asked
        self.out, self.err = _Printed("stdout", RECORD), _Printed("stderr", RECORD)

    def serve(self):
        _, (files, limits, here) = self.line.read()
        self._set_up(files, dict(limits), here)
        formatter = self.shell.display_formatter
        formatter.active_types = ["text/plain"]  # drawing would take most of the time
        formatter.mimebundle_formatter.enabled = False
        while True:
            kind, (nonce, *what) = self.line.read()
            self.running = True
            answer = self._cell(*what) if kind == "cell" else self._call(*what)
            with self.lock:  # what a thread has asked is answered first
                self.running = False
                self._answer(kind, nonce, answer)

    def _answer(self, kind, nonce, answer):
        try:
            self.line.write("answer", [nonce, *answer])
        except BorderError as error:
            if kind == "cell":
                answer = [[["stderr", [f"the output is lost: {error}"]]]]
            else:
                answer = self._raised("ValueError", f"your function's answer: {error}")
            self.line.write("answer", [nonce, *answer])

    def _set_up(self, files, limits, here):
        from bptt_lab import withheld

        withheld.CALL = self._withheld
        os.makedirs(here, exist_ok=True)
        os.chdir(here)
        for name, content in files:
            path = os.path.join(here, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content.tobytes())
        sys.path.append(here)
        for name, value in limits.items():
            _limit(name, value)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        _deny_processes()
        sys.stdin = open(os.devnull)  # noqa: SIM115  (for as long as the process lives)
        sys.stdout, sys.stderr = self.out, self.err

    def _cell(self, source, seconds):
        RECORD.clear()
        sys.stdout, sys.stderr = self.out, self.err
        # warnings come once more in every cell, as in a notebook
        with warnings.catch_warnings(), _interrupt_after(seconds):
            try:
                self.shell.run_cell(source, store_history=False)
            except KeyboardInterrupt:
                RECORD.error("KeyboardInterrupt", "it was stopped", "it was stopped")
        outputs = RECORD.outputs[:MOST_OUTPUTS]
        return [[[k, texts if k == "error" else ["".join(texts)]] for k, texts in outputs]]

    def _call(self, name, case):
        from bptt_lab import withheld
        from bptt_lab.checker.watch import watch

        namespace = self.shell.user_ns
        if name not in namespace:
            return self._raised("NameError", f"name {name!r} is not defined")
        case = tuple(self._local(value) for value in case)
        withheld.ASKED = True
        try:
            watched = watch(namespace[name], case)
        finally:
            withheld.ASKED = False
        raised = watched.raised
        if raised is not None:
            line = None if raised.line is None else [int(raised.line[0]), raised.line[1][:500]]
            flags = [raised.not_attempted, raised.endless]
            raised = [raised.name[:200], raised.message[:2000], line, *flags]
        notes = [note[:500] for note in watched.notes]
        changed, names = list(watched.mutated), [name[:80] for name in watched.parameters]
        return [watched.result, raised, changed, notes, names]

    def _raised(self, name, message):
        return [None, [name, message, None, False, False], [], [], []]

    def _local(self, value):
        """A function on the other side as a function on this one."""
        if not isinstance(value, Remote):
            return value

        def remote(*arguments):
            return self._ask("remote", [value.number, list(arguments)])

        remote.__name__ = value.name
        return remote

    def _withheld(self, name, arguments):
        return self._local(self._ask("package", [name, [list(pair) for pair in arguments.items()]]))

    def _ask(self, kind, what):
        with self.lock, _uninterrupted():
            if not self.running:
                raise RuntimeError("while grading, a thread may ask the package in its cell only")
            self.line.write(kind, what)
            _, (error, value) = self.line.read()
        if error is not None:
            name, message = error
            raise getattr(builtins, name, RuntimeError)(message)
        return value


@contextlib.contextmanager
def _interrupt_after(seconds):
    def stop(signum, frame):
        raise KeyboardInterrupt(f"it was still running after {seconds:g} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _uninterrupted():
    """Keep a time limit waiting: half a message read would spoil all that come after it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _named():
    from bptt_lab import Activations, Params, cells

    return {"Params": Params, "Activations": Activations, "Run": cells.Run}
