"""Answers to the exercises of unit 00-start, right and wrong."""

import numpy as np

RIGHT = {}
WRONG = {}


def by_loop(x, n_classes):
    rows = np.zeros((len(x), n_classes))
    for t, token in enumerate(x):
        rows[t, token] = 1.0
    return rows


RIGHT["one_hot"] = [
    by_loop,
    lambda x, n_classes: np.eye(n_classes)[x],
    lambda x, n_classes: (x[:, None] == np.arange(n_classes)).astype(float),
    lambda x, n_classes: np.equal.outer(x, np.arange(n_classes)).astype(int),
]
WRONG["one_hot"] = {
    "counted from one": lambda x, n_classes: np.eye(n_classes)[x - 1],
    "V12 transposed": lambda x, n_classes: np.eye(n_classes)[x].T,
    "every column in every row": lambda x, n_classes: np.isin(
        np.arange(n_classes)[None].repeat(len(x), axis=0), x
    ).astype(float),
    "as many classes as steps": lambda x, n_classes: np.eye(len(x)),
    "the tokens themselves": lambda x, n_classes: np.eye(n_classes)[x] * x[:, None],
    "zeros": lambda x, n_classes: np.zeros((len(x), n_classes)),
}

RIGHT["central_difference_slope"] = [
    lambda f, x, h: 0.5 * (f(x + h) - f(x - h)) / h,
    lambda f, x, h: ((f(x + h) - f(x)) / h + (f(x) - f(x - h)) / h) / 2,
    lambda f, x, h: float(np.diff([f(point) for point in (x - h, x + h)])[0] / (2 * h)),
]
WRONG["central_difference_slope"] = {
    "N1 one-sided": lambda f, x, h: (f(x + h) - f(x)) / h,
    "N1 one-sided, backward": lambda f, x, h: (f(x) - f(x - h)) / h,
    "N1 divided by h": lambda f, x, h: (f(x + h) - f(x - h)) / h,
    "N1 not divided": lambda f, x, h: f(x + h) - f(x - h),
    "N1 sign": lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h),
    "N1 / 2 * h": lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h,
    "N1 bracket": lambda f, x, h: f(x + h) - f(x - h) / (2 * h),
    "N1 second derivative": lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2,
    "half the step": lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / h,
    "an h of its own": lambda f, x, h: (f(x + 1e-6) - f(x - 1e-6)) / 2e-6,
}
