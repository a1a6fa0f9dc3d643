"""Hundreds of hostile pages and answers: each ends in a record or a named failure, within seconds."""

import gzip
import json
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest
from bs4 import BeautifulSoup

from avrec_lib.collect.api import PagedClient, download, read_bad_items
from avrec_lib.collect.bounded import FetchError
from avrec_lib.collect.crawl import crawl, read_failures, read_page, read_records
from avrec_lib.collect.rules import Manners

PAGES = 160
ANSWERS = 100
QUICK = Manners(
    delay_seconds=0.0,
    timeout_seconds=0.1,
    total_seconds=0.25,
    retries=1,
    slow_retries=0,
    busy_retries=1,
    backoff_seconds=0.01,
    longest_wait=0.2,
    max_bytes=200_000,
)
KINDS = {
    *("timeout", "too-slow", "too-large", "cut-short", "connection", "protocol", "status", "busy", "decoding"),
    *("not-html", "bad-url", "robots", "off-site", "redirect-loop", "too-many-redirects"),
}
TITLES = (
    *(
        "<script>alert(1)</script>",
        "&lt;img src=x onerror=alert(1)&gt;",
        "\\ud800",
        "\x00",
        "</title><b>",
        "\u202eevil",
    ),
    *(
        "A" * 50_000,
        '"><svg onload=x>',
        "<" * 5000,
        "&amp;" * 3000,
        "нет",
        "\ufffe",
        "<a href='javascript:x'>",
        "{{x}}",
    ),
)
LOCATIONS = (
    *("file:///etc/passwd", "javascript:alert(1)", "http://[::1]:80/", "http://[::1", "//evil.example/", "data:,x"),
    *(
        "http://127.0.0.1:1/",
        "https://127.0.0.1/",
        "\x01",
        "http://a b/",
        "x" * 9000,
        "http://127.0.0.1:99999/",
        "?" * 99,
    ),
)
TYPES = (
    *("text/html", "text/html; charset=utf-7", "text/html; charset=", "text/html; charset=zip", "TEXT/HTML;;;", ""),
    *(
        "text/html; charset=utf-16",
        "text/html; charset=punycode",
        "application/pdf",
        "x" * 3000,
        "text/html; charset=\x7f",
    ),
)


def choose(rng, values):
    return values[int(rng.integers(len(values)))]


def page(rng):
    """A page with some of: title, structured data, links; some parts broken."""
    title = choose(rng, TITLES)
    data = json.dumps(
        {"@type": "VideoObject", "name": title, "duration": choose(rng, ("PT5S", "P9", 7, None, "PT1e9S"))}
    )
    data = data.replace("\\\\ud800", "\\ud800")
    links = "".join(f'<a href="{choose(rng, LOCATIONS)}">x</a>' for _ in range(3))
    parts = [
        f'<h1 class="clip-title">{title}</h1>',
        f'<script type="application/ld+json">{data}</script>',
        f'<meta property="og:title" content="{title}">',
        links,
        choose(rng, ("<div>" * 3000, "<a '" * 3000, "<!--", "<![CDATA[", '{"a":' * 2000, "</" * 3000, "<p>fine</p>")),
    ]
    text = "".join(parts[place] for place in rng.permutation(len(parts))[: int(rng.integers(1, 6))])
    body = text.encode(choose(rng, ("utf-8", "utf-16", "cp1251", "utf-7", "shift_jis", "cp037")), "replace")
    spoiled = bytearray(body)
    for place in rng.integers(0, max(len(spoiled), 1), size=int(rng.integers(0, 20))):
        spoiled[place : place + 1] = rng.bytes(1)
    return bytes(spoiled)


def drip(*pieces, piece=b"", pause=0.02, count=100):
    yield from pieces
    for _ in range(count):
        time.sleep(pause)
        yield piece


def chunk(body):
    return b"%x\r\n%b\r\n" % (len(body), body)


def raw_head(*lines):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def hostile(rng, http):
    """Return one hostile answer: what it is, and its bytes or pieces."""
    body = page(rng)
    packed = gzip.compress(body)
    bomb = gzip.compress(gzip.compress(bytes(5_000_000)))
    head = raw_head(b"Transfer-Encoding: chunked")
    length = choose(rng, (0, len(body) // 2, len(body) + 7, 10**18, -1))
    makers = {
        "page": lambda: http(body, Content_Type=choose(rng, TYPES)),
        "page again": lambda: http(body),
        "gzip": lambda: http(packed, Content_Encoding="gzip"),
        "cut gzip": lambda: http(packed[: int(rng.integers(1, len(packed)))], Content_Encoding="gzip"),
        "spoiled gzip": lambda: http(packed[:20] + rng.bytes(30) + packed[50:], Content_Encoding="gzip"),
        "bomb": lambda: http(bomb, Content_Encoding="gzip, gzip"),
        "deflate garbage": lambda: http(rng.bytes(300), Content_Encoding="deflate"),
        "raw deflate": lambda: http(zlib.compress(body)[2:-4], Content_Encoding="deflate"),
        "unknown packing": lambda: http(body, Content_Encoding=choose(rng, ("br", "zstd", "compress", "gzip," * 50))),
        "wrong length": lambda: http(body, Content_Length=str(length), X_Close="1"),
        "endless": lambda: drip(raw_head(), piece=choose(rng, (b"<br>", b"\x00", rng.bytes(3)))),
        "silent": lambda: drip(choose(rng, (b"", b"HTTP/1.1 200", raw_head())), count=20),
        "endless head": lambda: drip(b"HTTP/1.1 200 OK\r\nX: ", piece=b"a"),
        "flood": lambda: (raw_head(), *[body + bytes(50_000)] * 20),
        "chunks": lambda: head + chunk(body[:100]) + chunk(body[100:] or b" ") + b"0\r\n\r\n",
        "cut chunks": lambda: head + chunk(body)[:-5],
        "bad chunks": lambda: head + rng.bytes(200),
        "head flood": lambda: raw_head(*[b"X-%d: y" % number for number in range(9_000)]),
        "cookie flood": lambda: raw_head(
            *[b"Set-Cookie: a%d=b" % number for number in range(900)], b"Content-Length: 0"
        ),
        "status line": lambda: choose(
            rng, (b"", b"HTTP/9.9 200 OK\r\n\r\n", b"200 OK\r\n\r\n", rng.bytes(99) + b"\r\n\r\n")
        ),
        "status": lambda: http(
            "", choose(rng, ("999 Odd", "600 X", "100 Go", "204 No", "206 Part", "304 Same", "401 No"))
        ),
        "busy": lambda: http("", "429 Busy", Retry_After=choose(rng, ("0", "99999", "soon", "-1", "9" * 400))),
        "redirect": lambda: http(
            "", choose(rng, ("301 A", "302 B", "307 C", "308 D")), Location=choose(rng, LOCATIONS)
        ),
        "redirect nowhere": lambda: http("", "302 Found"),
        "picture": lambda: http(rng.bytes(500), Content_Type="image/jpeg"),
    }
    name = choose(rng, tuple(makers))
    return name, makers[name]()


@pytest.mark.parametrize("seed", [0, 1])
def test_every_hostile_page_ends_in_a_record_or_a_named_failure(scripted, tmp_path, monkeypatch, seed):
    cases = {}
    for number in range(PAGES // 2):
        # Each answer is made anew for each request, from its own stream of random numbers.
        name, _ = hostile(np.random.default_rng([seed, number]), scripted.http)
        cases[f"/clips/c{number}"] = name
        scripted.pages[f"/clips/c{number}"] = lambda *_, number=number: hostile(
            np.random.default_rng([seed, number]), scripted.http
        )[1]
    scripted.pages["/robots.txt"] = scripted.http(
        f"\x00\n{'a' * 5000}\nUser-agent\n: *\nSitemap: {scripted.url}/map.xml\n"
    )
    locations = "".join(f"<url><loc>{scripted.url}{path}</loc></url>" for path in cases)
    scripted.pages["/map.xml"] = scripted.http(gzip.compress(f"<urlset>{locations}<url><loc>".encode()))
    scripted.pages["/"] = scripted.http("<h1>start</h1>")
    begun = time.monotonic()
    report = crawl(scripted.url, tmp_path, manners=QUICK, progress=False)
    now, ahead, rests = time.time, [0.0], 0
    monkeypatch.setattr(time, "time", lambda: now() + ahead[0])
    while report.come_back_in:
        # Nothing is given up because the site asks for a day: the rest waits, and is asked when the day is over.
        assert report.waiting > 0
        ahead[0] += report.come_back_in
        report = crawl(scripted.url, tmp_path, manners=QUICK, progress=False)
        rests += 1
    assert rests <= 2 * list(cases.values()).count("busy")
    # Two attempts each, at the very most, and none longer than a quarter of a second.
    assert time.monotonic() - begun < 0.6 * len(cases)
    assert report.waiting == 0
    records, failures = read_records(tmp_path), read_failures(tmp_path)
    ended = set(records["url"]) | set(failures["url"])
    elsewhere = {f"{scripted.url}{path}" for path, name in cases.items() if name == "redirect"}
    assert {f"{scripted.url}{path}" for path in cases} - ended <= elsewhere
    assert set(failures["kind"]) <= KINDS
    assert failures["kind"].nunique() >= 6
    assert len(records) >= 10
    for text in records["title"].dropna():
        assert not BeautifulSoup(text, "html.parser").find_all(True), text
        assert len(text) <= 20_000
    for table in (records, failures):
        table.astype("str").to_json(orient="records").encode()
    assert all(isinstance(read_page(tmp_path, url), bytes) for url in records["url"])


def hostile_json(rng):
    """Return the body of one hostile answer of an interface that has ten items."""
    values = ("x", "", None, 7, -1, 10**400, 1.5, True, [], {}, "\ud800", "\x00", "9" * 5000, [[]] * 50)
    item = {"clip_id": "c1", "title": "t", "creator": {"id": "k", "name": "n"}, "duration_ms": 1, "uploaded": "x"}
    item |= {"views": 1, "likes": 1, "kind": "single"}
    for name in rng.choice(list(item), size=int(rng.integers(0, 4))):
        item[str(name)] = choose(rng, values)
    facts = {"items": [item] * int(rng.integers(0, 4)), "next_cursor": choose(rng, (None, "a", "b", "c")), "total": 10}
    for name in rng.choice(list(facts), size=int(rng.integers(0, 2))):
        facts[str(name)] = choose(rng, values)
    body = json.dumps(facts).encode()
    cut = int(rng.integers(0, len(body)))
    return choose(
        rng,
        (
            body,
            body,
            body[:cut],
            body[:cut] + rng.bytes(4) + body[cut:],
            body.replace(b'"total"', b'"items": 1, "total"'),
            body.replace(b"10", b"1e999"),
            body.replace(b"10", b"NaN"),
            b"[" * 40_000 + body,
            b'{"a":' * 20_000 + body + b"}" * 20_000,
            body.decode().encode("utf-16"),
            body + bytes(300_000),
        ),
    )


def test_every_hostile_interface_ends_in_a_table_or_a_named_error(scripted, tmp_path):
    token = scripted.http('{"access_token": "t"}', Content_Type="application/json")
    scripted.pages["/api/v1/token"] = token
    ends = {}
    # No answer is slow here: a timeout would only tell that the machine is busy.
    patient = replace(QUICK, timeout_seconds=2.0, total_seconds=4.0)
    begun = time.monotonic()
    for number in range(ANSWERS):
        rng = np.random.default_rng([9, number])
        scripted.pages["/api/v1/clips"] = lambda *_, rng=rng: scripted.http(hostile_json(rng))
        with PagedClient(scripted.url, "me", "word", patient) as client:
            folder = tmp_path / str(number)
            try:
                table = download(client, folder)
                read_bad_items(folder).to_json(orient="records").encode()
                table.to_json(orient="records", date_format="iso").encode()
                ends[number] = "table"
            except FetchError as error:
                ends[number] = error.kind
    assert time.monotonic() - begun < 0.25 * ANSWERS
    assert set(ends.values()) <= {"table", "json", "shape", "cursor-loop", "endless", "too-large"}
    assert len(set(ends.values())) >= 4, ends
