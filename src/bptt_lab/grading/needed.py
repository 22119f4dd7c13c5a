"""Which cells of a submission have to run: those that an answer may depend on.

The instructor's demonstrations take most of a notebook's time, and what they show is known. One
that a student left as it is runs only if it gives a value to a name that is read where it matters.
"""

import ast
import symtable
from dataclasses import dataclass
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager


def needed(sources, demonstrations):
    """The numbers of the cells to run.

    Parameters
    ----------
    sources : list of str
        Of all code cells, in order.
    demonstrations : set of int
        The numbers of those that may be left out.

    Returns
    -------
    set of int
        All that are no demonstrations, and every demonstration that sets or changes a name that one
        of the cells to run reads. All, if one has names that cannot be known.
    """
    cells = [_Names.of(source) for source in sources]
    if None in cells:
        return set(range(len(sources)))
    modules = set().union(*(cell.imported for cell in cells))
    chosen = set(range(len(sources))) - demonstrations
    read = set().union(*(cells[i].read for i in chosen))
    while True:
        more = {
            i
            for i in demonstrations - chosen
            if (cells[i].bound | (cells[i].touched - modules)) & read
        }
        if not more:
            return chosen
        chosen |= more
        read |= set().union(*(cells[i].read for i in more))


@dataclass(frozen=True)
class _Names:
    """What a cell does with the notebook's names; those local to its functions do not count.

    Attributes
    ----------
    read, bound, imported : set of str
        `bound` includes what is imported.
    touched : set of str
        What it may change without binding it: by an item, an attribute or a method.
    """

    read: set
    bound: set
    imported: set
    touched: set

    @classmethod
    @lru_cache(maxsize=1024)  # demonstrations are the same for all students
    def of(cls, source):
        """The names of a cell; None where they cannot be known."""
        try:
            source = TransformerManager().transform_cell(source)  # magics become function calls
            tree, table = ast.parse(source), symtable.symtable(source, "a cell", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        symbols = list(_of_the_notebook(table))
        read = {symbol.get_name() for symbol in symbols if symbol.is_referenced()}
        imported = {symbol.get_name() for symbol in symbols if symbol.is_imported()}
        bound = {symbol.get_name() for symbol in symbols if symbol.is_assigned()} | imported
        touched = set()
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(names=[ast.alias(name="*")]):
                    return None
                case ast.Attribute(ctx=ast.Store() | ast.Del()):
                    touched.add(_base(node))
                case ast.Subscript(ctx=ast.Store() | ast.Del()):
                    touched.add(_base(node))
                case ast.Call(func=ast.Attribute(value=value)):
                    touched.add(_base(value))
        return cls(read, bound, imported, touched & (read | bound))


def _of_the_notebook(table):
    """The symbols of a scope, and of those within it, that are names of the notebook."""
    for symbol in table.get_symbols():
        if table.get_type() == "module" or symbol.is_global():
            yield symbol
    for inner in table.get_children():
        yield from _of_the_notebook(inner)


def _base(node):
    """The name that a chain of attributes and subscripts starts with, None if it is no name."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
