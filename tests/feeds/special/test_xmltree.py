"""XML of strangers: what encodings read, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.xmltree import plain, root
from hall.core.errors import BadInput


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb2312", "gbk", "gb18030", "iso-8859-1"])
def test_a_text_reads_in_the_encoding_it_declares(encoding):
    text = "Größe" if encoding == "iso-8859-1" else "指挥大厅"
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    assert root(f'<?xml version="1.0" encoding="{name}"?><a>{text}</a>'.encode(encoding)).text == text


def test_namespaces_go_and_repeated_elements_are_lists():
    body = b'<x:a xmlns:x="urn:x" n="1"><x:b>1</x:b><x:b k="v">2</x:b><c/></x:a>'
    assert plain(root(body)) == {"@n": "1", "b": ["1", {"@k": "v", "#text": "2"}], "c": None}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "xml-malformed"), (b"\0\0\0", "xml-malformed"), (b"<a>", "xml-malformed"), (b"<a>\xff\xff</a>", "encoding"),
        (b'<!DOCTYPE a SYSTEM "http://192.0.2.1/x.dtd"><a/>', "xml-forbidden"),
        (b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'"><!ENTITY c "' + b"&b;" * 1000 + b'">]><a>&c;</a>', "xml-forbidden"),
        (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname">%p;]><a/>', "xml-forbidden"),
        (b"<a>" * 101 + b"</a>" * 101, "xml-too-deep"), (b"<a>" * 300_000 + b"</a>" * 300_000, "xml-too-deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)  # fmt: skip
def test_what_cannot_or_must_not_be_read_is_refused(body, reason):
    with pytest.raises(BadInput) as refused:
        root(body)
    assert refused.value.reason == reason


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body):
    try:
        plain(root(body))
    except BadInput as error:
        assert error.reason
