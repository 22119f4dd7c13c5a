"""Inside the sandbox, ``bptt_lab.checker``: it has no references, so it judges nothing."""


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
