"""The crawl keeps its manners, survives being killed, and asks again only what has changed."""

import hashlib
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from avrec_lib.collect.bounded import FetchError
from avrec_lib.collect.crawl import crawl, read_failures, read_page, read_records
from avrec_lib.collect.kept import open_store
from avrec_lib.collect.pages import read_clip
from avrec_lib.collect.rules import Manners
from avrec_lib.world import Profile
from avrec_lib.world.generate import make_tables
from avrec_lib.world.site import serve_site

QUICK = Manners(delay_seconds=0.0, timeout_seconds=0.3, total_seconds=0.8, backoff_seconds=0.02, longest_wait=2.0)


@pytest.fixture(scope="module")
def world():
    """The tables of a world; a crawl reads no media, so none are made."""
    tables, _, _ = make_tables(Profile("tiny", clips=40, people=40, creators=6), 3)
    return SimpleNamespace(**{name: tables[name] for name in ("clips", "users", "events")}, media=lambda name: None)


def clip_page(scripted, name, *links, **headers):
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return scripted.http(f'<h1 class="clip-title">{name}</h1>{anchors}', **headers)


@pytest.fixture
def small(scripted):
    """A site of a start page, two sitemaps and twelve clips."""
    sitemap = "".join(f"<url><loc>{scripted.url}/clips/c{number}</loc></url>" for number in range(6))
    scripted.pages |= {
        "/robots.txt": scripted.http(
            f"User-agent: *\nDisallow: /private/\nCrawl-delay: 0.005\nSitemap: {scripted.url}/map.xml\n"
        ),
        "/map.xml": scripted.http(
            f"<sitemapindex><sitemap><loc>{scripted.url}/map-1.xml</loc></sitemap></sitemapindex>",
            Content_Type="application/xml",
        ),
        "/map-1.xml": scripted.http(f"<urlset>{sitemap}</urlset>", Content_Type="application/xml"),
        "/": scripted.http('<a href="/clips/c6">1</a><a href="/private/x">2</a><a href="http://other.example/">3</a>'),
        **{
            f"/clips/c{number}": clip_page(scripted, f"clip {number}", f"/clips/c{min(number + 1, 11)}")
            for number in range(12)
        },
    }
    return scripted


def run(site, folder, **options):
    return crawl(site.url, folder, manners=options.pop("manners", QUICK), progress=False, **options)


def test_every_page_is_found_once_by_sitemap_and_by_link(small, tmp_path):
    report = run(small, tmp_path)
    assert sorted(read_records(tmp_path)["clip_id"], key=lambda name: int(name[1:])) == [f"c{i}" for i in range(12)]
    assert set(Counter(small.paths()).values()) == {1}
    assert (report.stored, report.failed, report.refused, report.waiting) == (15, 0, 1, 0)
    assert report.requests == len(small.requests)
    assert not report.resumed


def test_a_bound_on_megabytes_ends_a_call_and_leaves_the_rest_waiting(scripted, tmp_path):
    scripted.pages |= {
        "/robots.txt": scripted.http("User-agent: *\nAllow: /\n"),
        "/": scripted.http("".join(f'<a href="/clips/c{number}">x</a>' for number in range(8))),
        **{f"/clips/c{number}": clip_page(scripted, "x" * 300_000) for number in range(8)},
    }
    first = run(scripted, tmp_path, megabytes=1.0)
    assert 1.0 <= first.megabytes < 1.4 and first.waiting == 8 - 4
    last = run(scripted, tmp_path)
    assert last.resumed and last.waiting == 0 and len(read_records(tmp_path)) == 8
    assert set(Counter(scripted.paths()).values()) == {1}


def test_a_bound_on_seconds_ends_a_call_even_while_it_waits(scripted, tmp_path):
    busy = scripted.http("later", status="429 Too Many Requests", Retry_After="60")
    scripted.pages |= {
        "/robots.txt": scripted.http("User-agent: *\nAllow: /\n"),
        "/": scripted.http('<a href="/busy">x</a>'),
        "/busy": busy,
    }
    began = time.monotonic()
    report = run(scripted, tmp_path, manners=Manners(delay_seconds=0.0, longest_wait=60.0), seconds=0.4)
    assert time.monotonic() - began < 5
    assert report.waiting == 1 and report.stored == 1


@pytest.mark.parametrize("bound", [{"megabytes": 0}, {"seconds": -1.0}, {"seconds": float("nan")}])
def test_a_bound_that_is_none_is_refused(scripted, tmp_path, bound):
    with pytest.raises(ValueError, match="must be above 0"):
        run(scripted, tmp_path, **bound)


def test_forbidden_and_foreign_addresses_are_not_asked_and_the_forbidden_are_told(small, tmp_path):
    run(small, tmp_path)
    assert "/private/x" not in small.paths()
    failures = read_failures(tmp_path)
    assert failures[["url", "kind", "attempts"]].values.tolist() == [[small.url + "/private/x", "robots", 0]]


@pytest.mark.parametrize("way", ["link", "sitemap", "redirect", "rules"])
@pytest.mark.parametrize("link", ["/a/../private/x", "/a/%2e%2e/private/x", "/%70rivate/x"])
def test_no_spelling_of_a_forbidden_address_is_asked(scripted, tmp_path, link, way):
    rules = "User-agent: *\nDisallow: /private/\n"
    whole = scripted.url + link
    named = {"sitemap": f"{scripted.url}/map.xml", "rules": whole}.get(way)
    scripted.pages |= {
        "/robots.txt": scripted.http(rules + (f"Sitemap: {named}\n" if named else "")),
        "/": scripted.http(f'<a href="{whole}">x</a>' if way == "link" else '<a href="/go">x</a>'),
        "/map.xml": scripted.http(f"<urlset><url><loc>{whole}</loc></url></urlset>"),
        "/go": scripted.http("", "302 Found", Location=whole) if way == "redirect" else scripted.http("go"),
        **dict.fromkeys(("/private/x", link), scripted.http("secret")),
    }
    run(scripted, tmp_path)
    assert not {"/private/x", link} & set(scripted.paths())
    assert read_failures(tmp_path)[["url", "kind"]].values.tolist() == [[scripted.url + "/private/x", "robots"]]


def test_a_page_of_many_spellings_is_asked_once_and_no_password_is_kept(scripted, tmp_path):
    port = scripted.url.rpartition(":")[2]
    spellings = ("/b", "./b", "q/../b", f"{scripted.url}/b", f"{scripted.url}/./b", f"{scripted.url}/q/../b", "/%62")
    moved = ("/c%20d", "/c d", "/q/../c%20d", f"http://u:sesame@127.0.0.1:{port}/c%20d")
    scripted.pages |= {
        "/robots.txt": scripted.http(f"Sitemap: {scripted.url}/q/../b\n"),
        "/": scripted.http("".join(f'<a href="{link}">x</a>' for link in [*spellings, *(f"/m{n}" for n in range(4))])),
        **{f"/m{n}": scripted.http("", "302 Found", Location=link) for n, link in enumerate(moved)},
        "/b": scripted.http("b"),
        "/c%20d": scripted.http("c"),
    }
    run(scripted, tmp_path)
    assert Counter(scripted.paths()) == dict.fromkeys(
        ("/robots.txt", "/", "/b", "/c%20d", *(f"/m{n}" for n in range(4))), 1
    )
    assert read_failures(tmp_path)[["url", "kind"]].values.tolist() == [[scripted.url + "/m3", "bad-url"]]
    assert b"sesame" not in (tmp_path / "crawl.sqlite").read_bytes()


def test_a_start_is_tidied_and_may_hold_no_password(small, tmp_path):
    crawl(f"{small.url}/q/../?#top", tmp_path, manners=QUICK, progress=False)
    run(small, tmp_path)
    assert len(read_records(tmp_path)) == 12
    with pytest.raises(FetchError, match="bad-url") as caught:
        crawl("http://u:sesame@127.0.0.1:9/", tmp_path / "b", progress=False)
    assert "sesame" not in str(caught.value)


def test_a_record_says_where_it_comes_from(small, tmp_path):
    run(small, tmp_path)
    record = read_records(tmp_path).iloc[0]
    page = read_page(tmp_path, record["url"])
    assert page in small.pages["/clips/c0"]
    assert record["sha256"] == hashlib.sha256(page).hexdigest()
    assert record["fetched_at"].tzinfo is not None
    assert record["status"] == 200
    assert "description" in record["missing"]
    with pytest.raises(KeyError, match="no record"):
        read_page(tmp_path, "http://other/")


def test_a_crawl_that_was_left_goes_on_and_asks_nothing_twice(small, tmp_path):
    first = run(small, tmp_path, pages=5)
    assert first.waiting > 0
    second = run(small, tmp_path)
    assert second.resumed
    assert second.waiting == 0
    assert len(read_records(tmp_path)) == 12
    assert set(Counter(small.paths()).values()) == {1}


def test_a_second_crawl_sends_what_it_knows_and_keeps_what_has_not_changed(small, tmp_path):
    def page(request, _):
        tag = f'"{version["now"]}"'
        if request.headers.get("if-none-match") == tag:
            return small.http("", "304 Not Modified")
        return clip_page(small, f"version {version['now']}", ETag=tag)

    version = {"now": 1}
    small.pages["/clips/c3"] = page
    run(small, tmp_path)
    before = read_records(tmp_path).set_index("clip_id")
    report = run(small, tmp_path)
    assert report.unchanged == 1
    after = read_records(tmp_path).set_index("clip_id")
    assert after.loc["c3", "status"] == 304
    assert after.loc["c3", "fetched_at"] == before.loc["c3", "fetched_at"]
    version["now"] = 2
    report = run(small, tmp_path)
    assert report.unchanged == 0
    assert read_records(tmp_path).set_index("clip_id").loc["c3", "title"] == "version 2"


@pytest.mark.parametrize(("status", "kept"), [("404 Gone", False), ("410 Gone", False), ("500 Oops", True)])
def test_a_page_that_is_gone_is_forgotten_and_one_that_fails_is_kept(small, tmp_path, status, kept):
    run(small, tmp_path)
    small.pages["/clips/c3"] = small.http("", status)
    run(small, tmp_path)
    records = read_records(tmp_path).set_index("clip_id")
    assert len(records) == 11 + kept
    assert ("c3" in records.index) == kept
    if kept:
        assert records.loc["c3", ["status", "title"]].tolist() == [500, "clip 3"]


def test_a_page_that_moved_takes_its_record_with_it(small, tmp_path):
    small.pages["/clips/c3"] = clip_page(small, "here", ETag='"v1"')
    run(small, tmp_path)
    here, small.pages["/clips/c3"] = small.pages["/clips/c3"], small.http("", "301 Moved", Location="/new/c3")
    small.pages["/new/c3"] = small.http('<link rel="canonical" href="/clips/c3"><h1 class="clip-title">there</h1>')
    run(small, tmp_path)
    records = read_records(tmp_path).set_index("clip_id")
    assert records.index.is_unique
    assert records.loc["c3", ["url", "title"]].tolist() == [f"{small.url}/new/c3", "there"]
    # It comes back, and is asked for whole: nothing is left of which it could say that it is unchanged.
    small.pages["/clips/c3"], small.pages["/new/c3"] = here, small.http("", "404 Gone")
    run(small, tmp_path)
    assert read_records(tmp_path).set_index("clip_id").loc["c3", "title"] == "here"
    asked = [request for request in small.requests if request.path == "/clips/c3"]
    assert ["if-none-match" in request.headers for request in asked] == [False, True, False]


def test_a_page_that_is_no_clips_any_more_loses_its_record(scripted, tmp_path):
    scripted.pages |= {
        "/robots.txt": scripted.http(""),
        "/": scripted.http('<a href="/watch">x</a>'),
        "/watch": scripted.http('<link rel="canonical" href="/clips/c1">'),
    }
    run(scripted, tmp_path)
    assert read_records(tmp_path)["clip_id"].tolist() == ["c1"]
    scripted.pages["/watch"] = scripted.http("removed")
    run(scripted, tmp_path)
    assert read_records(tmp_path).empty


def test_a_page_that_was_gone_and_is_back_has_its_record_again(small, tmp_path):
    def page(request, _):
        if "if-none-match" in request.headers:
            return small.http("", "304 Not Modified")
        return clip_page(small, "whole", ETag='"v1"')

    small.pages["/clips/c3"] = page
    run(small, tmp_path)
    small.pages["/clips/c3"] = small.http("", "404 Gone")
    run(small, tmp_path)
    small.pages["/clips/c3"] = page
    run(small, tmp_path)
    assert "c3" in set(read_records(tmp_path)["clip_id"])


def test_links_beyond_what_a_crawl_may_know_are_counted(small, tmp_path, monkeypatch):
    monkeypatch.setattr("avrec_lib.collect.frontier._MOST_PAGES", 9)
    report = run(small, tmp_path)
    known = len(set(small.paths())) - 1 + report.refused
    assert known == 9
    # Two of three links of the start page lie on the site, six pages stand in the sitemap.
    assert report.dropped > 0 and report.waiting == 0
    monkeypatch.undo()
    assert run(small, tmp_path).dropped == 0
    assert len(read_records(tmp_path)) == 12


def test_a_link_that_is_known_takes_no_room(small, tmp_path, monkeypatch):
    monkeypatch.setattr("avrec_lib.collect.frontier._MOST_PAGES", 16)
    report = run(small, tmp_path)
    assert (report.dropped, len(read_records(tmp_path))) == (0, 12)


def test_a_page_at_which_the_parser_fails_ends_itself_and_not_the_crawl(small, tmp_path, monkeypatch):
    def fail_at_c3(soup, url):
        if url.endswith("/clips/c3"):
            raise ValueError("nobody thought of this")
        return read_clip(soup, url)

    monkeypatch.setattr("avrec_lib.collect.visits.read_clip", fail_at_c3)
    report = run(small, tmp_path)
    assert report.waiting == 0 and len(read_records(tmp_path)) == 11
    failure = read_failures(tmp_path).set_index("url").loc[small.url + "/clips/c3"]
    assert failure[["kind", "detail"]].tolist() == ["unreadable", "ValueError: nobody thought of this"]


def test_a_page_of_numbers_too_long_for_characters_does_not_end_a_crawl(small, tmp_path):
    small.pages["/clips/c0"] = clip_page(small, "still here", f"/clips/c1?&#{'9' * 5000};")
    run(small, tmp_path)
    assert "still here" in set(read_records(tmp_path)["title"])


@pytest.mark.parametrize("tag", ['"caf\u00e9"', '"' + "x" * 2_000 + '"'])
def test_a_tag_that_fits_no_header_does_not_freeze_a_page(small, tmp_path, tag):
    small.pages["/clips/c3"] = clip_page(small, "one", ETag=tag)
    run(small, tmp_path)
    small.pages["/clips/c3"] = clip_page(small, "two", ETag=tag)
    run(small, tmp_path)
    assert read_records(tmp_path).set_index("clip_id").loc["c3", "title"] == "two"
    assert "if-none-match" not in small.requests[-1].headers


@pytest.mark.parametrize("killed", [False, True])
def test_a_new_ban_holds_however_often_a_crawl_is_called(small, tmp_path, monkeypatch, killed):
    run(small, tmp_path)
    if killed:  # between the beginning of a round and the reading of its rules

        def die(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("avrec_lib.collect.crawl.learn_rules", die)
        with pytest.raises(KeyboardInterrupt):
            run(small, tmp_path)
        monkeypatch.undo()
    small.pages["/robots.txt"] = small.http("User-agent: *\nDisallow: /\n")
    asked = len(small.requests)
    for _ in range(3):
        with pytest.raises(FetchError, match="disallows the start"):
            run(small, tmp_path)
    assert set(small.paths()[asked:]) == {"/robots.txt"}


def test_rules_are_read_again_after_a_day_and_not_before(small, tmp_path, monkeypatch):
    run(small, tmp_path, pages=3)
    small.pages["/robots.txt"] = small.http("User-agent: *\nDisallow: /clips/\n")
    hours, now = [23], time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours[0])
    run(small, tmp_path, pages=1)
    assert small.paths().count("/robots.txt") == 1
    hours[0] = 25
    asked = len(small.requests)
    report = run(small, tmp_path)
    assert small.paths()[asked:].count("/robots.txt") == 1
    assert report.refused > 3 and not any(path.startswith("/clips/") for path in small.paths()[asked:])


def test_others_go_on_while_a_failed_page_waits(small, tmp_path):
    small.pages["/clips/c0"] = lambda _, before: (
        clip_page(small, "at last") if before == 2 else small.http("", "500 No")
    )
    run(small, tmp_path, manners=Manners(delay_seconds=0.0, backoff_seconds=0.2))
    paths = small.paths()
    first, second, third = (at for at, path in enumerate(paths) if path == "/clips/c0")
    assert second - first > 1
    assert "at last" in set(read_records(tmp_path)["title"])
    times = [small.requests[at].time for at in (first, second, third)]
    assert times[1] - times[0] >= 0.2
    assert times[2] - times[1] >= 0.4


def busy_site(scripted, after):
    """A site of a start and two pages; the first page asks for time until ``answers`` says otherwise."""
    answers = {"/a": scripted.http("", "429 Too Many", Retry_After=after)}
    scripted.pages |= {
        "/robots.txt": scripted.http(""),
        "/": scripted.http('<a href="/a">x</a><a href="/b">x</a>'),
        "/a": lambda *_: answers["/a"],
        "/b": scripted.http("b"),
    }
    return answers


@pytest.fixture
def later(monkeypatch):
    """Turn the clock on the wall forward."""
    now, ahead = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + ahead[0])

    def turn(seconds):
        ahead[0] += seconds

    return turn


def test_a_site_that_asks_for_an_hour_is_left_alone_for_an_hour(scripted, tmp_path, later):
    answers = busy_site(scripted, "3600")
    report = run(scripted, tmp_path)
    assert scripted.paths() == ["/robots.txt", "/", "/a"]
    assert 3590 < report.come_back_in <= 3600
    assert (report.waiting, report.failed) == (2, 0)
    later(1800)
    early = run(scripted, tmp_path)
    assert early.resumed and early.requests == 0 and 1700 < early.come_back_in <= 1800
    answers["/a"] = scripted.http("a")
    later(1801)
    last = run(scripted, tmp_path)
    assert scripted.paths()[3:] == ["/a", "/b"]
    assert (last.come_back_in, last.waiting, last.failed) == (0.0, 0, 0)


def test_a_page_that_is_busy_for_ever_ends(scripted, tmp_path, later):
    busy_site(scripted, "9" * 11)
    for _ in range(QUICK.busy_retries + 1):
        report = run(scripted, tmp_path)
        assert 0.0 < report.come_back_in <= 86_400
        later(report.come_back_in)
    assert run(scripted, tmp_path).come_back_in == 0.0
    assert scripted.paths().count("/a") == QUICK.busy_retries + 1 == 6
    assert read_failures(tmp_path)[["kind", "attempts"]].values.tolist() == [["busy", 6]]
    assert scripted.paths()[-1] == "/b"


def test_a_page_that_asks_for_no_time_again_and_again_ends_too(scripted, tmp_path):
    busy_site(scripted, "0")
    began = time.monotonic()
    run(scripted, tmp_path)
    assert scripted.paths().count("/a") == 6
    # 20 ms doubled at each further one: no hurry because the site says 0.
    assert time.monotonic() - began > 0.02 * (1 + 2 + 4 + 8 + 16)
    assert read_failures(tmp_path)["kind"].tolist() == ["status"]


def test_busy_answers_do_not_use_up_the_tries_of_a_page(scripted, tmp_path):
    answers = busy_site(scripted, "0")
    busy = answers["/a"]
    scripted.pages["/a"] = lambda _, before: (
        busy if before < 4 else scripted.http("", "500 No") if before < 6 else scripted.http("a")
    )
    assert run(scripted, tmp_path).failed == 0


def test_a_short_pause_is_kept_by_the_next_call_too(scripted, tmp_path):
    busy_site(scripted, "1")
    run(scripted, tmp_path, pages=2)
    run(scripted, tmp_path, pages=1)
    busy, after = scripted.requests[2:4]
    assert busy.path == "/a" and after.time - busy.time >= 0.99


def test_redirects_are_followed_once_and_loops_are_told_whole(small, tmp_path):
    def to(place):
        return small.http("", "302 Found", Location=place)

    small.pages |= {
        "/": small.http("".join(f'<a href="/{name}">x</a>' for name in ("old", "old2", "l0", "n1", "self", "off"))),
        "/old": to("/clips/c0"),
        "/old2": to("/clips/c11"),
        "/l0": to("/l1"),
        "/l1": to("/l2"),
        "/l2": to("/l1"),
        "/self": to("/self"),
        "/off": to("http://127.0.0.1:1/"),
        **{f"/n{number}": to(f"/n{number + 1}") for number in range(1, 20)},
    }
    report = run(small, tmp_path)
    kinds = read_failures(tmp_path).assign(path=lambda table: table["url"].str.removeprefix(small.url))
    kinds = kinds.set_index("path")["kind"].to_dict()
    loop = dict.fromkeys(("/l0", "/l1", "/l2", "/self"), "redirect-loop")
    long = dict.fromkeys((f"/n{number}" for number in range(1, 7)), "too-many-redirects")
    assert kinds == loop | long | {"/off": "off-site"}
    assert report.redirected >= 2
    assert set(Counter(small.paths()).values()) == {1}


def test_a_site_without_rules_to_read_is_left_alone(scripted, tmp_path):
    scripted.pages["/robots.txt"] = scripted.http("", "503 Busy")
    with pytest.raises(FetchError, match="status 503") as caught:
        run(scripted, tmp_path)
    assert caught.value.kind == "robots"
    assert set(scripted.paths()) == {"/robots.txt"}


def test_a_start_that_the_rules_forbid_or_that_is_none_is_refused(scripted, tmp_path):
    scripted.pages["/robots.txt"] = scripted.http("User-agent: *\nDisallow: /")
    with pytest.raises(FetchError, match="disallows the start"):
        run(scripted, tmp_path)
    with pytest.raises(FetchError, match="bad-url"):
        crawl("file:///etc", tmp_path / "b", progress=False)


def test_a_folder_belongs_to_one_crawl_at_a_time(small, tmp_path):
    run(small, tmp_path)
    with pytest.raises(ValueError, match="give another folder"):
        crawl("http://127.0.0.1:1/", tmp_path, progress=False)
    with pytest.raises(FileNotFoundError, match="crawl into"):
        read_records(tmp_path / "nothing")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "crawl.sqlite").write_bytes(b"not a database" * 99)
    with pytest.raises(ValueError, match="not a crawl's file"):
        run(small, tmp_path / "bad")
    holder = sqlite3.connect(tmp_path / "crawl.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RuntimeError, match="in use"):
        run(small, tmp_path)
    holder.close()


def test_a_disk_that_fills_up_during_a_crawl_names_its_file(small, tmp_path, monkeypatch):
    def nearly_full(path, schema, whose):
        store = open_store(path, schema, whose)
        store.execute("PRAGMA max_page_count=16")
        return store

    monkeypatch.setattr("avrec_lib.collect.frontier.open_store", nearly_full)
    noise = np.random.default_rng(0).bytes(90_000).hex()
    small.pages["/clips/c3"] = clip_page(small, noise)
    with pytest.raises(OSError, match="database or disk is full") as caught:
        run(small, tmp_path)
    assert caught.value.filename == str(tmp_path / "crawl.sqlite")
    monkeypatch.undo()
    assert run(small, tmp_path).resumed and len(read_records(tmp_path)) == 12


def test_a_folder_in_the_place_of_a_crawls_file_is_told(small, tmp_path):
    (tmp_path / "crawl.sqlite").mkdir()
    with pytest.raises(IsADirectoryError, match=r"crawl\.sqlite"):
        run(small, tmp_path)
    with pytest.raises(IsADirectoryError, match=r"crawl\.sqlite"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("missing", value) for value in ("{", "[" * 100_000, "7", '[["title"]]', None)),
        ("status", "odd"),
        ("duration_seconds", "long"),
    ],
)
def test_a_file_of_somebody_else_with_odd_records_is_told_by_its_path(small, tmp_path, column, value):
    run(small, tmp_path)
    with sqlite3.connect(tmp_path / "crawl.sqlite") as database:
        database.execute(f"UPDATE records SET {column} = ? WHERE clip_id = 'c3'", (value,))
    database.close()
    with pytest.raises(ValueError, match=r"crawl\.sqlite") as caught:
        read_records(tmp_path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("html", [zlib.compress(bytes(30_000_000)), b"no zlib", zlib.compress(b"cut")[:-3], "text"])
def test_a_page_that_unpacks_to_too_much_or_to_nothing_is_told_by_its_path(small, tmp_path, html):
    run(small, tmp_path)
    url = f"{small.url}/clips/c3"
    with sqlite3.connect(tmp_path / "crawl.sqlite") as database:
        database.execute("UPDATE records SET html = ? WHERE url = ?", (html, url))
    database.close()
    with pytest.raises(ValueError, match=r"crawl\.sqlite"):
        read_page(tmp_path, url)
    if isinstance(html, bytes) and len(html) > 1000:
        assert len(read_page(tmp_path, url, max_bytes=30_000_000)) == 30_000_000


CHILD = """
import sys
from avrec_lib.collect.crawl import crawl
from avrec_lib.collect.manners import Manners
crawl(sys.argv[1], sys.argv[2], manners=Manners(timeout_seconds=2.0), progress=False)
"""


@pytest.mark.parametrize("after", [1, 4, 9, 13])
def test_a_killed_crawl_loses_nothing_and_doubles_at_most_the_page_under_way(small, tmp_path, after):
    """Kill -9 while a page is under way: its answer is held back until the process is dead."""
    dead = threading.Event()

    def hold(page):
        def answer(request, before):
            if len(small.requests) == after + 2 and not dead.is_set():
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
                dead.set()
            return page

        return answer

    small.pages = {path: hold(page) for path, page in small.pages.items()}
    child = subprocess.Popen([sys.executable, "-c", CHILD, small.url, str(tmp_path)])
    child.wait(30)
    assert dead.is_set()
    known = set(read_records(tmp_path)["url"])
    report = run(small, tmp_path)
    assert report.resumed
    assert set(read_records(tmp_path)["clip_id"]) == {f"c{number}" for number in range(12)}
    assert known <= set(read_records(tmp_path)["url"])
    again = {path: count for path, count in Counter(small.paths()).items() if count > 1}
    assert sum(again.values()) - len(again) <= 1
    assert not {small.url + path for path in again} & known


def test_no_moment_of_a_commit_is_lost_or_doubled(small, tmp_path):
    """Kill -9 at moments that the clock chooses, again and again, until the crawl is through."""
    kills = 0
    for number in itertools.count():
        child = subprocess.Popen([sys.executable, "-c", CHILD, small.url, str(tmp_path)])
        asked = len(small.requests)
        while child.poll() is None and (len(small.requests) < asked + 3 or number >= 3):
            time.sleep(0.001)
        time.sleep(0.002 * number)
        if child.poll() is None:
            child.kill()
            kills += 1
        elif child.returncode == 0:
            break
        child.wait()
        assert number < 10
    assert kills >= 1
    assert len(read_records(tmp_path)) == 12
    counts = Counter(small.paths())
    assert sum(counts.values()) - len(counts) <= kills


# --- the platform's own site -----------------------------------------------------------------------------------------


def test_the_platform_is_read_as_it_is_and_what_is_lost_is_told(world, tmp_path):
    with serve_site(world, crawl_delay=0.01) as site:
        report = crawl(site.url, tmp_path, manners=Manners(timeout_seconds=0.5, total_seconds=1.0), progress=False)
        planted, asked = site.faults, site.requests()
        gaps = asked["time"].sort_values().diff().iloc[1:]
        records, failures = read_records(tmp_path), read_failures(tmp_path)
        assert report.requests == len(asked)
        lost = set(planted.loc[planted["lost"], "url"])
        found = records.merge(world.clips, on="clip_id", suffixes=("", "_true"), validate="1:1")
        assert lost <= set(failures["url"])
        assert len(found) == len(world.clips) - len(
            lost & {f"{site.url}/clips/{name}" for name in world.clips["clip_id"]}
        )
        assert gaps.min().total_seconds() >= 0.0095
        titled = found[found["title"].notna()]
        plain = ~titled["title_true"].str.contains("[<&]")
        assert (titled["title"] == titled["title_true"].str.split().str.join(" "))[plain].all()
        assert not titled["title"].str.contains("<[a-zA-Z/]").any()
        assert (found["uploaded"] == found["release_time"]).all()
        assert (found["creator_id"] == found["creator_id_true"]).all()
        assert (found["tags"].fillna("") == found["tags_true"].fillna("")).all()
        assert found["description"].isna().equals(found["description_true"].isna())
        clean = found[~found["url"].isin(planted["url"])]
        touched = clean["url"].iloc[-1]
        site.touch(clean["clip_id"].iloc[-1], title="Another title")
        again = crawl(site.url, tmp_path, manners=Manners(timeout_seconds=0.5, total_seconds=1.0), progress=False)
    assert read_records(tmp_path).set_index("url").loc[touched, ["title", "status"]].tolist() == ["Another title", 200]
    assert again.unchanged > 0.7 * report.stored
    assert again.megabytes < 0.5 * report.megabytes
