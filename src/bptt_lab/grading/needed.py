"""Which cells of a submission have to run: those that an answer may depend on.

The instructor's demonstrations take most of a notebook's time, and what they show is known. One
that a student left as it is runs only if it gives a value to a name that is read where it matters.
"""

import ast
import re
import symtable
from dataclasses import dataclass
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager

BY_TEXT = {"exec", "eval", "globals", "locals", "vars", "user_ns"}  # reach names that stand nowhere


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
        of the cells to run reads. All, if one of the others has names that cannot be known.
    """
    cells = [_Names.of(source) for source in sources]
    chosen = set(range(len(sources))) - demonstrations
    if None in cells or any(cells[i].by_text for i in chosen):
        return set(range(len(sources)))
    modules = set().union(*(cell.imported for cell in cells))
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
    by_text : bool
        Whether it may do all that with names that stand in a text, or nowhere.
    """

    read: set
    bound: set
    imported: set
    touched: set
    by_text: bool

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
        touched, texts, by_text = set(), [], False
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) if name in BY_TEXT:
                    by_text = True
                case ast.Constant(value=str(text)):
                    texts.append(text)
                case ast.ImportFrom(names=[ast.alias(name="*")]):
                    return None
                case ast.Attribute(ctx=ast.Store() | ast.Del()):
                    touched.add(_base(node))
                case ast.Subscript(ctx=ast.Store() | ast.Del()):
                    touched.add(_base(node))
                case ast.Call(func=ast.Attribute(value=value)):
                    touched.add(_base(value))
        if (
            by_text or "get_ipython" in read
        ):  # a magic has its code as a text: `%%time` has the whole cell
            words = set(re.findall(r"\w+", " ".join(texts)))
            read, bound = read | words, bound | words
        return cls(read, bound, imported, touched & (read | bound), by_text)


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
