"""nbgrader's feedback page, made in half the time."""

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter


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
            self._register_filter(self._environments[key], name, function)
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
