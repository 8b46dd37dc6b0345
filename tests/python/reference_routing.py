"""The node that the original picks for a key, computed slowly from its definition: what ours must reproduce to the bit."""
MASK = (1 << 64) - 1


def _rotated(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def _mixed(value):
    for factor in (0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53):
        value ^= value >> 33
        value = value * factor & MASK
    return value ^ value >> 33


def murmur3_x64_128(data):
    c1, c2, h1, h2 = 0x87c37b91114253d5, 0x4cf5ad432745937f, 0, 0
    whole = len(data) // 16 * 16
    for start in range(0, whole, 16):
        k1, k2 = int.from_bytes(data[start:start + 8], "little"), int.from_bytes(data[start + 8:start + 16], "little")
        h1 ^= _rotated(k1 * c1 & MASK, 31) * c2 & MASK
        h1 = ((_rotated(h1, 27) + h2) * 5 + 0x52dce729) & MASK
        h2 ^= _rotated(k2 * c2 & MASK, 33) * c1 & MASK
        h2 = ((_rotated(h2, 31) + h1) * 5 + 0x38495ab5) & MASK
    tail = data[whole:]
    k1, k2 = int.from_bytes(tail[:8], "little"), int.from_bytes(tail[8:], "little")
    h2 ^= _rotated(k2 * c2 & MASK, 33) * c1 & MASK
    h1 ^= _rotated(k1 * c1 & MASK, 31) * c2 & MASK
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = (h1 + h2) & MASK
    h2 = (h2 + h1) & MASK
    h1, h2 = _mixed(h1), _mixed(h2)
    h1 = (h1 + h2) & MASK
    h2 = (h2 + h1) & MASK
    return h1.to_bytes(8, "little") + h2.to_bytes(8, "little")


def score(data):
    """Signed characters combined with & and << as the original does."""
    out = murmur3_x64_128(data)
    if out[0] >= 0x80 or out[1] >= 0x80:
        return 0xffffff00 | out[0]
    if out[2] >= 0x80:
        return 0xffff0000 | out[0]
    if out[3] >= 0x80:
        return 0xff000000 | out[0]
    return out[0]


def pick(key, identities):
    """The index of the node among the identities (host + port, or the path)."""
    best = 0
    for index in range(1, len(identities)):
        one, other = (score(key + identities[index]), score(identities[index])), (score(key + identities[best]), score(identities[best]))
        if one > other:
            best = index
    return best


def identity(address):
    return (address.path if hasattr(address, "path") else f"{address.address}{address.port}").encode()
