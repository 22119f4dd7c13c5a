"""The check that the notebooks, the grader and the tests share."""

from . import exercises
from .exercise import EXERCISES
from .judge import check
from .report import Report

__all__ = ["EXERCISES", "Report", "check", "exercises"]
