"""The code under signed minutes: what is printed, and what people make of it when they type it."""

import hashlib

import pytest

from app.proof import code_of, hex_of, read_code

CONTENT = hashlib.sha256("Biên bản xã Mường Lống".encode()).hexdigest()


def test_the_code_is_the_beginning_of_the_content_hash() -> None:
    code = code_of(CONTENT)
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4] and not set(code) & set("ILOU")
    assert code_of("0" * 64) == "0000-0000-0000-0000" and code_of("f" * 64) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
    assert code_of("00000000000000000001" + "0" * 44) == "0000-0000-0000-0001", "eighty bits, the last one counts"
    assert code_of(CONTENT) != code_of(CONTENT[::-1])
    assert CONTENT.startswith(hex_of(code)) and hex_of(code_of("0" * 64)) == "0" * 20


def test_a_code_is_read_as_people_write_it() -> None:
    code = code_of("0" * 19 + "1" + "0" * 44)
    assert read_code(" oooo 0000-0000.000l ") == code
    assert read_code(code.lower().replace("-", "")) == code


@pytest.mark.parametrize("words", ["", "0000-0000-0000", "0000-0000-0000-000U", "Mường Lống", CONTENT])
def test_what_is_no_code_is_none(words: str) -> None:
    assert read_code(words) is None


@pytest.mark.parametrize("content", ["", "f" * 63, "F" * 64, "x" * 64])
def test_a_code_is_made_of_a_content_hash_only(content: str) -> None:
    with pytest.raises(ValueError):
        code_of(content)
