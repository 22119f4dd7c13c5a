"""The catalogue as a page to read: how well the check knows the mistakes, and what they are."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from time import perf_counter

import numpy as np

from .catalogue import CATALOGUE
from .diagnosis import applicable
from .exercise import EXERCISES
from .fixtures import fixtures
from .judge import check
from .matrix import Tally, blind_fixtures, kills, naming_matrix, plant

KILL_EXERCISES = ("total_loss", "gradient_v", "bptt_single_loop", "windowed_bptt")
SHOWN = 12  # ids in a cell of the kill matrix; the rest is counted


def page(seeds, pair_seeds, jobs=2):
    """The whole page as Markdown.

    Parameters
    ----------
    seeds, pair_seeds : sequence of int
        The fixtures to plant single mistakes in, and pairs of them.
    jobs : int, default 2
        Processes.

    Returns
    -------
    str
    """
    command = f"bptt-lab catalogue --seeds {len(seeds)} --pair-seeds {len(pair_seeds)}"
    return "\n".join(
        [
            "# The mistakes that the check knows, and how well it knows them",
            "",
            f"Made by `{command} --write docs/mistakes.md`.",
            "",
            *_naming_section(seeds, pair_seeds, jobs),
            *kill_section(),
            *mistakes_section(),
        ]
    )


def slowest_checks(seed=0):
    """The slowest first checks, each on networks of its own, of three kinds of answers.

    Parameters
    ----------
    seed : int
        Must not have been checked in this process before: what is computed for it is kept.

    Returns
    -------
    dict of str to (float, str)
        From the kind of answer to milliseconds and the exercise.
    """
    slowest = {"right": (0.0, ""), "wrong": (0.0, ""), "wrong and unknown": (0.0, "")}
    for name in _names():
        exercise = EXERCISES[name]
        (_, ways), *_ = applicable(exercise).items()
        right = plant(exercise, {})
        answers = (right, plant(exercise, ways[0]), _spoiled(right))
        for offset, (kind, answer) in enumerate(zip(slowest, answers, strict=True)):
            start = perf_counter()
            check(answer, name, seed + offset)
            milliseconds = 1000 * (perf_counter() - start)
            slowest[kind] = max(slowest[kind], (milliseconds, name))
    return slowest


def _spoiled(function):
    """Wrong in a way that no mistake of the catalogue explains."""

    def spoiled(*arguments):
        answer = function(*arguments)
        arrays = [np.asarray(a) for a in (answer if isinstance(answer, tuple) else (answer,))]
        wrong = [a * (1.1 + np.cos(np.arange(a.size))).reshape(a.shape) for a in arrays]
        return tuple(wrong) if isinstance(answer, tuple) else wrong[0]

    spoiled.__module__ = function.__module__
    return spoiled


def _names():
    """The exercises that mistakes can be planted in; those that share a computation once."""
    steps = {e.steps: e.name for e in reversed(EXERCISES.values()) if e.steps is not None}
    return [name for name in EXERCISES if name in steps.values()]


def _naming_section(seeds, pair_seeds, jobs):
    rows = []
    totals = [Tally(), Tally()]
    with ProcessPoolExecutor(jobs) as pool:
        todo = [(n, s, False) for n, s in product(_names(), seeds)]
        todo += [(n, s, True) for n, s in product(_names(), pair_seeds)]
        done = list(zip(todo, pool.map(_tally, *zip(*todo, strict=True)), strict=True))
    for name in _names():
        tallies = [Tally(), Tally()]
        for (exercise, _, pairs), tally in done:
            if exercise == name:
                tallies[pairs] += tally
        totals = [total + tally for total, tally in zip(totals, tallies, strict=True)]
        rows.append(f"| `{name}` | {' | '.join(map(_cells, tallies))} |")
    return [
        "## The naming matrix",
        "",
        "Every mistake, and every pair that can be combined, is planted in every exercise in which",
        "it changes the answer, on fresh random networks; then the check is asked. *Refused*: it",
        "noticed. *Named*: it said which mistake, or both. *Wrongly*: it gave a name that does not",
        "fit. What is refused and not named is described without a name.",
        "",
        "That right answers are accepted, however they are written, is shown by",
        "`pytest tests/test_answers.py -k right_answers --seeds 200`.",
        "",
        f"Single mistakes over {len(seeds)} seeds, pairs over {len(pair_seeds)}:",
        "",
        "| exercise | single | refused | named | wrongly | pairs | refused | named | wrongly |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *rows,
        f"| **all** | {' | '.join(map(_cells, totals))} |",
        "",
    ]


def _tally(name, seed, pairs):
    return naming_matrix([seed], pairs, [name])[name]


def _cells(tally):
    return f"{tally.planted} | {tally.detected} | {tally.named} | {len(tally.wrongly)}"


def kill_section():
    """Which kind of network sees how many mistakes, as lines of Markdown."""
    lines = [
        "## The kill matrix",
        "",
        "How many of the mistakes show in one call on one network. The first three networks are",
        "those of the check, drawn anew for every seed; the others are of the kind that tutorials",
        "check their gradients with.",
        "",
    ]
    for name in KILL_EXERCISES:
        good = {fixture.name: fixture for fixture in fixtures(0)}
        exercise = EXERCISES[name]
        one_call = replace(exercise, calls=lambda fixture, e=exercise: e.calls(fixture)[:1])
        seen = kills(one_call, good | blind_fixtures())
        lines += [f"`{name}`", "", "| network | sees | blind to |", "|---|--:|---|"]
        for network, (n_seen, missed) in seen.items():
            blind = ", ".join(missed[:SHOWN])
            more = f" and {len(missed) - SHOWN} more" if len(missed) > SHOWN else ""
            lines += [f"| {network} | {n_seen} of {n_seen + len(missed)} | {blind}{more} |"]
        lines += [""]
    return lines


def mistakes_section():
    """The mistakes themselves, unit by unit, as lines of Markdown."""
    found = {mistake_id: [] for mistake_id in CATALOGUE}
    for name in _names():
        for mistake_id in applicable(EXERCISES[name]):
            found[mistake_id].append(name)
    lines = [
        "## The mistakes",
        "",
        f"{len(CATALOGUE)} in all; in brackets, where it was met.",
        "",
    ]
    for unit in sorted({mistake.see for mistake in CATALOGUE.values()}):
        lines += [f"### {unit}", ""]
        for mistake in CATALOGUE.values():
            if mistake.see == unit:
                where = ", ".join(f"`{name}`" for name in found[mistake.id]) or "every exercise"
                lines += [
                    f"- **{mistake.id}. {mistake.name}** {mistake.why} ({mistake.met}.) In {where}."
                ]
        lines += [""]
    return lines
