"""Answers to the exercises of unit 05-vanishing-gradients, right and wrong."""

import numpy as np

RIGHT = {}
WRONG = {}


# Products of Jacobians


def jacobian(W, s, j):
    return np.diag(1 - s[j + 1] ** 2) @ W


def product(slip=None):
    def answer(W, s, t, k):
        first = max(k, 0) if slip == "J2" else k + 1
        last = t - 1 if slip == "J3" else t
        result = np.eye(len(W))
        for j in range(first, last + 1):
            slope = 1 - s[j if slip == "J5" else j + 1] ** 2
            J = {"J4": W * slope, "J6": W, "diag": np.diag(slope)}.get(slip, slope[:, None] * W)
            if slip == "J8":
                result = J * result if j > first else J
            else:
                result = result @ J if slip == "J1" else J @ result
        return result.T if slip == "J7" else result

    return answer


def product_from_the_left(W, s, t, k):
    result = np.eye(len(W))
    for j in range(t, k, -1):
        result = result @ jacobian(W, s, j)
    return result


def product_recursive(W, s, t, k):
    if t == k:
        return np.eye(len(W))
    return jacobian(W, s, t) @ product_recursive(W, s, t - 1, k)


def product_multi_dot(W, s, t, k):
    factors = [jacobian(W, s, j) for j in range(t, k, -1)]
    return factors[0] if len(factors) == 1 else np.linalg.multi_dot(factors)


RIGHT["jacobian_product"] = [
    product(),
    product_from_the_left,
    product_recursive,
    product_multi_dot,
]
WRONG["jacobian_product"] = {
    "J1 wrong order": product("J1"),
    "J2 one too many": product("J2"),
    "J3 one too few": product("J3"),
    "J4 columns scaled": product("J4"),
    "J5 slope before the hop": product("J5"),
    "J6 no slopes": product("J6"),
    "J7 transposed": product("J7"),
    "J8 entry by entry": product("J8"),
    "slopes only": product("diag"),
    "the last one only": lambda W, s, t, k: jacobian(W, s, t),
}


def all_norms(size=lambda m: np.linalg.norm(m, 2), slip=None):
    def answer(W, s):
        T, result = len(s) - 1, np.eye(len(W))
        found = [size(result)]
        for j in reversed(range(T)):
            slope = 1 - s[j if slip == "J5" else j + 1] ** 2
            J = W if slip == "J6" else slope[:, None] * W
            result = J @ result if slip == "J1" else result @ J
            found.append(size(result))
        return np.array(found[::-1] if slip == "back" else found)

    return answer


def norms_by_svd(W, s):
    T = len(s) - 1
    return [
        np.linalg.svd(product_from_the_left(W, s, T - 1, T - 1 - n), compute_uv=False)[0]
        for n in range(T + 1)
    ]


def norms_by_eigenvalues(W, s):
    T = len(s) - 1
    found = []
    for n in range(T + 1):
        P = product_recursive(W, s, T - 1, T - 1 - n)
        found.append(np.sqrt(np.linalg.eigvalsh(P @ P.T).max()))
    return np.array(found)


def radius(m):
    return np.abs(np.linalg.eigvals(m)).max()


RIGHT["hop_norms"] = [all_norms(), norms_by_svd, norms_by_eigenvalues]
WRONG["hop_norms"] = {
    "J9 Frobenius": all_norms(np.linalg.norm),
    "J10 radius": all_norms(radius),
    "J11 largest entry": all_norms(lambda m: np.abs(m).max()),
    "J1 wrong order": all_norms(slip="J1"),
    "J5 slope before the hop": all_norms(slip="J5"),
    "J6 no slopes": all_norms(slip="J6"),
    "in reverse": all_norms(slip="back"),
    "product of norms": lambda W, s: np.cumprod(
        [1, *(np.linalg.norm(jacobian(W, s, j), 2) for j in reversed(range(len(s) - 1)))]
    ),
    "without the first": lambda W, s: all_norms()(W, s)[1:],
    "one-norm": all_norms(lambda m: np.linalg.norm(m, 1)),
}


# Bounds, slopes, scaling


RIGHT["norm_bound"] = [
    lambda W, n: np.linalg.norm(W, 2) ** n,
    lambda W, n: np.linalg.svd(W, compute_uv=False).max() ** n,
    lambda W, n: np.linalg.eigvalsh(W.T @ W).max() ** (n / 2),
]
WRONG["norm_bound"] = {
    "J9 Frobenius": lambda W, n: np.linalg.norm(W) ** n,
    "J10 radius": lambda W, n: radius(W) ** n,
    "J11 largest entry": lambda W, n: np.abs(W).max() ** n,
    "J12 one": lambda W, n: 1.0,
    "J12 at most one": lambda W, n: min(1, np.linalg.norm(W, 2)) ** n,
    "J13 times n": lambda W, n: np.linalg.norm(W, 2) * n,
    "norm of the power": lambda W, n: np.linalg.norm(np.linalg.matrix_power(W, n), 2),
    "smallest singular value": lambda W, n: np.linalg.norm(W, -2) ** n,
}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


RIGHT["sigmoid_slope"] = [
    lambda a: sigmoid(a) * (1 - sigmoid(a)),
    lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2,
    lambda a: 1 / (2 + np.exp(a) + np.exp(-a)),
    lambda a: (1 - np.tanh(a / 2) ** 2) / 4,
]
WRONG["sigmoid_slope"] = {
    "J14 that of tanh": lambda a: 1 - np.tanh(a) ** 2,
    "J14 tanh's formula": lambda a: 1 - sigmoid(a) ** 2,
    "J15 a (1 - a)": lambda a: a * (1 - a),
    "J16 the sigmoid": sigmoid,
    "half an argument": lambda a: 1 - np.tanh(a / 2) ** 2,
    "a quarter": lambda a: np.full(a.shape, 0.25),
}
RIGHT["relu_jacobian"] = [
    lambda W, a: np.diag((a > 0).astype(float)) @ W,
    lambda W, a: np.where(a[:, None] > 0, W, 0.0),
    lambda W, a: np.array([row if unit > 0 else 0 * row for row, unit in zip(W, a)]),
]
WRONG["relu_jacobian"] = {
    "J4 columns scaled": lambda W, a: W * (a > 0),
    "J7 transposed": lambda W, a: ((a > 0)[:, None] * W).T,
    "J17 value": lambda W, a: np.maximum(a, 0)[:, None] * W,
    "J18 turned round": lambda W, a: (a <= 0)[:, None] * W,
    "J18 sign": lambda W, a: np.sign(a)[:, None] * W,
    "no slopes": lambda W, a: W.copy(),
    "that of tanh": lambda W, a: (1 - np.tanh(a) ** 2)[:, None] * W,
    "negative weights lost": lambda W, a: np.maximum((a > 0)[:, None] * W, 0),
}
RIGHT["scaled_to_radius"] = [
    lambda W, r: W * r / radius(W),
    lambda W, r: r * (W / np.max(np.absolute(np.linalg.eig(W)[0]))),
    lambda W, r: W / np.sqrt(radius(W @ W)) * r,
]
WRONG["scaled_to_radius"] = {
    "J19 norm": lambda W, r: W * r / np.linalg.norm(W, 2),
    "J19 Frobenius": lambda W, r: W * r / np.linalg.norm(W),
    "J20 real parts": lambda W, r: W * r / np.linalg.eigvals(W).real.max(),
    "J20 size of real parts": lambda W, r: W * r / np.abs(np.linalg.eigvals(W).real).max(),
    "J21 not divided": lambda W, r: W * r,
    "radius one": lambda W, r: W / radius(W),
    "the other way round": lambda W, r: W * radius(W) / r,
    "eigenvalues clipped": lambda W, r: np.clip(W, -r, r),
}


def length(v):
    return np.sqrt(v @ v)


RIGHT["hop_gain"] = [
    lambda W, s_t, error: length(W.T @ (error * (1 - s_t**2))) / length(error),
    lambda W, s_t, error: np.linalg.norm(((1 - s_t**2)[:, None] * W).T @ error / length(error)),
    lambda W, s_t, error: length((error - error * s_t**2) @ W) / length(error),
]
WRONG["hop_gain"] = {
    "J22 forwards": lambda W, s_t, error: length(W @ (error * (1 - s_t**2))) / length(error),
    "J23 slope after the hop": lambda W, s_t, error: (
        length((W.T @ error) * (1 - s_t**2)) / length(error)
    ),
    "not divided": lambda W, s_t, error: length(W.T @ (error * (1 - s_t**2))),
    "divided by the square": lambda W, s_t, error: (
        length(W.T @ (error * (1 - s_t**2))) / (error @ error)
    ),
    "norm of the Jacobian": lambda W, s_t, error: np.linalg.norm((1 - s_t**2)[:, None] * W, 2),
    "no slope": lambda W, s_t, error: length(W.T @ error) / length(error),
    "turned": lambda W, s_t, error: length(error) / length(W.T @ (error * (1 - s_t**2))),
}
