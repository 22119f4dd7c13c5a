"""What a check says: HTML in a notebook and in nbgrader's feedback, text in a terminal."""

import re
from dataclasses import dataclass
from enum import Enum
from html import escape

import numpy as np

from .diagnosis import Diagnosis
from .exercise import Exercise

# how far an entry is off, in units of the largest right entry of its array
MARKS = "·-+#"
MARK_ABOVE = (0.0, 0.01, 0.1)
MAP_LEGEND = "· right, - off by less than 1 %, + less than 10 %, # more"
MARK_COLOURS = {
    "·": ("#eeeeee", "#555555"),
    "-": ("#f6c6a0", "#000000"),
    "+": ("#e58a45", "#000000"),
    "#": ("#a84300", "#ffffff"),
}


CODE = r"`([^`]*)`"  # nothing inside it is marked up: there, asterisks are powers
BOLD = r"\*\*([^*]+)\*\*"
MARKUP = (
    (BOLD, r"<b>\1</b>"),
    (r"(?<=[A-Za-zŷδΣ])_(?:\{([^}]*)\}|([A-Za-z0-9]))(?![A-Za-z0-9_])", r"<sub>\1\2</sub>"),
)


class Outcome(Enum):
    """How a check ended: the words that a student reads, with a symbol and a colour."""

    CORRECT = ("✓", "correct", "#009E73")
    INCORRECT = ("✗", "not right yet", "#D55E00")
    CRASHED = ("!", "it stops with an error", "#D55E00")
    NOT_ATTEMPTED = ("○", "not attempted yet", "#767676")


@dataclass(frozen=True)
class Part:
    """One returned array: whether it is right, and if not, how it is wrong.

    `off` is the error of each entry in units of the largest right one, zero where it is within the
    tolerance; `worst` is the index of the worst entry, `yours` and `expected` its two numbers.
    `case` names the fixture on which it was first wrong; `nearly` says why a number that is nearly
    right is not.
    """

    name: str
    right: bool
    problem: str | None = None
    relative_error: float | None = None
    worst: tuple = ()
    yours: float | None = None
    expected: float | None = None
    off: np.ndarray | None = None
    case: str = ""
    is_numeric: bool = True
    nearly: str | None = None

    @property
    def badness(self):
        """0 for right, 1 for wrong in the last digits, 2 for wrong."""
        return 0 if self.right else (1 if self.nearly else 2)

    @property
    def has_map(self):
        """Whether there is a picture of where it is wrong; it would be even if only digits are."""
        return self.off is not None and self.off.ndim > 0 and not self.nearly


@dataclass(frozen=True)
class Crash:
    """An exception in the student's function, their line as (number, text), and the inputs."""

    name: str
    message: str
    line: tuple | None
    passed: tuple


@dataclass(frozen=True)
class Report:
    """The result of `check`.

    Attributes
    ----------
    exercise : Exercise
    outcome : Outcome
    seed : int
        ``check(function, seed=seed)`` replays the check.
    parts : tuple of Part
        One for each returned array, where the comparison got that far.
    faults : tuple of str
        What kept the numbers from being compared.
    crash : Crash or None
    diagnosis : Diagnosis or None
        Which mistake it is, or what is known of it.
    notes : tuple of str
        What the function printed and warned about; it never costs points.
    """

    exercise: Exercise
    outcome: Outcome
    seed: int
    parts: tuple = ()
    faults: tuple = ()
    crash: Crash | None = None
    diagnosis: Diagnosis | None = None
    notes: tuple = ()

    @property
    def score(self):
        """The fraction of returned arrays that are right, from 0.0 to 1.0."""
        if self.outcome is Outcome.CORRECT:
            return 1.0
        return sum(part.right for part in self.parts) / max(1, len(self.parts))

    def points(self, maximum):
        """Show the report and return the marks, as nbgrader wants them: a plain float.

        Parameters
        ----------
        maximum : int or float
            What the exercise is worth.

        Returns
        -------
        float
            From 0.0 to `maximum`, in proportion to `score`.
        """
        _display(self)
        return float(round(maximum * self.score, 2))

    def __repr__(self):
        lines = [self._headline()]
        lines += [f"  {line}" for line in self._crash_lines()]
        lines += [f"  {_text_line(line)}" for line in self._what_happened()]
        if self._has_triangle:
            lines += [f"  {line}" for line in _text_triangles(self.diagnosis)]
        lines += [f"  {line}" for line in self._numbers()]
        for part in self._maps():
            lines += [f"  where {part.name} is off ({MAP_LEGEND}):"]
            lines += [f"    {row}" for row in _text_map(part.off)]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def _repr_html_(self):
        symbol, _, colour = self.outcome.value
        head, *rest = self._headline().removeprefix(symbol).strip().split(": ", 1)
        body = [
            f'<div><span style="color:{colour};font-weight:bold">{symbol}</span> '
            f"<b>{escape(head)}</b>{escape(': ' + rest[0]) if rest else ''}</div>"
        ]
        body += [_html_line(line, markup=()) for line in self._crash_lines()]
        body += [_html_line(line) for line in self._what_happened()]
        if self._has_triangle:
            body += [_html_triangles(self.diagnosis)]
        body += [_html_line(line) for line in self._numbers()]
        if self._maps():
            body += [_html_maps(self._maps())]
        if self.notes:
            shown = "<br>".join(escape(note) for note in self.notes)
            body += [
                '<details style="margin-left:1.4em"><summary>What your function printed '
                f"(it costs no points)</summary><code>{shown}</code></details>"
            ]
        return (
            f'<div style="border-left:4px solid {colour};padding:2px 0 2px 10px;'
            f'margin:4px 0;line-height:1.5">{"".join(body)}</div>'
        )

    def _headline(self):
        symbol, words, _ = self.outcome.value
        text = f"{symbol} {self.exercise.name}: {words}"
        if self.outcome is Outcome.NOT_ATTEMPTED:
            return text + "".join(f" ({note})" for note in self.notes)
        if self.outcome is Outcome.CORRECT and not self.exercise.is_prediction:
            text += f" (agrees with {self.exercise.against}, seed {self.seed})"
        elif self.outcome is Outcome.INCORRECT and not self.exercise.is_prediction:
            text += f" (seed {self.seed})"
        return text

    def _what_happened(self):
        """Sentences; `backticks` mark code and **asterisks** what matters most."""
        return [*self.faults, *(_diagnosis_lines(self.diagnosis) if self.diagnosis else ())]

    def _crash_lines(self):
        """The exception, and where it was raised, as the student wrote it."""
        if self.crash is None:
            return []
        lines = [f"{self.crash.name}: {self.crash.message}"]
        if self.crash.line is not None:
            lines += ["your line {}: `{}`".format(*self.crash.line)]
        if self.crash.passed:
            lines += [f"it was called with {'; '.join(self.crash.passed)}"]
        return lines

    def _numbers(self):
        if self.outcome is Outcome.CORRECT:
            return []
        lines = [line for part in self.parts for line in _part_lines(part, self.exercise)]
        return lines + list(dict.fromkeys(part.nearly for part in self.parts if part.nearly))

    @property
    def _has_triangle(self):
        return self.diagnosis is not None and self.diagnosis.triangle is not None

    def _maps(self):
        """The parts whose errors are drawn: none where something says more than such a map."""
        if self.diagnosis is not None and (self.diagnosis.mistakes or self._has_triangle):
            return []
        return [part for part in self.parts if part.has_map]


def _diagnosis_lines(diagnosis):
    lines = []
    for i, mistake in enumerate(diagnosis.mistakes):
        lines += [("And: " if i else "") + f"**{mistake.name}** [{mistake.id}]"]
        lines += [f"{mistake.why} (See {mistake.see}.)", f"Ask yourself: {mistake.hint}"]
    if not diagnosis.mistakes:
        if diagnosis.factor is not None:
            lines += [f"What is wrong is {diagnosis.factor:.6g} times what it should be."]
        if diagnosis.first_wrong is not None:
            first = diagnosis.first_wrong
            lines += [
                f"The first wrong intermediate, read back from your answer, is {first.name} at "
                f"step {first.step}: entry {first.entry} is {first.yours:.6g} and should be "
                f"{first.expected:.6g}."
            ]
    return lines


def _part_lines(part, exercise):
    if exercise.is_prediction:
        return [] if part.right else [f"{part.problem}. Think again, or read on and come back."]
    if part.right:
        return [f"✓ {part.name} is right"]
    lines = [f"✗ {part.name} {part.problem}"] if part.problem else []
    if part.relative_error is not None:
        index = f"[{', '.join(map(str, part.worst))}]" if part.worst else ""
        if not part.problem:
            n = f" in {(part.off > 0).sum()} of {part.off.size} entries" if part.worst else ""
            where = f" ({part.case})" if part.case else ""
            lines += [f"✗ {part.name} is off{n}: relative error {part.relative_error:.2g}{where}"]
        lines += [
            f"{'worst at ' if index else ''}{part.name}{index}: yours {part.yours:.10g}, "
            f"{exercise.against.removeprefix('the ')} {part.expected:.10g}"
        ]
    return lines


def _display(report):
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None
    if get_ipython is not None and get_ipython() is not None:
        display(report)
    else:
        print(report)


def _marks(off):
    """A row of marks for each row of the array: how far off each entry is."""
    rows = off.reshape(-1, off.shape[-1])
    return np.array(list(MARKS))[np.searchsorted(MARK_ABOVE, rows, side="left")]


def _text_map(off):
    return ["".join(row) for row in _marks(off)]


TRIANGLE_LEGEND = "how often each term C[t, k] is counted (rows: loss t, columns: step k)"


def _triangles(diagnosis):
    return (("yours", diagnosis.triangle), ("right", diagnosis.expected_triangle))


def _weight(weight, t, k):
    """A weight as text: `·` for a term that is left out, nothing above the diagonal."""
    if k > t:
        return ""
    return "·" if abs(weight) < 1e-6 else f"{weight:.3g}"


def _text_triangles(diagnosis):
    cells = [
        [[_weight(w, t, k) for k, w in enumerate(row)] for t, row in enumerate(triangle)]
        for _, triangle in _triangles(diagnosis)
    ]
    width = 1 + max(len(cell) for rows in cells for row in rows for cell in row)
    blocks = [
        [
            name.ljust(width * len(rows))
            for name, rows in zip(("yours", "right"), cells, strict=True)
        ]
    ]
    blocks += [
        ["".join(cell.rjust(width) for cell in row) for row in rows]
        for rows in zip(*cells, strict=True)
    ]
    return [TRIANGLE_LEGEND + ":", *("    " + "     ".join(block).rstrip() for block in blocks)]


def _html_triangles(diagnosis):
    tables = []
    for name, triangle in _triangles(diagnosis):
        rows = "".join(
            "<tr>"
            + "".join(_html_weight(_weight(w, t, k)) for k, w in enumerate(row[: t + 1]))
            + "</tr>"
            for t, row in enumerate(triangle)
        )
        tables.append(
            '<div style="display:inline-block;margin:4px 24px 4px 1.4em;vertical-align:top">'
            f'<div>{name}</div><table style="border-collapse:collapse;font-size:12px;'
            f'line-height:1">{rows}</table></div>'
        )
    return f'<div><div style="margin-left:1.4em">{TRIANGLE_LEGEND}</div>{"".join(tables)}</div>'


def _html_weight(text):
    kept = text != "·"
    background, colour = ("#0072B2", "#ffffff") if kept else ("#eeeeee", "#555555")
    return (
        '<td style="min-width:22px;height:22px;padding:0 2px;text-align:center;'
        f'border:1px solid #ffffff;background-color:{background};color:{colour}">{text}</td>'
    )


def _text_line(line):
    """A line without the asterisks of its emphasis."""
    return re.sub(f"{CODE}|{BOLD}", lambda found: found[2] or found[0], line)


def _html_line(line, markup=MARKUP):
    """An escaped line, with code, emphasis and subscripts set as such."""
    html = escape(line)
    code = re.findall(CODE, html)
    html = re.sub(CODE, "``", html)
    for pattern, replacement in markup:
        html = re.sub(pattern, replacement, html)
    for part in code:
        html = html.replace("``", f"<code>{part}</code>", 1)
    return f'<div style="margin-left:1.4em">{html}</div>'


def _html_maps(parts):
    """A small table for each wrong array, darker where it is further off."""
    tables = []
    for part in parts:
        rows = "".join(
            f"<tr>{''.join(_html_cell(mark) for mark in row)}</tr>" for row in _marks(part.off)
        )
        tables.append(
            '<div style="display:inline-block;margin:4px 24px 4px 1.4em;vertical-align:top">'
            f"<div>where {escape(part.name)} is off</div>"
            '<table style="border-collapse:collapse;font-size:12px;line-height:1">'
            f"{rows}</table></div>"
        )
    return f'<div>{"".join(tables)}<div style="margin-left:1.4em">{MAP_LEGEND}</div></div>'


def _html_cell(mark):
    background, colour = MARK_COLOURS[mark]
    return (
        '<td style="width:14px;height:14px;padding:0;text-align:center;border:1px solid #ffffff;'
        f'background-color:{background};color:{colour}">{mark}</td>'
    )
