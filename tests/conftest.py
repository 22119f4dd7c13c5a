"""A run in which a test was skipped fails, as pytest itself fails one in which no test ran."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytest_plugins = ["pytester"]


class NoSkips:
    """Remembers what was skipped, and does not let the run succeed with it."""

    def __init__(self):
        self.skipped = []

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.skipped.append(report.nodeid)

    pytest_collectreport = pytest_runtest_logreport

    def pytest_sessionfinish(self, session, exitstatus):
        if self.skipped and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.skipped:
            terminalreporter.section("skipped, which counts as failed")
            terminalreporter.write_line("\n".join(self.skipped))


def pytest_addoption(parser):
    text = "seeds to try each right and wrong answer on (3; the README's claims use 200)"
    parser.addoption("--seeds", type=int, default=3, help=text)


@pytest.fixture(scope="session")
def seeds(request):
    """The seeds of the option ``--seeds``."""
    return range(request.config.getoption("--seeds"))


def pytest_configure(config):
    config.pluginmanager.register(NoSkips())
