"""XML of strangers: what encodings read, what is refused."""

import time
from xml.etree.ElementTree import tostring

import pytest
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring as careful
from hypothesis import given
from hypothesis import strategies as st

from hall.core.errors import BadInput
from hall.core.xmltree import plain, root


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb2312", "gbk", "gb18030", "iso-8859-1"])
def test_a_text_reads_in_the_encoding_it_declares(encoding):
    text = "Größe" if encoding == "iso-8859-1" else "指挥大厅"
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    assert root(f'<?xml version="1.0" encoding="{name}"?><a>{text}</a>'.encode(encoding)).text == text


@pytest.mark.parametrize("name", ["undefined", "idna", "punycode", "unicode_escape", "zlib", "rot13"])
def test_a_codec_that_is_no_character_set_is_never_tried(name):
    assert root(f'<?xml version="1.0" encoding="{name}"?><a>指挥</a>'.encode()).text == "指挥"


def test_a_declared_encoding_cannot_make_reading_take_the_square_of_the_length():
    body = b'<?xml version="1.0" encoding="punycode"?>' + b"a" * 300_000 + b"-" + b"b" * 300_000
    began = time.process_time()
    with pytest.raises(BadInput):
        root(body)
    assert time.process_time() - began < 2  # decoded as declared it takes a minute, and hours at the size that may be pushed


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


DTD = '<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c SYSTEM "file:///etc/hostname">]>'
TOKENS = [DTD, "<!DOCTYPE a>", "<!", "<a>", "</a>", "<a/>", "<a>&b;</a>", "&b;", "&c;", "<!--", "-->", "<!-- x -->", "<?x ?>", "<?x", "?>",
          "<![CDATA[", "]]>", "\ufeff", " ", "\n", "\0", "x", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>', "<:a/>", "<é/>"]  # fmt: skip


@given(st.lists(st.sampled_from(TOKENS), max_size=8))
def test_nothing_passes_that_a_parser_which_watches_every_entity_refuses(tokens):
    text = "".join(tokens)
    try:
        ours = root(text.encode())
    except BadInput:
        return
    try:
        theirs = careful(
            text.removeprefix("\ufeff").strip().removeprefix('<?xml version="1.0" encoding="utf-16"?>'), forbid_dtd=True
        )
    except DefusedXmlException as error:
        raise AssertionError(f"{text!r} has a {type(error).__name__}") from None
    assert tostring(ours) == tostring(theirs)


@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\ufeff", " \ufeff ", "<!-- <a> -->", "<?x <a> ?>", "\x1c", "\u2028"])
def test_a_dtd_is_refused_whatever_stands_before_it(mark):
    with pytest.raises(BadInput):
        root(f"{mark}{DTD}<a>&b;</a>".encode())


@pytest.mark.parametrize("piece", ["<a/>", "<a>", "<!--", "<?x ", "<!-- --", " \n", "<a b='", "&amp;", "<![CDATA["])
def test_eight_megabytes_of_anything_cost_seconds_at_most(piece):
    body = (piece * (8_000_000 // len(piece))).encode()
    began = time.process_time()
    with pytest.raises(BadInput):
        root(body)
    assert time.process_time() - began < 10
