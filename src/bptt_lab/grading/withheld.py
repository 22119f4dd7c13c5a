"""Inside the sandbox, what stands where the package's references stood: questions to the grader.

The grader answers while a notebook's own cells run, and refuses while a student's answer is asked
for. `inside` sets CALL before it runs the first cell.
"""

CALL = None


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
