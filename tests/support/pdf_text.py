"""The texts that stand on the pages of one of our PDF files, in the order in which they do."""

import re
import zlib

_STREAM = re.compile(rb"<<(?P<head>[^>]*)>>\s*stream\r?\n(?P<body>.*?)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"\((?P<text>(?:[^()\\]|\\.)*)\) Tj", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def texts(data: bytes) -> list[str]:
    """Each piece of text that is drawn."""
    assert data.startswith(b"%PDF-")
    found = []
    for stream in _STREAM.finditer(data):
        body = stream["body"]
        if b"FlateDecode" in stream["head"]:
            body = zlib.decompress(body)
        found += [
            _ESCAPED.sub(rb"\1", shown["text"]).decode("latin-1") for shown in _SHOWN.finditer(body)
        ]
    return found


def whole(data: bytes) -> str:
    """All of it, as one text."""
    return " ".join(texts(data))
