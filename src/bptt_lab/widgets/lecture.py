"""What all widgets share: moving numbers to the page, and what stands there where no widget can."""

import base64
import html
import json
import os
from pathlib import Path

import numpy as np

try:
    import anywidget
except ImportError as error:
    raise ImportError(
        "the widgets need anywidget and matplotlib: pip install 'bptt-lab[notebooks]'"
    ) from error
import traitlets

SCRIPTS = Path(__file__).parent
THEMES = ("light", "dark", "auto")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NEEDS = (
    "This is a picture of an interactive widget. To move it: in JupyterLab or VS Code, trust the "
    "notebook and run its cells; or open a page made with the widget's save method, which needs "
    "nothing but a browser."
)


class LectureWidget(anywidget.AnyWidget):
    """A widget that holds all the numbers it can show.

    Attributes
    ----------
    title : str
    picture : bptt_lab.plots.Picture
        Its twin on paper: what it shows before anybody moves it.
    state : dict
        Where its controls stand at first; setting it moves them. It does not follow the hand,
        since that would need the kernel at every move.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    arrays = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, script, *, title, facts, arrays, state, predict, picture):
        self.picture = picture
        self.title = title
        self._script = _source("common.js") + _source(script)
        super().__init__(
            _esm=self._script + "\nexport default { render: renderInNotebook };\n",
            _css=_source("widgets.css"),
            facts={**facts, "title": title, "predict": predict},
            arrays={name: _packed(array) for name, array in arrays.items()},
            state=state,
        )

    def as_html(self, theme="light"):
        """The widget as an ``<iframe>`` that needs no kernel, no network and no other file.

        Parameters
        ----------
        theme : {"light", "dark", "auto"}, default "light"
            "auto" is what the reader's system says.

        Returns
        -------
        str
            HTML, with the picture below it for readers whose page removes or stops scripts.

        Raises
        ------
        ValueError
            If there is no such theme.
        """
        page = html.escape(self._page(theme))
        return (
            '<div class="bptt-export">'
            f'<iframe srcdoc="{page}" title="{html.escape(self.title)}" allowfullscreen '
            'style="width:100%;height:46rem;border:0"></iframe>'
            "<details open><summary>As a picture</summary>"
            f"{self._twin()}</details></div>"
        )

    def save(self, path, theme="auto", *, above=""):
        """Write a page of its own, which any browser opens without a kernel or network.

        Parameters
        ----------
        path : str or pathlib.Path
        theme : {"light", "dark", "auto"}, default "auto"
            As in `as_html`.
        above : str, optional
            HTML that stands above the widget: a way to the next one, say.

        Raises
        ------
        ValueError
            If there is no such theme.
        """
        page = self._page(theme, above=above, noscript=self._twin())
        Path(path).write_text(page, encoding="utf-8")

    def _twin(self):
        return f"{self.picture._repr_html_()}<p>{html.escape(NEEDS)}</p>"

    def _page(self, theme, *, above="", noscript="This widget needs JavaScript."):
        if theme not in THEMES:
            raise ValueError(f"theme must be one of {', '.join(THEMES)}, not {theme!r}")
        arrays = {
            name: {**packed, "data": base64.b64encode(packed["data"]).decode("ascii")}
            for name, packed in self.arrays.items()
        }
        held = json.dumps({"facts": self.facts, "arrays": arrays, "state": self.state})
        held = held.replace("<", "\\u003c")  # nothing in it can end the script element
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(self.title)}</title>"
            f"<style>{self._css}</style></head>"
            f'<body class="bptt-page bptt-{theme}">{above}<main></main>'
            f'<noscript>{noscript}</noscript><script type="module">'
            f"{self._script}\nrenderInPage({held});\n</script></body></html>"
        )

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**data, "text/plain": f"{self.title}. {self.picture.alt} {NEEDS}"}
        if "NBGRADER_EXECUTION" in os.environ:
            # what is graded is kept for every student, and feedback is read without a network
            data.pop(WIDGET_VIEW, None)
            data["text/html"] = self._twin()
        else:
            data["text/html"] = self.as_html()
        return data, metadata


def _source(name):
    return (SCRIPTS / name).read_text(encoding="utf-8")


def _packed(array):
    """An array as the page reads it: little-endian bytes, copied once and never parsed."""
    array = np.ascontiguousarray(array)
    kind = "f8" if array.dtype == np.float64 else "f4" if array.dtype == np.float32 else "i4"
    return {"kind": kind, "shape": list(array.shape), "data": array.astype(f"<{kind}").tobytes()}
