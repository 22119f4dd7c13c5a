"""One environment, said three times: pyproject.toml, constraints.txt and environment.yml agree."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
OWN = "bptt-lab"
FILES = ("pyproject.toml", "constraints.txt", "environment.yml")


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def of_pyproject():
    """Name to bounds, of everything in any extra."""
    extras = project()["optional-dependencies"].values()
    lines = [line for group in (project()["dependencies"], *extras) for line in group]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r.specifier for r in requirements if r.name != OWN}


def of_environment():
    """Name to bounds of what is installed by name; and what pip is told besides."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    (pip,) = [line["pip"] for line in listed if isinstance(line, dict)]
    lines = [line for line in [*listed, *pip] if isinstance(line, str) and line[:2] != "--"]
    names, pip = map(Requirement, lines), [line for line in pip if line[:2] == "--"]
    return {canonicalize_name(r.name): r.specifier for r in names}, pip


def pinned():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split(";")[0].strip() for line in lines if line.strip() and line[0] != "#"]
    matches = [re.fullmatch(r"([\w.-]+)==([\w.+!]+)", pin) for pin in pins]
    assert all(matches), "a line is no plain pin"
    names = {canonicalize_name(m[1]): Version(m[2]) for m in matches}
    assert len(names) == len(pins), "a name stands there twice"
    return names


def test_conda_installs_what_pip_would():
    conda, pip = of_environment()
    python = conda.pop("python")
    assert conda.pop("pip") == ""
    assert python == Requirement(f"python{project()['requires-python']}").specifier
    assert conda == of_pyproject()
    assert pip == ["--editable ."]


def test_every_dependency_is_pinned_within_its_bounds():
    pins = pinned()
    for name, bounds in of_pyproject().items():
        assert name in pins, name
        assert bounds.contains(pins[name]), name


def names_a_place(text):
    """Addresses and absolute paths, which differ from one machine or network to the next."""
    return re.findall(
        r"\w+://\S+|--(?:extra-)?index-url.*|(?<![\w.*/])/\w+/\S*|\b[A-Z]:\\\S*", text
    )


@pytest.mark.parametrize("file", FILES)
def test_no_file_names_a_registry_or_a_place_on_a_machine(file):
    assert names_a_place((ROOT / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url=https://example.org/simple",
        "git+ssh://example.org/x",
        "x @ /home/me/x",
        "C:\\x",
    ],
)
def test_such_a_place_would_be_found(line):
    assert names_a_place(f"numpy==2.0\n{line}\n")


def flagged(listing):
    """The lines of ``jupyter labextension list`` that are not in order."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", listing)
    lines = [line.strip() for line in plain.splitlines()]
    extensions = [
        line for line in lines if re.match(r"\S+ v\d", line) and "JupyterLab v" not in line
    ]
    known = {line.split()[0] for line in extensions}
    return known, [line for line in extensions if not re.search(r"\benabled\s+OK\b", line)]


def test_jupyterlab_accepts_every_extension():
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    known, bad = flagged(done.stdout + done.stderr)
    assert {"@jupyter/nbgrader", "@jupyter-widgets/jupyterlab-manager"} <= known
    assert bad == []


@pytest.mark.parametrize("verdict", ["\x1b[32menabled\x1b[0m \x1b[31mX\x1b[0m", "disabled OK"])
def test_a_flagged_extension_would_be_found(verdict):
    listing = f"JupyterLab v4.3.0\n/somewhere\n  @jupyter/nbgrader v0.9.6 {verdict} (python, x)\n"
    known, bad = flagged(listing)
    assert known == {"@jupyter/nbgrader"}
    assert len(bad) == 1


def test_make_alone_explains_itself():
    done = subprocess.run(["make"], capture_output=True, text=True, cwd=ROOT, check=True)
    for target in ("lab", "test", "grade", "release", "lint", "clean"):
        assert re.search(rf"^  make {target}\s+\S", done.stdout, flags=re.MULTILINE), target
