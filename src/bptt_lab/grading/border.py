"""What crosses the border between the grader and a student's process: plain values, bounded.

A message is a JSON header and raw bytes. Only None, bool, int, float, str, real or complex arrays,
and lists and tuples of them are written; reading builds nothing else, whatever stands in the
message, and looks at every size before it takes memory. Both sides use this file, which needs
nothing but NumPy.
"""

import json
import math
import socket
import struct
from dataclasses import dataclass
from time import monotonic

import numpy as np

HEADER = struct.Struct("<II")  # bytes of the JSON part, bytes of the raw part
MOST_JSON = 2_000_000
MOST_RAW = 32_000_000
MOST_ITEMS = 100_000  # values in one message
MOST_DEPTH = 20
KINDS = "biufc"
DTYPES = {np.dtype(kind).str for kind in np.typecodes["All"] if kind not in "OSUVMm"}


class BorderError(Exception):
    """A message that is none: too large, cut off, or not what may cross the border."""


class TooLate(BorderError):  # noqa: N818 (it is not the message that is wrong)
    """No message came in time."""


class Closed(BorderError):  # noqa: N818
    """The other side is gone."""


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that may not cross: only the name of its type did."""

    type_name: str

    def __repr__(self):
        return f"an object of type {self.type_name}"


@dataclass(frozen=True)
class Remote:
    """Stands for a function that stays on its side and is called by its number."""

    number: int
    name: str


def pack(value):
    """A value as JSON-ready data and raw bytes; what may not cross becomes `Opaque`.

    Parameters
    ----------
    value : object

    Returns
    -------
    data : object
        For `unpack`.
    raw : bytes
    """
    pieces = []
    data = _pack(value, pieces, 0)
    return data, b"".join(pieces)


def _pack(value, pieces, depth):
    if value is None or type(value) in (bool, int, float, str):
        return value
    if depth > MOST_DEPTH:
        return {"opaque": type(value).__name__}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Remote):
        return {"remote": [value.number, value.name]}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        items = [_pack(item, pieces, depth + 1) for item in value]
        return {"named": type(value).__name__, "items": items}
    if isinstance(value, (tuple, list)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_pack(item, pieces, depth + 1) for item in value]}
    if not isinstance(value, np.ndarray) and not hasattr(value, "__array__"):
        return {"opaque": type(value).__name__}
    try:
        array = np.ascontiguousarray(value)
    except Exception:  # a lying __array__ may raise anything
        return {"opaque": type(value).__name__}
    if type(array) is not np.ndarray:
        array = np.array(array, subok=False)
    if array.dtype.kind not in KINDS:
        return {"opaque": f"{type(value).__name__} of {array.dtype}"}
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    pieces.append(array.tobytes())
    return {"array": array.dtype.str, "shape": list(np.shape(value))}


def unpack(data, raw, named=None):
    """The value that `pack` was given, built from plain parts only.

    Parameters
    ----------
    data : object
        From JSON; every part of it may be a lie.
    raw : bytes
    named : dict, optional
        From the name of a named tuple to its type. Unknown ones become plain tuples.

    Returns
    -------
    object

    Raises
    ------
    BorderError
        If it is malformed.
    """
    reader = _Reader(raw, named or {})
    value = reader.read(data, 0)
    if reader.position != len(raw):
        raise BorderError(f"{len(raw) - reader.position} bytes belong to no array")
    return value


class _Reader:
    def __init__(self, raw, named):
        self.raw, self.named = raw, named
        self.position = self.n_items = 0

    def read(self, data, depth):
        self.n_items += 1
        if self.n_items > MOST_ITEMS or depth > MOST_DEPTH + 1:
            raise BorderError("too many values, or too deeply nested")
        if isinstance(data, str):
            return data.encode("utf-8", "replace").decode()  # half a surrogate fits into no file
        if data is None or type(data) in (bool, int, float):
            return data
        if not isinstance(data, dict):
            raise BorderError(f"a {type(data).__name__} stands where a value should")
        keys = set(data)
        if keys == {"array", "shape"}:
            return self._array(data["array"], data["shape"])
        if keys == {"named", "items"} and isinstance(data["items"], list):
            items = tuple(self.read(item, depth + 1) for item in data["items"])
            kind = self.named.get(data["named"]) if isinstance(data["named"], str) else None
            return kind(*items) if kind and len(items) == len(kind._fields) else items
        for key, kind in (("tuple", tuple), ("list", list)):
            if keys == {key} and isinstance(data[key], list):
                return kind([self.read(item, depth + 1) for item in data[key]])
        if keys == {"opaque"} and isinstance(data["opaque"], str):
            return Opaque(data["opaque"][:80])
        if keys == {"remote"} and isinstance(data["remote"], list) and len(data["remote"]) == 2:
            number, name = data["remote"]
            if type(number) is int and isinstance(name, str):
                return Remote(number, name[:80])
        raise BorderError("a value of an unknown kind")

    def _array(self, name, shape):
        if not isinstance(name, str) or name not in DTYPES:
            raise BorderError(f"{str(name)[:40]!r} is no dtype that may cross")
        if not isinstance(shape, list) or len(shape) > 8:
            raise BorderError("a shape should be a list of at most 8 sizes")
        if any(type(size) is not int or not 0 <= size <= MOST_RAW for size in shape):
            raise BorderError("a shape holds what is no size")
        dtype = np.dtype(name)
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes > len(self.raw) - self.position:
            raise BorderError(f"an array of shape {tuple(shape)} is longer than what came")
        flat = np.frombuffer(self.raw, dtype, math.prod(shape), self.position)
        self.position += n_bytes
        if dtype.kind == "b":
            flat = flat.view(np.uint8) != 0  # a bool is one byte, of which 254 values are neither
        return flat.reshape(shape).copy()


class Line:
    """One end of a socket on which messages are written and read.

    Parameters
    ----------
    end : socket.socket
    named : dict, optional
        As in `unpack`.
    """

    def __init__(self, end, named=None):
        self.end, self.named = end, named

    def write(self, kind, value=None, deadline=None):
        """Send a message.

        Parameters
        ----------
        kind : str
        value : object
        deadline : float, optional
            A reading of ``time.monotonic()``.

        Raises
        ------
        BorderError
            If it is too large, or cannot be sent.
        """
        data, raw = pack(value)
        text = json.dumps([kind, data]).encode()
        if len(text) > MOST_JSON or len(raw) > MOST_RAW:
            raise BorderError(f"it is too large: {len(text) + len(raw)} bytes")
        try:
            self.end.settimeout(_left(deadline))
            self.end.sendall(HEADER.pack(len(text), len(raw)) + text + raw)
        except TimeoutError as error:
            raise TooLate("it could not be sent in time") from error
        except OSError as error:
            raise Closed("the process has ended") from error

    def read(self, deadline=None):
        """Wait for a message.

        Parameters
        ----------
        deadline : float, optional

        Returns
        -------
        kind : str
        value : object

        Raises
        ------
        BorderError
            If it is malformed, does not come in time, or the other side is gone.
        """
        n_text, n_raw = HEADER.unpack(self._exactly(HEADER.size, deadline))
        if n_text > MOST_JSON or n_raw > MOST_RAW:
            raise BorderError(f"a message of {n_text + n_raw} bytes is too large")
        text, raw = self._exactly(n_text, deadline), self._exactly(n_raw, deadline)
        try:
            message = json.loads(text.decode())
        except (ValueError, RecursionError) as error:
            raise BorderError("a message is no JSON") from error
        if not (isinstance(message, list) and len(message) == 2 and isinstance(message[0], str)):
            raise BorderError("a message should be a kind and a value")
        return message[0], unpack(message[1], raw, self.named)

    def _exactly(self, n, deadline):
        content = bytearray()
        try:
            while len(content) < n:
                self.end.settimeout(_left(deadline))
                piece = self.end.recv(min(n - len(content), 1 << 20))
                if not piece:
                    raise Closed("the process has ended")
                content += piece
        except TimeoutError as error:
            raise TooLate("no answer came in time") from error
        except OSError as error:
            raise Closed("the process has ended") from error
        return bytes(content)

    def close(self):
        """Give the socket up."""
        self.end.close()


def pair():
    """The two ends of a new socket."""
    return socket.socketpair()


def _left(deadline):
    if deadline is None:
        return None
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
