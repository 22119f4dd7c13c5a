"""The lecture board as pages: what a lecturer projects needs a browser, and nothing else."""

import html
from pathlib import Path

from . import (
    gradient_check_microscope,
    softmax_minus_target,
    sum_over_time,
    truncation_explorer,
    vanishing,
)

BOARD = {
    "truncation": truncation_explorer,
    "sum": sum_over_time,
    "softmax": softmax_minus_target,
    "vanishing": vanishing,
    "microscope": gradient_check_microscope,
}


def write_board(folder, names=()):
    """Write a page for each widget, and one that leads to them.

    Parameters
    ----------
    folder : str or pathlib.Path
        Made if it does not exist; pages of the same names are overwritten.
    names : iterable of str, optional
        Of `BOARD`; all of them when left out.

    Returns
    -------
    pathlib.Path
        The page to open: that of the widget if there is one only, else the one that leads to them.

    Raises
    ------
    ValueError
        If there is no widget of such a name.
    """
    names = list(names) or list(BOARD)
    unknown = [name for name in names if name not in BOARD]
    if unknown:
        raise ValueError(f"there is no widget {unknown[0]!r}; there are {', '.join(BOARD)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: BOARD[name]() for name in names}
    for name, widget in made.items():
        others = f"<nav>{_links(made, here=name)}</nav>" if len(made) > 1 else ""
        widget.save(folder / f"{name}.html", above=others)
    index = folder / "index.html"
    index.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Lecture board</title>'
        '<meta name="viewport" content="width=device-width"><style>:root{color-scheme:light dark}'
        "body{font:2rem/1.8 system-ui,sans-serif;margin:8vh auto;max-width:40rem;padding:0 1rem}"
        "</style></head><body><main><h1>Lecture board</h1>"
        f"{_links(made)}</main></body></html>",
        encoding="utf-8",
    )
    return folder / f"{names[0]}.html" if len(names) == 1 else index


def _links(made, here=None):
    """A list of the pages; from one to the next without the way back to the board."""
    current = {here: ' aria-current="page"'}
    return "<ul>{}</ul>".format(
        "".join(
            f'<li><a href="{name}.html"{current.get(name, "")}>{html.escape(widget.title)}</a></li>'
            for name, widget in made.items()
        )
    )
