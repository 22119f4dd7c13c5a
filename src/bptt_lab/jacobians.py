"""State Jacobians, their products, and what bounds them: why gradients vanish and explode.

An error that goes back from step t to step k is multiplied by the Jacobian

    ∂s_t/∂s_k = J_t J_{t-1} ... J_{k+1},      J_j = diag(1 - s_j²) W .

Sources: Hochreiter (1991); Bengio, Simard & Frasconi (1994); Pascanu, Mikolov & Bengio (2013), also
for the term Ω.
"""

import numpy as np


def state_jacobians(W, s):
    """J_j = ∂s_j/∂s_{j-1} of every step.

    Parameters
    ----------
    W : ndarray of shape (H, H)
    s : ndarray of shape (T + 1, H)
        States; ``s[0]`` is the initial state and ``s[t + 1]`` is s_t.

    Returns
    -------
    ndarray of shape (T, H, H)
        ``[j]`` is J_j.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    W, s = _square("W", W), np.asarray(s)
    if s.ndim != 2 or s.shape[1] != len(W):
        raise ValueError(f"s must have shape (T + 1, {len(W)}) to match W, not {s.shape}")
    return (1 - s[1:, :, None] ** 2) * W


def products(jacobians):
    """∂s_t/∂s_{t-n} for the last step t and every number of hops n = 0..T.

    Parameters
    ----------
    jacobians : ndarray of shape (T, H, H)

    Returns
    -------
    ndarray of shape (T + 1, H, H)
        ``[n]`` is the product of the last n Jacobians, the latest on the left; ``[0]`` is I.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    jacobians = np.asarray(jacobians)
    if jacobians.ndim != 3 or jacobians.shape[1] != jacobians.shape[2]:
        raise ValueError(f"jacobians must have shape (T, H, H), not {jacobians.shape}")
    found = [np.eye(jacobians.shape[1])]
    for jacobian in jacobians[::-1]:
        found.append(found[-1] @ jacobian)
    return np.array(found)


def norms(matrices):
    """The spectral norm (largest singular value) of each matrix.

    Parameters
    ----------
    matrices : ndarray of shape (N, H, H)

    Returns
    -------
    ndarray of shape (N,)
    """
    return np.linalg.norm(matrices, ord=2, axis=(1, 2))


def spectral_radius(W):
    """The largest absolute value of an eigenvalue.

    Parameters
    ----------
    W : ndarray of shape (H, H)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `W` is not square.
    """
    return float(np.abs(np.linalg.eigvals(_square("W", W))).max())


def with_radius(W, radius):
    """`W` scaled to a spectral radius.

    Parameters
    ----------
    W : ndarray of shape (H, H)
    radius : float
        Not negative.

    Returns
    -------
    ndarray of shape (H, H)

    Raises
    ------
    ValueError
        If `radius` is negative, or all eigenvalues of `W` are zero.
    """
    if not (np.isfinite(radius) and radius >= 0):
        raise ValueError(f"radius must be a finite number, at least 0, not {radius!r}")
    now = spectral_radius(W)
    if now < 1e-12 * np.abs(W).max(initial=0) or not now:
        raise ValueError("W has no eigenvalue other than zero, so it cannot be scaled to a radius")
    return np.asarray(W) * (radius / now)


def bounds(W, jacobians):
    """What is said about the norm of the product of the last n Jacobians, n = 0..T.

    Parameters
    ----------
    W : ndarray of shape (H, H)
    jacobians : ndarray of shape (T, H, H)

    Returns
    -------
    dict of str to ndarray of shape (T + 1,)
        "measured" is the norm itself; "product of norms" and "‖W‖₂ⁿ" are upper bounds of it, for
        slopes of at most 1; "ρ(W)ⁿ" is a guess, no bound; "the seed's 1" is neither.
    """
    n_hops = np.arange(len(jacobians) + 1)
    return {
        "measured": norms(products(jacobians)),
        "product of norms": np.concatenate([[1.0], np.cumprod(norms(jacobians[::-1]))]),
        "‖W‖₂ⁿ": np.linalg.norm(W, 2) ** n_hops,
        "ρ(W)ⁿ": spectral_radius(W) ** n_hops,
        "the seed's 1": np.ones(len(n_hops)),
    }


def omega(W, s, d_s):
    """The regulariser Ω: how far the error is from keeping its norm on each hop.

    Parameters
    ----------
    W : ndarray of shape (H, H)
    s : ndarray of shape (T + 1, H)
    d_s : ndarray of shape (T, H)
        ∂E/∂s_t at every step.

    Returns
    -------
    float
        Σ_t (‖J_tᵀ d_t‖ / ‖d_t‖ - 1)².

    Raises
    ------
    ValueError
        If the shapes do not fit or an error is zero.
    """
    jacobians, d_s = state_jacobians(W, s), np.asarray(d_s)
    if d_s.shape != np.shape(s[1:]):
        raise ValueError(f"d_s must have shape {np.shape(s[1:])} to match s, not {d_s.shape}")
    sizes = np.linalg.norm(d_s, axis=1)
    if not sizes.all():
        raise ValueError(f"d_s must not be zero, but d_s[{int(np.argmin(sizes))}] is")
    gains = np.linalg.norm(np.einsum("tij,ti->tj", jacobians, d_s), axis=1) / sizes
    return float(((gains - 1) ** 2).sum())


def _square(name, W):
    W = np.asarray(W)
    if W.ndim != 2 or W.shape[0] != W.shape[1]:
        raise ValueError(f"{name} must be a square matrix, not of shape {W.shape}")
    return W
