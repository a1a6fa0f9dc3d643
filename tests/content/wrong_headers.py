"""Bytes that begin as a safetensors file does, and then are something else."""

import json


def _file(header: str) -> bytes:
    content = header.encode()
    return len(content).to_bytes(8, "little") + content


_DEEP = "[" * 100_000 + "]" * 100_000

WRONG_HEADERS = {
    "deep": _file(_DEEP),
    "deep_manifest": _file(json.dumps({"__metadata__": {"avrec": _DEEP, "sha256": ""}})),
    "list": _file("[1, 2]"),
    "null": _file("null"),
    "metadata_that_is_text": _file(json.dumps({"__metadata__": "avrec"})),
    "metadata_that_is_null": _file(json.dumps({"__metadata__": None})),
    "manifest_that_is_a_number": _file(json.dumps({"__metadata__": {"avrec": 7, "sha256": ""}})),
    "number_too_long": _file('{"__metadata__": ' + "9" * 5000 + "}"),
}
