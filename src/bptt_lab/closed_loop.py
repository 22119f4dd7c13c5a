"""A network whose input is its own previous prediction, and the gradient with that path in it.

From the second step on, x_t is ŷ_{t-1}, a vector of probabilities (so D = C)::

    a_t = U ŷ_{t-1} + W s_{t-1},   s_t = tanh(a_t),   ŷ_t = softmax(V s_t)

So ŷ_t is used twice, for its own loss and for the next input, and the error comes back on both
ways: to ŷ_t - y_t is added the softmax Jacobian times Uᵀ δ_{t+1}.

The question is Scott's, below the tutorial of Britz (2015).
"""

import numpy as np

from .rnn import Params, cross_entropy, softmax, validate


def closed_loop_forward(params, first, n_steps, s_init=None):
    """Let a network run on its own predictions.

    Parameters
    ----------
    params : Params
        U (H, C), W (H, H), V (C, H).
    first : int
        The token at step 0.
    n_steps : int
    s_init : ndarray of shape (H,), optional

    Returns
    -------
    inputs : ndarray of shape (T, C)
    s : ndarray of shape (T + 1, H)
    z : ndarray of shape (T, C)

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    params, _, s_init = validate(params, np.array([first]), s_init=s_init)
    U, W, V = params
    if U.shape[1] != len(V):
        raise ValueError(
            f"params.U must have as many columns as V has rows, {len(V)}, since predictions are "
            f"inputs, not {U.shape[1]}"
        )
    inputs, states, logits = [np.eye(len(V))[first]], [s_init], []
    for t in range(n_steps):
        states.append(np.tanh(U @ inputs[t] + W @ states[t]))
        logits.append(V @ states[-1])
        inputs.append(softmax(logits[-1]))
    return np.array(inputs[:n_steps]), np.array(states), np.array(logits)


def closed_loop_loss(params, first, y, s_init=None):
    """E = Σ_t E_t of a network that runs on its own predictions.

    Parameters
    ----------
    params : Params
    first : int
    y : ndarray of int of shape (T,)
    s_init : ndarray of shape (H,), optional

    Returns
    -------
    scalar
        In nats.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    _, _, z = closed_loop_forward(params, first, len(y), s_init)
    return cross_entropy(z, np.asarray(y)).sum()


def closed_loop_bptt(params, first, y, s_init=None):
    """The gradient of `closed_loop_loss`, with the path through the predictions.

    Parameters
    ----------
    params, first, y, s_init
        As in `closed_loop_loss`.

    Returns
    -------
    Params

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    inputs, s, z = closed_loop_forward(params, first, len(y), s_init)
    U, W, V = map(np.asarray, params)
    y_hat = softmax(z)
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    delta = np.zeros(len(W))
    for t in reversed(range(len(y))):
        d_y_hat = U.T @ delta  # ŷ_t is the next input
        d_z = y_hat[t] * (d_y_hat - y_hat[t] @ d_y_hat)  # through the softmax Jacobian
        d_z += y_hat[t]
        d_z[y[t]] -= 1  # and its own loss
        dV += np.outer(d_z, s[t + 1])
        delta = (V.T @ d_z + W.T @ delta) * (1 - s[t + 1] ** 2)
        dU += np.outer(delta, inputs[t])
        dW += np.outer(delta, s[t])
    return Params(dU, dW, dV)
