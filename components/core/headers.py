"""What the heads of weight and tokenizer files say, read within bounds: safetensors, GGUF, ONNX, SentencePiece.

Every length that a file states is held against the bytes that are there before anything is read, so that a wrong one costs
nothing. Each function raises ValueError with the reason. Not covered: the weights themselves, other formats.
"""

import json
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

SAFETENSORS_HEADER = 32 * 2**20
"""Bytes; a file of 100,000 tensors has about 12 MB."""
BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
GGUF_ENTRIES = 1_000_000
GGUF_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value of each fixed type; 8 is a string and 9 an array."""
ONNX_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
"""Message → field number → message, on the way to where a tensor names another file (onnx.proto)."""


def parameters(path: Path) -> int:
    """Parameters in a safetensors file, whose header is checked whole: the tensors fill the file without gap or overlap."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, SAFETENSORS_HEADER):
            raise ValueError(f"its header says that it is {length} bytes long, and the file has {size}")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    spans, count = [], 0
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        elements = _elements(name, tensor)
        begin, end = tensor["data_offsets"]
        bits = elements * BITS[tensor["dtype"]]
        if not (type(begin) is type(end) is int) or (end - begin) * 8 != bits:
            raise ValueError(f"tensor '{name}' does not fill the bytes that it names")
        spans.append((begin, end))
        count += elements
    place = 0
    for begin, end in sorted(spans):
        if begin != place:
            raise ValueError("its tensors overlap or leave a gap")
        place = end
    if place != size - 8 - length:
        raise ValueError(f"its tensors need {place} bytes, and {size - 8 - length} follow the header")
    return count


def _elements(name: str, tensor: dict[str, object]) -> int:
    shape = tensor["shape"]
    if tensor["dtype"] not in BITS:
        raise ValueError(f"tensor '{name}' has the type {tensor['dtype']}; known: {', '.join(BITS)}")
    if not isinstance(shape, list) or not all(type(one) is int and 0 <= one < 2**48 for one in shape) or len(shape) > 16:
        raise ValueError(f"tensor '{name}' has no usable shape")
    count = 1
    for one in shape:
        count *= one
    return count


def gguf_templates(path: Path) -> dict[str, str]:
    """The chat templates in a GGUF file's metadata, by key, after the whole head was walked."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _Gguf(data).templates()


class _Gguf:
    """The head of a GGUF file, walked once from front to back."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._place = data, 0

    def templates(self) -> dict[str, str]:
        if self._take(4) != b"GGUF" or self._number("I") not in (2, 3):
            raise ValueError("it is no GGUF file of version 2 or 3")
        tensors, entries = self._number("Q"), self._number("Q")
        if max(tensors, entries) > GGUF_ENTRIES:
            raise ValueError(f"its header counts {tensors} tensors and {entries} entries; at most {GGUF_ENTRIES} are read")
        templates = {}
        for _ in range(entries):
            key, kind = self._string(), self._number("I")
            if kind == 8 and key.startswith("tokenizer.chat_template"):
                templates[key] = self._string()
            else:
                self._skip(kind)
        for _ in range(tensors):
            self._string()
            dimensions = self._number("I")
            if dimensions > 8:
                raise ValueError(f"a tensor has {dimensions} dimensions")
            self._take(8 * dimensions + 4)
            if self._number("Q") > len(self._data):
                raise ValueError("a tensor lies beyond the end of the file")
        return templates

    def _skip(self, kind: int, depth: int = 0) -> None:
        if kind in GGUF_BYTES:
            self._take(GGUF_BYTES[kind])
        elif kind == 8:
            self._string()
        elif kind == 9 and depth < 2:
            inner, count = self._number("I"), self._number("Q")
            if inner in GGUF_BYTES:
                self._take(GGUF_BYTES[inner] * count)
            else:
                for _ in range(count):  # each takes bytes, so that a false count ends at the end of the file
                    self._skip(inner, depth + 1)
        else:
            raise ValueError(f"a value has the unknown type {kind}")

    def _string(self) -> str:
        return self._take(self._number("Q")).decode(errors="replace")

    def _number(self, form: str) -> int:
        return int(struct.unpack(f"<{form}", self._take(struct.calcsize(f"<{form}")))[0])

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._place:
            raise ValueError(f"its header speaks of {count} bytes where {len(self._data) - self._place} are left")
        self._place += count
        return self._data[self._place - count : self._place]


def onnx_files(path: Path) -> set[str]:
    """The other files in which an ONNX model says that its weights lie."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return set(_locations(data, 0, len(data), "model", 0))


def _locations(data: mmap.mmap | bytes, begin: int, end: int, message: str, depth: int) -> Iterator[str]:
    if depth > 64:
        raise ValueError("its graphs are nested more than 64 deep")
    if message == "external":
        entry = {number: data[first:last] for number, first, last in _fields(data, begin, end)}
        if entry.get(1) == b"location":
            yield entry.get(2, b"").decode(errors="replace")
        return
    for number, first, last in _fields(data, begin, end):
        if inner := ONNX_PARTS[message].get(number):
            yield from _locations(data, first, last, inner, depth + 1)


def check_sentencepiece(path: Path) -> None:
    """Raise ValueError unless the file is a SentencePiece model: Protocol Buffers with pieces, and only its fields."""
    data = path.read_bytes()
    numbers = [number for number, first, last in _fields(data, 0, len(data))]
    if 1 not in numbers or max(numbers) > 5:
        raise ValueError("it is no SentencePiece model")


def _fields(data: mmap.mmap | bytes, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, first byte, byte after the last) of each field of a Protocol Buffers message. Of a number these are the
    bytes that hold it."""
    place = begin
    while place < end:
        tag, place = _varint(data, place, end)
        first, kind = place, tag & 7
        if kind == 0:
            _, place = _varint(data, place, end)
        elif kind == 2:
            length, first = _varint(data, place, end)
            place = first + length
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        if kind in (3, 4, 6, 7) or tag < 8 or place > end:
            raise ValueError("it is no whole Protocol Buffers message")
        yield tag >> 3, first, place


def _varint(data: mmap.mmap | bytes, place: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("it is no whole Protocol Buffers message")
