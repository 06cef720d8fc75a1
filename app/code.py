"""The short code under signed minutes: the first 80 bits of the hash of what was signed, in Crockford's base 32.

Sixteen letters and figures without I, L, O and U, in groups of four: fit to be read out over the telephone.
"""

import re

CODE_LENGTH = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")


def code_of(content_hash: str) -> str:
    """The code of what was signed, e.g. "7K3M-9QXZ-04TB-W8N2". Raises ValueError for anything but 64 hex digits."""
    if re.fullmatch(r"[0-9a-f]{64}", content_hash) is None:
        raise ValueError("a content hash is 64 hex digits")
    bits = int(content_hash[: CODE_LENGTH * 5 // 4], 16)
    figures = [_ALPHABET[bits >> 5 * place & 31] for place in reversed(range(CODE_LENGTH))]
    return "-".join("".join(figures[at : at + 4]) for at in range(0, CODE_LENGTH, 4))


def hex_of(code: str) -> str:
    """The twenty hex digits that a code stands for: with these the content's hash begins."""
    bits = 0
    for figure in code.replace("-", ""):
        bits = bits << 5 | _ALPHABET.index(figure)
    return f"{bits:0{CODE_LENGTH * 5 // 4}x}"


def read_code(words: str) -> str | None:
    """A code as somebody types it (case, spaces and hyphens as they like, O for 0, I and L for 1); None when it is none."""
    bare = re.sub(r"[\s.–-]", "", words).upper().translate(_MISREAD)
    if len(bare) != CODE_LENGTH or any(figure not in _ALPHABET for figure in bare):
        return None
    return "-".join(bare[at : at + 4] for at in range(0, CODE_LENGTH, 4))
