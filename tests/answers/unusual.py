"""Right answers in styles that nobody expects, and mistakes planted in loops of their own.

Here an answer is written as no one in the other files writes it: in extended precision, with masked
arrays, classes, generators, recursion, caches, complex numbers, reversed views, Fortran order, or a
batch of one. Whatever is right must pass.
"""

import functools
import itertools
import operator

import numpy as np

RIGHT = {}
WRONG = {}


def right(*names):
    def add(answer):
        for name in names:
            RIGHT.setdefault(name, []).append(answer)
        return answer

    return add


# The forward pass


@right("forward_step")
def in_extended_precision(U, W, x_t, s_prev):
    a = U[:, x_t].astype(np.longdouble) + W.astype(np.longdouble) @ s_prev
    return np.tanh(a)


@right("forward_step")
def with_exponentials(U, W, x_t, s_prev):
    e = np.exp(2 * (np.take(U, x_t, axis=1) + np.inner(W, s_prev)))
    return (e - 1) / (e + 1)


@right("forward_step")
def of_stacked_matrices(U, W, x_t, s_prev):
    one_hot = np.arange(U.shape[1]) == x_t
    return np.tanh(np.hstack([U, W]).dot(np.hstack([one_hot, s_prev])))


@right("forward_states")
def with_reduce(params, x, s_init):
    U, W, _ = params
    return functools.reduce(
        lambda rows, token: [*rows, np.tanh(U[:, token] + W @ rows[-1])], x.tolist(), [s_init]
    )


@right("forward_states")
def with_accumulate(params, x, s_init):
    U, W, _ = params
    states = itertools.accumulate(x, lambda s, t: np.tanh(U[:, t] + W @ s), initial=s_init)
    return np.vstack(list(states))


@right("forward_states")
def in_fortran_order(params, x, s_init):
    s = np.zeros((len(s_init), len(x) + 1), order="F")
    s[:, 0] = s_init
    for t, token in enumerate(x, start=1):
        np.tanh(params.U[:, token] + params.W @ s[:, t - 1], out=s[:, t])
    return s.T


@right("forward_states")
def from_a_reversed_view(params, x, s_init):
    backwards = np.empty((len(x) + 1, len(s_init)))
    s = backwards[::-1]
    s[0] = s_init
    for t in range(len(x)):
        s[t + 1] = np.tanh(params.U.T[x[t]] + s[t] @ params.W.T)
    return backwards[::-1]


@right("forward_states")
class Network:
    """A class: calling it makes an object that behaves as the array that is asked for."""

    def __init__(self, params, x, s_init):
        self.rows = [s_init]
        for token in x:
            self.step(params, token)

    def step(self, params, token):
        self.rows.append(np.tanh(params.U[:, token] + params.W @ self.rows[-1]))

    def __array__(self, dtype=None, copy=None):
        return np.array(self.rows, dtype=dtype)


@right("forward_states")
def as_a_batch_of_one(params, x, s_init):
    s = s_init[None]
    batch = [s]
    for token in x[:, None]:
        s = np.tanh(params.U.T[token] + s @ params.W.T)
        batch.append(s)
    return np.array(batch)[:, 0]


# The prediction and the loss


@right("softmax")
def as_a_matrix(z):
    z = np.matrix(z)
    e = np.exp(z - z.max(axis=1))
    return e / e.sum(axis=1)


@right("softmax")
def by_differences_of_logits(z):
    with np.errstate(over="ignore"):
        return 1 / np.exp(z[:, None, :] - z[:, :, None]).sum(axis=2)


@right("softmax")
def with_masked_arrays(z):
    masked = np.ma.masked_array(z, mask=False)
    e = np.ma.exp(masked - masked.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@right("softmax")
def by_sorting_first(z):
    order = np.argsort(z, axis=1)
    rows = np.take_along_axis(z, order, axis=1)
    e = np.exp(rows - rows[:, -1:])
    e /= np.cumsum(e, axis=1)[:, -1:]
    return np.take_along_axis(e, np.argsort(order, axis=1), axis=1)


@right("step_losses")
def in_bits_first(y_hat, y):
    return -np.log2(y_hat[range(len(y)), y]) * np.log(2)


@right("step_losses")
def with_map(y_hat, y):
    return list(map(lambda row, target: np.log(1.0) - np.log(row[target]), y_hat, y))


@right("log_softmax_loss")
def by_pairs(z, y):
    return np.array([functools.reduce(np.logaddexp, row.tolist()) - row[t] for row, t in zip(z, y)])


@right("log_softmax_loss")
def relative_to_the_target(z, y):
    above = z - z[np.arange(len(y)), y][:, None]
    top = above.max(axis=1)
    return np.log(np.exp(above - top[:, None]).sum(axis=1)) + top


@right("total_loss")
def by_a_generator(params, x, y, s_init):
    def losses():
        s = s_init
        for token, target in zip(x, y, strict=True):
            s = np.tanh(params.U[:, token] + params.W @ s)
            z = params.V @ s
            yield np.log(np.exp(z - z[target]).sum())

    return sum(losses())


@right("total_loss")
def with_complex_numbers(params, x, y, s_init):
    s, E = s_init.astype(complex), 0j
    for token, target in zip(x, y):
        s = np.tanh(params.U[:, token] + params.W @ s)
        z = params.V @ s
        E += np.log(np.exp(z).sum()) - z[target]
    return E.real


@right("total_loss")
def of_a_product_of_probabilities(params, x, y, s_init):
    s, likelihood = s_init, np.longdouble(1)
    for token, target in zip(x, y):
        s = np.tanh(params.U[:, token] + params.W @ s)
        e = np.exp(params.V @ s)
        likelihood *= e[target] / e.sum()
    return -np.log(likelihood)


@right("loss_with_copies")
def as_an_array_without_axes(params, W_copies, x, y, s_init):
    states = itertools.accumulate(
        zip(W_copies, x), lambda s, at: np.tanh(params.U[:, at[1]] + at[0] @ s), initial=s_init
    )
    z = np.stack(list(states)[1:]) @ params.V.T
    return np.array(
        np.log(np.exp(z).sum(axis=1)).sum() - np.take_along_axis(z, y[:, None], 1).sum()
    )


# The output layer


@right("softmax_jacobian")
def by_symmetry(y_hat_t):
    C = len(y_hat_t)
    J = np.zeros((C, C), order="F")
    for i, j in itertools.combinations(range(C), 2):
        J[i, j] = J[j, i] = -y_hat_t[i] * y_hat_t[j]
    J[np.arange(C), np.arange(C)] = -J.sum(axis=0)  # its columns sum to zero
    return J


@right("output_error")
def with_a_mask(y_hat, y):
    hit = np.zeros(y_hat.shape, dtype=bool)
    np.put_along_axis(hit, y[:, None], True, axis=1)
    return np.ma.masked_array(y_hat, mask=False) - hit


@right("output_error")
def through_a_flat_view(y_hat, y):
    error = y_hat.copy(order="C")
    error.reshape(-1)[np.arange(len(y)) * y_hat.shape[1] + y] -= 1
    return error


@right("gradient_v")
def class_by_class(y_hat, y, s):
    return np.stack([(y_hat[:, c] - (y == c)) @ s[1:] for c in range(y_hat.shape[1])])


@right("gradient_v")
def with_kron_and_a_sum(y_hat, y, s):
    C, H = y_hat.shape[1], s.shape[1]
    errors = y_hat - np.eye(C)[y]
    return sum(np.kron(e, h) for e, h in zip(errors, s[1:])).reshape(C, H)


_CALLS = itertools.count()


@right("gradient_v")
def in_another_order_at_every_call(y_hat, y, s):
    """As threads add up, or a set gives its elements: the last digit need not be the same twice."""
    errors = y_hat - np.eye(y_hat.shape[1])[y]
    order = np.random.default_rng(next(_CALLS)).permutation(len(y))
    return sum(np.outer(errors[t], s[t + 1]) for t in order)


# Through time


@right("state_jacobian")
def column_by_column(W, s_k):
    columns = [(1 - s_k**2) * (W @ e) for e in np.eye(len(W))]
    return np.column_stack(columns)


@right("backward_step")
def with_a_block_matrix(params, error_t, s_t, delta_next):
    J = np.diag(1 - s_t**2) @ np.block([params.V.T, params.W.T])
    return np.ravel(np.matrix(J) @ np.concatenate([error_t, delta_next])[:, None])


@right("delta_last_loss")
def with_a_deque_of_jacobians(params, x, y, s, y_hat):
    error = y_hat[-1] - np.eye(len(params.V))[y[-1]]
    jacobians = [(1 - row**2)[:, None] * params.W for row in s[1:]]
    deltas = []
    for k in range(len(y)):
        path = functools.reduce(operator.matmul, jacobians[:k:-1], np.eye(len(params.W)))
        deltas.append((error @ params.V @ path) * (1 - s[k + 1] ** 2))
    return deltas


def _sum_over_triangle(params, x, y, s, y_hat, keep):
    """Σ over the kept (t, k), all δ in one array, summed by einsum in unusual index orders."""
    U, W, V = params
    T = len(y)
    slope = 1 - s[1:] ** 2
    delta = np.zeros((W.shape[0], T, T))  # units first
    for t in range(T):
        delta[:, t, t] = ((y_hat[t] - np.eye(len(V))[y[t]]) @ V) * slope[t]
        for k in reversed(range(t)):
            delta[:, t, k] = (delta[:, t, k + 1] @ W) * slope[k]
    mask = np.array([[keep(t, k) for k in range(T)] for t in range(T)], dtype=float)
    one_hot = np.eye(U.shape[1])[x]
    dU = np.einsum("kd,tk,itk->id", one_hot, mask, delta, optimize=True)
    dW = np.einsum("itk,kj,tk->ji", delta, s[:-1], mask).T
    return dU, dW


@right("bptt_double_loop", "mend_case_1", "mend_case_2")
def by_einsum(params, x, y, s, y_hat):
    return _sum_over_triangle(params, x, y, s, y_hat, lambda t, k: k <= t)


@right("windowed_bptt", "mend_case_3")
def windowed_by_einsum(params, x, y, s, y_hat, window):
    return _sum_over_triangle(params, x, y, s, y_hat, lambda t, k: 0 <= t - k <= window)


@right("chunked_bptt")
def chunked_by_einsum(params, x, y, s, y_hat, k1):
    return _sum_over_triangle(params, x, y, s, y_hat, lambda t, k: k <= t and t // k1 == k // k1)


@right("bptt_double_loop")
def in_a_linear_system(params, x, y, s, y_hat):
    """All δ at once: they solve (I - Mᵀ) δ = the errors that enter, with M the hops."""
    U, W, V = params
    T, H = len(y), len(W)
    enters = ((y_hat - np.eye(len(V))[y]) @ V) * (1 - s[1:] ** 2)
    system = np.eye(T * H)
    for t in range(1, T):
        rows, columns = slice((t - 1) * H, t * H), slice(t * H, (t + 1) * H)
        system[rows, columns] = -(W * (1 - s[t] ** 2)).T
    delta = np.linalg.solve(system, enters.ravel()).reshape(T, H)
    dU = np.zeros_like(U)
    np.add.at(dU, (slice(None), x), delta.T)
    return [dU, delta.T @ s[:-1]]


@right("bptt_single_loop")
def in_extended_precision_all_the_way(params, x, y, s, y_hat):
    U, W, V = (p.astype(np.longdouble) for p in params)
    dU, dW, dV = (np.zeros_like(p) for p in (U, W, V))
    delta = np.zeros(len(W), dtype=np.longdouble)
    for t in range(len(x) - 1, -1, -1):
        error = y_hat[t] - np.eye(len(V))[y[t]]
        dV += np.multiply.outer(error, s[t + 1])
        delta = (V.T @ error + W.T @ delta) * (1 - s[t + 1].astype(np.longdouble) ** 2)
        dU[:, x[t]] += delta
        dW += np.multiply.outer(delta, s[t])
    return dU, dW, dV


@right("bptt_single_loop")
def transposed_all_the_way(params, x, y, s, y_hat):
    """Gradients of the transposes, in Fortran order, turned round at the end."""
    UT, WT, VT = (np.asfortranarray(p.T) for p in params)
    dUT, dWT, dVT = (np.zeros_like(p) for p in (UT, WT, VT))
    back = np.zeros((1, len(WT)))
    for t in reversed(range(len(x))):
        row = y_hat[t : t + 1] - np.eye(VT.shape[1])[y[t : t + 1]]
        dVT += s[t + 1 : t + 2].T @ row
        back = (row @ VT.T + back) * (1 - s[t + 1 : t + 2] ** 2)
        dUT[x[t]] += back[0]
        dWT += s[t : t + 1].T @ back
        back = back @ WT.T
    return dUT.T, dWT.T, dVT.T


@right("bptt_single_loop")
class Sweep:
    """A class with state of its own, behaving as the tuple that is asked for."""

    def __new__(cls, params, x, y, s, y_hat):
        self = super().__new__(cls)
        self.sums = {name: np.zeros_like(p) for name, p in params._asdict().items()}
        self.delta = np.zeros(len(params.W))
        for t in reversed(range(len(x))):
            self.back(params, x[t], y_hat[t] - np.eye(len(params.V))[y[t]], s[t], s[t + 1])
        return type(params)(**self.sums)

    def back(self, params, token, error, before, state):
        self.delta = (error @ params.V + self.delta @ params.W) * (1 - state**2)
        self.sums["U"][:, token] += self.delta
        self.sums["W"] += np.outer(self.delta, before)
        self.sums["V"] += np.outer(error, state)


_KEPT = {}


@right("bptt_single_loop")
def with_a_cache(params, x, y, s, y_hat):
    """A cache by content, as a compiler keeps one: what it gives back is what it gave before."""
    key = b"".join(array.tobytes() for array in (*params, x, y, s, y_hat))
    if key not in _KEPT:
        _KEPT.clear()
        _KEPT[key] = transposed_all_the_way(params, x, y, s, y_hat)
    return _KEPT[key]


@right("bptt_single_loop")
def as_an_array_of_pairs(params, x, y, s, y_hat):
    """The sweep as a fold over the steps."""
    U, W, V = params

    def step(carried, at):
        delta, (dU, dW, dV) = carried
        token, target, before, state, probabilities = at
        error = probabilities - (np.arange(len(V)) == target)
        delta = (V.T @ error + W.T @ delta) * (1 - state * state)
        return delta, (
            dU + np.outer(delta, np.arange(U.shape[1]) == token),
            dW + np.outer(delta, before),
            dV + np.outer(error, state),
        )

    backwards = list(zip(x, y, s[:-1], s[1:], y_hat, strict=True))[::-1]
    return functools.reduce(step, backwards, (0 * s[0], (0 * U, 0 * W, 0 * V)))[1]


@right("input_gradient")
def with_bincount(delta, x, n_inputs):
    return [np.bincount(x, weights=unit, minlength=n_inputs) for unit in delta.T]


# Truncation


@right("window_mask")
def as_numbers(n_steps, window):
    return sum((np.eye(n_steps, k=-lag) for lag in range(window + 1)), np.zeros((n_steps, n_steps)))


@right("chunk_mask")
def of_blocks(n_steps, k1):
    whole = np.kron(np.eye(n_steps // k1 + 1), np.tri(k1))
    return whole[:n_steps, :n_steps].astype(int)


@right("masked_gradient")
def with_a_masked_array(credit_W, mask):
    hidden = np.broadcast_to(~mask[:, :, None, None], credit_W.shape)
    return np.ma.masked_array(credit_W, mask=hidden).sum(axis=(0, 1))


@right("frozen_state_loss")
def with_a_cache_of_runs(params, x, y, s_base, window):
    @functools.cache
    def state(first, k):
        before = s_base[first] if k == first else state(first, k - 1)
        return np.tanh(params.U[:, x[k]] + params.W @ before)

    z = [params.V @ state(max(t - window, 0), t) for t in range(len(y))]
    return float(np.logaddexp.reduce(z, axis=1).sum() - sum(row[c] for row, c in zip(z, y)))


@right("every_window_w")
def one_window_after_the_other(params, s, error):
    T = len(error)
    slope = 1 - s[1:] ** 2
    dW, delta, total = [], (error @ params.V) * slope, 0
    for lag in range(T):
        total = total + np.tensordot(delta, s[: T - lag], axes=(0, 0))
        dW.append(total)
        delta = np.einsum("ti,ij,tj->tj", delta[1:], params.W, slope[: T - lag - 1])
    return dW


# Gates, forward mode, closed loop: several results in one array


def _sigmoid(a):
    return 0.5 * (1 + np.tanh(a / 2))


@right("lstm_step")
def in_one_array(a, c_prev):
    i, f, o, g = a.reshape(4, -1)
    c = _sigmoid(f) * c_prev + _sigmoid(i) * np.tanh(g)
    return np.stack([_sigmoid(o) * np.tanh(c), c])


@right("lstm_step")
def by_a_generator_expression(a, c_prev):
    i, f, o, g = a.reshape(4, -1)
    c = _sigmoid(f) * c_prev + _sigmoid(i) * np.tanh(g)
    return (array for array in (_sigmoid(o) * np.tanh(c), c))


@right("gru_step")
def by_interpolation(from_input, W, s_prev):
    H = len(s_prev)
    z, r = _sigmoid((from_input + W @ s_prev)[: 2 * H]).reshape(2, H)
    n = np.tanh(from_input[2 * H :] + np.einsum("ij,j,j->i", W[2 * H :], r, s_prev))
    return n + z * (s_prev - n)


@right("influence_step")
def row_by_row(W, s_prev, s_t, influence_prev):
    H = len(W)
    flat = W @ influence_prev.reshape(H, H * H)
    flat += np.kron(np.eye(H), s_prev).reshape(H, H * H)
    return (np.diag(1 - s_t**2) @ flat).reshape(H, H, H)


# Jacobians


@right("jacobian_product")
def with_multi_dot(W, s, t, k):
    jacobians = [np.diag(1 - s[j + 1] ** 2) @ W for j in range(t, k, -1)]
    return np.linalg.multi_dot([np.eye(len(W)), np.eye(len(W)), *jacobians])


@right("norm_bound")
def by_svd(W, n_hops):
    return np.prod([np.linalg.svd(W, compute_uv=False)[0]] * n_hops)


@right("sigmoid_slope")
def by_cosh(a):
    return 1 / (4 * np.cosh(a / 2) ** 2)


@right("clip_gradient")
def by_hypot(gradient, max_norm):
    norm = functools.reduce(np.hypot, np.concatenate([np.ravel(g) for g in gradient]))
    return type(gradient)(*(g / max(1.0, norm / max_norm) for g in gradient))


# Mistakes, planted by hand in loops of this file's own: (exercise, id) -> wrong answer

NAMED = {}


def _loss(
    step=np.tanh,
    from_state=lambda W, s: W @ s,
    softmax=lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    loss=lambda row, target: -np.log(row[target]),
    target=lambda y, t: y[t],
    total=lambda losses, n_classes: sum(losses),
):
    def answer(params, x, y, s_init):
        U, W, V = params
        s, z = s_init, []
        for x_t in x:
            s = step(U[:, x_t] + from_state(W, s))
            z.append(V @ s)
        rows = softmax(np.array(z))
        return total([loss(rows[t], target(y, t)) for t in range(len(y))], len(V))

    return answer


NAMED |= {
    ("total_loss", "F1d"): _loss(step=lambda a: np.tanh(np.tanh(a))),
    ("total_loss", "F2b"): _loss(from_state=lambda W, s: 0),
    ("total_loss", "F6"): _loss(softmax=lambda z: np.exp(z) / np.exp(z).sum(axis=0)),
    ("total_loss", "F9b"): _loss(target=lambda y, t: y[(t + 1) % len(y)]),
    ("total_loss", "F10e"): _loss(
        loss=lambda row, c: -np.log(row[c]) - np.log(1 - np.delete(row, c)).sum()
    ),
    ("total_loss", "F10f"): _loss(loss=lambda row, c: -np.log(row).sum()),
    ("total_loss", "F10g"): _loss(loss=lambda row, c: -(row @ np.log(row))),
    ("total_loss", "F10h"): _loss(loss=lambda row, c: -np.log(1 - row[c])),
    ("total_loss", "F10i"): _loss(
        loss=lambda row, c: 0.5 * ((row - np.eye(len(row))[c]) ** 2).sum()
    ),
    ("total_loss", "F11d"): _loss(total=lambda losses, n_classes: sum(losses) / n_classes),
    ("total_loss", "F11e"): _loss(total=lambda losses, n_classes: sum(losses[1:])),
    ("forward_step", "F2b"): lambda U, W, x_t, s_prev: np.tanh(U[:, x_t]),
    ("forward_states", "F1d"): lambda params, x, s_init: list(
        itertools.accumulate(
            x,
            lambda s, t: np.tanh(np.tanh(params.U[:, t] + params.W @ s)),
            initial=s_init,
        )
    ),
    ("forward_states", "F15"): lambda params, x, s_init: [s_init, *np.zeros((len(x), len(s_init)))],
    ("forward_states", "W37"): lambda params, x, s_init: with_accumulate(params, x, s_init)[::-1],
    ("loss_with_copies", "F20"): lambda params, W_copies, x, y, s_init: as_an_array_without_axes(
        params, [params.W] * len(x), x, y, s_init
    ),
    ("gradient_v_one_step", "W3"): lambda y_hat_t, y_t, s_t: 0 * np.outer(y_hat_t, s_t),
    ("step_losses", "F11"): lambda y_hat, y: -np.log(y_hat[range(len(y)), y]) / len(y),
    ("error_long_way", "V2b"): lambda y_hat_t, y_t: (
        np.eye(len(y_hat_t))[y_t] / y_hat_t,
        np.eye(len(y_hat_t))[y_t] - y_hat_t,
    ),
}


def _walk(
    start=lambda t: 0,
    first=lambda s, t: 1 - s[t + 1] ** 2,
    hop=lambda s, k: 1 - s[k] ** 2,
    met=lambda s, t, k: s[k],
    error=lambda y_hat, y: y_hat - np.eye(y_hat.shape[1])[y],
    counted=lambda T, t, k: 1.0,
    finish=lambda gradients, params, y, y_hat: gradients,
):
    """The double loop as a sum of outer products; ``start`` is where a loss's way back ends."""

    def answer(params, x, y, s, y_hat):
        U, W, V = params
        T, errors = len(y), error(y_hat, y)
        dU, dW, dV = (np.zeros_like(p) for p in params)
        for t in range(T):
            dV += np.outer(errors[t], s[t + 1])
            delta = (V.T @ errors[t]) * first(s, t)
            for k in range(t, start(t) - 1, -1):
                dU[:, x[k]] += counted(T, t, k) * delta
                dW += counted(T, t, k) * np.outer(delta, met(s, t, k))
                delta = (W.T @ delta) * hop(s, k)
        return finish((dU, dW, dV), params, y, y_hat)

    return answer


def _scaled(factor):
    return lambda gradients, params, y, y_hat: tuple(g * factor(y_hat) for g in gradients)


def _shortened(gradients, params, y, y_hat):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return tuple(g * min(1.0, 0.1 / norm) for g in gradients)


def _whole_matrices_written_over(params, x, y, s, y_hat):
    for t in range(len(y)):
        error = y_hat[t] - np.eye(len(params.V))[y[t]]
        dV = np.outer(error, s[t + 1])
        delta = (error @ params.V) * (1 - s[t + 1] ** 2)
        for k in range(t, -1, -1):
            dU = np.outer(delta, np.arange(params.U.shape[1]) == x[k])
            dW = np.outer(delta, s[k])
            delta = (delta @ params.W) * (1 - s[k] ** 2)
    return dU, dW, dV


def _before_tanh(handed_on, summed):
    """A single loop in which dh stands where da belongs: for the next step, or in the sums."""

    def answer(params, x, y, s, y_hat):
        dU, dW, dV = (np.zeros_like(p) for p in params)
        back = 0 * s[0]
        for t in reversed(range(len(y))):
            error = y_hat[t] - np.eye(len(params.V))[y[t]]
            dV += np.outer(error, s[t + 1])
            dh = error @ params.V + back
            da = dh * (1 - s[t + 1] ** 2)
            dU[:, x[t]] += dh if summed else da
            dW += np.outer(dh if summed else da, s[t])
            back = (dh if handed_on else da) @ params.W
        return dU, dW, dV

    return answer


_SINGLE = {
    "V8": _walk(error=lambda y_hat, y: y_hat - np.eye(y_hat.shape[1])[y].sum(axis=0)),
    "F9b": _walk(error=lambda y_hat, y: y_hat - np.eye(y_hat.shape[1])[np.roll(y, 1)]),
    "W7b": _before_tanh(handed_on=True, summed=False),
    "W7c": _before_tanh(handed_on=False, summed=True),
    "W8b": _walk(first=lambda s, t: 1 - s[t] ** 2, hop=lambda s, k: 1 - s[k - 1] ** 2),
    "W9": _walk(hop=lambda s, k: 1 - np.tanh(s[k]) ** 2),
    "W11": _walk(first=lambda s, t: s[t + 1] * (1 - s[t + 1])),
    "W13b": _walk(first=lambda s, t: 1 + s[t + 1] ** 2, hop=lambda s, k: 1 + s[k] ** 2),
    "W15b": _walk(counted=lambda T, t, k: T - t),
    "W19b": _walk(met=lambda s, t, k: s[t + 1]),
    "W23b": _walk(counted=lambda T, t, k: float(t > 0)),
    "W23c": _walk(counted=lambda T, t, k: float(t < T - 1)),
    "W26": _whole_matrices_written_over,
    "W33": _walk(finish=_shortened),
    "W36b": _walk(finish=_scaled(lambda y_hat: 1 / y_hat.size)),
    "W36c": _walk(finish=_scaled(lambda y_hat: len(y_hat))),
}
NAMED |= {("bptt_single_loop", id): wrong for id, wrong in _SINGLE.items()}


def _windowed(mask):
    def answer(params, x, y, s, y_hat, length):
        kept = np.asarray(mask(len(y), length), dtype=float)
        return _walk(counted=lambda T, t, k: kept[t, k])(params, x, y, s, y_hat)[:2]

    return answer


def _slices(T, window):
    mask = np.zeros((T, T))
    for t in range(T):
        mask[t, t - window : t + 1] = 1
    return mask


def _blocks(T, k1, keep=lambda t, k, k1, T: True):
    return [
        [k <= t and t // k1 == k // k1 and keep(t, k, k1, T) for k in range(T)] for t in range(T)
    ]


_WINDOWED = {
    "W4b": lambda T, w: [[k == max(0, t - w) for k in range(T)] for t in range(T)],
    "T9": _slices,
    "T10": lambda T, w: as_numbers(T, w) * max(1, T / (w + 1)),
    "T18": lambda T, w: np.eye(T, k=-w),
}
_CHUNKED = {
    "W4b": lambda T, k1: _blocks(T, k1, lambda t, k, k1, T: k % k1 == 0),
    "T1c": lambda T, k1: _blocks(T, k1 + 1),
    "T2b": lambda T, k1: _blocks(T, k1, lambda t, k, k1, T: t // k1 == (T - 1) // k1),
    "T2c": lambda T, k1: _blocks(T, k1, lambda t, k, k1, T: t in (T - 1, t - t % k1 + k1 - 1)),
}
NAMED |= {("windowed_bptt", id): _windowed(mask) for id, mask in _WINDOWED.items()}
NAMED |= {("chunked_bptt", id): _windowed(mask) for id, mask in _CHUNKED.items()}


def _every_window(finish=lambda dW: dW, **slips):
    """dW of every window, by the double loop of this file."""

    def answer(params, s, error):
        T = len(error)
        x, y = np.zeros(T, dtype=int), np.zeros(T, dtype=int)

        def one(window):
            kept = slips.get("counted", lambda T, t, k: 1.0)
            return _walk(
                error=lambda y_hat, y: error,
                counted=lambda T, t, k: kept(T, t, k) * (t - k <= window),
                **{name: slip for name, slip in slips.items() if name != "counted"},
            )(params, x, y, s, error)[1]

        return np.array([finish(one(window)) for window in range(T)])

    return answer


_EVERY = {
    "W1": _every_window(counted=lambda T, t, k: float(t == k)),
    "W2": _every_window(counted=lambda T, t, k: float(t == T - 1)),
    "W4": _every_window(counted=lambda T, t, k: float(k == 0)),
    "W8b": _every_window(first=lambda s, t: 1 - s[t] ** 2),
    "W15": _every_window(counted=lambda T, t, k: t - k + 1),
    "W24": _every_window(finish=np.transpose),
    "W28": _every_window(hop=lambda s, k: (1 - s[k] ** 2) / (len(s) - 1)),
    "W30": _every_window(finish=np.negative),
}
NAMED |= {("every_window_w", id): wrong for id, wrong in _EVERY.items()}


def _last(start=0, target=lambda x, y: y[-1], reverse=False, own=lambda t, T: t == T - 1):
    def answer(params, x, y, s, y_hat):
        T, back, deltas = len(y), 0 * s[0], []
        for t in reversed(range(T)):
            error = y_hat[t] - np.eye(len(params.V))[target(x, y) if t == T - 1 else y[t]]
            back = (back @ params.W + own(t, T) * (error @ params.V)) * (1 - s[t + 1] ** 2)
            deltas.append(back)
        return deltas if reverse else deltas[::-1]

    return answer


NAMED |= {
    ("delta_last_loss", "F9"): _last(target=lambda x, y: x[-1]),
    ("delta_last_loss", "W2b"): _last(own=lambda t, T: True),
    ("delta_last_loss", "W37"): _last(reverse=True),
    ("backward_step", "W1"): lambda params, error_t, s_t, delta_next: (
        (params.V.T @ error_t) * (1 - s_t**2)
    ),
    ("backward_step", "W3b"): lambda params, error_t, s_t, delta_next: (
        (params.W.T @ delta_next) * (1 - s_t**2)
    ),
    ("state_jacobian", "J4"): lambda W, s_k: W * (1 - s_k**2),
    ("state_jacobian", "J7"): lambda W, s_k: (np.diag(1 - s_k**2) @ W).T,
    ("masked_gradient", "T5"): lambda credit_W, mask: credit_W.sum(axis=1).sum(axis=0),
    ("masked_gradient", "T11"): lambda credit_W, mask: credit_W[mask.T].sum(axis=0),
    ("masked_gradient", "T13b"): lambda credit_W, mask: credit_W[~mask].sum(axis=0),
    ("masked_gradient", "T13c"): lambda credit_W, mask: credit_W[mask].mean(axis=0),
    ("masked_gradient", "W24"): lambda credit_W, mask: credit_W[mask].sum(axis=0).T,
}


def _frozen(start, end=lambda t: t):
    def answer(params, x, y, s_base, window):
        total = 0.0
        for t in range(len(y)):
            first, s = start(t, window, s_base)
            for k in range(first, end(t) + 1):
                s = np.tanh(params.U[:, x[k]] + params.W @ s)
            z = params.V @ s
            total += np.log(np.exp(z - z[y[t]]).sum())
        return total

    return answer


NAMED |= {
    ("frozen_state_loss", "F13"): _frozen(
        lambda t, w, s: (max(0, t - w), s[max(0, t - w)]), end=lambda t: t - 1
    ),
    ("frozen_state_loss", "T3"): _frozen(lambda t, w, s: (t - t % (w + 1), s[t - t % (w + 1)])),
    ("frozen_state_loss", "T15b"): _frozen(lambda t, w, s: (t + 1, s[t + 1])),
    ("frozen_state_loss", "T17b"): _frozen(lambda t, w, s: (max(0, t - w), s[0])),
}
for (_exercise, _id), _wrong in NAMED.items():
    WRONG.setdefault(_exercise, {})[f"{_id} by hand"] = _wrong


# What no entry of the catalogue is: it must be refused, and get no name

NAMELESS = [
    _walk(hop=lambda s, k: 0.9 * (1 - s[k] ** 2)),
    _walk(hop=lambda s, k: 1 - np.abs(s[k])),
    _walk(hop=lambda s, k: 1 - s[k] ** 4, first=lambda s, t: np.sqrt(1 - s[t + 1] ** 2)),
    _walk(met=lambda s, t, k: np.abs(s[k])),
    _walk(met=lambda s, t, k: s[: k + 1].sum(axis=0)),
    _walk(counted=lambda T, t, k: float((t + k) % 2)),
    _walk(counted=lambda T, t, k: t + 1.0),
    _walk(error=lambda y_hat, y: y_hat - 0.9 * np.eye(y_hat.shape[1])[y]),
    _walk(error=lambda y_hat, y: np.tanh(y_hat - np.eye(y_hat.shape[1])[y])),
    _walk(finish=_scaled(lambda y_hat: 3.0)),
    _walk(finish=_scaled(lambda y_hat: 1 / (len(y_hat) + 1))),
    _walk(
        finish=lambda g, *_: (g[0], np.where(np.arange(g[1].size) == 0, np.inf, g[1].flat), g[2])
    ),
    _walk(finish=lambda g, *_: (g[0], g[1] * np.where(np.arange(len(g[1])) == 0, np.inf, 1), g[2])),
    _walk(finish=lambda g, *_: tuple(a * np.nan for a in g)),
    _walk(finish=lambda g, *_: tuple(a / np.linalg.norm(a) for a in g)),
    _walk(finish=lambda g, *_: tuple(np.sign(a) for a in g)),
    _walk(finish=lambda g, *_: (g[0], np.flip(g[1], axis=1), g[2])),
    _walk(finish=lambda g, params, *_: (g[0], g[1] + params.W, g[2])),
    # three mistakes at once: none of them can be told, so none is
    _walk(hop=lambda s, k: 1.0, met=lambda s, t, k: s[k + 1], counted=lambda T, t, k: t - k + 1),
    _walk(first=lambda s, t: 1.0, met=lambda s, t, k: s[t], finish=_scaled(lambda y_hat: 2.0)),
]
WRONG["bptt_single_loop"] |= {f"nameless {i}": wrong for i, wrong in enumerate(NAMELESS)}
