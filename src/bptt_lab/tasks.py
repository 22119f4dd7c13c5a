"""Small languages whose dependency length is known, so that what was learned can be measured.

Each is a function of a generator and of lengths, and gives sequences of tokens with a target class
at every step, and the steps at which an answer shows whether the dependency was learned. All steps
have a target, so that the loss is the course's loss.

Sources: the agreement of a noun with a verb behind a relative clause is the example of Britz
(2015), and to choose between the two forms of the verb is the measure of Linzen, Dupoux & Goldberg
(2016); the adding and the copying problem are those of Hochreiter & Schmidhuber (1997) with classes
in place of real numbers.
"""

from typing import NamedTuple

import numpy as np

from .rnn import require_integer


class Sequences(NamedTuple):
    """A batch of sequences.

    Attributes
    ----------
    x, y : ndarray of int of shape (T, B)
        Tokens and target classes.
    scored : ndarray of bool of shape (T,)
        The steps whose answers count for the accuracy.
    choices : ndarray of int
        The classes that come into question where an answer counts.
    n_inputs, n_classes : int
        D and C.
    """

    x: np.ndarray
    y: np.ndarray
    scored: np.ndarray
    choices: np.ndarray
    n_inputs: int
    n_classes: int


AGREEMENT = ("dog", "dogs", "barks", "bark", "that", "ate", "slept", "ran")
THAT = AGREEMENT.index("that")


def agreement(rng, n_sequences, distance):
    """A noun, a relative clause of `distance` words, and a verb that must agree with the noun.

    The clause is *that* and as many verbs in the past tense, which have no number, as fit: "dogs
    that ate slept bark". The network predicts every next word. At the last step it must choose
    between *barks* and *bark*, and the only word that tells stands `distance` hops before.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_sequences : int
        B ≥ 1.
    distance : int
        Words of the clause, which are the hops from the noun to the step that predicts the verb; at
        least 0.

    Returns
    -------
    Sequences
        Of ``distance + 1`` steps; tokens index `AGREEMENT`.

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer or too small.
    """
    require_integer("n_sequences", n_sequences, minimum=1)
    require_integer("distance", distance, minimum=0)
    number = rng.integers(2, size=(1, n_sequences))
    clause = rng.integers(THAT + 1, len(AGREEMENT), size=(distance, n_sequences))
    clause[:1] = THAT
    words = np.concatenate([number, clause, 2 + number])
    scored, choices = np.arange(distance + 1) == distance, np.array([2, 3])
    return Sequences(words[:-1], words[1:], scored, choices, len(AGREEMENT), len(AGREEMENT))


def delayed_copy(rng, n_sequences, n_steps, lag, n_symbols=2):
    """Repeat the symbol of `lag` steps ago; before that, the answer is *nothing yet*.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_sequences, n_steps : int
        B ≥ 1 and T > `lag`.
    lag : int
        Hops from a symbol to the step at which it is asked for, at least 0.
    n_symbols : int, default 2
        The class after the last symbol is *nothing yet*.

    Returns
    -------
    Sequences

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer or too small.
    """
    require_integer("n_sequences", n_sequences, minimum=1)
    require_integer("lag", lag, minimum=0)
    require_integer("n_steps", n_steps, minimum=lag + 1)
    require_integer("n_symbols", n_symbols, minimum=2)
    x = rng.integers(n_symbols, size=(n_steps, n_sequences))
    y = np.full_like(x, n_symbols)
    y[lag:] = x[: n_steps - lag]
    scored, choices = np.arange(n_steps) >= lag, np.arange(n_symbols)
    return Sequences(x, y, scored, choices, n_symbols, n_symbols + 1)


def adding(rng, n_sequences, n_steps):
    """Two of many bits are marked, one in each half; at the end, how many of the two are 1?

    Parameters
    ----------
    rng : numpy.random.Generator
    n_sequences : int
        B ≥ 1.
    n_steps : int
        T ≥ 2.

    Returns
    -------
    Sequences
        A token is a bit, plus 2 where it is marked. Classes 0, 1 and 2 are sums, 3 is *wait*.

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer or too small.
    """
    require_integer("n_sequences", n_sequences, minimum=1)
    require_integer("n_steps", n_steps, minimum=2)
    bits = rng.integers(2, size=(n_steps, n_sequences))
    half, each = n_steps // 2, np.arange(n_sequences)
    marked = np.array(
        [
            rng.integers(half, size=n_sequences),
            half + rng.integers(n_steps - half, size=n_sequences),
        ]
    )
    x = bits.copy()
    x[marked, each] += 2
    y = np.full_like(x, 3)
    y[-1] = bits[marked, each].sum(axis=0)
    return Sequences(x, y, np.arange(n_steps) == n_steps - 1, np.arange(3), 4, 4)
