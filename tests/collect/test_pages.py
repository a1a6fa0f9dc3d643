"""Pages become records: plain text, the right encoding, None for what is absent, in linear time."""

import json
import time

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.collect.markup import decode_page, plain_text, soup_of, tidy
from avrec_lib.collect.pages import FIELDS, find_links, parse_clip_page, parse_duration, read_sitemap

URL = "http://tide.pool/clips/c1"
WHOLE = """<!doctype html><html><head><meta charset="utf-8"><title>x</title>
<meta property="og:title" content="From meta"><meta property="og:description" content="Described &amp; meant">
<meta property="og:video" content="/media/c1.mp4">
<script type="application/ld+json">{"@type": "VideoObject", "name": "Night \\u003cb\\u003etrain\\u003c/b\\u003e",
"description": "Rain &amp; rails", "uploadDate": "2026-01-05T10:00:00+02:00", "duration": "PT1M6.5S",
"keywords": ["rain", "train", "rain"], "creator": {"name": "Kim", "url": "/creators/k7"},
"contentUrl": "/media/c1.mp4"}</script></head>
<body><h1 class="clip-title">From the heading</h1><ul class="tags"><li>a</li><li>b|c</li></ul>
<p class="description">Visible</p><a rel="author" href="/creators/k8">Kim</a>
<time datetime="2026-02-01T00:00:00Z">1 Feb</time><span data-seconds="5.25">5 s</span></body></html>"""


def parse(html, content_type="text/html; charset=utf-8"):
    return parse_clip_page(html.encode() if isinstance(html, str) else html, URL, content_type)


# --- fields ----------------------------------------------------------------------------------------------------------


def test_a_whole_page_gives_every_field_from_its_structured_data():
    assert parse(WHOLE) == {
        "clip_id": "c1",
        "title": "Night train",
        "description": "Rain & rails",
        "tags": "rain|train",
        "creator_id": "k7",
        "uploaded": pd.Timestamp("2026-01-05 08:00", tz="UTC"),
        "duration_seconds": 66.5,
        "content_url": "http://tide.pool/media/c1.mp4",
        "missing": [],
    }


def test_without_structured_data_the_metas_and_nodes_speak():
    record = parse(WHOLE.replace('{"@type"', '{"@type'))
    assert record["missing"] == []
    assert (record["title"], record["description"], record["tags"]) == ("From meta", "Described & meant", "a|b/c")
    assert (record["creator_id"], record["duration_seconds"]) == ("k8", 5.25)
    assert record["uploaded"] == pd.Timestamp("2026-02-01", tz="UTC")


def test_an_empty_page_has_every_field_missing_and_raises_nothing():
    for page in (b"", b"\x00", b"<", b"<html>", b"\xff\xfe"):
        record = parse(page)
        assert record["missing"] == list(FIELDS)
        assert record["clip_id"] == "c1"


def test_a_page_that_moved_says_whose_it_is():
    html = b'<link rel="canonical" href="http://tide.pool/clips/c9">'
    assert parse_clip_page(html, "http://tide.pool/clips/c9/moved")["clip_id"] == "c9"
    assert parse_clip_page(html, URL)["clip_id"] == "c1"
    assert parse_clip_page(b"", "http://tide.pool/browse?page=2")["clip_id"] is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT6.5S", 6.5), ("PT1H1M1S", 3661.0), ("P1DT1S", 86401.0), ("PT0S", None), ("PT", None), ("P1Y", None)]
    + [(bad, None) for bad in ("", "6.5", "PT-5S", "PT1e999S", "PTS", "P" + "9" * 99, None, 6.5, ["PT1S"], "PT٣S")],
)
def test_durations_are_read_or_absent(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "data",
    [
        "[" * 50_000,
        '{"a":' * 50_000,
        '{"@type": "VideoObject", "name": ' + "9" * 6000 + "}",
        '{"@type": "VideoObject", "name": {"a": 1}, "keywords": {"b": 2}, "creator": [], "duration": 7}',
        '{"@type": "VideoObject", "name": null, "keywords": [1, null, ["x"]], "uploadDate": "9999-99-99"}',
        '{"@type": "VideoObject", "uploadDate": "0001-01-01", "contentUrl": "javascript:alert(1)", "duration": "P9D9"}',
        '{"@type": "VideoObject", "creator": "http://[::1", "contentUrl": "http://user:word@tide.pool/x"}',
        '{"@type": ["VideoObject"], "name": NaN, "duration": 1e999}',
        '[{"@graph": [null, 1, {"@type": "VideoObject", "name": ""}]}]',
        "null",
        "",
    ],
)
def test_strange_structured_data_never_raises(data):
    record = parse(f'<script type="application/ld+json">{data}</script>')
    assert set(record["missing"]) >= {"title", "description", "creator_id", "content_url", "duration_seconds"}


def test_lone_surrogates_and_null_bytes_do_not_reach_a_record():
    data = '{"@type": "VideoObject", "name": "a\\ud800b\\u0000c", "description": "\\ud83d\\ude00"}'
    record = parse(f'<script type="application/ld+json">{data}</script>')
    assert record["title"] == "a\ufffdbc"
    assert record["description"] == "😀"
    record["title"].encode()


@pytest.mark.parametrize("number", ["9" * 5000, "x" + "f" * 5000, "0" * 5000 + "65", "99999999"])
def test_a_number_too_long_for_a_character_ends_no_page(number):
    entity = f"&#{number};"
    data = json.dumps({"@type": "VideoObject", "name": f"a{entity}b", "description": "fine"})
    page = f'<a href="/b?{entity}">{entity}</a><script type="application/ld+json">{data}</script>'
    record = parse(page)
    assert (record["title"], record["description"]) == ("a\ufffdb", "fine")
    assert len(find_links(soup_of(page), URL)) == 1
    assert plain_text(f"a&amp;#{number};b") == "a\ufffdb"


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00", "2300-01-01", "1850-01-01", "9999-12-31"]
)
def test_a_date_at_the_end_of_the_calendar_is_none(text):
    record = parse(f'<script type="application/ld+json">{{"@type": "VideoObject", "uploadDate": "{text}"}}</script>')
    assert record["uploaded"] is None and "uploaded" in record["missing"]


# --- plain text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Night <b>train</b>", "Night train"),
        ("a &amp; b", "a & b"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;x", "x"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;x", "x"),
        ('x<img src=x onerror="alert(1)">', "x"),
        ("<style>p {}</style>y", "y"),
        ("AT&T", "AT&T"),
        ("one | S&I<br>two", "one | S&I two"),
        ("I <3 you, 3 < 4 & 5 > 4", "I <3 you, 3 < 4 & 5 > 4"),
        ("  two\n\t lines ", "two lines"),
        ("<!-- no -->yes", "yes"),
        ("<b></b>", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_text_becomes_plain(text, plain):
    assert plain_text(text) == plain


MARKUP = st.lists(
    st.sampled_from([*list("<>&;/'\"= !-ab"), "&lt;", "&gt;", "&amp;", "&#60;", "&#x3c;", "script", "img ", "onerror="])
).map("".join)


@settings(max_examples=300, deadline=None)
@given(MARKUP)
def test_no_markup_survives_in_plain_text(text):
    plain = plain_text(text) or ""
    assert not BeautifulSoup(plain, "html.parser").find_all(True), (text, plain)


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_what_has_no_markup_stays_as_it_is(text):
    kept = "".join(letter for letter in text if letter.isprintable() and letter not in "<&")
    assert (plain_text(kept) or "") == " ".join(kept.split())


# --- encodings -------------------------------------------------------------------------------------------------------

CYRILLIC = "<title>Ночной поезд – дождь</title>"


@pytest.mark.parametrize(
    ("bytes_", "declared"),
    [
        (CYRILLIC.encode(), "text/html; charset=iso-8859-1"),
        (CYRILLIC.encode(), "text/html; charset=utf-7"),
        (CYRILLIC.encode(), "text/html; charset=\x00"),
        (CYRILLIC.encode("cp1251"), "text/html; charset=windows-1251"),
        (CYRILLIC.encode("cp1251"), "text/html; charset=utf-8"),
        (CYRILLIC.encode("cp1251"), "text/html; charset=no-such-thing"),
        (CYRILLIC.encode("utf-16"), "text/html"),
        (b"\xef\xbb\xbf" + CYRILLIC.encode(), "text/html; charset=koi8-r"),
        (b'<meta charset="cp1251">' + CYRILLIC.encode("cp1251"), ""),
    ],
)
def test_the_encoding_is_found_whatever_is_declared(bytes_, declared):
    assert CYRILLIC in decode_page(bytes_, declared)


def test_accents_are_not_taken_for_cyrillic():
    text = "<p>Café déjà vu, naïve façade à l'été “quoted”</p>"
    assert decode_page(text.encode("cp1252"), "text/html; charset=utf-8") == text
    assert decode_page(text.encode("cp1252"), "text/html; charset=latin-1") == text


@pytest.mark.parametrize("declared", ["text/html; charset=iso-8859-1", "text/html; charset=windows-1252", ""])
def test_utf8_of_a_few_accents_is_not_read_as_the_latin_1_that_is_declared(declared):
    text = '<meta charset="latin1"><p>Zoë, déjà vu</p>'
    assert decode_page(text.encode(), declared) == text


def test_one_damaged_byte_does_not_turn_utf8_into_something_else():
    damaged = CYRILLIC.encode()[:-12] + b"\xff" + CYRILLIC.encode()[-12:]
    assert "Ночной поезд" in decode_page(damaged, "text/html; charset=utf-8")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=60))
def test_any_bytes_become_text_that_can_be_stored(html, content_type):
    decode_page(html, content_type).encode()
    parse_clip_page(html, URL, content_type)


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    [
        *("<a", "<a>", "<!--", "<![CDATA[", "</", '<a b="', "&", "&#", "<script>", "<!", "<?", "<div><p>", "<b></i>"),
        *("<a href=x ", "<a = ", "<a '", "<style><", "<title></", '<a href="/x">', "<meta charset=", "&amp;lt;"),
        *("<a " + "'' " * 2600 + ">", "<a " + "b=c " * 1900 + ">", "<table><tr><td>", "\x00", "É", "<loc>", "<ſcript>"),
    ],
)
def test_no_page_keeps_the_parser_busy(piece):
    page = (piece * (400_000 // len(piece))).encode()[:400_000]
    begun = time.process_time()
    parse_clip_page(page, URL)
    read_sitemap(page.decode("utf-8", "replace"), URL)
    plain_text(page.decode("utf-8", "replace"))
    assert time.process_time() - begun < 4.0


@pytest.mark.parametrize("piece", ["&lt;", "&lt;b", "&amp;lt;", "<b", "&#60;", "& "])
def test_a_page_of_nothing_but_a_title_and_a_description_keeps_nobody_busy(piece):
    long = piece * 25_000
    data = json.dumps({"@type": "VideoObject", "name": long, "description": long})
    pages = [
        f'<h1 class="clip-title">{long}</h1><p class="description">{long}</p>',
        f'<script type="application/ld+json">{data}</script>',
        f'<meta property="og:title" content="{long}"><meta property="og:description" content="{long}">',
    ]
    parse("<p>warm</p>")
    for page in pages:
        begun = time.process_time()
        record = parse(page)
        assert time.process_time() - begun < 1.2
        assert len(record["title"] or "") <= 2_000 and len(record["description"] or "") <= 5_000


def test_a_long_title_and_description_are_cut_and_not_dropped():
    record = parse(f'<h1 class="clip-title">{"t" * 9000}</h1><p class="description">{"d" * 9000}</p>')
    assert (record["title"], record["description"]) == ("t" * 2_000, "d" * 5_000)


def test_nested_tags_and_long_keywords_keep_nobody_busy():
    nested = '<ul class="tags">' + "<ul class='tags'><li>rain" * 9_900
    words = ["<b>" + "x<i>" * 2_500 + f"{number}" for number in range(190)]
    data = json.dumps({"@type": "VideoObject", "keywords": words})
    begun = time.process_time()
    assert parse(nested)["tags"].startswith("rain")
    assert parse(f'<script type="application/ld+json">{data}</script>')["tags"]
    assert time.process_time() - begun < 6.0


def test_tidying_leaves_a_whole_page_as_it_is():
    page = '<html lang="en"><body class=x><h1>A &amp; B</h1><br/><a href="/b?c=1&amp;d=2" title="x>y">z</a></body>'
    assert tidy(page) == page
    assert tidy("<script>if (a < b) {}</script>") == "<script>if (a < b) {}</script>"
    assert tidy("a <b <i>c</i> < d <!-- e --> f") == "a &lt;b <i>c</i> &lt; d  f"


# --- links -----------------------------------------------------------------------------------------------------------


def test_links_lead_to_the_same_site_only_and_once():
    page = """<a href="/b">1</a><a href="c#part">2</a><a href="/b#x">3</a><a href="http://other/d">4</a><a href="">5</a>
    <a href="javascript:alert(1)">6</a><a href="mailto:x@y">7</a><a href="https://tide.pool/e">8</a><a>9</a>
    <a href="//tide.pool:80/f">10</a><a href="http://tide.pool:81/">11</a><a href="http://[::1">12</a>
    <a href="/g" rel="nofollow">13</a><a href="http://u:p@tide.pool/h">14</a><a href="/../../é x?q=ü">15</a>
    <a href="HTTP://TIDE.POOL/i">16</a>"""
    assert find_links(soup_of(page), URL) == [
        "http://tide.pool/b",
        "http://tide.pool/clips/c",
        "http://tide.pool/f",
        "http://tide.pool/%C3%A9%20x?q=%C3%BC",
        "http://tide.pool/i",
    ]


@pytest.mark.parametrize("words", ["nofollow", "NoFollow", "ugc NOFOLLOW noopener"])
def test_a_link_that_is_not_to_be_followed_is_not_however_it_is_written(words):
    assert find_links(soup_of(f'<a href="/a" rel="{words}">x</a><a href="/b" rel="next">x</a>'), URL) == [
        "http://tide.pool/b"
    ]


@pytest.mark.parametrize(
    ("base", "links"),
    [
        ("/deep/er/", ["http://tide.pool/deep/er/a", "http://tide.pool/b"]),
        ("http://tide.pool/x", ["http://tide.pool/a", "http://tide.pool/b"]),
        # As in a browser, relative links then lead to another site, and are not followed.
        ("http://other.example/", []),
        ("javascript:x", ["http://tide.pool/clips/a", "http://tide.pool/b"]),
    ],
)
def test_links_are_relative_to_the_base_that_a_page_gives(base, links):
    page = f'<base target="_top"><base href="{base}"><base href="/not-this/"><a href="a">x</a><a href="/b">x</a>'
    assert find_links(soup_of(page), URL) == links


def test_a_record_too_is_read_relative_to_the_base():
    data = '{"@type": "VideoObject", "contentUrl": "c1.mp4", "creator": {"url": "creators/k7"}}'
    record = parse(f'<base href="/media/"><script type="application/ld+json">{data}</script>')
    assert record["content_url"] == "http://tide.pool/media/c1.mp4"
    assert (record["creator_id"], record["clip_id"]) == ("k7", "c1")


def test_no_link_of_a_page_and_no_location_of_a_sitemap_is_left_out_silently():
    page = "".join(f'<a href="/{number}">x</a>' for number in range(5000))
    assert len(find_links(soup_of(page), URL)) == 5000
    sitemap = "".join(f"<url><loc>http://tide.pool/{number}</loc></url>" for number in range(50_500))
    assert len(read_sitemap(f"<urlset>{sitemap}</urlset>", URL)[0]) == 50_500


def test_sitemaps_and_their_index_are_told_apart_and_broken_ones_give_what_they_have():
    maps = "<sitemapindex><sitemap><loc> http://tide.pool/s1.xml </loc></sitemap></sitemapindex>"
    assert read_sitemap(maps, URL) == ([], ["http://tide.pool/s1.xml"])
    pages = (
        "<urlset><url><loc>http://tide.pool/a?b=1&amp;c=2</loc></url><url><loc>http://other/x</loc><url><loc>/b</loc"
    )
    assert read_sitemap(pages, URL) == (["http://tide.pool/a?b=1&c=2", "http://tide.pool/b"], [])
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>http://tide.pool/&b;</loc></url></urlset>'
    assert len(read_sitemap(bomb, URL)[0][0]) < 40
