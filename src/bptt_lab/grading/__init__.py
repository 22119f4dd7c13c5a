"""The instructor's side: make the student edition, and grade a class with nbgrader."""

import sys

# jsonschema, which nbformat needs, imports this where it is installed, and that takes a second in
# every process: it prepares to check internationalised addresses, of which a notebook has none.
sys.modules.setdefault("rfc3987_syntax", None)
