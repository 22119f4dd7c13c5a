"""The course's computation, cut where people slip: every step can be replaced by a wrong one.

A mistake of the catalogue is a replacement of one or two steps. Run with it, this module computes
what a student who makes that mistake gets, in every exercise that uses the step. With nothing
replaced it computes the right answers, which a test compares with the core.
"""

import numpy as np


class Steps:
    """The steps of forward pass, loss and backward pass; keyword arguments replace them by name.

    Shapes are those of one sentence: s (T + 1, H) with ``s[0]`` the initial state, y_hat (T, C),
    error (T, C), deltas (T, T, H) indexed ``[t, k]``, weights (T, T).

    Raises
    ------
    ValueError
        If a replaced name is no step.
    """

    def __init__(self, **replaced):
        for name, step in replaced.items():
            if not hasattr(Steps, name):
                raise ValueError(f"there is no step named {name!r}")
            setattr(self, name, step)

    # Forward: the state

    @staticmethod
    def column(U, x_t):
        return U[:, x_t]

    @staticmethod
    def recur(W, s_prev):
        return W @ s_prev

    @staticmethod
    def activate(from_input, from_state):
        return np.tanh(from_input + from_state)

    @staticmethod
    def start(s_init):
        return s_init

    @staticmethod
    def previous(s, t):
        return s[t]

    def state(self, U, W, x_t, s_prev):
        """s_t from s_{t-1}."""
        return self.activate(self.column(U, x_t), self.recur(W, s_prev))

    def states(self, params, x, s_init):
        """All states, of shape (T + 1, H)."""
        return self.states_with_copies(params, [params.W] * len(x), x, s_init)

    def states_with_copies(self, params, W_copies, x, s_init):
        """All states of a network that has its own W at every step."""
        s = np.empty((len(x) + 1, len(s_init)))
        s[0] = self.start(s_init)
        for t, x_t in enumerate(x):
            W = self.copy_of_step(W_copies, t, params.W)
            s[t + 1] = self.state(params.U, W, x_t, self.previous(s, t))
        return s

    @staticmethod
    def layout(s):
        """The states as an exercise returns them: the initial one in row 0."""
        return s

    @staticmethod
    def copy_of_step(W_copies, t, W):
        return W_copies[t]

    # Forward: the prediction and the loss

    @staticmethod
    def logits(s, V):
        return s[1:] @ V.T

    @staticmethod
    def softmax(z):
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    @staticmethod
    def pick(y_hat, y):
        return y_hat[np.arange(len(y)), y]

    @staticmethod
    def nats(probability):
        return -np.log(probability)

    @staticmethod
    def reduce(losses, n_classes):
        return losses.sum()

    def losses(self, y_hat, y):
        """E_t of every step."""
        return self.nats(self.pick(y_hat, y))

    @staticmethod
    def log_normaliser(z):
        top = z.max(axis=-1)
        return top + np.log(np.exp(z - top[:, None]).sum(axis=-1))

    @staticmethod
    def of_target(z, y):
        return z[np.arange(len(y)), y]

    def losses_of_logits(self, z, y):
        """E_t of every step, without a softmax: log-sum-exp minus the target's logit."""
        return self.log_normaliser(z) - self.of_target(z, y)

    def loss(self, params, x, y, s_init):
        """E, the whole way."""
        return self.loss_of_states(params.V, self.states(params, x, s_init), x, y)

    def loss_of_states(self, V, s, x, y):
        """E from given states."""
        losses = self.losses(self.softmax(self.logits(s, V)), self.target(x, y))
        return self.reduce(losses, len(V))

    @staticmethod
    def target(x, y):
        return y

    # Backward: the output layer

    @staticmethod
    def error(y_hat, y):
        return y_hat - np.eye(y_hat.shape[1])[y]

    @staticmethod
    def upstream(y_hat_t, y_t):
        return np.where(np.arange(len(y_hat_t)) == y_t, -1 / y_hat_t[y_t], 0.0)

    @staticmethod
    def jacobian(y_hat_t):
        return np.diag(y_hat_t) - np.outer(y_hat_t, y_hat_t)

    @staticmethod
    def sum_V(error, s):
        return error.T @ s[1:]

    def gradient_V(self, y_hat, y, s, x):
        """dE/dV."""
        return self.finish_V(self.sum_V(self.error(y_hat, self.target(x, y)), s), len(y))

    @staticmethod
    def finish_V(dV, n_steps):
        return dV

    # The measuring instrument

    @staticmethod
    def difference(above, below, here, h):
        return (above - below) / (2 * h)

    @staticmethod
    def passes(analytic, numerical, rtol):
        size = max(np.abs(analytic).max(), np.abs(numerical).max())
        return np.array(np.isfinite(size) and np.abs(analytic - numerical).max() <= rtol * size)

    def slope(self, f, x, h):
        """The numerical derivative of a function of one number."""
        return self.difference(f(x + h), f(x - h), f(x), h)

    def slopes(self, f, at, h):
        """The numerical derivative by every entry of an array."""
        gradient = np.empty(at.shape)
        for index in np.ndindex(at.shape):
            nudge = np.zeros(at.shape)
            nudge[index] = h
            gradient[index] = self.difference(f(at + nudge), f(at - nudge), f(at), h)
        return gradient

    # Jacobians

    @staticmethod
    def jacobian_of_state(W, s, j):
        return (1 - s[j + 1] ** 2)[:, None] * W

    @staticmethod
    def path_steps(t, k):
        return range(k + 1, t + 1)

    @staticmethod
    def path(jacobians, n):
        product = np.eye(n)
        for jacobian in jacobians:
            product = jacobian @ product
        return product

    @staticmethod
    def size(matrix):
        return np.linalg.norm(matrix, 2)

    def norms_of_paths(self, W, s):
        """The norm of the product of the last n Jacobians, n = 0..T."""
        T = len(s) - 1
        return np.array(
            [
                self.size(
                    self.path(
                        [self.jacobian_of_state(W, s, j) for j in self.path_steps(T - 1, k)], len(W)
                    )
                )
                for k in range(T - 1, -2, -1)
            ]
        )

    @staticmethod
    def grown(size, n_hops):
        return size**n_hops

    def norm_bound(self, W, n_hops):
        """A bound of the norm of n Jacobians."""
        return self.grown(self.size(W), n_hops)

    @staticmethod
    def sigmoid_slope(a):
        sigmoid = 1 / (1 + np.exp(-a))
        return sigmoid * (1 - sigmoid)

    @staticmethod
    def relu_slope(a):
        return (a > 0).astype(float)

    @staticmethod
    def slopes_times(slopes, W):
        return slopes[:, None] * W

    def relu_jacobian(self, W, a):
        """The Jacobian of a step of a ReLU network."""
        return self.slopes_times(self.relu_slope(a), W)

    @staticmethod
    def radius(W):
        return np.abs(np.linalg.eigvals(W)).max()

    def scaled(self, W, radius):
        """W with another spectral radius."""
        return W * (radius / self.radius(W))

    @staticmethod
    def sent_back(W, s_t, error):
        return W.T @ (error * (1 - s_t**2))

    def gain(self, W, s_t, error):
        """How much one hop stretches an error."""
        return np.linalg.norm(self.sent_back(W, s_t, error)) / np.linalg.norm(error)

    # Gates

    @staticmethod
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    @staticmethod
    def candidate(a):
        return np.tanh(a)

    def lstm_gates(self, a):
        """Input, forget and output gate, candidate."""
        a_i, a_f, a_o, a_g = np.split(a, 4)
        return self.sigmoid(a_i), self.sigmoid(a_f), self.sigmoid(a_o), self.candidate(a_g)

    @staticmethod
    def lstm_carry(i, f, g, c_prev):
        return f * c_prev + i * g

    @staticmethod
    def lstm_show(o, c):
        return o * np.tanh(c)

    def lstm(self, a, c_prev):
        """The state and the cell after a step."""
        i, f, o, g = self.lstm_gates(a)
        c = self.lstm_carry(i, f, g, c_prev)
        return self.lstm_show(o, c), c

    @staticmethod
    def into_cell(d_s, d_c, o, squashed):
        return d_c + d_s * o * (1 - squashed**2)

    @staticmethod
    def gate_slope(gate):
        return gate * (1 - gate)

    @staticmethod
    def candidate_slope(g):
        return 1 - g**2

    @staticmethod
    def meets(i, f, o, g, c_prev, c):
        """What stands beside each gate: beside i, f, o and g."""
        return g, c_prev, np.tanh(c), i

    @staticmethod
    def back_along_cell(d_c, f, from_later):
        return d_c * f

    def lstm_back(self, a, c_prev, d_s, d_c):
        """By the pre-activations of the gates, and by the cell before."""
        i, f, o, g = Steps().lstm_gates(a)
        c = f * c_prev + i * g
        from_later, d_c = d_c, self.into_cell(d_s, d_c, o, np.tanh(c))
        by_i, by_f, by_o, by_g = self.meets(i, f, o, g, c_prev, c)
        return (
            d_c * by_i * self.gate_slope(i),
            d_c * by_f * self.gate_slope(f),
            d_s * by_o * self.gate_slope(o),
            d_c * by_g * self.candidate_slope(g),
            self.back_along_cell(d_c, f, from_later),
        )

    @staticmethod
    def mix(z, n, s_prev):
        return z * s_prev + (1 - z) * n

    @staticmethod
    def reset(W_n, r, s_prev):
        return W_n @ (r * s_prev)

    def gru(self, from_input, W, s_prev):
        """The state after a step."""
        a_z, a_r, a_n = np.split(from_input, 3)
        W_z, W_r, W_n = np.split(W, 3)
        z, r = self.sigmoid(a_z + W_z @ s_prev), self.sigmoid(a_r + W_r @ s_prev)
        n = self.candidate(a_n + self.reset(W_n, r, s_prev))
        return self.mix(z, n, s_prev)

    @staticmethod
    def by_update(s_prev, n):
        return s_prev - n

    @staticmethod
    def by_candidate(z):
        return 1 - z

    @staticmethod
    def ways_back(direct, through_reset, through_z, through_r):
        return direct + through_reset + through_z + through_r

    def gru_back(self, from_input, W, s_prev, d_s):
        """By the pre-activations of the gates, and by the state before."""
        a_z, a_r, a_n = np.split(from_input, 3)
        W_z, W_r, W_n = np.split(W, 3)
        z, r = Steps.sigmoid(a_z + W_z @ s_prev), Steps.sigmoid(a_r + W_r @ s_prev)
        n = np.tanh(a_n + W_n @ (r * s_prev))
        d_n = d_s * self.by_candidate(z) * self.candidate_slope(n)
        d_reset = W_n.T @ d_n
        d_z = d_s * self.by_update(s_prev, n) * self.gate_slope(z)
        d_r = d_reset * s_prev * self.gate_slope(r)
        return d_z, d_r, d_n, self.ways_back(d_s * z, d_reset * r, W_z.T @ d_z, W_r.T @ d_r)

    # Forward mode, and closed loop

    @staticmethod
    def carried(W, influence):
        return np.tensordot(W, influence, 1)

    @staticmethod
    def immediate(s_prev, s_t):
        unit = np.arange(len(s_t))
        influence = np.zeros((len(s_t),) * 3)
        influence[unit, unit] = s_prev
        return influence

    @staticmethod
    def influence_slope(s_t):
        return (1 - s_t**2)[:, None, None]

    def influence(self, W, s_prev, s_t, influence_prev):
        """The total derivative of a state by W, from that of the state before."""
        both = self.carried(W, influence_prev) + self.immediate(s_prev, s_t)
        return self.influence_slope(s_t) * both

    @staticmethod
    def through_prediction(U, delta, y_hat_t):
        d_y_hat = U.T @ delta
        return y_hat_t * (d_y_hat - y_hat_t @ d_y_hat)

    def closed_loop(self, params, inputs, y, s, y_hat):
        """dU, dW and dV of a network whose inputs are its own predictions."""
        U, W, V = params
        d_z, T = np.array(self.error(y_hat, y)), len(y)
        deltas, delta = np.zeros((T, len(W))), np.zeros(len(W))
        first_slope, hop_slope = self.first_slope(s), self.hop_slope(s)
        for t in reversed(range(T)):
            d_z[t] += self.through_prediction(U, delta, y_hat[t])
            delta = self.inject(d_z[t], V) * first_slope[t] + self.hop(delta, W) * hop_slope[t]
            deltas[t] = delta
        dU, dW = self.finish_UW(deltas.T @ inputs, self.sum_W(deltas[None], s), T)
        return dU, dW, self.finish_V(self.sum_V(d_z, s), T)

    # Training

    @staticmethod
    def update(parameter, gradient, learning_rate):
        return parameter - learning_rate * gradient

    @staticmethod
    def norm(gradient):
        return np.sqrt(sum((matrix**2).sum() for matrix in gradient))

    @staticmethod
    def shrink(norm, max_norm):
        return min(1.0, max_norm / norm)

    def clip(self, gradient, max_norm):
        """The gradient, scaled down where it is too long."""
        factor = self.shrink(self.norm(gradient), max_norm)
        return [factor * matrix for matrix in gradient]

    @staticmethod
    def delay(x, lag, n_symbols):
        return np.concatenate([np.full(lag, n_symbols), x[: len(x) - lag]])

    @staticmethod
    def score(answers, y, scored):
        return (answers == y)[scored].mean()

    @staticmethod
    def survive(cuts):
        return np.cumprod(~cuts)

    @staticmethod
    def reweigh(n_hops, probability):
        return (1 - probability) ** -np.arange(n_hops + 1.0)

    def lag_weights(self, cuts, probability):
        """The weight of each lag under given cuts."""
        alive = np.concatenate([[1.0], self.survive(cuts)])
        return alive * self.reweigh(len(cuts), probability)

    @staticmethod
    def chain_terms(A, v, n_hops):
        return [(np.linalg.matrix_power(A, lag) @ v)[0] for lag in range(n_hops + 1)]

    def chain_slope(self, A, v, n_hops):
        """The slope of the first unit by the common input, from some lags."""
        return np.sum(self.chain_terms(A, v, n_hops))

    # Backward: through time

    @staticmethod
    def inject(error, V):
        return error @ V

    @staticmethod
    def first_slope(s):
        return 1 - s[1:] ** 2

    @staticmethod
    def hop_slope(s):
        return 1 - s[1:] ** 2

    @staticmethod
    def hop(delta, W):
        return delta @ W

    def deltas(self, params, error, s):
        """δ_{t,k} for all t and k; zero where k > t."""
        T = len(error)
        deltas = np.zeros((T * T, s.shape[1]))  # row t · T + k: a slice holds all of one lag
        delta = self.inject(error, params.V) * self.first_slope(s)
        slope = self.hop_slope(s)
        deltas[:: T + 1] = delta
        for lag in range(1, T):
            delta = self.hop(delta[1:], params.W) * slope[:-lag]
            deltas[lag * T :: T + 1] = delta
        return deltas.reshape(T, T, -1)

    @staticmethod
    def window_mask(n_steps, window):
        lag = np.subtract.outer(np.arange(n_steps), np.arange(n_steps))
        return (lag >= 0) & (lag <= window)

    @staticmethod
    def chunk_mask(n_steps, k1):
        t, k = np.indices((n_steps, n_steps))
        return (k <= t) & (t // k1 == k // k1)

    @staticmethod
    def kept(mask):
        return mask

    def masked(self, credit_W, mask):
        """The terms of the credit triangle that a mask keeps, summed."""
        total = np.tensordot(self.kept(mask).astype(float), credit_W, axes=2)
        return self.finish_UW(total, total, len(mask))[1]

    @staticmethod
    def first_step(t, window):
        return max(0, t - window)

    @staticmethod
    def run_steps(first, t):
        return range(first, t + 1)

    @staticmethod
    def freeze(s_base, first, params):
        return s_base[first]

    @staticmethod
    def asked(n_steps):
        return np.arange(n_steps) == n_steps - 1

    @staticmethod
    def weights(mask):
        return mask

    @staticmethod
    def sum_W(weighted, s):
        return weighted.sum(axis=0).T @ s[:-1]

    @staticmethod
    def sum_U(weighted, x, n_inputs):
        total = weighted.sum(axis=0)
        dU = np.zeros((total.shape[1], n_inputs))
        np.add.at(dU.T, x, total)
        return dU

    @staticmethod
    def finish_UW(dU, dW, n_steps):
        return dU, dW

    def gradients_UW(self, params, x, y, s, y_hat, mask=None):
        """dE/dU and dE/dW, summed over the terms of `mask` (all of the triangle when left out)."""
        T = len(y)
        mask = np.tri(T) if mask is None else mask
        deltas = self.deltas(params, self.error(y_hat, self.target(x, y)), s)
        weighted = self.weights(mask.astype(float))[:, :, None] * deltas
        dU = self.sum_U(weighted, x, params.U.shape[1])
        return self.finish_UW(dU, self.sum_W(weighted, s), T)
