"""What is asked, and the table that answers: ``python -m benchmarks.tables`` or ``make bench``.

Every ratio is "theirs / ours": above 1 the core is faster. The time of a goal that is missed is
printed with what takes the time.
"""

import argparse
import platform
import tracemalloc
from datetime import date
from importlib.metadata import version

import numpy as np

import bptt_lab
from bptt_lab.checker.page import slowest_checks

from . import contenders as who
from .timing import Workers, compare, is_installed

SIZES = (  # H, D = C, T, B
    (16, 32, 20, 1),
    (64, 128, 50, 1),
    (100, 8000, 40, 1),
    (64, 64, 100, 32),
    (256, 64, 100, 32),
    (512, 256, 50, 64),
)
WINDOWED = (  # H, D = C, T, window, the goal
    (64, 128, 50, 8, 10),
    (128, 256, 500, 16, 25),
    (256, 256, 200, 200, 50),
)
RTOL = {"float64": 1e-9, "float32": 1e-3}


class Table:
    """Lines of Markdown, printed as they come, and the goals that they meet or miss."""

    def __init__(self):
        self.lines, self.missed, self.met = [], [], []

    def say(self, *lines):
        for line in lines:
            print(line, flush=True)
        self.lines += lines

    def row(self, *cells):
        self.say("| " + " | ".join(map(str, cells)) + " |")

    def goal(self, what, ratio, at_least, why=""):
        """Remember whether a goal is met; `why` says where the time goes if it is not."""
        line = f"{what}: {ratio:.3g}, goal {at_least:g}"
        if ratio >= at_least:
            self.met.append(line)
        else:
            self.missed.append(f"{line}; {why}" if why else line)


def ratio_of(seconds, name, to="ours"):
    """The median over the rounds of the time of `name` in units of that of `to`."""
    return float(np.median(seconds[name] / seconds[to]))


def show(seconds):
    """A median of seconds, in the unit that suits it."""
    median = float(np.median(seconds))
    return f"{median * 1e3:.3g} ms" if median < 1 else f"{median:.3g} s"


def header(table, n_threads, n_rounds):
    """Where and with what it is measured."""
    versions = [f"Python {platform.python_version()}"]
    for library in ("numpy", "torch", "jax", "autograd"):
        if is_installed(library):
            versions.append(f"{library} {version(library)}")
        else:
            versions.append(f"{library} is not installed and left out")
    table.say(
        f"Measured on {date.today()}: {_processor()}, {n_threads} threads each; "
        + ", ".join(versions)
        + f". Medians over {n_rounds} interleaved rounds.",
        "",
    )


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(": ")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()


def whole_gradients(table, workers, n_rounds):
    """Loss and whole gradient against everybody."""
    table.say(
        "### Loss and whole gradient: their time / ours",
        "",
        "| H, D = C, T, B | dtype | ours | double loop | PyTorch | JAX (compiling) "
        "| autograd | products alone |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    )
    to_torch = []
    for dtype in ("float64", "float32"):
        for size in SIZES:
            H, _, _, B = size
            problem = who.draw(*size, dtype)
            run = {"ours": (who.ours, (problem,))}
            if B == 1:
                run["double loop"] = (who.double_loop, (problem,))
            else:
                run["one of B"] = (who.double_loop_of_one_sequence, (problem,))
            if is_installed("torch"):
                run["torch one-hot"] = (who.with_torch, (problem, False))
                run["torch embedding"] = (who.with_torch, (problem, True))
            if is_installed("jax"):
                run["jax"] = (who.with_jax, (problem,))
            if is_installed("autograd"):
                run["autograd"] = (who.with_autograd, (problem,))
            seconds, first = compare(workers, run, n_rounds, RTOL[dtype])
            alone = {
                "ours": run["ours"],
                "products": (who.matrix_products, (problem,)),
                "entries": (who.entry_by_entry, (problem,)),
            }
            floor, _ = compare(workers, alone, n_rounds)
            if "one of B" in seconds:
                seconds["double loop"] = seconds.pop("one of B") * B
            ratios = {name: ratio_of(seconds, name) for name in seconds}
            share = {name: ratio_of(floor, name) for name in ("products", "entries")}
            limit = 1 / share["products"]
            why = (
                f"of our time {share['products']:.0%} would be the products alone, and "
                f"{share['entries']:.0%} NumPy's tanh, exp and sums, on one thread and call by call"
            )
            if "torch one-hot" in ratios:  # what a user would pick: the faster of the two
                ratios["torch"] = min(ratios["torch one-hot"], ratios["torch embedding"])
                to_torch.append((ratios["torch"], ratios["torch"] * limit))
                table.goal(f"PyTorch at {size} {dtype}", ratios["torch"], 1.0, why)
            if "jax" in ratios and H <= 128:
                table.goal(f"JAX at {size} {dtype}", ratios["jax"], 1.0, why)
            if H >= 256:
                what = f"1.25 times the products alone at {size} {dtype}"
                table.goal(what, 1.25 / limit, 1.0, why)
            table.row(
                ", ".join(map(str, size)),
                dtype,
                show(seconds["ours"]),
                _times(ratios, "double loop"),
                _times(ratios, "torch"),
                f"{_times(ratios, 'jax')} ({first['jax']:.2g} s)" if "jax" in ratios else "–",
                _times(ratios, "autograd"),
                f"1 / {limit:.3g}",
            )
    if to_torch:
        mean, at_most = np.exp(np.log(to_torch).mean(axis=0))
        table.say("", f"PyTorch, geometric mean over all rows: {mean:.3g}.")
        why = f"by the time of NumPy's products alone it would be {at_most:.3g}, and no more"
        table.goal("PyTorch, geometric mean", mean, 4.0, why)
    table.say("")


def _times(ratios, name):
    return f"{ratios[name]:.3g}" if name in ratios else "–"


def truncated_gradients(table, workers, n_rounds):
    """Windows against the double loop, and all windows at once against one after another."""
    table.say(
        "### Windows: the double loop's time / ours",
        "",
        "| H, D = C, T | window | ours | double loop |",
        "|---|--:|--:|--:|",
    )
    for H, D, T, window, goal in WINDOWED:
        problem = who.draw(H, D, T, 1)
        run = {
            "ours": (who.our_windows, (problem, window)),
            "double loop": (who.double_loop_gradient, (problem, window)),
        }
        _windows_row(table, workers, run, n_rounds, (H, D, T), window, goal)
    for H, D, T, _ in SIZES[:2]:
        for window in (4, 16, T // 2):
            problem = who.draw(H, D, T, 1)
            run = {
                "ours": (who.our_windows, (problem, window)),
                "double loop": (who.double_loop_gradient, (problem, window)),
            }
            _windows_row(table, workers, run, n_rounds, (H, D, T), window)
    table.say("")


def _windows_row(table, workers, run, n_rounds, size, window, goal=None):
    seconds, _ = compare(workers, run, n_rounds, RTOL["float64"])
    ratio = ratio_of(seconds, "double loop")
    if goal is not None:
        why = "the same call takes up to a third more in one process than in another"
        table.goal(f"window {window} at {size}", ratio, goal, why)
    table.row(", ".join(map(str, size)), window, show(seconds["ours"]), f"{ratio:.3g}")


def everything_at_once(table, workers, n_rounds):
    """What computes many things in one pass, against doing them one by one."""
    small, large = who.draw(8, 10, 12, 1), who.draw(64, 128, 50, 1)
    pairs = {
        "all 50 windows, H = 64": (
            (who.our_every_window, (large,)),
            (who.each_window_by_itself, (large,)),
        ),
        "numerical gradient of all 224 entries, H = 8": (
            (who.our_numerical_gradient, (small,)),
            (who.numerical_gradient_in_a_loop, (small,)),
        ),
        "numerical gradient of all 1280 entries, H = 16": (
            (who.our_numerical_gradient, (who.draw(16, 32, 20, 1),)),
            (who.numerical_gradient_in_a_loop, (who.draw(16, 32, 20, 1),)),
        ),
    }
    table.say(
        "### All at once: the time of one by one / ours",
        "",
        "| what | ours | one by one |",
        "|---|--:|--:|",
    )
    for name, (ours, theirs) in pairs.items():
        seconds, _ = compare(workers, {"ours": ours, "one": theirs}, n_rounds, RTOL["float64"])
        ratio = ratio_of(seconds, "one")
        if name.startswith("numerical"):
            table.goal(name, ratio, 20.0)
        table.row(name, show(seconds["ours"]), f"{ratio:.3g}")
    for name, build in (("credit_deltas", who.our_credit_deltas), ("credit", who.our_credit)):
        seconds, _ = compare(workers, {"ours": (build, (large,))}, n_rounds)
        table.row(f"`{name}` of 50 steps, H = 64", show(seconds["ours"]), "–")
    for kind, (milliseconds, exercise) in slowest_checks().items():
        table.row(
            f"slowest first `check`, {kind} answer (`{exercise}`)", f"{milliseconds:.3g} ms", "–"
        )
    table.say("")


def growth(table, workers, n_rounds):
    """How time and memory grow: the slope of their logarithms."""
    base = dict(H=64, D=64, T=100, B=16)
    table.say(
        "### Growth: log-log slopes of loss and whole gradient",
        "",
        f"From {base} on, one size at a time, four times as large.",
        "",
        "| size | time | peak memory | peak memory with checkpoints |",
        "|---|--:|--:|--:|",
    )
    for name in ("T", "B", "H"):
        problems = [who.draw(**base | {name: base[name] * factor}) for factor in (1, 4)]
        times, peaks, least = [], [], []
        for problem in problems:
            seconds, _ = compare(workers, {"ours": (who.ours, (problem,))}, n_rounds)
            times.append(np.median(seconds["ours"]))
            peaks.append(_peak(bptt_lab.loss_and_bptt, problem))
            least.append(_peak(bptt_lab.checkpointed_bptt, problem))
        slopes = [np.log(b / a) / np.log(4) for a, b in (times, peaks, least)]
        table.row(f"{name}, {base[name]} to {4 * base[name]}", *(f"{s:.2f}" for s in slopes))
    problem = who.draw(64, 128, 400, 1)
    seconds = []
    for window in (16, 64):
        run = {"ours": (who.our_windows, (problem, window))}
        seconds.append(np.median(compare(workers, run, n_rounds)[0]["ours"]))
    slope = np.log(seconds[1] / seconds[0]) / np.log(4)
    table.row("τ, 16 to 64 (one sequence of 400 steps)", f"{slope:.2f}", "–", "–")
    promised = (100 * 16) * (2 * 64 + 64) * 8
    peak = _peak(bptt_lab.loss_and_bptt, who.draw(**base))
    table.say(
        "",
        f"Peak memory at {base}: {peak / promised:.2f} times that of T·B·(2H + C) numbers.",
        "",
    )


def _peak(function, problem):
    function(*problem)
    tracemalloc.start()
    try:
        function(*problem)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main():
    """Measure everything, print the table, and write it where it is asked to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="of each comparison (9)")
    parser.add_argument("--threads", type=int, default=2, help="for every library (2)")
    parser.add_argument("--write", metavar="FILE", help="write the tables there as Markdown")
    options = parser.parse_args()
    table = Table()
    table.say("# How fast the core is", "", "Printed by `make bench`. Above 1, ours is faster.", "")
    header(table, options.threads, options.rounds)
    with Workers(options.threads) as workers:
        for part in (whole_gradients, truncated_gradients, everything_at_once, growth):
            part(table, workers, options.rounds)
    table.say("### Goals", "", f"{len(table.met)} met, {len(table.missed)} missed.", "")
    table.say(*(f"- missed: {line}" for line in table.missed))
    table.say(*(f"- met: {line}" for line in table.met))
    if options.write:
        with open(options.write, "w", encoding="utf-8") as file:
            file.write("\n".join(table.lines) + "\n")


if __name__ == "__main__":
    main()
