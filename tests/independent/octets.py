"""Deterministic CBOR (RFC 8949, 4.2.1) of what these tests write, and trees of RFC 6962 and ADR 10."""

import hashlib


def _head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise ValueError(value)


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        octets = value.encode()
        return _head(3, len(octets)) + octets
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    return _head(4, len(value)) + b"".join(cbor(item) for item in value)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tree(leaves):
    """Root over leaf hashes: the left half has the largest power of two smaller than their number."""
    if not leaves:
        return sha256()
    level = list(leaves)
    while len(level) > 1:       # the same shape, level by level
        pairs = [sha256(b"\x01", a, b) for a, b in zip(level[::2], level[1::2])]
        level = pairs + level[len(pairs) * 2:]
    return level[0]


def be64(number):
    return number.to_bytes(8, "big")


def bucket_root(contents):
    """ADR 10: contents are (leaf hash or None, Wh) of every interval of the bucket."""
    taken = given = 0
    leaves = []
    for content, wh in contents:
        leaves.append(sha256(b"\x02", content or bytes(32), be64(taken), be64(given)))
        taken += max(wh, 0)
        given += max(-wh, 0)
    return sha256(b"\x04", be64(len(leaves)), be64(taken), be64(given), tree(leaves))
