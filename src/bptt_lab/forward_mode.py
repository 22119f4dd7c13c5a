"""Real-time recurrent learning: the same gradient, carried forward instead of sent back.

The influence P_t = ds_t/dW (a total derivative) obeys the product rule from step to step::

    dP_t[k] / dW[i, j] = (1 - s_t[k]²) (Σ_l W[k, l] P_{t-1}[l, i, j] + [k = i] s_{t-1}[j])

and each loss meets it at once: dE_t/dW = Σ_k (∂E_t/∂s_t)[k] P_t[k]. Nothing has to be remembered
of the past but P, and nothing has to be sent back.

Source: Williams & Zipser (1989), "A learning algorithm for continually running fully recurrent
neural networks".
"""

import numpy as np

from .rnn import Params, is_tokens, run, validate


def rtrl(params, x, y, s_init=None):
    """The gradient of the whole loss, in one sweep from the first step to the last.

    It equals `bptt`. It holds H·H·(D + H) numbers whatever T is, and each step costs about
    H·H·H·(D + H) multiplications, where `bptt` needs about H·H.

    Parameters
    ----------
    params : Params
    x : ndarray
        Tokens (T,) or real vectors (T, D).
    y : ndarray of int of shape (T,)
    s_init : ndarray of shape (H,), optional

    Returns
    -------
    Params

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    *_, gradient = rtrl_steps(params, x, y, s_init)
    return gradient


def rtrl_steps(params, x, y, s_init=None):
    """`rtrl`, which yields the gradient of the losses up to each step as soon as it is known.

    Parameters
    ----------
    params, x, y, s_init
        As in `rtrl`.

    Yields
    ------
    Params
        The gradient of E_0 + ... + E_t.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, x, s_init, y = validate(params, x, y, s_init)
    if s_init.ndim != 1:
        raise ValueError(f"x must be one sequence here, not a batch of shape {x.shape}")
    U, W, V = params
    H, D = U.shape
    s, y_hat = (net := run(params, x, s_init)).s, net.y_hat
    vectors = np.eye(D)[x] if is_tokens(x) else x
    P_U, P_W = np.zeros((H, H, D)), np.zeros((H, H, H))  # [unit, row, column]
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    unit = np.arange(H)
    for t in range(len(x)):
        P_U, P_W = np.tensordot(W, P_U, 1), np.tensordot(W, P_W, 1)  # through the state before
        P_U[unit, unit] += vectors[t]  # and the immediate derivative
        P_W[unit, unit] += s[t]
        slope = (1 - s[t + 1] ** 2)[:, None, None]
        P_U, P_W = slope * P_U, slope * P_W
        error = y_hat[t].copy()
        error[y[t]] -= 1
        d_s = error @ V
        dU, dW = dU + np.tensordot(d_s, P_U, 1), dW + np.tensordot(d_s, P_W, 1)
        dV = dV + np.outer(error, s[t + 1])
        yield Params(dU, dW, dV)
