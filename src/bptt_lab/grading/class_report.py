"""What a lecturer wants to know on Monday: how the class did, and what to explain again.

One HTML file without anything from elsewhere; the bars are SVG drawn here.
"""

from collections import Counter
from html import escape

from ..checker.catalogue import CATALOGUE

BAR, GAP, WIDTH = 18, 6, 320
BLUE, GREY = "#0072B2", "#767676"
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:62em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:2px 14px 2px 0;text-align:left;"
    "vertical-align:top}td.n{text-align:right}"
)


def write_class_report(course, rows):
    """Write ``class.html``.

    Parameters
    ----------
    course : Course
    rows : list of Row
    """
    body = [f"<h1>{escape(course.root.name)}: how the class did</h1>"]
    for unit in sorted({row.unit for row in rows}):
        body += _unit(unit, [row for row in rows if row.unit == unit])
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>How the class did</title><style>{STYLE}</style></head>\n<body>"
        + "\n".join(body)
        + "</body></html>\n"
    )
    path = course.desk / "class.html"
    scratch = path.with_suffix(".new")
    scratch.write_text(page, encoding="utf-8")
    scratch.replace(path)


def _unit(unit, rows):
    graded = [row for row in rows if row.score is not None and row.max_score]
    yield f"<h2>{escape(unit)}</h2>"
    counts = Counter(row.status for row in rows)
    yield f"<p>{', '.join(f'{n} {escape(status)}' for status, n in counts.most_common())}</p>"
    if not graded:
        return
    tenths = [min(9, int(10 * row.score / row.max_score)) for row in graded]
    labels = [f"{10 * i}–{10 * (i + 1)} %" for i in range(10)]
    yield "<h3>Points</h3>"
    yield _bars([(label, tenths.count(i)) for i, label in enumerate(labels)], "students")
    yield "<h3>Exercises, the hardest first</h3>"
    yield "<table><tr><th>exercise<th>right<th>not right<th>not attempted<th>no result</tr>"
    yield from _exercises(graded)
    yield "</table>"
    named = _mistakes(graded)
    yield "<h3>Mistakes that were named, the most frequent first</h3>"
    if not named:
        yield "<p>None.</p>"
        return
    yield _bars([(name, len({student for student, _ in who})) for name, who in named], "students")
    yield "<table><tr><th>mistake<th>where<th>what it is</tr>"
    for name, who in named:
        where = ", ".join(sorted({exercise for _, exercise in who}))
        mistake = CATALOGUE[name]
        yield (
            f"<tr><td>{escape(name)}<td>{escape(where)}"
            f"<td><b>{escape(mistake.name)}</b><br>{escape(mistake.why)}</tr>"
        )
    yield "</table>"


def _exercises(rows):
    outcomes = {}
    for row in rows:
        for exercise in row.exercises:
            outcomes.setdefault(exercise.name, []).append(exercise)
    right = {n: sum(e.score == e.max_score for e in es) for n, es in outcomes.items()}
    for name in sorted(outcomes, key=lambda name: right[name] / len(outcomes[name])):
        untouched = sum(e.outcome == "not attempted" for e in outcomes[name])
        nothing = sum(e.score is None or e.outcome.startswith("not run") for e in outcomes[name])
        wrong = len(outcomes[name]) - right[name] - untouched - nothing
        numbers = "".join(f'<td class="n">{n}' for n in (right[name], wrong, untouched, nothing))
        yield f"<tr><td>{escape(name)}{numbers}</tr>"


def _mistakes(rows):
    """From the id of a mistake to the (student, exercise) that made it, the most frequent first."""
    who = {}
    for row in rows:
        for exercise in row.exercises:
            for name in exercise.mistakes:
                if name in CATALOGUE:
                    who.setdefault(name, []).append((row.student, exercise.name))
    return sorted(who.items(), key=lambda item: (-len({s for s, _ in item[1]}), item[0]))


def _bars(values, what):
    """A horizontal bar for each pair of a label and a count."""
    most = max(count for _, count in values) or 1
    height = (BAR + GAP) * len(values)
    alt = "; ".join(f"{label}: {count} {what}" for label, count in values if count)
    parts = [
        f'<svg role="img" aria-label="{escape(alt)}" width="{WIDTH + 160}" height="{height}" '
        'font-family="sans-serif" font-size="13">'
    ]
    for i, (label, count) in enumerate(values):
        top = i * (BAR + GAP)
        width = WIDTH * count / most
        parts.append(
            f'<text x="88" y="{top + 14}" text-anchor="end" fill="{GREY}">{escape(label)}</text>'
            f'<rect x="94" y="{top}" width="{width:.1f}" height="{BAR}" fill="{BLUE}"/>'
            f'<text x="{100 + width:.1f}" y="{top + 14}">{count or ""}</text>'
        )
    return "".join([*parts, "</svg>"])
