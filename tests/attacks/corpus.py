"""Hand in the whole corpus, grade it, and say in a table what became of it."""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from bptt_lab.grading.course import Course, nbgrader_metadata, read_notebook
from bptt_lab.grading.grade import grade_class

from .attacks import ATTACKS
from .cunning import CUNNING
from .honest import HONEST, broken
from .processes import MORE
from .untidy import UNTIDY

ROOT = Path(__file__).parent.parent.parent
UNIT, EXERCISE, OTHER = "03-summed-gradients", "bptt_single_loop", "backward_step"
ATTACKS = ATTACKS | MORE | CUNNING
HONEST = HONEST | UNTIDY
SHORT = "\nc.JudgeInSandbox.timeout = 3\nc.JudgeInSandbox.total_timeout = 15\n"
UNPROTECTED = (
    "\nc.Autograde.autograde_preprocessors = [p.replace('bptt_lab.grading.judged.JudgeInSandbox',"
    " 'nbgrader.preprocessors.Execute') for p in c.Autograde.autograde_preprocessors]\n"
)


@dataclass(frozen=True)
class Line:
    """What became of a submission of the corpus."""

    kind: str
    name: str
    story: str
    score: float | None
    max_score: float
    status: str
    reason: str

    @property
    def holds(self):
        """Whether it is as it should be."""
        if self.kind == "attack":
            return not self.score
        if self.kind == "honest":
            return self.score == self.max_score
        return self.score is None and self.reason != ""


def make_course(folder, config=""):
    """A course of one unit with two exercises.

    Parameters
    ----------
    folder : Path
    config : str, optional
        Lines to append to the configuration.

    Returns
    -------
    Course
    """
    text = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (folder / "nbgrader_config.py").write_text(text + config, encoding="utf-8")
    (folder / "autograder").mkdir()
    whole, small = Course(ROOT), Course(folder)
    nb = read_notebook(whole.solutions / UNIT / whole.notebook(UNIT))
    cells = {nbgrader_metadata(cell).get("grade_id"): cell for cell in nb.cells}
    imports = next(cell for cell in nb.cells if cell.cell_type == "code")
    names = (EXERCISE, f"check_{EXERCISE}", OTHER, f"check_{OTHER}")
    nb.cells = [imports, *(cells[name] for name in names)]
    (small.solutions / UNIT).mkdir(parents=True)
    nbformat.write(nb, small.solutions / UNIT / whole.notebook(UNIT))
    return small


def hand_in(course, student, attack):
    """Write the submission of a student."""
    nb = read_notebook(course.solutions / UNIT / course.notebook(UNIT))
    for cell in nb.cells:
        if cell.source.startswith("check("):
            cell.source = cell.source.split("\n")[0]  # as released, without hidden tests
    nb.cells[1].source = attack.before + "\n" + attack.function
    if attack.after:
        nb.cells.insert(2, new_code_cell(attack.after))
    if attack.last:
        nb.cells.append(new_code_cell(attack.last))
    if attack.spoil is not None:
        attack.spoil(nb)
    folder = course.submitted / student / UNIT
    folder.mkdir(parents=True)
    text = json.dumps(nb)  # as it is, even where nbformat would not write it
    (folder / course.notebook(UNIT)).write_text(text, encoding="utf-8")
    for name, content in attack.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if content.startswith("../"):
            path.symlink_to(content)
        else:
            path.write_text(content, encoding="utf-8")


def hand_in_all(course):
    """The whole corpus, a student each; return a dict from the student to kind, name and story."""
    entries = {}
    for kind, corpus in (("attack", ATTACKS), ("honest", HONEST)):
        for i, (name, entry) in enumerate(corpus.items()):
            student = f"{kind}-{i:02d}"
            hand_in(course, student, entry)
            entries[student] = (kind, name, entry.story)
    good = (course.submitted / "honest-00" / UNIT / course.notebook(UNIT)).read_bytes()
    for i, (name, (content, _)) in enumerate(broken(good).items()):
        student = f"broken-{i:02d}"
        folder = course.submitted / student / UNIT
        folder.mkdir(parents=True)
        path = folder / (course.notebook(UNIT) if content is not None else "Untitled.ipynb")
        path.write_bytes(good if content is None else content)
        entries[student] = ("broken", name, "")
    return entries


def grade_all(course, entries, jobs=2):
    """Grade the corpus.

    Returns
    -------
    list of Line
        Of an attack the points of the exercise that it attacks, else all points.
    """
    lines = []
    for row in grade_class(course, jobs=jobs):
        kind, name, story = entries[row.student]
        score, most = row.score, row.max_score
        if kind == "attack":
            mine = next(e for e in row.exercises if e.name == EXERCISE)
            score, most = mine.score, mine.max_score
        lines.append(Line(kind, name, story, score, most, row.status, row.reason))
    return lines


def page(lines, protection):
    """The matrix as Markdown."""
    kinds = ("attack", "honest", "broken")
    said = {
        "attack": "attacks, of which {} got a point",
        "honest": "honest but untidy submissions, of which {} lost a point",
        "broken": "broken files, of which {} have no reason or a score",
    }
    text = ["# What the grader makes of attacks, of untidy work and of broken files", ""]
    text += [f"Printed by `python -m tests.attacks`; protection: {protection}.", ""]
    for kind in kinds:
        bad = sum(not line.holds for line in lines if line.kind == kind)
        text.append(f"- {sum(line.kind == kind for line in lines)} {said[kind].format(bad)}")
    text += ["", "A score is that of the attacked exercise; an attack leaves the other one alone."]
    for kind in kinds:
        text += ["", f"## {kind.capitalize()}", "", "| | what it does | score | status | reason |"]
        text += ["|---|---|---|---|---|"]
        for line in lines:
            if line.kind == kind:
                score = "–" if line.score is None else f"{line.score:g}"
                reason = line.reason.replace("|", "\\|")
                text.append(
                    f"| {line.name} | {line.story} | {score} / {line.max_score:g} "
                    f"| {line.status} | {reason} |"
                )
    return "\n".join(text) + "\n"
