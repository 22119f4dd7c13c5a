"""What an exercise is: its name, what it is called with, and what it is compared to."""

from collections.abc import Callable
from dataclasses import dataclass

from .fixtures import fixtures

EXERCISES = {}  # name of the student's function -> Exercise


@dataclass(frozen=True)
class Exercise:
    """One exercise of the course; use the decorators `exercise` and `prediction` to make one.

    Attributes
    ----------
    name : str
        The name of the student's function.
    unit : str
        The unit that it belongs to, for example ``"01-loss"``.
    reference : callable
        Takes what the student's function takes and returns what it should return.
    returns : tuple of str
        The names of what is returned; with more than one, the function returns a tuple.
    calls : callable
        From a `Fixture`, the list of argument tuples to call the function with.
    against : str
        What the reference is, in the student's words: "the numerical gradient".
    rtol : float
        How far an entry may be off, in units of the largest entry of its array.
    is_prediction : bool
        A prediction takes no arguments and returns one answer: a choice or a number.
    steps : callable or None
        Takes `Steps` and the arguments, returns the answer as those steps compute it: this is how
        the mistakes of the catalogue are planted in the exercise.
    reads : callable or None
        Takes the returned arrays as a tuple and the arguments; returns a list of `Reading`, the
        intermediates that can be solved for on the fixture with distinct tokens.
    reads_credit : tuple of str or None
        The parameters ("U", "W") whose gradients the first returned arrays are, where the weights
        of the credit triangle can be read back from them.
    conditions : callable or None
        For a design exercise, whose answer is not unique: takes what was returned, as a tuple, and
        the arguments; returns None or what is wrong, as the end of "your answer ...".
    """

    name: str
    unit: str
    reference: Callable
    returns: tuple
    calls: Callable
    against: str
    rtol: float
    is_prediction: bool = False
    steps: Callable | None = None
    reads: Callable | None = None
    reads_credit: tuple | None = None
    conditions: Callable | None = None

    def cases(self, seed):
        """All that a seed gives: pairs of a fixture's name and an argument tuple."""
        if self.is_prediction:
            return [("", ())]
        return [
            (fixture.name, arguments)
            for fixture in fixtures(seed)
            for arguments in self.calls(fixture)
        ]


def exercise(
    unit,
    *,
    returns,
    calls,
    against="the reference",
    rtol=1e-12,
    steps=None,
    reads=None,
    reads_credit=None,
    conditions=None,
):
    """Register the decorated function as the reference of an exercise of the same name.

    The default tolerance follows from float64: rounding leaves about 1e-15 in the sums of these
    fixtures, however they are ordered, and the best central difference about 1e-10.

    Parameters
    ----------
    unit : str
    returns : str or tuple of str
    calls : callable
        Takes a `Fixture`, returns a list of argument tuples.
    against, rtol, steps, reads, reads_credit, conditions : optional
        As in `Exercise`.

    Returns
    -------
    callable
        The decorator; it gives the function back unchanged.
    """
    names = (returns,) if isinstance(returns, str) else tuple(returns)

    def register(reference):
        _add(
            Exercise(
                reference.__name__,
                unit,
                reference,
                names,
                calls,
                against,
                rtol,
                steps=steps,
                reads=reads,
                reads_credit=reads_credit,
                conditions=conditions,
            )
        )
        return reference

    return register


def prediction(unit, *, rtol=1e-12):
    """Register the decorated function as the computed answer to a prediction of the same name.

    Parameters
    ----------
    unit : str
    rtol : float, optional
        How far a number may be off, relative to the answer. A choice (a letter) must be equal.

    Returns
    -------
    callable
        The decorator; it gives the function back unchanged.
    """

    def register(answer):
        _add(
            Exercise(
                answer.__name__,
                unit,
                answer,
                ("answer",),
                calls=lambda fixture: [()],
                against="the computed answer",
                rtol=rtol,
                is_prediction=True,
            )
        )
        return answer

    return register


def _add(new):
    if new.name in EXERCISES:
        raise ValueError(f"there are two exercises named {new.name!r}")
    EXERCISES[new.name] = new
