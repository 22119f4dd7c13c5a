"""Other cells than tanh: ReLU, LSTM and GRU, forward and backward, with the verbs of ``rnn.py``.

As in the rest of the course there are no biases, and `Params` holds three matrices. Where a cell
has several gates, U and W hold their blocks one below the other: U (G·H, D), W (G·H, H), V (C, H).

A cell is a step forward and the same step backward, line by line. Everything else (the loop, the
output layer, the sums over time) is the same for all cells.

Sources: Hochreiter & Schmidhuber (1997) and Gers et al. (2000) for the LSTM with a forget gate; Cho
et al. (2014) for the GRU; Le, Jaitly & Hinton (2015) for ReLU.
"""

from typing import NamedTuple

import numpy as np

from .rnn import Params, cross_entropy, init_params, softmax


class Run(NamedTuple):
    """Everything that a forward pass of a cell computes.

    Attributes
    ----------
    states : list of tuple of ndarray
        Of length T + 1; ``states[0]`` is the initial one. A state is ``(s,)``, and ``(s, c)`` for
        the LSTM, each of shape (H,) or (B, H).
    kept : list
        Of length T: what the backward step needs.
    z, y_hat : ndarray of shape (T, C) or (T, B, C)
    """

    states: list
    kept: list
    z: np.ndarray
    y_hat: np.ndarray


def sigmoid(a):
    """1 / (1 + exp(-a)), computed without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * a))


class ReLU:
    """s_t = max(0, U x_t + W s_{t-1})."""

    n_blocks = 1
    n_states = 1

    @staticmethod
    def step(W, from_input, state):
        """One step forward.

        Parameters
        ----------
        W : ndarray of shape (G·H, H)
        from_input : ndarray of shape (G·H,) or (B, G·H)
            U x_t.
        state : tuple of ndarray

        Returns
        -------
        state : tuple of ndarray
        kept : tuple of ndarray
            For `back`.
        """
        (s,) = state
        a = from_input + s @ W.T
        active = a.real > 0
        return (np.where(active, a, 0),), (s, active)

    @staticmethod
    def back(W, kept, d_state):
        """The same step backward.

        Parameters
        ----------
        W : ndarray of shape (G·H, H)
        kept : tuple of ndarray
        d_state : tuple of ndarray
            The derivative of the loss by the state after the step.

        Returns
        -------
        d_a : ndarray of shape (G·H,) or (B, G·H)
            By the pre-activations, and so by U x_t.
        dW : ndarray of shape (G·H, H)
        d_state : tuple of ndarray
            By the state before the step.
        """
        s, active = kept
        (d_s,) = d_state
        d_a = d_s * active
        return d_a, _outer(d_a, s), (d_a @ W,)


class Tanh:
    """s_t = tanh(U x_t + W s_{t-1}): the cell of the course, for comparison."""

    n_blocks = 1
    n_states = 1

    @staticmethod
    def step(W, from_input, state):
        """As `ReLU.step`."""
        (s,) = state
        new = np.tanh(from_input + s @ W.T)
        return (new,), (s, new)

    @staticmethod
    def back(W, kept, d_state):
        """As `ReLU.back`."""
        s, new = kept
        (d_s,) = d_state
        d_a = d_s * (1 - new**2)
        return d_a, _outer(d_a, s), (d_a @ W,)


class LSTM:
    """Input, forget and output gate, candidate (in this order), and a cell c beside the state s.

    i, f, o = σ(a_i), σ(a_f), σ(a_o);  g = tanh(a_g);  c_t = f ⊙ c_{t-1} + i ⊙ g;
    s_t = o ⊙ tanh(c_t).
    """

    n_blocks = 4
    n_states = 2

    @staticmethod
    def step(W, from_input, state):
        """As `ReLU.step`."""
        s, c = state
        a_i, a_f, a_o, a_g = np.split(from_input + s @ W.T, 4, axis=-1)
        i, f, o, g = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), np.tanh(a_g)
        new_c = f * c + i * g
        squashed = np.tanh(new_c)
        return (o * squashed, new_c), (s, c, i, f, o, g, squashed)

    @staticmethod
    def back(W, kept, d_state):
        """As `ReLU.back`."""
        s, c, i, f, o, g, squashed = kept
        d_s, d_c = d_state
        d_c = d_c + d_s * o * (1 - squashed**2)  # from s_t = o ⊙ tanh(c_t), and from later
        d_a = np.concatenate(
            [
                d_c * g * i * (1 - i),  # from c_t = f ⊙ c_{t-1} + i ⊙ g
                d_c * c * f * (1 - f),
                d_s * squashed * o * (1 - o),
                d_c * i * (1 - g**2),
            ],
            axis=-1,
        )
        return d_a, _outer(d_a, s), (d_a @ W, d_c * f)


class GRU:
    """Update gate, reset gate, candidate (in this order).

    z, r = σ(a_z), σ(a_r);  n = tanh(U_n x_t + W_n (r ⊙ s_{t-1}));
    s_t = z ⊙ s_{t-1} + (1 - z) ⊙ n.
    """

    n_blocks = 3
    n_states = 1

    @staticmethod
    def step(W, from_input, state):
        """As `ReLU.step`."""
        (s,) = state
        H = W.shape[1]
        W_gates, W_n = W[: 2 * H], W[2 * H :]
        gates = sigmoid(from_input[..., : 2 * H] + s @ W_gates.T)
        z, r = gates[..., :H], gates[..., H:]
        n = np.tanh(from_input[..., 2 * H :] + (r * s) @ W_n.T)
        return (z * s + (1 - z) * n,), (s, z, r, n)

    @staticmethod
    def back(W, kept, d_state):
        """As `ReLU.back`."""
        s, z, r, n = kept
        (d_s,) = d_state
        H = W.shape[1]
        W_gates, W_n = W[: 2 * H], W[2 * H :]
        d_a_n = d_s * (1 - z) * (1 - n**2)
        d_reset = d_a_n @ W_n  # by r ⊙ s_{t-1}
        d_gates = np.concatenate([d_s * (s - n) * z * (1 - z), d_reset * s * r * (1 - r)], axis=-1)
        d_before = d_s * z + d_reset * r + d_gates @ W_gates
        dW = np.concatenate([_outer(d_gates, s), _outer(d_a_n, r * s)])
        return np.concatenate([d_gates, d_a_n], axis=-1), dW, (d_before,)


CELLS = {"tanh": Tanh, "ReLU": ReLU, "LSTM": LSTM, "GRU": GRU}


def init(cell, rng, n_inputs, n_hidden, n_classes, gain=1.0):
    """Draw the parameters of a cell, as `init_params` does.

    Parameters
    ----------
    cell : str
        One of `CELLS`.
    rng : numpy.random.Generator
    n_inputs, n_hidden, n_classes : int
    gain : float, default 1.0

    Returns
    -------
    Params
        U (G·H, D), W (G·H, H), V (C, H).

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    blocks = [
        init_params(rng, n_inputs, n_hidden, n_classes, gain) for _ in range(_cell(cell).n_blocks)
    ]
    return Params(
        np.concatenate([block.U for block in blocks]),
        np.concatenate([block.W for block in blocks]),
        blocks[0].V,
    )


def forward(cell, params, x):
    """Run a cell over a sequence, from a state of zeros.

    Parameters
    ----------
    cell : str
        One of `CELLS`.
    params : Params
        U (G·H, D), W (G·H, H), V (C, H).
    x : ndarray of int of shape (T,) or (T, B)
        Tokens.

    Returns
    -------
    Run

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    kind = _cell(cell)
    params, x = _validate(kind, params, x)
    inputs = params.U.T[x]
    shape = (*x.shape[1:], params.W.shape[1])
    dtype = np.result_type(*params)
    states, kept = [tuple(np.zeros(shape, dtype) for _ in range(kind.n_states))], []
    for inputs_t in inputs:
        state, memory = kind.step(params.W, inputs_t, states[-1])
        states.append(state)
        kept.append(memory)
    z = np.stack([state[0] for state in states[1:]]) @ params.V.T
    return Run(states, kept, z, softmax(z))


def loss(cell, params, x, y):
    """E = Σ_t E_t, summed over steps and sequences.

    Parameters
    ----------
    cell : str
    params : Params
    x, y : ndarray of int of shape (T,) or (T, B)

    Returns
    -------
    scalar
        In nats; complex if the parameters are complex.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    run = forward(cell, params, x)
    return cross_entropy(run.z, _targets(y, run.z)).sum()


def bptt(cell, params, x, y):
    """The gradient of the loss, in one backward sweep.

    Parameters
    ----------
    cell : str
    params : Params
    x, y : ndarray of int of shape (T,) or (T, B)

    Returns
    -------
    Params
        Of the shapes of `params`.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    run = forward(cell, params, x)
    kind, x, y = _cell(cell), np.asarray(x), _targets(y, run.z)
    U, W, V = map(np.asarray, params)
    error = run.y_hat - np.eye(len(V))[y]
    dU, dW, dV = (np.zeros(m.shape, error.dtype) for m in (U, W, V))
    d_state = tuple(np.zeros_like(part) for part in run.states[-1])
    for t in reversed(range(len(x))):
        dV += _outer(error[t], run.states[t + 1][0])
        d_state = (d_state[0] + error[t] @ V, *d_state[1:])  # s_t is used twice
        d_a, dW_t, d_state = kind.back(W, run.kept[t], d_state)
        dW += dW_t
        np.add.at(dU.T, x[t], d_a)
    return Params(dU, dW, dV)


def path_norms(cell, params, x):
    """The norm of the derivative of the last state by the state n hops before it, n = 0..T.

    For the LSTM the state is s and c together.

    Parameters
    ----------
    cell : str
    params : Params
    x : ndarray of int of shape (T,)

    Returns
    -------
    ndarray of shape (T + 1,)

    Raises
    ------
    ValueError
        If `x` is a batch, or as `forward`.
    """
    run = forward(cell, params, x)
    kind, W, inputs = _cell(cell), np.asarray(params.W), np.asarray(params.U).T[x]
    if inputs.ndim != 2:
        raise ValueError(f"x must be one sequence here, not a batch of shape {np.shape(x)}")
    H, n = W.shape[1], W.shape[1] * kind.n_states
    product, found = np.eye(n), [1.0]
    for t in reversed(range(len(inputs))):
        columns = []
        for j in range(n):
            moved = np.concatenate(run.states[t]).astype(complex)
            moved[j] += 1e-30j
            state, _ = kind.step(W, inputs[t], tuple(np.split(moved, n // H)))
            columns.append(np.concatenate(state).imag / 1e-30)
        product = product @ np.array(columns).T
        found.append(np.linalg.norm(product, 2))
    return np.array(found)


def _cell(name):
    if name not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, not {name!r}")
    return CELLS[name]


def _validate(kind, params, x):
    U, W, V = params = Params(*map(np.asarray, params))
    if W.ndim != 2 or W.shape[0] != kind.n_blocks * W.shape[1]:
        raise ValueError(
            f"params.W must have {kind.n_blocks} blocks of shape (H, H), one below the other, "
            f"not shape {W.shape}"
        )
    for name, matrix, axis, size in (("U", U, 0, W.shape[0]), ("V", V, 1, W.shape[1])):
        if matrix.ndim != 2 or matrix.shape[axis] != size:
            what = ("rows", "columns")[axis]
            raise ValueError(
                f"params.{name} must have {size} {what} to match W, not shape {matrix.shape}"
            )
    x = np.asarray(x)
    if x.dtype.kind not in "iu" or x.ndim not in (1, 2) or 0 in x.shape:
        raise ValueError(
            f"x must hold tokens of shape (T,) or (T, B), not {x.dtype} of shape {x.shape}"
        )
    if x.min() < 0 or x.max() >= U.shape[1]:
        raise ValueError(f"x must lie in 0..{U.shape[1] - 1}, but holds {x.min()} to {x.max()}")
    return params, x


def _targets(y, z):
    y = np.asarray(y)
    if y.dtype.kind not in "iu" or y.shape != z.shape[:-1]:
        raise ValueError(
            f"y must hold classes of shape {z.shape[:-1]}, not {y.dtype} of shape {y.shape}"
        )
    if y.min() < 0 or y.max() >= z.shape[-1]:
        raise ValueError(f"y must lie in 0..{z.shape[-1] - 1}, but holds {y.min()} to {y.max()}")
    return y


def _outer(left, right):
    """left ⊗ right, summed over sequences where there are any."""
    return np.atleast_2d(left).T @ np.atleast_2d(right)
