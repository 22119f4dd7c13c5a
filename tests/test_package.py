"""The package as a whole: what an import brings along, what it asks for, and how tests are run."""

import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

import bptt_lab

HEAVY = ("IPython", "ipywidgets", "jupyterlab", "matplotlib", "nbformat", "nbgrader", "traitlets")


def brought_along(statement):
    """The heavy modules that a fresh interpreter holds after a statement."""
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [name for name in HEAVY if name in done.stdout.split()]


@pytest.mark.parametrize("module", ["bptt_lab", "bptt_lab.cli", "bptt_lab.checker"])
def test_an_import_is_light(module):
    assert brought_along(f"import {module}") == []


def test_a_heavy_import_would_be_found():
    assert "matplotlib" in brought_along("import bptt_lab.plots, matplotlib")


def test_the_core_alone_asks_for_numpy_only():
    plain = [line for line in requires("bptt-lab") if "extra ==" not in line]
    assert [line.split(">")[0] for line in plain] == ["numpy"]


def test_everything_public_has_a_docstring():
    for name in bptt_lab.__all__:
        assert getattr(bptt_lab, name).__doc__, name


PASSES = "def test_one():\n    pass\n"
SKIPS = "import pytest\n\ndef test_two():\n    pytest.skip('not here')\n"
SKIPS_ALL = "import pytest\n\npytest.skip('not here', allow_module_level=True)\n"


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("source", "succeeds"),
    [(PASSES, True), (PASSES + SKIPS, False), (SKIPS_ALL, False), ("", False)],
    ids=["one passes", "one is skipped", "a file is skipped", "no test ran"],
)
def test_a_run_without_tests_or_with_skipped_ones_fails(pytester, source, succeeds, workers):
    conftest = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
    pytester.makeconftest(conftest)
    pytester.makepyfile(test_here=PASSES if source == SKIPS_ALL else source, test_too=source)
    done = pytester.runpytest_subprocess("--numprocesses", workers)
    assert (done.ret == 0) == succeeds
