"""The gradient-check microscope: one derivative, every step size, three ways to check it."""

import numpy as np

from .. import plots
from ..bptt import bptt, bptt_every_window
from ..numerical import central_difference, complex_step, frozen_state_loss
from ..rnn import Params, loss
from ..truncation import window_horizon
from .lecture import LectureWidget
from .sentence import sequence

STEPS = 10.0 ** -(np.arange(0, 65) / 4)  # 1 down to 1e-16
TOLERANCE = 1e-6


def gradient_check_microscope(
    params=None, x=None, y=None, *, s_init=None, words=None, matrix="W", entry=(0, 0), gradient=None
):
    """Slide the step size of a numerical derivative, and check whole and truncated gradients.

    Parameters
    ----------
    params, x, y, s_init, words : optional
        As in `truncation_explorer`.
    matrix : {"U", "W", "V"}, default "W"
    entry : pair of int, default (0, 0)
        The one entry that is looked at.
    gradient : callable, optional
        Your own gradient of the loss, called as ``gradient(params, x, y)``, with `s_init` as the
        fourth argument if that is given; it returns Params or a tuple (dU, dW, dV).

    Returns
    -------
    LectureWidget

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    own_start = () if s_init is None else (s_init,)
    params, x, y, s_init, words = sequence(params, x, y, s_init, words)
    if matrix not in Params._fields:
        raise ValueError(f"matrix must be 'U', 'W' or 'V', not {matrix!r}")
    base = getattr(params, matrix)
    entry = tuple(entry)
    if len(entry) != 2 or not all(
        isinstance(i, (int, np.integer)) and 0 <= i < n
        for i, n in zip(entry, base.shape, strict=False)
    ):
        raise ValueError(f"entry must be a row and a column of {matrix} {base.shape}, not {entry}")
    T = len(x)

    def along(function):
        """`function` of the parameters, as a function of that one entry."""

        def of_entry(value):
            moved = base.astype(np.result_type(value, base))
            moved[entry] = value[0]
            return function(params._replace(**{matrix: moved}))

        return of_entry

    at = base[entry][None]
    whole_loss = along(lambda moved: loss(moved, x, y, s_init))
    frozen = [
        along(frozen_state_loss(params, x, y, window_horizon(T, tau), s_init)) for tau in range(T)
    ]
    whole = getattr(bptt(params, x, y, s_init), matrix)[entry]
    truncated = getattr(bptt_every_window(params, x, y, s_init), matrix)[:, *entry]
    derivatives = {"loss": _derivatives([whole_loss], at), "frozen": _derivatives(frozen, at)}
    analytic = {"whole": np.array([whole]), "truncated": truncated}
    checks = {
        "whole": ("whole gradient, loss E", "whole", "loss"),
        "truncated": ("truncated gradient, loss E", "truncated", "loss"),
        "frozen": ("truncated gradient, frozen-state loss", "truncated", "frozen"),
    }
    if gradient is not None:
        analytic["yours"] = np.array([_own(gradient, params, x, y, own_start, matrix)[entry]])
        checks["yours"] = ("your gradient, loss E", "yours", "loss")

    arrays = {"h": STEPS}
    for check, (_, claimed, by) in checks.items():
        arrays[f"analytic {check}"] = np.broadcast_to(analytic[claimed], T)
        for method, found in derivatives[by].items():
            found = np.broadcast_to(found, (T, len(STEPS)))
            arrays[f"{method} {check}"] = found
            arrays[f"{method} error {check}"] = _error(found, arrays[f"analytic {check}"][:, None])
    errors = {
        "central difference": arrays["central error whole"][0],
        "complex step": arrays["complex error whole"][0],
    }
    start = int(np.argmin(np.abs(np.log10(STEPS) + 4)))
    return LectureWidget(
        "microscope.js",
        title="Gradient-check microscope",
        facts={
            "steps": T,
            "checks": [[check, label] for check, (label, _, _) in checks.items()],
            "entry": f"∂E/∂{matrix}[{entry[0]}, {entry[1]}]",
            "tolerance": TOLERANCE,
        },
        arrays=arrays,
        state={"h": start, "window": min(2, T - 1), "check": "whole"},
        predict=_question(errors["central difference"]),
        picture=plots.step_size_curve(STEPS, errors),
    )


def _derivatives(functions, at):
    """Both numerical derivatives of each function at every step size, shape (N, steps)."""
    return {
        "central": np.array([[central_difference(f, at, h)[0] for h in STEPS] for f in functions]),
        "complex": np.array([[complex_step(f, at, h)[0] for h in STEPS] for f in functions]),
    }


def _error(found, claimed):
    size = np.maximum(np.abs(found), np.abs(claimed))
    return np.abs(found - claimed) / np.where(size > 0, size, 1.0)


def _own(gradient, params, x, y, own_start, matrix):
    result = gradient(params, x, y, *own_start)
    try:
        found = np.asarray(getattr(Params(*result), matrix), float)
    except TypeError:
        raise TypeError(
            "gradient must return Params or a tuple (dU, dW, dV), "
            f"but it returned {type(result).__name__}"
        ) from None
    expected = getattr(params, matrix).shape
    if found.shape != expected:
        raise ValueError(f"gradient must return d{matrix} of shape {expected}, not {found.shape}")
    return found


def _question(error):
    best = int(np.argmin(error))
    third = len(STEPS) // 3
    return {
        "question": "At which step size h is the central difference most exact?",
        "choices": ["The largest", "One in the middle", "The smallest"],
        "answer": 0 if best < third // 2 else (1 if best < len(STEPS) - third // 2 else 2),
        "why": (
            f"It is best at h = {STEPS[best]:.0e}, with a relative error of {error[best]:.0e}. A "
            "larger h bends away from the tangent, a smaller one subtracts two numbers that agree "
            "in nearly all their digits. The complex step subtracts nothing."
        ),
    }
