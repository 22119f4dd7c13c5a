"""Who computes: the core, the loops it replaces, and what a user would pick instead.

A ``build`` function takes a `Problem` and returns a function without arguments, which computes the
loss and its gradient (or what else the comparison is about). All that can be prepared is prepared
when building: parameters and sequences are converted, and JAX compiles at the first call.
"""

from typing import NamedTuple

import numpy as np

import bptt_lab
from bptt_lab import Params


class Problem(NamedTuple):
    """A network and sequences to train it on.

    Attributes
    ----------
    params : Params
    x, y : ndarray of int of shape (T,) or (T, B)
    """

    params: Params
    x: np.ndarray
    y: np.ndarray


def draw(H, D, T, B, dtype=np.float64):
    """A problem with H hidden units, D inputs and D classes, T steps and B sequences."""
    rng = np.random.default_rng(7)
    params = bptt_lab.init_params(rng, D, H, D)
    shape = (T,) if B == 1 else (T, B)
    return Problem(
        Params(*(matrix.astype(dtype) for matrix in params)),
        rng.integers(D, size=shape),
        rng.integers(D, size=shape),
    )


def ours(problem):
    """`loss_and_bptt`, validation of its arguments included."""

    def run():
        loss, gradient = bptt_lab.loss_and_bptt(*problem)
        return loss, *gradient

    return run


def our_windows(problem, window):
    """`windowed_bptt`."""
    return lambda: bptt_lab.windowed_bptt(*problem, window)


def our_every_window(problem):
    """`bptt_every_window`."""
    return lambda: bptt_lab.bptt_every_window(*problem)


def each_window_by_itself(problem):
    """`windowed_bptt` once for every window."""

    def run():
        windows = [bptt_lab.windowed_bptt(*problem, tau) for tau in range(len(problem.x))]
        return Params(*map(np.stack, zip(*windows, strict=True)))

    return run


def our_credit_deltas(problem):
    """`credit_deltas`."""
    return lambda: [bptt_lab.credit_deltas(*problem)]


def our_credit(problem):
    """`credit`."""
    return lambda: bptt_lab.credit(*problem)


def our_numerical_gradient(problem):
    """`numerical_gradient`: the complex step, all entries in one run."""
    return lambda: bptt_lab.numerical_gradient(*problem)


def numerical_gradient_in_a_loop(problem):
    """`complex_step`: one forward pass for every entry."""
    params, x, y = problem
    return lambda: bptt_lab.complex_step(lambda moved: bptt_lab.loss(moved, x, y), params)


def matrix_products(problem):
    """The physical limit: the products of the forward and backward pass and nothing else.

    They are the same products on arrays of the same sizes and layout; operands and places for the
    results are ready, and nothing has to be looked at, added or squashed. A token's column of U is
    no product.
    """
    params, x, _ = problem
    rng = np.random.default_rng(7)
    s = rng.normal(size=(*x.shape, len(params.W))).astype(params.W.dtype)
    errors = rng.normal(size=(x.size, len(params.V))).astype(params.W.dtype)
    states = s.reshape(-1, s.shape[-1])
    W_T, product = params.W.T.copy(), np.empty_like(s[0])
    logits, injected = np.empty_like(errors), np.empty_like(states)
    dW, dV = np.empty_like(params.W), np.empty_like(params.V)

    def run():
        for s_t in s:
            np.dot(s_t, W_T, out=product)
        np.dot(states, params.V.T, out=logits)
        np.dot(errors, params.V, out=injected)
        for s_t in s[:-1]:
            np.dot(s_t, params.W, out=product)
        np.dot(states.T, states, out=dW)
        np.dot(errors.T, states, out=dV)

    return run


def entry_by_entry(problem):
    """What NumPy has to do besides the products: tanh, exp, logarithms and sums, and nothing else.

    Like `matrix_products` it does so on arrays that are ready, of the sizes of the problem.
    """
    params, x, _ = problem
    rng = np.random.default_rng(7)
    s = rng.uniform(-0.9, 0.9, size=(*x.shape, len(params.W))).astype(params.W.dtype)
    z = rng.normal(size=(x.size, len(params.V))).astype(params.W.dtype)
    columns = params.U.T.copy()
    out, e, product = np.empty_like(s), np.empty_like(z), s[0].copy()

    def run():
        a = columns[x]
        for a_t, s_t in zip(a, out, strict=True):
            a_t += product
            np.tanh(a_t, out=s_t)
        np.subtract(z, z.max(axis=-1, keepdims=True), out=e)
        np.exp(e, out=e)
        total = e.sum(axis=-1, keepdims=True)
        np.divide(e, total, out=e)
        np.log(total).sum()
        slopes = 1 - s**2
        for delta_t, slope in zip(a, slopes, strict=True):
            delta_t += product
            delta_t *= slope

    return run


def double_loop(problem, window=None):
    """The loop of Britz's tutorial, with its ``bptt_truncate``, and a plain loop forward.

    It takes one sequence at a time, so a batch is computed as one sequence after another.
    """
    params, x, y = problem
    window = len(x) if window is None else window
    sequences = [(x, y)] if x.ndim == 1 else list(zip(x.T, y.T, strict=True))

    def run():
        results = [_double_loop(params, *sequence, window) for sequence in sequences]
        return [sum(parts) for parts in zip(*results, strict=True)]

    return run


def double_loop_of_one_sequence(problem):
    """As `double_loop`, for the first sequence of a batch only; nothing is returned to compare."""
    params, x, y = problem
    compute = double_loop(Problem(params, x[:, 0], y[:, 0]))

    def run():
        compute()

    return run


def _double_loop(params, x, y, window):
    U, W, V = params
    T, H = len(x), len(W)
    s = np.zeros((T + 1, H), W.dtype)
    y_hat = np.zeros((T, len(V)), W.dtype)
    loss = 0
    for t in range(T):
        s[t] = np.tanh(U[:, x[t]] + W.dot(s[t - 1]))  # s[-1] is the initial state
        z = V.dot(s[t])
        e = np.exp(z - z.max())
        y_hat[t] = e / e.sum()
        loss -= np.log(y_hat[t, y[t]])
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    error = y_hat
    error[np.arange(T), y] -= 1
    for t in reversed(range(T)):
        dV += np.outer(error[t], s[t])
        delta = V.T.dot(error[t]) * (1 - s[t] ** 2)
        for k in range(t, max(0, t - window) - 1, -1):
            dW += np.outer(delta, s[k - 1])
            dU[:, x[k]] += delta
            delta = W.T.dot(delta) * (1 - s[k - 1] ** 2)
    return loss, dU, dW, dV


def double_loop_gradient(problem, window):
    """As `double_loop`, and only the gradient."""
    run = double_loop(problem, window)
    return lambda: run()[1:]


def with_torch(problem, embedding):
    """PyTorch: ``nn.RNN`` and autograd.

    With `embedding`, U is an ``nn.functional.embedding`` and the input weights of the RNN are a
    frozen identity; without it, tokens are given as one-hot vectors.
    """
    import torch

    params, x, y = problem
    U, W, V = map(torch.tensor, params)
    H, D = U.shape
    rnn = torch.nn.RNN(H if embedding else D, H, bias=False).to(U.dtype)
    V = torch.nn.Parameter(V)
    table = torch.nn.Parameter(U.T.contiguous())
    with torch.no_grad():
        rnn.weight_hh_l0.copy_(W)
        rnn.weight_ih_l0.copy_(torch.eye(H) if embedding else U)
    rnn.weight_ih_l0.requires_grad_(not embedding)
    tokens, targets = torch.tensor(x), torch.tensor(y).ravel()
    vectors = None if embedding else torch.nn.functional.one_hot(tokens, D).to(U.dtype)

    def run():
        for parameter in (*rnn.parameters(), table, V):
            parameter.grad = None
        inputs = torch.nn.functional.embedding(tokens, table) if embedding else vectors
        states, _ = rnn(inputs)
        z = (states @ V.T).reshape(-1, len(V))
        loss = torch.nn.functional.cross_entropy(z, targets, reduction="sum")
        loss.backward()
        dU = table.grad.T if embedding else rnn.weight_ih_l0.grad
        return loss.detach(), dU, rnn.weight_hh_l0.grad, V.grad

    return run


def with_jax(problem):
    """JAX: ``lax.scan`` under ``jit``, differentiated by ``value_and_grad``."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(params, x, y):
        inputs = params.U.T[x]

        def step(s, inputs_t):
            s = jnp.tanh(inputs_t + s @ params.W.T)
            return s, s

        _, s = jax.lax.scan(step, jnp.zeros_like(inputs[0]), inputs)
        log_y_hat = jax.nn.log_softmax(s @ params.V.T)
        return -jnp.take_along_axis(log_y_hat, y[..., None], axis=-1).sum()

    loss_and_gradient = jax.jit(jax.value_and_grad(loss))
    params, x, y = jax.tree.map(jnp.asarray, problem)

    def run():
        value, gradient = jax.block_until_ready(loss_and_gradient(params, x, y))
        return value, *gradient

    return run


def with_autograd(problem):
    """HIPS autograd: the forward pass in NumPy, differentiated by ``value_and_grad``."""
    import autograd
    import autograd.numpy as anp

    params, x, y = problem
    rows = np.arange(x.size)

    def loss(matrices):
        U, W, V = matrices
        inputs = U.T[x]
        s, states = np.zeros_like(params.W, shape=inputs.shape[1:]), []
        for t in range(len(x)):
            s = anp.tanh(inputs[t] + anp.dot(s, W.T))
            states.append(s)
        z = anp.dot(anp.stack(states), V.T).reshape(x.size, len(params.V))
        shifted = z - anp.max(z, axis=1, keepdims=True)
        log_sum = anp.log(anp.sum(anp.exp(shifted), axis=1))
        return anp.sum(log_sum - shifted[rows, y.ravel()])

    loss_and_gradient = autograd.value_and_grad(loss)

    def run():
        value, gradient = loss_and_gradient(tuple(params))
        return value, *gradient

    return run
