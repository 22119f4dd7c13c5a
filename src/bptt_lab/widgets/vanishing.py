"""Vanishing and exploding gradients: what one hop back does to a gradient, and what many do."""

import numpy as np

from .. import plots
from ..rnn import Params, forward, softmax
from .lecture import LectureWidget
from .sentence import sequence

HOPS = 30
WIDEST = 100  # units; twenty thousand norms of matrices as large are half a minute's work
GAINS = np.geomspace(0.5, 2.0, 25)
ACTIVATIONS = {
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "ReLU": (lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(float)),
    "none": (lambda a: a, np.ones_like),
}


def vanishing(params=None, x=None, y=None, *, s_init=None, words=None, gain=1.0):
    """Slide the gain of W, the activation and the length, and see gradients vanish or explode.

    Parameters
    ----------
    params, x, y, s_init, words : optional
        As in `truncation_explorer`. Your W is then one of the matrices to choose from, and the
        gain multiplies it; the sequence is repeated to make it long enough. At most 100 units. When
        left out, the inputs are random.
    gain : float, default 1.0
        Where its slider stands at first, 0.5 to 2. For the built-in matrices it is the spectral
        radius.

    Returns
    -------
    LectureWidget

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    if isinstance(gain, bool) or not isinstance(gain, (int, float, np.number)):
        raise TypeError(f"gain must be a number, not {gain!r}")
    if not GAINS[0] <= gain <= GAINS[-1]:
        raise ValueError(f"gain must lie in {GAINS[0]:g}..{GAINS[-1]:g}, not be {gain}")
    rng = np.random.default_rng(4)
    T = HOPS + 1
    if params is None:
        H, C = 6, 4
        U, V = np.eye(H), rng.normal(size=(C, H))
        x, y, s_init = 0.5 * rng.normal(size=(T, H)), rng.integers(C, size=T), np.zeros(H)
        kinds = {}
    else:
        params, x, y, s_init, _ = sequence(params, x, y, s_init, words)
        (U, W, V), H = params, len(params.W)
        if H > WIDEST:
            raise ValueError(f"params must have at most {WIDEST} units to be shown here, not {H}")
        kinds = {"yours": W}
        repeats = -(-T // len(x))
        x, y = np.concatenate([x] * repeats)[:T], np.tile(y, repeats)[:T]
    kinds |= _matrices(rng, H)
    gain_at = int(np.argmin(np.abs(np.log(GAINS / gain))))

    arrays = {"gain": GAINS}
    for kind, W in kinds.items():
        arrays[f"singular {kind}"] = np.linalg.svd(np.multiply.outer(GAINS, W), compute_uv=False)
        arrays[f"eigen {kind}"] = np.multiply.outer(
            GAINS, np.sort(np.abs(np.linalg.eigvals(W)))[::-1]
        )
        for activation in ACTIVATIONS:
            found = [_way_back(Params(U, g * W, V), x, y, s_init, activation) for g in GAINS]
            for name in found[0]:
                held = np.array([f[name] for f in found])
                arrays[f"{name} {activation} {kind}"] = held.astype(np.float32)
    at = np.linspace(-4, 4, 81)
    for activation, (phi, slope) in ACTIVATIONS.items():
        arrays[f"curve {activation}"] = np.stack([at, phi(at), slope(at)])

    first = next(iter(kinds))
    return LectureWidget(
        "vanishing.js",
        title="Vanishing and exploding gradients",
        facts={
            "kinds": list(kinds),
            "activations": list(ACTIVATIONS),
            "hops": HOPS,
            "units": H,
        },
        arrays=arrays,
        state={"gain": gain_at, "kind": first, "activation": "tanh", "hops": HOPS},
        predict=_question(kinds["non-normal"], U, V, x, y, s_init),
        picture=plots.gradient_norms(
            {
                "tanh": _curve(arrays, "gradient", "tanh", first, gain_at),
                "bound": _curve(arrays, "bound", "tanh", first, gain_at),
                "no activation": _curve(arrays, "gradient", "none", first, gain_at),
            }
        ),
    )


def _curve(arrays, what, activation, kind, gain_at):
    """A curve as it was found, before the page takes logarithms back."""
    return 10.0 ** arrays[f"{what} {activation} {kind}"][gain_at].astype(float)


def _matrices(rng, H):
    """Matrices of spectral radius 1: what differs is how far singular values are from it."""
    orthogonal, _ = np.linalg.qr(rng.normal(size=(H, H)))
    random = rng.normal(size=(H, H))
    random /= np.abs(np.linalg.eigvals(random)).max()
    # The eigenvalues of a triangular matrix are its diagonal; what stands above it only shears.
    sheared = np.diag(np.linspace(1.0, 0.8, H)) + np.triu(np.full((H, H), 0.9), 1)
    return {"random": random, "orthogonal": orthogonal, "non-normal": sheared}


def _way_back(params, x, y, s_init, activation):
    """From the last loss back over `HOPS` hops: norms (as log10) and pre-activations."""
    U, W, V = params
    phi, slope_of = ACTIVATIONS[activation]
    if activation == "tanh":
        net = forward(params, x, s_init)
        a, y_hat = net.a, net.y_hat[-1]
    else:
        inputs = x @ U.T if x.ndim == 2 else U.T[x]
        a, s = np.empty(inputs.shape), s_init
        for t in range(len(x)):
            a[t] = inputs[t] + W @ s
            s = phi(a[t])
        y_hat = softmax(V @ s)
    error = y_hat.copy()
    error[y[-1]] -= 1
    slope = slope_of(a)
    gradient = V.T @ error  # ∂E/∂s at the last step
    product = np.eye(len(W))  # ∂s_T/∂s_{T-n}
    gradients, products, bounds = [], [], []
    bound = 1.0
    for n in range(HOPS + 1):
        gradients.append(np.linalg.norm(gradient))
        products.append(np.linalg.norm(product, 2))
        bounds.append(bound)
        k = len(x) - 1 - n
        jacobian = slope[k][:, None] * W  # ∂s_k/∂s_{k-1} = diag(φ'(a_k)) W
        gradient = jacobian.T @ gradient
        product = product @ jacobian
        bound *= np.linalg.norm(jacobian, 2)
    with np.errstate(divide="ignore"):
        return {
            # relative to its size at the last step, where the loss is
            "gradient": np.log10(np.array(gradients) / (gradients[0] or 1.0)),
            "product": np.log10(products),
            "bound": np.log10(bounds),
            "a": np.clip(a[::-1], -1e6, 1e6),  # row n: n hops back
        }


def _question(W, U, V, x, y, s_init):
    """Does a spectral radius below 1 keep a gradient from growing? Without an activation: look."""
    gain = GAINS[len(GAINS) // 2 - 3]
    found = _way_back(Params(U, gain * W, V), x, y, s_init, "none")["product"]
    peak = int(np.argmax(found))
    return {
        "question": (
            f"W is non-normal, all its eigenvalues are at most {gain:.2f}, and there is no "
            "activation. Can the product of Jacobians grow on its way back?"
        ),
        "choices": ["No, each hop shrinks it", "Yes"],
        "answer": int(peak > 0),
        "why": (
            f"Its norm is {10 ** found[peak]:.3g} after {peak} hops, and "
            f"{10 ** found[-1]:.2g} after {HOPS}. Eigenvalues rule the end of the way, singular "
            "values its beginning. Try the gradient, and other activations."
        ),
    }
