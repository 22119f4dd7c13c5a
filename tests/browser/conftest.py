"""One Chromium for all browser tests, and one JupyterLab for each theme, started when needed."""

import shutil
import warnings
from pathlib import Path

import pytest

from bptt_lab.grading.course import Course
from bptt_lab.grading.release import build

from . import lab

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "screenshots"
BOARD = (
    "from bptt_lab import widgets",
    "widgets.truncation_explorer()",
    "widgets.sum_over_time()",
    "widgets.softmax_minus_target()",
    "widgets.vanishing()",
    "widgets.gradient_check_microscope()",
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The released unit 04, and a notebook with all widgets."""
    folder = tmp_path_factory.mktemp("notebooks")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built = build(Course(ROOT), tmp_path_factory.mktemp("released"))
    shutil.copy(built / "04-truncated-bptt" / "truncated_bptt.ipynb", folder)
    lab.write_notebook(folder / "all_widgets.ipynb", *BOARD)
    return folder


@pytest.fixture(scope="session", params=["light", "dark"])
def theme(request):
    return request.param


@pytest.fixture(scope="session")
def jupyterlab(theme, folder, tmp_path_factory):
    """From a notebook's name to its address in a JupyterLab of that theme."""
    with lab.jupyterlab(folder, tmp_path_factory.mktemp(theme), dark=theme == "dark") as address:
        yield address


@pytest.fixture(scope="session")
def new_page():
    with lab.chromium() as new_page:
        yield new_page


@pytest.fixture
def page(new_page):
    """A page that must not have logged an error by the end of the test."""
    page = new_page()
    yield page
    page.close()
    assert page.problems == []


@pytest.fixture(scope="session")
def keep():
    """Keep a screenshot to look at, in build/screenshots/."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    def keep(page, name):
        page.screenshot(path=PICTURES / f"{name}.png")

    return keep
