"""Signing in, judged by the examples of the RFCs."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.video.rtsp.test_wire import read
from video.rtsp.auth import Login, challenges, choose
from video.rtsp.wire import request

RFC7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


def signed(header: str, user: str, password: str, method: str, url: str, cnonce: str = "x") -> str:
    login = Login(user, password, lambda: cnonce)
    assert login.take([header], False)
    return login.header(method, url)["Authorization"]


@pytest.mark.parametrize(("algorithm", "response"), [
    ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
    ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
])  # fmt: skip
def test_the_examples_of_rfc_7616_come_out(algorithm, response):
    text = signed(
        RFC7616.format(algorithm),
        "Mufasa",
        "Circle of Life",
        "GET",
        "/dir/index.html",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert f'response="{response}"' in text
    assert "qop=auth" in text and "nc=00000001" in text


def test_the_old_form_without_qop_is_that_of_rfc_2069():
    """The corrected example of RFC 2069 (errata 749)."""
    header = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    text = signed(header, "Mufasa", "CircleOfLife", "GET", "/dir/index.html")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in text
    assert "qop" not in text and "algorithm" not in text


def test_basic_is_that_of_rfc_7617():
    assert signed('Basic realm="WallyWorld"', "Aladdin", "open sesame", "GET", "/") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize(("offers", "chosen"), [
    (['Basic realm="a"', 'Digest realm="a", nonce="n"'], "digest md5"),
    (['Digest realm="a", nonce="n", algorithm=MD5', 'Digest realm="a", nonce="n", algorithm=SHA-256'], "digest sha-256"),
    (['Digest realm="a", nonce="n", algorithm=MD5, Basic realm="a"'], "digest md5"),
    (['Basic realm="Digest, please"'], "basic "),
    (['Digest realm="a", nonce="n", algorithm=SHA3', 'Basic realm="a"'], "basic "),
    (["Negotiate"], None),
])  # fmt: skip
def test_the_strongest_way_is_chosen_and_basic_only_where_nothing_else_is_offered(offers, chosen):
    found = choose(challenges(offers), encrypted=False)
    assert (f"{found.scheme} {(found.algorithm or 'md5' * (found.scheme == 'digest')).lower()}" if found else None) == chosen


def test_a_wrong_password_is_tried_once_and_a_stale_nonce_again():
    fresh = 'Digest realm="a", nonce="{}"'
    login = Login("u", "p")
    assert login.take([fresh.format(1)], False)
    assert not login.take([fresh.format(2)], False), "refused with what was just signed"
    assert login.take([fresh.format(3) + ", stale=TRUE"], False)
    login.accepted()
    assert login.take([fresh.format(4)], False), "it worked before: some cameras do not say stale"
    assert not login.take([fresh.format(5)], False)


def test_a_realm_in_chinese_is_signed_byte_by_byte():
    """As the camera sent it, whatever its encoding: UTF-8 and GB 18030."""
    for encoding in ("utf-8", "gb18030"):
        raw = "摄像机".encode(encoding)
        (answer,) = read(b'RTSP/1.0 401 No\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm="' + raw + b'", nonce="n"\r\n\r\n')
        login = Login("u", "p")
        login.take(answer.all("www-authenticate"), False)
        sent = request("PLAY", "rtsp://x/", 2, login.header("PLAY", "rtsp://x/"))

        def md5(data: bytes) -> bytes:
            return hashlib.md5(data).hexdigest().encode()

        assert b'realm="' + raw + b'"' in sent
        assert md5(md5(b"u:" + raw + b":p") + b":n:" + md5(b"PLAY:rtsp://x/")) in sent


def test_nobody_to_sign_in_as_signs_nothing():
    login = Login("", "")
    assert not login.take(['Digest realm="a", nonce="n"'], False)
    assert login.header("GET", "/") == {}


@given(st.lists(st.text(max_size=200), max_size=4))
@settings(max_examples=200, deadline=1000)
def test_any_challenge_is_understood_or_left_out(values):
    login = Login("u", "p")
    if login.take(values, False):
        assert "Authorization" in login.header("PLAY", "rtsp://x/")
