"""What the README says is true: its code runs, and its verdict is what the check prints."""

import re
from pathlib import Path

from bptt_lab.checker import EXERCISES
from bptt_lab.checker.catalogue import CATALOGUE
from bptt_lab.checker.judge import check
from bptt_lab.checker.matrix import plant

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_code_runs_and_the_gradient_is_that_of_its_own_loss():
    namespace = {}
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        *body, last = block.strip().splitlines()
        exec("\n".join(body), namespace)
        result = eval(last.split("  #")[0], namespace)
    assert result < 1e-13


def test_its_verdict_is_what_the_check_prints():
    exercise = EXERCISES["bptt_single_loop"]
    report = repr(check(plant(exercise, CATALOGUE["W1"].ways[0]), exercise.name))
    (sample,) = re.findall(r"```\n(✗ .*?)```", README, flags=re.DOTALL)
    assert report.startswith(sample.rstrip())


def test_its_speeds_are_those_that_the_command_printed():
    printed = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8").splitlines()
    section = README.split("## How fast")[1].split("\n## ")[0]
    quoted = [line for line in section.splitlines() if line.startswith(("|", "Measured"))]
    assert len(quoted) > 8
    for line in quoted:
        assert line in printed, line


def test_every_folder_of_its_layout_exists():
    layout = README.split("## Layout")[1].split("```")[1]
    for name in re.findall(r"^(\S+/)", layout, flags=re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
