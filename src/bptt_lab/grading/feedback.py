"""nbgrader's feedback page, made in half the time, and without a student's scripts."""

import re
from functools import lru_cache

import bleach
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter

TAGS = (
    "a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 "
    "h5 h6 hr i img kbd li mark ol p pre s small span strong sub summary sup table tbody td th "
    "thead tr u ul var"
)
ATTRIBUTES = ("align", "alt", "class", "colspan", "height", "id", "open", "rowspan", "start")
ATTRIBUTES += ("style", "title", "width")
OF_MATHJAX = re.compile(r"\\(href|style|class|cssId|require)\b")  # which make links and attributes


@pass_context
def clean_markdown(context, source):
    """Markdown as HTML in which nothing runs and nothing is loaded from elsewhere.

    Instructors open what students wrote: as a file, and in formgrader, where a script could do all
    that they can. For ``HTMLExporter.filters``, in place of nbconvert's ``markdown2html``.
    """
    attachments = context.get("cell", {}).get("attachments", {})
    if attachments:
        return _clean(_exporter().markdown2html(context, source))
    return _cleaned(source)


@lru_cache(maxsize=1)
def _exporter():
    return HTMLExporter()


@lru_cache(maxsize=4096)  # most cells are the instructor's, the same for all students
def _cleaned(source):
    return _clean(_exporter().markdown2html({}, source))


def _clean(html):
    cleaned = bleach.clean(
        html,
        tags=TAGS.split(),
        attributes=_may_stay,
        protocols={"http", "https", "mailto", "data"},
        css_sanitizer=CSSSanitizer(),
    )
    return OF_MATHJAX.sub(r"\\ \1", cleaned)


def _may_stay(tag, name, value):
    if tag == "a" and name == "href":
        return not value.strip().lower().startswith("data:")
    if tag == "img" and name == "src":  # one from elsewhere would tell who looked, and when
        return value.startswith("data:image/") or not re.match(r"\s*([a-z]+:|//|\\\\)", value, re.I)
    return name in ATTRIBUTES


class FeedbackPage(HTMLExporter):
    """nbconvert's HTML exporter for ``GenerateFeedback.exporter_class``; the page is the same.

    The templates are compiled once for all students. The page is not parsed again at its end:
    what nbconvert then looks for, images without a text and cells of JupyterLab's template, is not
    in it.
    """

    _environments = {}  # noqa: RUF012  (meant to be shared)

    def _create_environment(self):
        key = tuple(self.template_paths)
        if key not in self._environments:
            self._environments[key] = super()._create_environment()
        for name, function in self.default_filters():  # some belong to this exporter
            self._register_filter(self._environments[key], name, self.filters.get(name, function))
        return self._environments[key]

    def from_notebook_node(self, nb, resources=None, **options):
        resources = self._init_resources(resources)
        data_types = WidgetsDataTypeFilter(
            notebook_metadata=self._nb_metadata, parent=self, resources=resources
        )
        language = nb.metadata.get("language_info", {})
        lexer = language.get("pygments_lexer", language.get("name"))
        self.register_filter("filter_data_type", data_types)
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer=lexer, parent=self))
        return TemplateExporter.from_notebook_node(self, nb, resources, **options)
