"""Each address has one spelling, and it is the one that is sent and judged."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.collect.addresses import origin_of, tidy_address

BASE = "http://tide.pool/clips/c1"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("/a/../private/x", "http://tide.pool/private/x"),
        ("http://tide.pool/a/../private/x", "http://tide.pool/private/x"),
        ("http://tide.pool/a/./b/.", "http://tide.pool/a/b/"),
        ("/a//../b/..", "http://tide.pool/a/"),
        ("http://tide.pool/../../b", "http://tide.pool/b"),
        ("/a/%2e%2E/private/x", "http://tide.pool/private/x"),
        ("/%70rivate/%7Ex", "http://tide.pool/private/~x"),
        ("/c%c3%a9%2fd", "http://tide.pool/c%C3%A9%2Fd"),
        ("/cé d", "http://tide.pool/c%C3%A9%20d"),
        ("/%zz%", "http://tide.pool/%25zz%25"),
        ("HTTP://TIDE.POOL:80/b?#x", "http://tide.pool/b"),
        ("//tide.pool:/b", "http://tide.pool/b"),
        ("http://tide.pool", "http://tide.pool/"),
        ("?page=%32", "http://tide.pool/clips/c1?page=2"),
        ("/b\\..\\c", "http://tide.pool/b%5C..%5Cc"),
        ("http://münchen.de/", "http://xn--mnchen-3ya.de/"),
        *((bad, None) for bad in ("http://u:p@tide.pool/h", "http://@tide.pool/", "http://[::1", "http://a b/", "")),
        *((bad, None) for bad in ("javascript:x", "http://tide.pool:99999/", "mailto:x@y", None, 7, "/" + "x" * 2000)),
        *((bad, None) for bad in ("http://\x00/", "/é" * 400)),
    ],
)
def test_every_spelling_becomes_one(link, address):
    assert tidy_address(BASE, link) == address


PIECES = st.lists(
    st.sampled_from(["/", ".", "..", "%2e", "%2F", "%41", "%", "é", "a", "?", "#", ";", "[", "|", " ", "\\", ":", "@"])
).map("".join)


@settings(max_examples=400, deadline=None)
@given(PIECES)
def test_what_is_tidy_stays_as_it_is_and_is_sent_so(link):
    address = tidy_address(BASE, link)
    if address is not None:
        assert tidy_address("", address) == address
        sent = httpx.Request("GET", address).url
        assert str(sent) == address
        assert "/../" not in sent.raw_path.decode().partition("?")[0] + "/"
        assert origin_of(address)[1]


def test_another_port_or_scheme_is_another_site():
    assert origin_of("http://Tide.Pool/a") == origin_of("http://tide.pool:80/b") == ("http", "tide.pool", 80)
    assert len({origin_of(f"{site}/a") for site in ("http://a", "https://a", "http://a:81", "http://b")}) == 4
    assert origin_of("http://[::1") == origin_of("http://a:x/") == ("", "", 0)
