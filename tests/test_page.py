"""docs/mistakes.md: what it says of the catalogue is what the catalogue says now."""

import re
from pathlib import Path

from bptt_lab.checker import page

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "mistakes.md").read_text(encoding="utf-8")
REMAKE = "bptt-lab catalogue --seeds 20 --pair-seeds 2 --write docs/mistakes.md"


def rows():
    """The naming matrix as it is written there: exercise -> eight numbers."""
    lines = re.findall(r"^\| [`*]+(\w+)[`*]+ \| ([\d |]+) \|$", PAGE, flags=re.MULTILINE)
    return {name: [int(number) for number in numbers.split("|")] for name, numbers in lines}


def test_its_kill_matrix_and_its_list_of_mistakes_are_up_to_date():
    fresh = "\n".join([*page.kill_section(), *page.mistakes_section()])
    assert PAGE.endswith(fresh), REMAKE


def test_every_exercise_with_mistakes_is_in_its_naming_matrix():
    assert set(rows()) == {*page._names(), "all"}, REMAKE


def test_nothing_slipped_through_and_nothing_was_named_wrongly():
    for name, numbers in rows().items():
        for planted, refused, named, wrongly in (numbers[:4], numbers[4:]):
            assert refused == planted, name
            assert wrongly == 0, name
            assert named >= 0.5 * planted, name
        assert numbers[2] >= 0.98 * numbers[0], name
    assert rows()["all"][0] > 10_000


def test_it_says_how_many_seeds_it_took():
    singles, pairs = re.search(r"over (\d+) seeds, pairs over (\d+)", PAGE).groups()
    assert int(singles) >= 20
    assert int(pairs) >= 1


def test_the_slowest_checks_are_measured_for_every_kind_of_answer():
    slowest = page.slowest_checks(seed=987_654)
    assert set(slowest) == {"right", "wrong", "wrong and unknown"}
    assert all(milliseconds > 0 and name for milliseconds, name in slowest.values())
