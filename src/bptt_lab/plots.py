"""The figures of the course, drawn from arrays that the core has computed.

Every function returns a `Picture`: a matplotlib figure together with a sentence that says what is
seen in it. Figures are made without pyplot, so that nothing is shown twice or kept alive, and
always have a white ground, so that they are right in dark themes too. Colour never carries a
message alone: there are markers, numbers, hatches or signs beside it.

Source of the colours: Okabe & Ito (2008), "Color Universal Design"; matplotlib's viridis and RdBu.
"""

import base64
import functools
import html
import io
import re
import textwrap
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch, Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from .rnn import require_integer
from .truncation import validate_horizon

INK = "#222222"
GREY = "#767676"
PALE = "#ededed"
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
# One look for each line: the markers and dashes tell the lines apart without their colours.
LINES = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": VERMILLION, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PURPLE, "marker": "D", "linestyle": ":"},
    {"color": "#000000", "marker": "v", "linestyle": "-"},
    {"color": "#E69F00", "marker": "P", "linestyle": "--"},
    {"color": "#56B4E9", "marker": "X", "linestyle": "-."},
)
SEQUENTIAL = "viridis_r"  # perceptually uniform; dark is large
DIVERGING = "RdBu_r"  # red is positive, blue is negative, for every kind of colour vision

STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so a figure is the same everywhere
    "font.size": 15,
    "mathtext.fontset": "cm",
    "axes.titlesize": 16,
    "axes.labelsize": 17,
    "figure.titlesize": 18,
    "xtick.labelsize": 14,
    "ytick.labelsize": 14,
    "legend.fontsize": 13,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 1.2,
    "lines.linewidth": 2.5,
    "lines.markersize": 9,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.1,
    "hatch.color": GREY,
    "hatch.linewidth": 1.0,
    "svg.hashsalt": "bptt_lab",  # the same figure gives the same file
}

PIXELS_PER_INCH = 96  # of CSS; the image itself has twice as many, for sharp screens


class Picture:
    """A figure and what it shows in words.

    JupyterLab and nbconvert ignore alternative text in the metadata of an output, so the picture
    brings its own HTML.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What is seen, in full sentences.
    """

    def __init__(self, figure, alt):
        self.figure = figure
        self.alt = alt

    def save(self, path):
        """Write the figure to a file; its suffix says in which format (``.png``, ``.svg``).

        Parameters
        ----------
        path : str or pathlib.Path
        """
        path = Path(path)
        no_date = {"Date": None} if path.suffix.lower() == ".svg" else {}
        described = path.suffix.lower() in (".png", ".svg")
        metadata = {"Description": self.alt, **no_date} if described else None
        with _style():
            self.figure.savefig(path, dpi=2 * PIXELS_PER_INCH, metadata=metadata)

    def _repr_html_(self):
        buffer = io.BytesIO()
        with _style():
            self.figure.savefig(buffer, format="png", dpi=2 * PIXELS_PER_INCH)
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
        width = round(self.figure.get_figwidth() * PIXELS_PER_INCH)
        return (
            f'<figure style="margin:0"><img alt="{html.escape(self.alt)}" width="{width}" '
            'style="max-width:100%;height:auto;background:white" '
            f'src="data:image/png;base64,{data}"></figure>'
        )

    def __repr__(self):
        return self.alt


def _style():
    """The course's style, whatever the reader's own settings are; theirs again afterwards."""
    return matplotlib.style.context(["default", STYLE])


def _styled(draw):
    @functools.wraps(draw)
    def draw_in_style(*args, **kwargs):
        with _style():
            return draw(*args, **kwargs)

    return draw_in_style


@_styled
def unrolled_network(
    n_steps, horizon=None, loss_step=None, x_labels=None, y_labels=None, *, backward=True
):
    """The network unrolled over time, with the way the error takes back through it.

    Parameters
    ----------
    n_steps : int
        T ≥ 1.
    horizon : sequence of int of length T, optional
        The first step that each loss reaches (`bptt_lab.window_horizon`, `chunk_horizon`); no
        truncation when left out. Hops that no error takes any more are drawn grey and cut.
    loss_step : int, optional
        Draw the error of this one loss E_t, with its shares δ_{t,k}; of all losses when left out.
    x_labels, y_labels : sequence of str of length T, optional
        What the inputs and targets are, for instance words.
    backward : bool, default True
        False draws the forward pass alone.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    require_integer("n_steps", n_steps, minimum=1)
    T = int(n_steps)
    horizon = validate_horizon(np.zeros(T, int) if horizon is None else horizon, T)
    if loss_step is not None:
        require_integer("loss_step", loss_step, minimum=0)
        if loss_step >= T:
            raise ValueError(f"loss_step must lie in 0..{T - 1}, not be {loss_step}")
    x_labels = _labels("x_labels", x_labels, T)
    y_labels = _labels("y_labels", y_labels, T)

    sent_back = [t for t in range(T) if backward and (loss_step is None or t == loss_step)]
    used = T if loss_step is None or not backward else loss_step + 1  # later steps take no part
    # Which errors take the hop from s_k back to s_{k-1}; none where the horizon cuts it.
    crossing = {
        k: [t for t in sent_back if horizon[t] < k <= t] for k in range(1, used if backward else 0)
    }
    legend = [(INK, "-", "forward"), (VERMILLION, "-", "error, backward")]
    if not all(crossing.values()):
        legend.append((GREY, (0, (2, 2)), "cut: no error passes"))
    if not backward:
        legend = []

    gap = 1.75 if T <= 6 else 1.45  # inches between two steps
    y_x, y_s, y_y, y_e = 0.0, 1.35, 2.7, 3.85  # heights of the four rows, in inches
    left, right = -gap - 0.5, (T - 1) * gap + (0.75 if T <= 10 or loss_step is None else 1.05)
    in_one_row = sum(map(_legend_width, legend)) <= right - left
    bottom = y_x - (0.75 if x_labels is not None else 0.45)
    y_legend = bottom - 0.2
    if legend:
        bottom -= 0.45 if in_one_row else 0.4 * len(legend) + 0.05
    top = y_e + (1.05 if y_labels is not None else 0.45)
    figure = Figure(figsize=(right - left, top - bottom))  # laid out by hand, to the inch
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(left, right), ylim=(bottom, top))  # so that a unit of data is an inch
    ax.set_axis_off()

    def arrow(start, end, color, *, width=2.2, style="-|>", rad=0.0, dashes="-", shrink=0.0):
        patch = FancyArrowPatch(
            start,
            end,
            arrowstyle=style,
            mutation_scale=17,
            connectionstyle=f"arc3,rad={rad}",
            color=color,
            linewidth=width,
            linestyle=dashes,
            shrinkA=shrink,
            shrinkB=shrink,
            zorder=2,
        )
        ax.add_patch(patch)
        return patch

    def text(x, y, label, color=INK, size=20, **options):
        options = {"ha": "center", "va": "center", "zorder": 5, **options}
        return ax.text(x, y, label, color=color, fontsize=size, **options)

    def circle(x, y, label, edge, fill):
        ax.add_patch(Circle((x, y), 0.36, facecolor=fill, edgecolor=edge, linewidth=2.5, zorder=4))
        text(x, y, label, INK if edge != GREY else GREY)

    def box(x, y, label, edge, fill):
        ax.add_patch(
            FancyBboxPatch(
                (x - 0.22, y - 0.2),
                0.44,
                0.4,
                boxstyle="round,pad=0.08",
                facecolor=fill,
                edgecolor=edge,
                linewidth=2.5,
                zorder=4,
            )
        )
        text(x, y, label, INK if edge != GREY else GREY)

    def forward(start, end, color, label, where):
        arrow(start, end, color)
        text(*where, label, color, 21)

    circle(-gap, y_s, r"$s_{-1}$", GREY, "white")
    for t in range(T):
        x = t * gap
        live = t < used
        losing = live and (t in sent_back or not backward or loss_step is None)
        green, blue, purple = (GREEN, BLUE, "#A3507F") if live else (GREY, GREY, GREY)
        forward((x, y_x + 0.3), (x, y_s - 0.37), green, "$U$", (x - 0.2, y_x + 0.6))
        before, after = x - gap + 0.37, x - 0.37
        forward((before, y_s), (after, y_s), blue, "$W$", ((before + after) / 2, y_s - 0.24))
        pale = purple if losing else GREY
        forward((x, y_s + 0.37), (x, y_y - 0.3), pale, "$V$", (x - 0.2, y_s + 0.74))
        arrow((x, y_y + 0.3), (x, y_e - 0.3), INK if losing else GREY)
        box(x, y_x, f"$x_{{{t}}}$", green, "#e3f4ee" if live else "white")
        circle(x, y_s, f"$s_{{{t}}}$", blue, "#e1eff8" if live else "white")
        box(x, y_y, rf"$\hat{{y}}_{{{t}}}$", pale, "#f8e9f2" if losing else "white")
        loss_edge = (VERMILLION if backward else INK) if losing else GREY
        loss_fill = ("#fde8db" if backward else "#f4f4f4") if losing else "white"
        box(x, y_e, f"$E_{{{t}}}$", loss_edge, loss_fill)
        if x_labels is not None:
            text(x, y_x - 0.56, x_labels[t], INK if live else GREY, 16)
        if y_labels is not None:
            text(x, y_e + 0.8, y_labels[t], INK if losing else GREY, 16)
            arrow((x, y_e + 0.64), (x, y_e + 0.3), INK if losing else GREY, width=1.5)

    for t in sent_back:
        x = t * gap + 0.15
        arrow((x, y_e - 0.3), (x, y_y + 0.3), VERMILLION, width=3)
        arrow((x, y_y - 0.3), (x, y_s + 0.34), VERMILLION, width=3)
    for k, losses in crossing.items():
        x, kept = k * gap, bool(losses)
        start, end = (x - 0.29, y_s + 0.24), (x - gap + 0.29, y_s + 0.24)
        arrow(
            start,
            end,
            VERMILLION if kept else GREY,
            width=3 if kept else 2,
            rad=0.35,
            dashes="-" if kept else (0, (2, 2)),
        )
        middle = (start[0] + end[0]) / 2
        height = y_s + 0.24 + 0.35 * (start[0] - end[0]) / 2  # top of the arc
        if not kept:
            for shift in (-0.06, 0.06):
                ax.plot(
                    [middle + shift - 0.07, middle + shift + 0.07],
                    [height - 0.17, height + 0.17],
                    color=INK,
                    linewidth=2.5,
                    zorder=3,
                )
        elif loss_step is None:
            text(middle, height + 0.19, _run_of_losses(losses), VERMILLION, 16)
    if backward and loss_step is not None:
        for k in range(horizon[loss_step], loss_step + 1):
            share = rf"$\delta_{{{loss_step},{k}}}$"
            text(k * gap + 0.14, y_s - 0.56, share, VERMILLION, 20, ha="left")
    x, y = left + 0.25, y_legend
    for entry in legend:
        color, dashes, label = entry
        arrow((x, y), (x + 0.5, y), color, width=2.5, dashes=dashes)
        text(x + 0.6, y, label, size=14, ha="left")
        x, y = (x + _legend_width(entry), y) if in_one_row else (x, y - 0.4)

    alt = (
        f"Recurrent network unrolled over {T} {_plural(T, 'step')}: each input x goes through U "
        "into a state s, each state through W into the next, and through V into a prediction ŷ "
        "and its loss E; the initial state is s_-1."
    )
    if backward and loss_step is not None:
        first = int(horizon[loss_step])
        alt += f" The error of E_{loss_step} goes back to s_{loss_step}"
        alt += f" and from there as far as s_{first}." if first < loss_step else " and no further."
        if first > 0:
            alt += f" The way from s_{first} back to s_{first - 1} is cut."
    elif backward:
        cut = [k for k, losses in crossing.items() if not losses]
        alt += " The errors of all losses go back through the states"
        if cut:
            where = ", ".join(f"s_{k} and s_{k - 1}" for k in cut)
            alt += f"; no error crosses between {where}."
        elif horizon.any():
            hops = int((np.arange(T) - horizon).max())
            alt += f", each at most {hops} {_plural(hops, 'hop')} far."
        else:
            alt += " to the first step."
    return Picture(figure, alt)


@_styled
def softmax_minus_target(y_hat, y, class_labels=None):
    """The error ŷ_t - y_t of every step: what the loss says to each logit.

    Parameters
    ----------
    y_hat : ndarray of shape (T, C)
        Predictions; each row sums to 1.
    y : ndarray of int of shape (T,)
        Target classes.
    class_labels : sequence of str of length C, optional

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    y_hat = _real("y_hat", y_hat, 2)
    T, C = y_hat.shape
    sums = y_hat.sum(axis=1)
    if y_hat.min() < 0 or np.abs(sums - 1).max() > 1e-6:
        worst = int(np.argmax(np.abs(sums - 1)))
        raise ValueError(
            "y_hat must hold probabilities, each row with sum 1, "
            f"but its smallest entry is {y_hat.min():.3g} and row {worst} sums to {sums[worst]:.6g}"
        )
    y = np.asarray(y)
    if y.shape != (T,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"y must hold {T} integers, not {y.dtype} of shape {y.shape}")
    if y.min() < 0 or y.max() >= C:
        raise ValueError(f"y must lie in 0..{C - 1}, but goes from {y.min()} to {y.max()}")
    class_labels = _labels("class_labels", class_labels, C)
    error = y_hat.copy()
    error[np.arange(T), y] -= 1

    cell = _cell(max(T, C), room=7.0, largest=0.85)
    longest = max(map(len, class_labels)) if class_labels is not None else 1
    rotated = longest * 0.13 > cell
    height = T * cell + 2.6 + 0.12 * longest * rotated
    figure = Figure(figsize=(max(C * cell + 2.9, 6.6), height), layout="constrained")
    ax = figure.add_subplot()
    mesh = _draw_matrix(ax, error, Normalize(-1, 1), cell)
    if class_labels is None:
        _index_ticks(ax.xaxis, C, cell)
    else:
        ax.set_xticks(range(C), class_labels)
    if rotated:
        ax.tick_params(axis="x", labelrotation=60)
    _index_ticks(ax.yaxis, T, cell)
    ax.set(xlabel="class", ylabel="step $t$", title=r"error $\hat{y}_t - y_t$")
    for t, target in enumerate(y):
        outline = Rectangle((target - 0.5, t - 0.5), 1, 1, fill=False, edgecolor="black", lw=3)
        outline.set_clip_on(False)
        outline.set_zorder(4)
        ax.add_patch(outline)
        if cell >= 0.35:
            shade = _text_on(mesh.cmap(mesh.norm(error[t, target])))
            ax.plot(target + 0.34, t - 0.33, marker="*", color=shade, markersize=cell * 10)
    bar = figure.colorbar(mesh, ax=ax, ticks=[-1, -0.5, 0, 0.5, 1], shrink=0.95, pad=0.03)
    bar.ax.set_yticklabels(["−1", "−0.5", "0", "0.5", "1"])
    bar.outline.set_visible(False)
    cmap = matplotlib.colormaps[DIVERGING]
    figure.legend(
        handles=[
            Patch(facecolor=cmap(0.15), label="negative: logit pushed up ▲"),
            Patch(facecolor=cmap(0.85), label="positive: logit pulled down ▼"),
            Patch(facecolor="none", edgecolor="black", linewidth=3, label="★ target class"),
            Patch(facecolor="none", edgecolor="none", label="each row sums to 0"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    at_target = error[np.arange(T), y]
    alt = (
        f"Matrix of the error ŷ - y, {T} {_plural(T, 'step')} by {C} classes. Only the target "
        "class of each step is negative, "
        f"from {_short(at_target.min())} to {_short(at_target.max())}: "
        "a step of gradient descent pushes its logit up and pulls all others down. "
        f"Each row sums to 0 (the largest sum is {np.abs(error.sum(axis=1)).max():.1g})."
    )
    return Picture(figure, alt)


@_styled
def credit_triangle(
    sizes,
    mask=None,
    horizon=None,
    title=None,
    compare=None,
    *,
    compare_mask=None,
    names=("yours", "right"),
):
    """The credit triangle: how much each loss t adds to a gradient through each step k.

    Parameters
    ----------
    sizes : ndarray of shape (T, T)
        Norm of the term C[t, k], at least 0; what stands above the diagonal is ignored.
    mask : ndarray of shape (T, T), optional
        How often each term is counted: booleans, or numbers such as 0, 1 and 2. Terms counted 0
        times are hatched; a count other than 0 and 1 is written into its cell, as in "2×".
    horizon : sequence of int of length T, optional
        Instead of `mask`: the first step that each loss reaches.
    title : str, optional
    compare : ndarray of shape (T, T), optional
        Sizes of a second triangle, drawn beside the first in the same colours.
    compare_mask : ndarray of shape (T, T), optional
        The mask of the second triangle. Given without `compare`, the sizes are the first's.
    names : pair of str, default ("yours", "right")
        What the two triangles are called.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    sizes = _triangle("sizes", sizes)
    T = len(sizes)
    panels = [(sizes, _counts("mask", mask, horizon, T))]
    if compare is not None or compare_mask is not None:
        second = sizes if compare is None else _triangle("compare", compare, T)
        panels.append((second, _counts("compare_mask", compare_mask, None, T)))
        if len(names) != 2:
            raise ValueError(f"names must be two strings, not {names!r}")
    n = len(panels)
    cell = _cell(T, room=5.0 if n == 1 else 4.2, largest=0.95)
    hatched = any((counts[np.tril_indices(T)] == 0).any() for _, counts in panels)
    side = max(T * cell, 2.4)
    size = (n * (side + 0.9) + 1.3, side + 1.1 + 0.4 * hatched + 0.4 * (n == 2))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, n, squeeze=False)[0]
    norm = _decades([values for values, _ in panels])
    for ax, (values, counts) in zip(axes, panels, strict=True):
        mesh = _draw_triangle(ax, values, counts, norm, cell)
    if n == 2:
        for ax, name in zip(axes, names, strict=True):
            ax.set_title(_wrapped(name, side))
        if title is not None:
            figure.suptitle(title)
    elif title is not None:
        axes[0].set_title(title)
    _decade_colorbar(figure, mesh, axes)
    if hatched:
        _hatch_legend(figure)
    sentences = [_triangle_alt(values, counts) for values, counts in panels]
    if n == 2:
        sentences = [f"{name}: {said}" for name, said in zip(names, sentences, strict=True)]
    alt = "Credit triangle" + ("" if title is None else f", {title}") + ". " + " ".join(sentences)
    return Picture(figure, alt)


@_styled
def truncation_styles(sizes, horizons):
    """Several ways of truncation as masks on one credit triangle, side by side.

    Parameters
    ----------
    sizes : ndarray of shape (T, T)
        As in `credit_triangle`.
    horizons : dict of str to sequence of int of length T
        For each name the first step that each loss reaches.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    sizes = _triangle("sizes", sizes)
    _require_dict("horizons", horizons)
    T = len(sizes)
    masks = {}
    for name, horizon in horizons.items():
        masks[name] = _counts("mask", None, _horizon(f"horizons[{name!r}]", horizon, T), T)
    columns = min(len(masks), 3)
    rows = -(-len(masks) // columns)
    cell = _cell(T, room=3.6, largest=0.8)
    side = max(T * cell, 2.2)
    figure = Figure(
        figsize=(columns * (side + 0.75) + 1.3, rows * (side + 1.5) + 0.4), layout="constrained"
    )
    axes = figure.subplots(rows, columns, squeeze=False)
    norm = _decades([sizes])
    terms = T * (T + 1) // 2
    sentences = []
    for ax, (name, counts) in zip(axes.flat, masks.items(), strict=False):
        mesh = _draw_triangle(ax, sizes, counts, norm, cell)
        kept = int(np.tril(counts).sum())
        ax.set_title(f"{_wrapped(name, side)}\n{kept} of {terms} terms")
        sentences.append(f"{name} keeps {kept} of {terms} terms.")
    for ax in axes.flat[len(masks) :]:
        ax.set_axis_off()
    _decade_colorbar(figure, mesh, axes)
    if any(np.tril(counts).sum() < terms for counts in masks.values()):
        _hatch_legend(figure)
    return Picture(figure, "The same credit triangle under several masks: " + " ".join(sentences))


@_styled
def window_bias(errors, cosines=None, *, exact_below=1e-12):
    """How wrong a windowed gradient is, against the window τ.

    Parameters
    ----------
    errors : dict of str to ndarray of shape (T,)
        Relative error of the gradient of each parameter, for τ = 0..T-1.
    cosines : dict of str to ndarray of shape (T,), optional
        Cosine of the angle between the windowed and the whole gradient.
    exact_below : float, default 1e-12
        Smaller errors are rounding; they are drawn as hollow markers on the line "exact".

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    errors = _curves("errors", errors, minimum=0)
    T = len(next(iter(errors.values())))
    if cosines is not None:
        cosines = _curves("cosines", cosines, length=T)
    n = 1 if cosines is None else 2
    figure = Figure(figsize=(7.2 if n == 1 else 11.5, 4.8), layout="constrained")
    axes = figure.subplots(1, n, squeeze=False)[0]
    _draw_bias(axes[0], errors, exact_below)
    if cosines is not None:
        ax = axes[1]
        values = np.concatenate(list(cosines.values()))
        low = values.min() - 0.1 * max(1.0 - values.min(), 0.1)
        ax.set_ylim(low, 1.0 + 0.06 * (1.0 - low))
        ax.axhline(1, color=GREY, linewidth=1.2, zorder=1)
        for look, (name, values) in zip(_looks(cosines), cosines.items(), strict=True):
            ax.plot(range(T), values, label=name, clip_on=False, **look)
        _window_axis(ax, T)
        ax.set_ylabel("cosine with the whole gradient")
        _direct_labels(ax, cosines, np.arange(T))
    sentences = []
    for name, values in errors.items():
        said = f"{name} from {_short(values[0])} at τ = 0 to {_short(values[-1])} at τ = {T - 1}"
        exact = np.flatnonzero(values < exact_below)
        if exact.size:
            said += f", exact first at τ = {exact[0]}"
        rising = int((np.diff(values) > exact_below).sum())
        if rising:
            said += f", growing from one τ to the next {rising} {_plural(rising, 'time')}"
        sentences.append(said)
    alt = "Relative error of the windowed gradient against the window τ: "
    alt += "; ".join(sentences) + "."
    if cosines is not None:
        said = [f"{k} from {_short(v[0])} to {_short(v[-1])}" for k, v in cosines.items()]
        alt += " Cosine with the whole gradient: " + "; ".join(said) + "."
    return Picture(figure, alt)


@_styled
def truncation_panel(sizes, horizon, gradient, full_gradient, errors, tau, *, name="W"):
    """One position of the truncation slider: what is kept, how wrong it is, and the gradient.

    Parameters
    ----------
    sizes : ndarray of shape (T, T)
        As in `credit_triangle`.
    horizon : sequence of int of length T
        The first step that each loss reaches with this τ.
    gradient, full_gradient : ndarray of shape (M, N)
        The truncated gradient of one parameter, and the whole one.
    errors : dict of str to ndarray of shape (T,), or ndarray of shape (T,)
        Relative error for τ = 0..T-1, of several parameters or of this one.
    tau : int
        The current τ; past T - 1 the marker stays at T - 1.
    name : str, default "W"
        Which parameter the gradients belong to.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    sizes = _triangle("sizes", sizes)
    T = len(sizes)
    counts = _counts("mask", None, _horizon("horizon", horizon, T), T)
    gradient = _real("gradient", gradient, 2)
    full_gradient = _real("full_gradient", full_gradient, 2)
    if gradient.shape != full_gradient.shape:
        raise ValueError(
            f"gradient and full_gradient must have one shape, not {gradient.shape} and "
            f"{full_gradient.shape}"
        )
    if not isinstance(errors, dict):
        errors = {name: errors}
    errors = _curves("errors", errors, minimum=0, length=T)
    require_integer("tau", tau, minimum=0)

    figure = Figure(figsize=(13, 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=(1.15, 1.15, 0.95))
    triangle, curve = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[:, 1])
    upper, lower = figure.add_subplot(grid[0, 2]), figure.add_subplot(grid[1, 2])
    kept, terms = int(np.tril(counts).sum()), T * (T + 1) // 2
    _draw_triangle(triangle, sizes, counts, _decades([sizes]), min(3.3 / T, 0.95))
    _hatch_legend(figure, "outside lower left")  # always, so that nothing jumps under a slider
    triangle.set_title(rf"$\tau = {tau}$: {kept} of {terms} terms")
    drawn = _draw_bias(curve, errors, 1e-12)
    at = min(int(tau), T - 1)
    curve.axvline(at, color=INK, linewidth=2, zorder=1)
    for look, heights in zip(_looks(errors), drawn.values(), strict=True):
        curve.plot(
            at,
            heights[at],
            marker="o",
            markersize=20,
            markerfacecolor="none",
            markeredgecolor=look["color"],
            markeredgewidth=2.5,
            clip_on=False,
            zorder=6,
        )
    told = list(errors) if len(errors) <= 3 else [k for k in errors if k == name]
    said = ", ".join(f"{_symbol(k)}: {_short(errors[k][at])}" for k in told)
    curve.set_title(_wrapped(said, 3.6))
    norm = _symmetric([gradient, full_gradient])
    cell = min(3.2 / gradient.shape[1], 1.7 / gradient.shape[0])
    mesh = _draw_matrix(upper, gradient, norm, cell, aspect="auto")
    _draw_matrix(lower, full_gradient, norm, cell, aspect="auto")
    whole = r"\partial E/\partial " + name if len(name) == 1 else None
    shown = f"${whole}$" if whole else name
    upper.set_title(rf"{shown}, $\tau = {tau}$")
    lower.set_title(f"{shown}, whole")
    for ax in (upper, lower):
        ax.set(xticks=[], yticks=[])
    bar = figure.colorbar(mesh, ax=(upper, lower), pad=0.03)
    bar.outline.set_visible(False)
    alt = (
        f"Truncation with τ = {tau}: {kept} of {terms} terms of the credit triangle are kept. "
        "Relative error of the gradient: "
        + ", ".join(f"{k} {_short(v[at])}" for k, v in errors.items())
        + f". Beside it the truncated and the whole gradient of {name}; the largest difference of "
        f"an entry is {_short(np.abs(gradient - full_gradient).max())}."
    )
    return Picture(figure, alt)


@_styled
def matrices(named, title=None):
    """Matrices side by side on one colour scale that is centred at 0.

    Parameters
    ----------
    named : dict of str to ndarray of shape (M, N)
        For instance yours, numerical and difference. Entries that are not finite are drawn grey
        and named.
    title : str, optional

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    _require_dict("named", named)
    named = {k: _real(f"named[{k!r}]", v, 2, finite=False) for k, v in named.items()}
    shapes = [matrix.shape for matrix in named.values()]
    widest, tallest = max(c for _, c in shapes), max(r for r, _ in shapes)
    columns = min(len(named), 3, max(1, int(14 // (0.3 * widest + 0.8))))
    rows = -(-len(named) // columns)
    cell = min(_cell(widest, room=10.0 / columns, largest=0.85), _cell(tallest, 7.0 / rows, 0.85))
    figure = Figure(
        figsize=(
            columns * (max(widest * cell, 1.6) + 0.6) + 1.4,
            rows * (max(tallest * cell, 1.2) + 0.85) + 0.5 * (title is not None),
        ),
        layout="constrained",
    )
    axes = figure.subplots(rows, columns, squeeze=False)
    norm = _symmetric(list(named.values()))
    for ax, (name, matrix) in zip(axes.flat, named.items(), strict=False):
        mesh = _draw_matrix(ax, matrix, norm, cell)
        ax.set_title(_wrapped(_symbol(name), max(widest * cell, 1.6)))
        _index_ticks(ax.xaxis, matrix.shape[1], cell)
        _index_ticks(ax.yaxis, matrix.shape[0], cell)
    for ax in axes.flat[len(named) :]:
        ax.set_axis_off()
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.outline.set_visible(False)
    if title is not None:
        figure.suptitle(title)
    sentences = []
    for name, matrix in named.items():
        finite = matrix[np.isfinite(matrix)]
        said = f"{name}, {matrix.shape[0]} by {matrix.shape[1]}"
        if finite.size:
            said += f", from {_short(finite.min())} to {_short(finite.max())}"
        if finite.size < matrix.size:
            said += f", {matrix.size - finite.size} not finite"
        sentences.append(said)
    alt = "Matrices on one colour scale" + ("" if title is None else f", {title}") + ": "
    return Picture(figure, alt + "; ".join(sentences) + ".")


@_styled
def step_size_curve(h, errors):
    """The error of numerical derivatives against their step size, both on log scales.

    Parameters
    ----------
    h : ndarray of shape (N,)
        Step sizes, positive.
    errors : dict of str to ndarray of shape (N,)
        The error of each method; NaN where a method was not tried. Errors of exactly 0 are drawn as
        hollow markers at the bottom.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    h = _real("h", h, 1)
    if h.min() <= 0:
        raise ValueError(f"h must be positive, but its smallest entry is {h.min():.3g}")
    errors = _curves("errors", errors, minimum=0, length=len(h), finite=False)
    order = np.argsort(h)
    h = h[order]
    errors = {name: values[order] for name, values in errors.items()}
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    ax = figure.add_subplot()
    low, high, floor = _log_scale(np.concatenate(list(errors.values())))
    low /= (high / low) ** 0.05  # room for a ring around the lowest point
    ax.set(xscale="log", yscale="log", ylim=(low, high))
    sentences, shown, marked = [], {}, {}
    for look, (name, values) in zip(_looks(errors), errors.items(), strict=True):
        drawn = np.where(values > 0, values, np.where(values == 0, floor, np.nan))
        shown[name] = drawn
        ax.plot(h, drawn, label=name, clip_on=False, **look)
        zero = values == 0
        ax.plot(h[zero], drawn[zero], **{**look, "linestyle": "", "markerfacecolor": "white"})
        if np.isfinite(values).any():
            best = int(np.nanargmin(values))
            sentences.append(f"{name} is best at h = {h[best]:.0e}, with {values[best]:.1e}")
            if np.nanmax(drawn) > 10 * np.nanmin(drawn):  # a flat line has no best step
                ax.plot(
                    h[best],
                    drawn[best],
                    marker="o",
                    markersize=20,
                    markerfacecolor="none",
                    markeredgecolor=INK,
                    markeredgewidth=2.5,
                    zorder=6,
                    clip_on=False,
                )
                text = f"best: {_power(values[best])}\nat $h$ = {_power(h[best])}"
                marked[h[best], drawn[best]] = text
        else:
            sentences.append(f"{name} has no finite error")
    ax.set(xlabel="step size $h$", ylabel="error of the derivative")
    ax.grid(color="#dddddd", linewidth=0.8)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_locator(NullLocator())
    _direct_labels(ax, shown, h)
    _label_above(ax, h, shown, marked)
    alt = "Error of numerical derivatives against the step size h, on log scales: "
    return Picture(figure, alt + "; ".join(sentences) + ".")


@_styled
def gradient_norms(norms):
    """Norms against the hops back that a gradient has taken, on a log axis.

    Parameters
    ----------
    norms : dict of str to ndarray of shape (N,)
        For each curve its value after 0..N-1 hops. Norms of exactly 0 are left out.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    norms = _curves("norms", norms, minimum=0)
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    ax = figure.add_subplot()
    ax.set_yscale("log")
    hops = np.arange(len(next(iter(norms.values()))))
    sentences, shown = [], {}
    for look, (name, values) in zip(_looks(norms), norms.items(), strict=True):
        shown[name] = np.where(values > 0, values, np.nan)
        ax.plot(hops, shown[name], label=name, clip_on=False, **{**look, "markersize": 6})
        sentences.append(f"{name} from {values[0]:.2g} to {values[-1]:.2g}")
    ax.axhline(1, color=GREY, linewidth=1.2, zorder=1)
    ax.set(xlabel="hops back", ylabel="norm")
    ax.grid(color="#dddddd", linewidth=0.8)
    ax.yaxis.set_minor_locator(NullLocator())
    _direct_labels(ax, shown, hops)
    alt = f"Norms against hops back, over {hops[-1]} hops, on a log axis: "
    return Picture(figure, alt + "; ".join(sentences) + ".")


@_styled
def loss_bars(per_step_losses, reference=None, labels=None):
    """The loss E_t of each step as bars, and the loss of a uniform guess as a line.

    Parameters
    ----------
    per_step_losses : ndarray of shape (T,)
        In nats.
    reference : float, optional
        log C, the loss of guessing all C classes alike.
    labels : sequence of str of length T, optional
        What stands below the bars, for instance the targets; the steps when left out.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    losses = _real("per_step_losses", per_step_losses, 1)
    T = len(losses)
    labels = _labels("labels", labels, T)
    if reference is not None:
        reference = float(_real("reference", reference, 0))
    figure = Figure(figsize=(min(max(5.5, 0.85 * T + 2.6), 14), 4.4), layout="constrained")
    ax = figure.add_subplot()
    ax.bar(range(T), losses, color=BLUE, width=0.72, zorder=2)
    top = max(losses.max(), reference or 0.0, 1e-300)
    bottom = min(losses.min(), 0.0)
    ax.set(ylim=(1.18 * bottom, 1.18 * top), xlim=(-0.6, T - 0.4))
    if T <= 12:
        for t, value in enumerate(losses):
            ax.text(
                t,
                max(value, 0) + 0.025 * top,
                _short(value),
                ha="center",
                va="bottom",
                zorder=4,
                bbox={"facecolor": "white", "linewidth": 0, "pad": 1},  # over the reference line
            )
    alt = (
        f"Loss of {T} {_plural(T, 'step')}, from {_short(losses.min())} to {_short(losses.max())} "
        f"nats, mean {_short(losses.mean())}."
    )
    if reference is not None:
        ax.axhline(reference, color=VERMILLION, linestyle="--", linewidth=2.5, zorder=3)
        ax.annotate(
            f"uniform guess\n$\\log C$ = {_short(reference)}",
            (1, reference),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=_ink(VERMILLION),
            annotation_clip=False,
        )
        alt += f" A line marks the uniform guess, log C = {_short(reference)}; bars above it: "
        alt += f"{(losses > reference).sum()} of {T}."
    if labels is not None:
        ax.set_xticks(range(T), labels)
        if max(map(len, labels)) > 7:
            ax.tick_params(axis="x", labelrotation=40)
    else:
        _index_ticks(ax.xaxis, T, 10.0 / T)
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.set(xlabel="step $t$", ylabel="loss $E_t$ (nats)")
    return Picture(figure, alt)


@_styled
def states(s, step_labels=None):
    """The states s_t as a heat map, one column for each step, the initial state set apart.

    Parameters
    ----------
    s : ndarray of shape (T + 1, H)
        ``s[0]`` is the initial state s_{-1}.
    step_labels : sequence of str of length T, optional
        For instance the inputs; the steps when left out.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    s = _real("s", s, 2)
    T, H = len(s) - 1, s.shape[1]
    if T < 1:
        raise ValueError(f"s must have shape (T + 1, H) with T at least 1, not {s.shape}")
    step_labels = _labels("step_labels", step_labels, T)
    cell = min(_cell(T + 1, room=9.0, largest=0.8), _cell(H, room=5.0, largest=0.8))
    figure = Figure(
        figsize=(max((T + 1) * cell + 2.9, 5.0), max(H * cell, 1.3) + 1.3), layout="constrained"
    )
    initial, ax = figure.subplots(1, 2, width_ratios=(1, T), sharey=True)
    norm = Normalize(-max(1.0, np.abs(s).max()), max(1.0, np.abs(s).max()))
    _draw_matrix(initial, s[:1].T, norm, cell, aspect="auto")
    mesh = _draw_matrix(ax, s[1:].T, norm, cell, aspect="auto")
    initial.set_xticks([0], ["$s_{-1}$"])
    initial.set_ylabel("hidden unit")
    _index_ticks(initial.yaxis, H, cell)
    ax.tick_params(axis="y", labelleft=False)
    if step_labels is not None:
        ax.set_xticks(range(T), step_labels)
        if max(map(len, step_labels)) * 0.13 > cell:
            ax.tick_params(axis="x", labelrotation=60)
    else:
        _index_ticks(ax.xaxis, T, cell)
    ax.set(xlabel="step $t$")
    bar = figure.colorbar(mesh, ax=(initial, ax), pad=0.02, label="state $s_t$")
    bar.outline.set_visible(False)
    saturated = float((np.abs(s[1:]) > 0.95).mean())
    alt = (
        f"States of {H} hidden {_plural(H, 'unit')} over {T} {_plural(T, 'step')}, from "
        f"{_short(s[1:].min())} to {_short(s[1:].max())}; {saturated:.0%} are saturated (beyond "
        "±0.95). The initial state, set apart, "
        + ("is zero." if not s[0].any() else f"has entries up to {_short(np.abs(s[0]).max())}.")
    )
    return Picture(figure, alt)


@_styled
def speed_bars(seconds):
    """Measured times as horizontal bars, with how many times faster each is than the slowest.

    Parameters
    ----------
    seconds : dict of str to float
        Positive.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    _require_dict("seconds", seconds)
    times = {k: float(_real(f"seconds[{k!r}]", v, 0)) for k, v in seconds.items()}
    for name, value in times.items():
        if value <= 0:
            raise ValueError(f"seconds[{name!r}] must be positive, not {value}")
    slowest, fastest = max(times.values()), min(times.values())
    log = slowest > 30 * fastest
    scale, unit = next(
        ((f, u) for f, u in ((1, "s"), (1e3, "ms"), (1e6, "µs")) if slowest * f >= 1), (1e9, "ns")
    )
    figure = Figure(figsize=(9, 0.72 * len(times) + 1.5), layout="constrained")
    ax = figure.add_subplot()
    values = np.array(list(times.values())) * scale
    ax.barh(range(len(times)), values, color=BLUE, height=0.66)
    ax.set_yticks(range(len(times)), list(times))
    ax.invert_yaxis()
    if log:
        ax.set_xscale("log")
        ax.set_xlim(10.0 ** np.floor(np.log10(values.min() / 1.5)), values.max() * 1.05)
    else:
        ax.set_xlim(0, values.max() * 1.05)
    said = []
    for i, (name, value) in enumerate(times.items()):
        ratio = slowest / value
        told = "slowest" if value == slowest else f"{_ratio(ratio)}× faster"
        shown = f"{_three_digits(value * scale)} {unit}"
        ax.annotate(
            f"{told} ({shown})" if len(times) > 1 else shown,
            (value * scale, i),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )
        said.append(f"{name} {shown}" + (f", {told}" if len(times) > 1 else ""))
    ax.set_xlabel(f"time ({unit}" + (", log scale)" if log else ")"))
    return Picture(figure, "Measured times: " + "; ".join(said) + ".")


@_styled
def norms_against_hops(curves, title=None):
    """Norms of what is sent back against the number of hops, on a log axis.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (N,)
        Norms for 0..N-1 hops, not negative; what is 0 or not finite is left out.
    title : str, optional

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    curves = _curves("curves", curves, minimum=0, finite=False)
    n = len(next(iter(curves.values())))
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    ax = figure.add_subplot()
    low, high, _ = _log_scale(np.concatenate(list(curves.values())))
    ax.set(yscale="log", ylim=(low, high))
    ax.axhline(1, color=GREY, linewidth=1.2, zorder=1)
    sentences, shown = [], {}
    for look, (name, values) in zip(_looks(curves), curves.items(), strict=True):
        drawn = np.where(np.isfinite(values) & (values > 0), values, np.nan)
        shown[name] = drawn
        ax.plot(range(n), drawn, label=name, clip_on=False, markevery=max(1, n // 12), **look)
        seen = drawn[np.isfinite(drawn)]
        said = f"{name} from {_short(seen[0])} to {_short(seen[-1])}" if seen.size else f"{name}: 0"
        if seen.size and seen.max() > 1.001 * max(seen[0], seen[-1]):
            said += f", with {_short(seen.max())} at its largest"
        sentences.append(said)
    ax.set(xlabel="hops back", ylabel="norm")
    if title:
        ax.set_title(title)
    _index_ticks(ax.xaxis, n, 6 / n)
    ax.grid(axis="y", color="#dddddd", linewidth=0.8)
    ax.yaxis.set_minor_locator(NullLocator())
    _direct_labels(ax, shown, np.arange(n))
    alt = (f"{title}. " if title else "") + "Norms against hops back, on a log scale: "
    return Picture(figure, alt + "; ".join(sentences) + ".")


@_styled
def slopes_under_states(a, title=None):
    """tanh and the logistic sigmoid with their slopes, and where pre-activations lie on them.

    Parameters
    ----------
    a : ndarray
        Pre-activations, of any shape.
    title : str, optional

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    a = _real("a", np.ravel(a), 1)
    if not a.size:
        raise ValueError("a must have at least one entry")
    at = np.linspace(-6, 6, 241)
    sigmoid = 1 / (1 + np.exp(-at))
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
    for look, (name, value, slope) in zip(
        LINES,
        (
            ("tanh", np.tanh(at), 1 - np.tanh(at) ** 2),
            ("sigmoid", sigmoid, sigmoid * (1 - sigmoid)),
        ),
        strict=False,
    ):
        color = look["color"]
        top.plot(at, value, color=color, linewidth=1.5, linestyle=":", label=f"{name}")
        top.plot(at, slope, color=color, linestyle=look["linestyle"], label=f"slope of {name}")
    top.axhline(0, color=GREY, linewidth=1)
    top.legend(loc="upper left")
    top.grid(axis="y", color="#dddddd", linewidth=0.8)
    bottom.hist(a.clip(-6, 6), bins=np.linspace(-6, 6, 49), color=GREEN)
    bottom.set(xlabel="pre-activation $a$", ylabel="how many", xlim=(-6, 6))
    bottom.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    if title:
        top.set_title(title)
    flat = float((np.abs(np.tanh(a)) > 0.97).mean())
    mean = float((1 - np.tanh(a) ** 2).mean())
    return Picture(
        figure,
        (f"{title}. " if title else "")
        + "tanh has its steepest slope, 1, at zero; that of the sigmoid is 0.25. Of "
        f"{a.size} pre-activations, {100 * flat:.0f} per cent lie where tanh is nearly flat (its "
        f"value beyond 0.97); the mean slope of tanh is {mean:.2f}.",
    )


@_styled
def learning_curves(losses, reference=None, *, smooth=20, log=False, label="loss (nats)"):
    """The loss of each batch against the number of updates.

    Parameters
    ----------
    losses : dict of str to ndarray of shape (N,)
    reference : dict of str to float, optional
        Losses worth comparing with, drawn as dotted lines.
    smooth : int, default 20
        Each point is the mean over so many updates.
    log : bool, default False
        Whether the loss has a log axis.
    label : str
        Of the axis.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    _require_dict("losses", losses)
    require_integer("smooth", smooth, minimum=1)
    losses = {k: _real(f"losses[{k!r}]", v, 1) for k, v in losses.items()}
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    ax = figure.add_subplot()
    if log:
        ax.set_yscale("log")
    sentences, ends = [], []
    for look, (name, values) in zip(_looks(losses), losses.items(), strict=True):
        n = max(1, len(values) // smooth)
        means = np.array([part.mean() for part in np.array_split(values, n)])
        at = (np.arange(n) + 0.5) * len(values) / n
        ax.plot(
            at, means, label=_symbol(name), **{**look, "markersize": 6}, markevery=max(1, n // 12)
        )
        ends.append(means[-1])
        sentences.append(f"{name} from {_short(means[0])} to {_short(means[-1])}")
    for name, value in (reference or {}).items():
        # named in the legend: what is learned comes so near that a label at the line would cover it
        ax.axhline(value, color=GREY, linestyle=":", linewidth=2, label=_symbol(name))
        sentences.append(f"for comparison {name} at {_short(value)}")
    ax.set(xlabel="update", ylabel=label)
    ax.grid(axis="y", color="#dddddd", linewidth=0.8)
    ax.legend(loc="best")
    return Picture(figure, "Loss against the number of updates: " + "; ".join(sentences) + ".")


@_styled
def accuracy_against(name, positions, accuracies, chance=None):
    """What was learned: accuracy with its spread over seeds.

    Parameters
    ----------
    name : str
        What `positions` are, for the axis.
    positions : sequence of N numbers or str
    accuracies : dict of str to ndarray of shape (N, S)
        For each position and each of S seeds, from 0 to 1.
    chance : float, optional
        The accuracy of a guess, drawn as a dotted line.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        Names the argument, what it was and what was expected.
    """
    _require_dict("accuracies", accuracies)
    accuracies = {k: _real(f"accuracies[{k!r}]", v, 2) for k, v in accuracies.items()}
    for key, values in accuracies.items():
        if len(values) != len(positions):
            raise ValueError(
                f"accuracies[{key!r}] must have shape ({len(positions)}, S), not {values.shape}"
            )
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    ax = figure.add_subplot()
    sentences = []
    at = np.arange(len(positions))
    for i, (look, (key, values)) in enumerate(
        zip(_looks(accuracies), accuracies.items(), strict=True)
    ):
        mean, spread = values.mean(axis=1), values.std(axis=1)
        aside = 0.06 * (i - (len(accuracies) - 1) / 2)  # so that error bars do not cover each other
        ax.errorbar(at + aside, mean, yerr=spread, label=_symbol(key), capsize=4, **look)
        said = ", ".join(
            f"{p}: {m:.2f} ± {s:.2f}" for p, m, s in zip(positions, mean, spread, strict=True)
        )
        sentences.append(f"{key}: {said}")
    if chance is not None:
        ax.axhline(chance, color=GREY, linestyle=":", linewidth=2)
        ax.annotate(
            "guess",
            (0, chance),
            xycoords=("axes fraction", "data"),
            xytext=(4, -4),
            textcoords="offset points",
            va="top",
            color=GREY,
        )
    ax.set_xticks(at, [str(p) for p in positions])
    ax.set(xlabel=name, ylabel="accuracy", ylim=(0, 1.06))
    ax.grid(axis="y", color="#dddddd", linewidth=0.8)
    ax.legend(loc="lower right")
    alt = f"Accuracy against {name}, mean and standard deviation over the seeds. "
    return Picture(figure, alt + "; ".join(sentences) + ".")


def _labels(name, labels, length):
    if labels is None:
        return None
    if isinstance(labels, str) or len(labels) != length:
        raise ValueError(f"{name} must be {length} strings, not {labels!r}")
    return [str(label) for label in labels]


def _real(name, value, ndim, finite=True):
    """Return `value` as a float array with `ndim` axes, or raise an error that names it."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a regular array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim != ndim or array.size == 0:
        expected = {0: "a number", 1: "a vector", 2: "a matrix"}[ndim]
        raise ValueError(f"{name} must be {expected}, not of shape {array.shape}")
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but has NaN or infinite entries")
    return array.astype(float)


def _require_dict(name, value):
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be a dict from names to values, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must have at least one entry, but is empty")


def _curves(name, curves, minimum=None, length=None, finite=True):
    _require_dict(name, curves)
    curves = {k: _real(f"{name}[{k!r}]", v, 1, finite) for k, v in curves.items()}
    for key, values in curves.items():
        length = len(values) if length is None else length
        if len(values) != length:
            raise ValueError(f"{name}[{key!r}] must have shape ({length},), not {values.shape}")
        if minimum is not None and (values < minimum).any():
            raise ValueError(
                f"{name}[{key!r}] must be at least {minimum}, but has {np.nanmin(values):.3g}"
            )
    return curves


def _triangle(name, sizes, length=None):
    sizes = _real(name, sizes, 2)
    T = sizes.shape[0] if length is None else length
    if sizes.shape != (T, T):
        expected = "(T, T)" if length is None else f"{(T, T)}"
        raise ValueError(f"{name} must have shape {expected}, one norm a term, not {sizes.shape}")
    if (np.tril(sizes) < 0).any():
        raise ValueError(f"{name} must hold norms, at least 0, but has {np.tril(sizes).min():.3g}")
    return np.tril(sizes)


def _horizon(name, horizon, T):
    try:
        return validate_horizon(horizon, T)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _counts(name, mask, horizon, T):
    """How often each term counts, from a mask or from a horizon; once when both are left out."""
    if mask is not None and horizon is not None:
        raise ValueError(f"{name} and horizon say the same thing: give one of them, not both")
    if horizon is not None:
        first = validate_horizon(horizon, T)[:, None]
        return np.tril(np.arange(T) >= first).astype(float)
    if mask is None:
        return np.tril(np.ones((T, T)))
    mask = _real(name, mask, 2)
    if mask.shape != (T, T):
        raise ValueError(f"{name} must have shape {(T, T)}, as sizes has, not {mask.shape}")
    return np.tril(np.round(mask, 2))


def _cell(n, room, largest):
    """The side of a cell in inches, when `n` of them should fit into `room`."""
    return min(room / n, largest)


def _index_ticks(axis, n, cell):
    """Number every cell, or every second, fifth, ... one where the cells are too small for it."""
    every = next((m for m in (1, 2, 5, 10, 20, 50, 100) if m * cell >= 0.34), n)
    axis.set_major_locator(FixedLocator(range(0, n, every)))


def _draw_triangle(ax, sizes, counts, norm, cell):
    T = len(sizes)
    lower = np.tril(np.ones((T, T), bool))
    kept = lower & (counts != 0)
    edges = np.arange(T + 1) - 0.5
    mesh = ax.pcolormesh(
        edges,
        edges,
        np.ma.masked_where(~kept | (sizes == 0), sizes),
        cmap=SEQUENTIAL,
        norm=norm,
        edgecolors="white",
        linewidth=1.5,
    )
    for t, k in np.argwhere(lower & ~kept):
        ax.add_patch(
            Rectangle(
                (k - 0.5, t - 0.5), 1, 1, facecolor=PALE, edgecolor="#b5b5b5", hatch="///", lw=0
            )
        )
    # A staircase around the whole triangle: it stays visible where the terms are left out or zero.
    steps = [(-0.5, -0.5)]
    for t in range(T):
        steps += [(t + 0.5, t - 0.5), (t + 0.5, t + 0.5)]
    steps += [(-0.5, T - 0.5), (-0.5, -0.5)]
    ax.plot(*zip(*steps, strict=True), color=GREY, linewidth=1.5, clip_on=False, zorder=4)
    size = min(cell * 72 / 3.1, 15)
    for t, k in np.argwhere(kept):
        repeated = "" if counts[t, k] == 1 else f"{_short(counts[t, k]).rstrip('.0') or '0'}×"
        number = _short(sizes[t, k]) if T <= 8 else "0" if sizes[t, k] == 0 else ""
        label = "\n".join(filter(None, (repeated, number)))
        if label:
            background = mesh.cmap(norm(sizes[t, k])) if sizes[t, k] > 0 else "white"
            ax.text(
                k,
                t,
                label,
                ha="center",
                va="center",
                fontsize=size * (1 if not repeated else 0.85 if number else 1.4),
                fontweight="bold" if repeated else "normal",
                color=_text_on(background),
            )
    ax.set(xlim=(-0.55, T - 0.45), ylim=(T - 0.45, -0.55), aspect="equal")
    ax.set(xlabel="step $k$", ylabel="loss at step $t$")
    _index_ticks(ax.xaxis, T, cell)
    _index_ticks(ax.yaxis, T, cell)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if T >= 4:
        ax.text(
            T - 0.6,
            -0.4,
            "no credit to\nlater steps: $k > t$",
            ha="right",
            va="top",
            color=GREY,
            fontsize=min(13, cell * T * 72 / 19),
        )
    return mesh


def _decades(arrays):
    """A log scale for all arrays together, from whole decade to whole decade, twelve at most."""
    values = np.concatenate([a[a > 0] for a in arrays])
    if not values.size:
        return LogNorm(0.1, 1.0)
    high = np.ceil(np.log10(values.max()))
    low = max(np.floor(np.log10(values.min())), high - 12)
    return LogNorm(10.0 ** min(low, high - 1), 10.0**high, clip=True)


def _decade_colorbar(figure, mesh, axes):
    low, high = np.log10([mesh.norm.vmin, mesh.norm.vmax]).round().astype(int)
    exponents = np.arange(low, high + 1, -(-(high - low) // 6))
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, label=r"size of the term $\Vert C[t,k]\Vert$")
    bar.ax.yaxis.set_major_locator(FixedLocator(10.0**exponents))
    bar.ax.set_yticklabels([f"$10^{{{e}}}$" for e in exponents])
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.outline.set_visible(False)


def _hatch_legend(figure, place="outside lower center"):
    figure.legend(
        handles=[
            Patch(
                facecolor=PALE, edgecolor="#b5b5b5", hatch="///", label="left out of the gradient"
            )
        ],
        loc=place,
    )


def _triangle_alt(sizes, counts):
    T = len(sizes)
    inside = np.tril(np.ones((T, T), bool))
    terms, kept = int(inside.sum()), int((counts[inside] != 0).sum())
    repeated = int(((counts[inside] != 0) & (counts[inside] != 1)).sum())
    values = sizes[inside & (counts != 0)]
    said = f"Terms kept: {kept} of {terms} ({T} {_plural(T, 'step')})"
    if values.size:
        said += f", with sizes from {_short(values.min())} to {_short(values.max())}"
    if repeated:
        said += f"; {repeated} of them {'is' if repeated == 1 else 'are'} not counted exactly once"
    return said + "."


def _symmetric(arrays):
    values = np.concatenate([a[np.isfinite(a)] for a in arrays])
    top = np.abs(values).max() if values.size else 0.0
    return Normalize(-(top or 1.0), top or 1.0)


def _draw_matrix(ax, matrix, norm, cell, aspect="equal"):
    rows, columns = matrix.shape
    mesh = ax.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(matrix),
        cmap=DIVERGING,
        norm=norm,
        edgecolors="white",
        linewidth=1.2 if cell > 0.2 else 0,
    )
    size = min(cell * 72 / 3.5, 15)
    for (i, j), value in np.ndenumerate(matrix):
        if not np.isfinite(value):
            ax.add_patch(
                Rectangle(
                    (j - 0.5, i - 0.5), 1, 1, facecolor=PALE, edgecolor=GREY, hatch="xx", lw=0
                )
            )
        if size >= 8:
            background = mesh.cmap(norm(value)) if np.isfinite(value) else "white"
            label = _short(value)
            ax.text(
                j,
                i,
                label,
                ha="center",
                va="center",
                fontsize=size * min(1, 5 / len(label)),
                color=_text_on(background),
                bbox=None if np.isfinite(value) else {"facecolor": "white", "lw": 0, "pad": 1},
            )
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect=aspect)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return mesh


def _looks(curves):
    return [LINES[i % len(LINES)] for i in range(len(curves))]


def _log_scale(values, exact_below=0.0):
    """Limits of a log axis, and the height at which it shows what is too small for it."""
    shown = values[np.isfinite(values) & (values > 0) & (values >= exact_below)]
    if not shown.size:
        return 0.01, 1.0, 0.015
    low = 10.0 ** np.floor(np.log10(shown.min()) - 0.05)
    high = 10.0 ** np.ceil(np.log10(shown.max()) + 0.05)
    floor = low / (high / low) ** 0.12
    hidden = np.isfinite(values).sum() > shown.size
    return (floor / (high / low) ** 0.06 if hidden else low), high, floor


def _window_axis(ax, T):
    ax.set_xlabel(r"window $\tau$ (hops back)")
    _index_ticks(ax.xaxis, T, 4.5 / T)
    ax.grid(axis="y", color="#dddddd", linewidth=0.8)


def _draw_bias(ax, errors, exact_below):
    T = len(next(iter(errors.values())))
    low, high, floor = _log_scale(np.concatenate(list(errors.values())), exact_below)
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    shown, any_exact = {}, False
    for look, (name, values) in zip(_looks(errors), errors.items(), strict=True):
        exact = values < exact_below
        shown[name] = np.where(exact, floor, values)
        ax.plot(range(T), shown[name], label=name, clip_on=False, **look)
        if exact.any():  # an empty line without clipping would upset the layout
            any_exact = True
            hollow = {**look, "linestyle": "", "markerfacecolor": "white", "markeredgewidth": 2}
            ax.plot(np.flatnonzero(exact), shown[name][exact], clip_on=False, **hollow)
    _window_axis(ax, T)
    if any_exact:
        ax.axhline(floor, color=GREY, linewidth=1.2, zorder=1)
        exponents = np.arange(np.ceil(np.log10(floor) + 0.05), np.log10(high).round() + 1)
        exponents = exponents[:: max(1, -(-len(exponents) // 7))].astype(int)
        ticks = [floor, *10.0**exponents]
        ax.yaxis.set_major_locator(FixedLocator(ticks))
        ax.set_yticklabels(["exact", *(f"$10^{{{e}}}$" for e in exponents)])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel("relative error")
    _direct_labels(ax, shown, np.arange(T))
    return shown


def _direct_labels(ax, curves, positions):
    """Write each curve's name beside the end at which the curves lie further apart."""
    low, high = ax.get_ylim()
    log_y = ax.get_yscale() == "log"
    scale = np.log10 if log_y else np.asarray

    def fraction(value):
        return float((scale(value) - scale(low)) / (scale(high) - scale(low)))

    ends = {}
    for side in (0, -1):
        ends[side] = {}
        for name, values in curves.items():
            finite = np.flatnonzero(np.isfinite(values))
            if finite.size:
                at = finite[side]
                ends[side][name] = (positions[at], values[at], fraction(values[at]))
    distance = {
        side: min(np.diff(sorted(f for _, _, f in ends[side].values())), default=1.0)
        for side in ends
    }
    side = 0 if distance[0] > distance[-1] + 0.02 and len(positions) > 1 else -1
    names = sorted(ends[side], key=lambda name: ends[side][name][2])
    heights = _spread([ends[side][name][2] for name in names], gap=0.085)
    looks = dict(zip(curves, _looks(curves), strict=True))
    if side == 0:  # make room between the axis and the first points
        first, last = ax.get_xlim()
        room = 0.05 + 0.012 * max(map(len, names))
        room /= 1 - room
        if ax.get_xscale() == "log":
            ax.set_xlim(first / (last / first) ** max(room, 0.2), last)
        else:
            ax.set_xlim(first - max(room, 0.14) * (last - first), last)
    scale_x = np.log10 if ax.get_xscale() == "log" else np.asarray
    first, last = scale_x(ax.get_xlim())
    for name, height in zip(names, heights, strict=True):
        x, y, at = ends[side][name]
        beside = (scale_x(x) - first) / (last - first) + (0.07 if side else -0.05)
        moved = abs(height - at) > 0.01
        ax.annotate(
            _symbol(name),
            (x, y),
            xytext=(beside, height),
            textcoords="axes fraction",
            ha="left" if side else "right",
            va="center",
            color=_ink(looks[name]["color"]),
            fontsize=19 if len(name) == 1 else 15,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": looks[name]["color"]} if moved else None,
        )


def _label_above(ax, x, curves, marked):
    """Label points of curves on log axes, each above its point and clear of every curve."""
    room, tall, gap = 0.22, 0.16, 0.03  # of the axes; a label has two lines

    def place(points):
        across = np.log(points[0] / ax.get_xlim()[0]) / np.log(np.divide(*ax.get_xlim()[::-1]))
        up = np.log(points[1] / ax.get_ylim()[0]) / np.log(np.divide(*ax.get_ylim()[::-1]))
        return across, up

    across, up = np.hstack([place((x, values)) for values in curves.values()])
    for point, text in marked.items():
        middle, height = place(point)
        bottom = height + 0.14
        for other in np.sort(up[np.abs(across - middle) < room / 2]):
            if bottom - gap < other < bottom + tall + gap:
                bottom = other + gap
        if bottom + tall > 1:
            bottom = height - 0.06 - tall
        ax.annotate(
            text,
            point,
            xytext=(middle, bottom),
            textcoords="axes fraction",
            ha="center",
            va="bottom",
            fontsize=14,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            arrowprops={"arrowstyle": "-", "color": GREY, "shrinkB": 11},
        )


def _spread(heights, gap):
    """Move sorted heights apart, in fractions of the axis, by no more than is needed."""
    heights = np.array(heights, float)
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    excess = heights[-1] - 1.0 if len(heights) else 0.0
    if excess > 0:
        heights[-1] = 1.0
        for i in range(len(heights) - 2, -1, -1):
            heights[i] = min(heights[i], heights[i + 1] - gap)
    return heights


def _ink(color):
    """A darker shade, for text in the colour of a line."""
    return tuple(0.72 * channel for channel in to_rgb(color))


def _text_on(background):
    """Black or white, whichever has the higher contrast (relative luminance as in WCAG 2)."""
    channels = np.array(to_rgb(background))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ (0.2126, 0.7152, 0.0722) < 0.179 else "black"


def _symbol(name):
    """Letters, as in W, e_3 or ∂E_3/∂V, are symbols of the notation table: set as mathematics."""
    letter = "[A-Za-z](_[0-9a-z])?"
    if re.fullmatch(f"{letter}|∂{letter}/∂{letter}", name):
        return "${}$".format(name.replace("∂", r"\partial "))
    return name


def _short(value):
    """A number in about four characters: two decimals, or one digit and a power of ten."""
    value = float(value)
    if not np.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if 0.0095 <= abs(value) < 99.95:
        text = f"{value:.2f}" if abs(value) < 9.995 else f"{value:.1f}"
    else:
        mantissa, exponent = f"{value:.0e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def _three_digits(value):
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _ratio(ratio):
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:.0f}"


def _power(value):
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.0e}".split("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return f"${factor}10^{{{int(exponent)}}}$"


def _wrapped(title, inches):
    """Break a long title: one that is wider than its axes would squeeze them to nothing."""
    return title if "$" in title else textwrap.fill(title, max(8, int(inches / 0.14)))


def _plural(count, noun):
    return noun if count == 1 else noun + "s"


def _run_of_losses(steps):
    """Which losses cross a hop, such as E_2…E_5."""
    if len(steps) == 1:
        return f"$E_{{{steps[0]}}}$"
    if len(steps) == steps[-1] - steps[0] + 1:
        joint = ", " if len(steps) == 2 else r"\ldots "
        return f"$E_{{{steps[0]}}}{joint}E_{{{steps[-1]}}}$"
    return ", ".join(f"$E_{{{t}}}$" for t in steps)


def _legend_width(entry):
    """Inches that an entry of the legend of `unrolled_network` takes."""
    return 0.95 + 0.115 * len(entry[2])
