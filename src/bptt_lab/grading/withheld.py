"""Inside the sandbox, what stands where the package's references stood: questions to the grader.

The grader answers while a notebook's own cells run, and refuses while a student's answer is asked
for. `inside` sets CALL before it runs the first cell.
"""

CALL = None
ASKED = False  # whether a student's answer is being asked for
REFUSED = "is not there while your answer is checked: it has to be your own"


def withheld(name, arguments):
    """Ask the grader to call a function of the package.

    Parameters
    ----------
    name : str
        The module and the function, such as ``"bptt.credit"``.
    arguments : dict

    Returns
    -------
    object
    """
    return CALL(name, arguments)


def not_while_asked(name):
    """Refuse what differentiates by itself, while an answer is asked for.

    Parameters
    ----------
    name : str
        Of the function of the package that calls this.

    Raises
    ------
    PermissionError
    """
    if ASKED:
        raise PermissionError(f"bptt_lab.{name} {REFUSED}")
