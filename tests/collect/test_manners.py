"""Manners: rules are kept, waits are as asked, and every answer is bounded."""

import gzip
import itertools
import time
import urllib.robotparser
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.collect.bounded import FetchError
from avrec_lib.collect.manners import PoliteClient, TokenBucket
from avrec_lib.collect.rules import Manners, allowed, pause_before_retry, read_retry_after

QUICK = Manners(
    delay_seconds=0.0, timeout_seconds=0.3, total_seconds=0.8, backoff_seconds=0.01, longest_wait=1.5, max_bytes=100_000
)


class FakeTime:
    def __init__(self):
        self.now = 100.0
        self.slept = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def failure(client, url, **options):
    with pytest.raises(FetchError) as caught:
        client.get(url, **options)
    return caught.value


# --- the rules of a site ---------------------------------------------------------------------------------------------

ROBOTS = """
User-agent: *
Crawl-delay: 0.02
Disallow: /private/
Disallow: /search
Allow: /search/about

User-agent: greedybot
Disallow: /
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", True), ("/clips/c1", True), ("/private/x", False), ("/search?q=a", False), ("/search/about", True)],
)
def test_rules_are_read_by_the_longest_match(path, expected):
    assert allowed("http://tide.pool" + path, ROBOTS) is expected


def test_a_banned_agent_is_banned_and_no_rules_allow_all():
    assert not allowed("http://tide.pool/", ROBOTS, "greedybot/2.0")
    assert allowed("http://tide.pool/private/x", "")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["/a", "/a/b", "/c/", "/d.html", "/x-y"]), max_size=4),
    st.sampled_from(["/", "/a", "/a/b/c", "/c", "/c/1", "/d.html", "/x-y?z=1", "/q"]),
)
def test_plain_rules_mean_the_same_to_the_standard_library(disallowed, path):
    # It knows neither longest match nor wildcards, so only rules without Allow and '*' can be compared.
    text = "User-agent: *\n" + "".join(f"Disallow: {rule}\n" for rule in disallowed)
    other = urllib.robotparser.RobotFileParser()
    other.parse(text.splitlines())
    assert allowed("http://tide.pool" + path, text) == other.can_fetch("avrec-book", "http://tide.pool" + path)


def test_the_client_asks_nothing_that_is_forbidden(scripted):
    scripted.pages |= {"/robots.txt": scripted.http(ROBOTS), "/private/x": scripted.http("secret")}
    with PoliteClient(QUICK) as client:
        assert failure(client, scripted.url + "/private/x").kind == "robots"
    assert scripted.paths() == ["/robots.txt"]


@pytest.mark.parametrize("path", ["/a/../private/x", "/%70rivate/x", "/a/%2e%2e/private/x", "/private/%2e%2e/a"])
def test_what_is_judged_is_what_is_sent(scripted, path):
    scripted.pages |= {"/robots.txt": scripted.http(ROBOTS), path: scripted.http("secret")}
    with PoliteClient(QUICK) as client:
        assert not client.may_fetch(scripted.url + path)
        assert failure(client, scripted.url + path).kind == "robots"
        assert client.may_fetch(scripted.url + "/a")
    assert scripted.paths() == ["/robots.txt"]
    assert not allowed(scripted.url + path, ROBOTS)


def test_a_byte_order_mark_does_not_switch_the_first_group_off(scripted):
    marked = "\ufeff" + ROBOTS.lstrip()
    scripted.pages["/robots.txt"] = scripted.http(marked)
    assert not allowed(scripted.url + "/private/x", marked)
    with PoliteClient(QUICK) as client:
        assert not client.may_fetch(scripted.url + "/private/x")
        client.learn_rules("http://other.example/", marked)
        assert not client.may_fetch("http://other.example/private/x")


def test_a_client_reads_rules_again_after_a_day_and_keeps_them_where_they_cannot_be_read(scripted):
    time_, day = FakeTime(), 86_400
    manners = Manners(delay_seconds=0.0, retries=0)
    scripted.pages["/robots.txt"] = scripted.http(ROBOTS)
    with PoliteClient(manners, clock=time_.clock, sleep=time_.sleep) as client:
        assert client.may_fetch(scripted.url + "/a")
        time_.now += day - 60
        assert client.may_fetch(scripted.url + "/a")
        assert len(scripted.requests) == 1
        scripted.pages["/robots.txt"] = scripted.http("", "503 Busy")
        time_.now += day
        assert client.may_fetch(scripted.url + "/a") and not client.may_fetch(scripted.url + "/private/x")
        assert len(scripted.requests) == 2
        scripted.pages["/robots.txt"] = scripted.http("User-agent: *\nDisallow: /")
        time_.now += day
        assert not client.may_fetch(scripted.url + "/a")


def test_a_redirect_into_a_forbidden_place_is_not_followed(scripted):
    scripted.pages |= {
        "/robots.txt": scripted.http(ROBOTS),
        "/a": scripted.http("", "302 Found", Location="/private/x"),
        "/private/x": scripted.http("secret"),
    }
    with PoliteClient(QUICK) as client:
        assert failure(client, scripted.url + "/a").kind == "robots"
    assert "/private/x" not in scripted.paths()


@pytest.mark.parametrize(("status", "fetched"), [("404 Not Found", True), ("503 Service Unavailable", False)])
def test_no_rules_mean_freedom_but_a_broken_site_is_left_alone(scripted, status, fetched):
    scripted.pages |= {"/robots.txt": scripted.http("", status), "/a": scripted.http("a")}
    with PoliteClient(QUICK) as client:
        assert client.may_fetch(scripted.url + "/a") is fetched


@pytest.mark.parametrize("delay", ["1e9", "86400"])
def test_a_site_that_asks_for_too_long_a_pause_is_refused_not_ignored(scripted, delay):
    scripted.pages["/robots.txt"] = scripted.http(f"User-agent: *\nCrawl-delay: {delay}\n")
    with PoliteClient(QUICK) as client:
        assert "between requests" in failure(client, scripted.url + "/a").detail


@pytest.mark.parametrize("delay", ["nan", "inf", "-3", "soon", ""])
def test_a_pause_that_is_no_number_is_ignored(scripted, delay):
    scripted.pages |= {"/robots.txt": scripted.http(f"User-agent: *\nCrawl-delay: {delay}\n"), "/a": scripted.http("a")}
    with PoliteClient(QUICK) as client:
        assert client.get(scripted.url + "/a").status == 200


# --- pauses ----------------------------------------------------------------------------------------------------------


def test_a_bucket_lets_through_its_rate_and_its_burst():
    time_ = FakeTime()
    bucket = TokenBucket(10.0, 3.0, clock=time_.clock, sleep=time_.sleep)
    moments = []
    for _ in range(13):
        bucket.take()
        moments.append(time_.now)
    assert moments[:3] == [100.0] * 3
    gaps = [b - a for a, b in itertools.pairwise(moments[2:])]
    assert gaps == pytest.approx([0.1] * 10)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 100.0), st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30))
def test_no_two_takings_are_closer_than_the_rate_allows(rate, idle):
    time_ = FakeTime()
    bucket = TokenBucket(rate, clock=time_.clock, sleep=time_.sleep)
    moments = []
    for pause in idle:
        time_.now += pause
        bucket.take()
        moments.append(time_.now)
    assert min(b - a for a, b in itertools.pairwise(moments)) >= 1.0 / rate - 1e-6


def test_an_emptied_bucket_waits_for_its_pause_and_then_one_token():
    time_ = FakeTime()
    bucket = TokenBucket(10.0, clock=time_.clock, sleep=time_.sleep)
    bucket.empty(2.0)
    assert bucket.take() == pytest.approx(2.1)


@pytest.mark.parametrize("arguments", [(0.0, 1.0), (1.0, 0.5), (-1.0, 1.0), (float("nan"), 1.0)])
def test_a_bucket_that_could_never_be_taken_from_is_refused(arguments):
    with pytest.raises(ValueError, match="rate > 0"):
        TokenBucket(*arguments)


@pytest.mark.parametrize(("own", "asked", "least"), [(0.0, 0.06, 0.06), (0.06, 0.01, 0.06), (None, 0.05, 0.05)])
def test_the_server_never_sees_two_requests_closer_than_the_larger_pause(scripted, own, asked, least):
    scripted.pages |= {"/robots.txt": scripted.http(f"User-agent: *\nCrawl-delay: {asked}\n"), "/a": scripted.http("a")}
    with PoliteClient(Manners(delay_seconds=own)) as client:
        client.robots_txt(scripted.url)
        for _ in range(6):
            client.get(scripted.url + "/a")
    times = [request.time for request in scripted.requests[1:]]
    assert min(b - a for a, b in itertools.pairwise(times)) >= least - 0.002


def test_the_pause_is_counted_from_the_answer_however_long_that_took(scripted):
    answered = []

    def slow(*_):
        time.sleep(0.12)
        answered.append(time.monotonic())
        return scripted.http("a")

    scripted.pages["/a"] = slow
    with PoliteClient(Manners(delay_seconds=0.1), obey_robots=False) as client:
        for _ in range(3):
            client.get(scripted.url + "/a")
    asked = [request.time for request in scripted.requests]
    assert min(after - before for before, after in zip(answered[:-1], asked[1:], strict=True)) >= 0.098


def test_every_request_says_who_asks(scripted):
    scripted.pages["/a"] = scripted.http("a")
    with PoliteClient(QUICK) as client:
        client.get(scripted.url + "/a")
    assert {request.headers["user-agent"] for request in scripted.requests} == {QUICK.agent}


# --- retries ---------------------------------------------------------------------------------------------------------


def test_retries_wait_twice_as_long_each_time_and_are_reproducible():
    manners = Manners(backoff_seconds=0.1, longest_wait=100.0)
    pauses = [pause_before_retry(manners, attempt, "http://x/a", 1) for attempt in range(1, 6)]
    for attempt, pause in enumerate(pauses):
        assert 0.1 * 2**attempt <= pause <= 0.15 * 2**attempt
    assert pauses[0] == pause_before_retry(manners, 1, "http://x/a", 1)
    assert pauses[0] != pause_before_retry(manners, 1, "http://x/b", 1)


@pytest.mark.parametrize("status", ["429 Too Many", "500 Oops", "502 Bad", "503 Busy", "504 Slow"])
def test_what_may_pass_is_asked_again(scripted, status):
    scripted.pages["/a"] = lambda _, before: scripted.http("a") if before == 2 else scripted.http("", status)
    with PoliteClient(QUICK, obey_robots=False) as client:
        answer = client.get(scripted.url + "/a")
    assert (answer.status, answer.body, answer.requests) == (200, b"a", 3)


@pytest.mark.parametrize(("status", "asked"), [("500 Oops", 4), ("404 Gone", 1), ("403 No", 1), ("501 What", 1)])
def test_what_does_not_pass_is_given_up(scripted, status, asked):
    scripted.pages["/a"] = scripted.http("", status)
    with PoliteClient(QUICK, obey_robots=False) as client:
        error = failure(client, scripted.url + "/a")
    assert (error.kind, error.status, len(scripted.requests)) == ("status", int(status[:3]), asked)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_site_that_asks_for_time_is_left_alone_altogether(scripted, form):
    def busy(_, before):
        moment = datetime.fromtimestamp(int(time.time()) + 2, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        after = "1" if form == "seconds" else moment
        return scripted.http("a") if before else scripted.http("", "429 Too Many", Retry_After=after)

    scripted.pages |= {"/a": busy, "/b": scripted.http("b")}
    with PoliteClient(Manners(delay_seconds=0.0, longest_wait=3.0), obey_robots=False) as client:
        with pytest.raises(FetchError):
            client.ask_once(scripted.url + "/a")
        client.get(scripted.url + "/b")
    first, second = scripted.requests
    assert second.time - first.time >= 0.95


def test_a_site_that_asks_for_too_much_time_is_given_up(scripted):
    scripted.pages["/a"] = scripted.http("", "429 Too Many", Retry_After="3600")
    with PoliteClient(QUICK, obey_robots=False) as client:
        error = failure(client, scripted.url + "/a")
        assert (error.kind, error.retry_after, len(scripted.requests)) == ("busy", 3600.0, 1)
        # So are its other addresses, and without being asked.
        other = failure(client, scripted.url + "/b")
    assert other.kind == "busy" and 3590 < other.retry_after <= 3600
    assert len(scripted.requests) == 1


def test_retry_after_is_read_in_both_forms_and_nonsense_is_not():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert read_retry_after(" 7 ", now) == 7.0
    assert read_retry_after("Thu, 01 Jan 2026 00:00:30 GMT", now) == 30.0
    assert read_retry_after("Thu, 01 Jan 2015 00:00:30 GMT", now) == 0.0
    for nonsense in ("", "soon", "-4", "1e9", "9" * 5000, "٣", "Thu, 99 Jan 2026 00:00:30 GMT"):
        assert read_retry_after(nonsense, now) is None


def test_what_cannot_be_read_is_asked_again_as_often_as_the_reader_says(scripted):
    def read(answer):
        if answer.body != b"whole":
            raise FetchError("json", answer.url, "cut")
        return len(answer.body)

    scripted.pages["/a"] = lambda _, before: scripted.http("whole" if before == 2 else "who")
    with PoliteClient(QUICK, obey_robots=False) as client:
        assert client.ask(scripted.url + "/a", read=read, tries=lambda error: 2) == 5
        assert client.requests == 3 and client.waited >= 0.01 + 0.02
        scripted.pages["/a"] = scripted.http("who")
        with pytest.raises(FetchError, match="json: cut"):
            client.ask(scripted.url + "/a", read=read)
        assert client.requests == 4
        with pytest.raises(FetchError, match="status 500"):
            scripted.pages["/a"] = scripted.http("", "500 Oops")
            client.ask(scripted.url + "/a", method="POST", content=b"x", read=read, tries=lambda error: 0)
    assert (scripted.requests[-1].method, scripted.requests[-1].body) == ("POST", b"x")


def test_a_site_that_asks_for_no_time_is_not_hurried(scripted):
    scripted.pages["/a"] = lambda _, before: (
        scripted.http("a") if before == 3 else scripted.http("", "429 Too Many", Retry_After="0")
    )
    with PoliteClient(Manners(delay_seconds=0.0, backoff_seconds=0.05), obey_robots=False) as client:
        answer = client.get(scripted.url + "/a")
    assert answer.requests == 4
    assert answer.waited >= 0.05 + 0.1 + 0.2
    assert scripted.requests[-1].time - scripted.requests[0].time >= 0.05 + 0.1 + 0.2


# --- redirects -------------------------------------------------------------------------------------------------------


def test_redirects_of_the_same_site_are_followed_and_counted(scripted):
    scripted.pages |= {"/a": scripted.http("", "301 Moved", Location="b#part"), "/b": scripted.http("b")}
    with PoliteClient(QUICK, obey_robots=False) as client:
        answer = client.get(scripted.url + "/a")
    assert (answer.url, answer.body, answer.requests) == (scripted.url + "/b", b"b", 2)


@pytest.mark.parametrize(
    "location",
    [
        "http://other.example/",
        "https://127.0.0.1/",
        "//evil.example/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://[::1]/x",
        "http://[::1",
        "http://127.0.0.1:1/",
        "http://127.0.0.1:99999/",
        "ftp://127.0.0.1/",
        "http://2130706433/",
    ],
)
def test_a_redirect_off_the_site_is_not_followed(scripted, location):
    scripted.pages["/a"] = scripted.http("", "302 Found", Location=location)
    with PoliteClient(QUICK, obey_robots=False) as client:
        assert failure(client, scripted.url + "/a").kind in ("off-site", "bad-url")
    assert len(scripted.requests) == 1


def test_redirects_that_go_round_or_on_for_ever_are_given_up(scripted):
    scripted.pages |= {
        "/a": scripted.http("", "302 Found", Location="/b"),
        "/b": scripted.http("", "302 Found", Location="/a"),
        "/n": lambda request, _: scripted.http("", "302 Found", Location=request.path + "1"),
    }
    for number in range(1, 9):
        scripted.pages["/n" + "1" * number] = scripted.pages["/n"]
    with PoliteClient(QUICK, obey_robots=False) as client:
        assert failure(client, scripted.url + "/a").kind == "redirect-loop"
        assert failure(client, scripted.url + "/n").kind == "too-many-redirects"
    assert len(scripted.requests) == 2 + 6


# --- conditions ------------------------------------------------------------------------------------------------------


def test_a_page_that_has_not_changed_is_not_sent_again(scripted):
    def page(request, _):
        same = request.headers.get("if-none-match") == '"v1"'
        return b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n" if same else scripted.http("a", ETag='"v1"')

    scripted.pages["/a"] = page
    with PoliteClient(QUICK, obey_robots=False) as client:
        first = client.get(scripted.url + "/a")
        second = client.get(scripted.url + "/a", etag=first.headers["etag"], last_modified="x")
    assert (first.status, second.status, second.body) == (200, 304, b"")
    assert scripted.requests[1].headers["if-modified-since"] == "x"


def test_an_answer_that_nobody_asked_for_is_an_error(scripted):
    scripted.pages["/a"] = scripted.http("", "304 Not Modified")
    with PoliteClient(QUICK, obey_robots=False) as client:
        assert failure(client, scripted.url + "/a").kind == "protocol"


# --- bounds ----------------------------------------------------------------------------------------------------------


def drip(piece, seconds=0.05, head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"):
    yield head
    while True:
        time.sleep(seconds)
        yield piece


def nested(layers, size):
    body = bytes(size)
    for _ in range(layers):
        body = gzip.compress(body)
    return body


BOMB = nested(2, 90_000_000)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("timeout", lambda http: drip(b"", 1.0, b"")),
        ("timeout", lambda http: drip(b"", 1.0)),
        ("too-slow", lambda http: drip(b"<br>")),
        ("too-slow", lambda http: drip(b"X", head=b"HTTP/1.1 200 OK\r\nX-Long: ")),
        ("too-slow", lambda http: drip(b"HTTP/1.1 103 Early Hints\r\n\r\n", head=b"")),
        ("too-large", lambda http: http(bytes(100_001))),
        ("too-large", lambda http: http(b"", Content_Length="50000000")),
        ("too-large", lambda http: (piece for piece in (CHUNKED, *([b"8000\r\n" + bytes(0x8000) + b"\r\n"] * 50)))),
        ("too-large", lambda http: http(nested(1, 3_000_000), Content_Encoding="gzip")),
        ("too-large", lambda http: http(BOMB, Content_Encoding="gzip, gzip")),
        ("decoding", lambda http: http(nested(3, 1000), Content_Encoding="gzip, gzip, gzip")),
        ("decoding", lambda http: http(b"not gzip", Content_Encoding="gzip")),
        ("decoding", lambda http: http(b"\xff" * 99, Content_Encoding="deflate")),
        ("decoding", lambda http: http(b"x", Content_Encoding="br")),
        ("decoding", lambda http: http(gzip.compress(b"") * 40, Content_Encoding="gzip")),
        ("cut-short", lambda http: http(gzip.compress(b"abc" * 99)[:-9], Content_Encoding="gzip")),
        ("cut-short", lambda http: http(b"abc", Content_Length="10", X_Close="1")),
        ("cut-short", lambda http: CHUNKED + b"ff\r\nabc"),
        ("protocol", lambda http: CHUNKED + b"zz\r\nabc\r\n"),
        ("protocol", lambda http: b"HTP/1.1 OK\r\n\r\n"),
        ("protocol", lambda http: b"HTTP/1.1 99999 OK\r\n\r\n"),
        ("protocol", lambda http: b"\x00\xff" * 500 + b"\r\n\r\n"),
        ("protocol", lambda http: b""),
        ("protocol", lambda http: b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 40_000 + b"\r\n"),
        ("protocol", lambda http: b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        ("protocol", lambda http: b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nxx"),
        ("protocol", lambda http: b"HTTP/1.1 200 OK\r\nBad header\x00: x\r\n\r\n"),
        ("not-html", lambda http: http(b"\xff\xd8", Content_Type="image/jpeg")),
    ],
)
def test_every_bad_answer_ends_in_its_error_and_in_time(scripted, kind, page):
    scripted.pages["/a"] = lambda *_: page(scripted.http)
    manners = Manners(delay_seconds=0.0, timeout_seconds=0.3, total_seconds=0.8, retries=0, max_bytes=100_000)
    with PoliteClient(manners, obey_robots=False) as client:
        begun = time.monotonic()
        error = failure(client, scripted.url + "/a", types=("text/html",))
        assert time.monotonic() - begun < 2.0
    assert error.kind == kind, error
    assert error.url == scripted.url + "/a"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"hello") + b"padding"),
        ("gzip", gzip.compress(b"hel") + gzip.compress(b"lo")),
        ("x-gzip", gzip.compress(b"hello")),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello")[2:-4]),
        ("deflate, gzip", gzip.compress(zlib.compress(b"hello"))),
        ("identity", b"hello"),
    ],
)
def test_packed_bodies_are_unpacked(scripted, encoding, body):
    scripted.pages["/a"] = scripted.http(body, Content_Encoding=encoding)
    with PoliteClient(QUICK, obey_robots=False) as client:
        assert client.get(scripted.url + "/a").body == b"hello"


def test_an_answer_after_a_bad_one_is_read_on_a_new_connection(scripted):
    scripted.pages |= {"/a": lambda *_: drip(b"<br>"), "/b": scripted.http("b")}
    with PoliteClient(QUICK, obey_robots=False) as client:
        failure(client, scripted.url + "/a")
        assert client.get(scripted.url + "/b").body == b"b"


@pytest.mark.parametrize(
    "url", ["", "nonsense", "file:///etc/passwd", "http://", "http://[::1", "http://a:b:c/", "\x00"]
)
def test_what_is_no_address_is_not_asked(url):
    with PoliteClient(QUICK, obey_robots=False) as client:
        assert failure(client, url).kind == "bad-url"


def test_a_server_that_is_not_there_is_an_error():
    with PoliteClient(QUICK, obey_robots=False) as client:
        error = failure(client, "http://127.0.0.1:9/")
    assert error.kind == "connection"


def test_rules_without_end_are_read_to_a_bound_and_not_in_the_middle_of_one(scripted):
    text = "User-agent: *\nDisallow: /secret\n" + "".join(f"Disallow: /{n:06d}/x\n" for n in range(60_000))
    scripted.pages |= {"/robots.txt": scripted.http(text), "/a": scripted.http("a")}
    with PoliteClient(Manners(delay_seconds=0.0, timeout_seconds=5.0)) as client:
        kept = client.robots_txt(scripted.url)
        assert len(kept) + 20 >= 500 * 1024 and len(kept) <= 512_000
        assert kept.splitlines()[-1].endswith("/x")
        assert not client.may_fetch(scripted.url + "/secret")
        assert client.may_fetch(scripted.url + "/a")
