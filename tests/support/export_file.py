"""The file of an export, changed by a test."""

import hashlib
import json


def rewritten(file, change):
    """The file with its records changed, and the right checksum of what it holds then."""
    lines = file.read_bytes().splitlines(keepends=True)[:-1]
    kept = change([json.loads(line) for line in lines])
    body = b"".join(json.dumps(each).encode() + b"\n" for each in kept)
    end = {"record": "end", "lines": len(kept), "sha256": hashlib.sha256(body).hexdigest()}
    file.write_bytes(body + json.dumps(end).encode() + b"\n")
