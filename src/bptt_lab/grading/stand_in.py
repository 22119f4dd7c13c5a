"""What stands inside the sandbox where the checker and the figures stood.

As ``bptt_lab.checker`` it has no references, so it judges nothing; a `Picture` is never drawn.
"""


class Report:
    """What `check` returns here; the test cells are judged by the grader, outside."""

    score = 0.0

    def points(self, maximum):
        return 0.0

    def __repr__(self):
        return "(not checked here: while grading, only the test cells count)"


def check(function, exercise=None, seed=0):
    """Say that nothing is checked here; the parameters are those of the real one."""
    return Report()


EXERCISES = {}


class Picture:
    """Takes whatever a figure of the package takes, and draws nothing."""

    def __init__(self, *arguments, **options):
        pass

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Picture

    def __repr__(self):
        return "(a figure: not drawn while grading)"
