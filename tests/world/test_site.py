"""The site as a well-behaved server: pages, escaping, conditional requests, what is closed, starting and stopping."""

import ast
import asyncio
import contextlib
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import httpx
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from protego import Protego

import avrec_lib.world.site
from avrec_lib.world import World
from avrec_lib.world.site import Site, serve_site
from avrec_lib.world.site.series import read_series

NASTY = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--<script>",
    "]]> & &amp; &lt;b&gt;",
    "\u2028line\u2029 and \x07 bell",
    "{{7*7}} ${7*7} %s {0}",
    "\u202eright to left 夜 🎉",
]


def client(site: Site) -> httpx.Client:
    return httpx.Client(base_url=site.url, trust_env=False, timeout=10)


def soup(answer: httpx.Response) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


def raw(site: Site, sent: bytes, seconds: float = 2.0) -> bytes:
    """Send bytes as they are and return everything that comes back."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as link:
        link.sendall(sent)
        got = b""
        try:
            while part := link.recv(65_536):
                got += part
        except (TimeoutError, ConnectionResetError):
            pass
    return got


def nasty_world(world: World) -> SimpleNamespace:
    """A platform whose creators write the worst titles, descriptions and tags."""
    clips = world.clips.copy()
    texts = [NASTY[k % len(NASTY)] for k in range(len(clips))]
    clips["title"], clips["description"], clips["tags"] = texts, texts, [text.replace("|", "") for text in texts]
    return SimpleNamespace(clips=clips, users=world.users, events=world.events, media=world.media)


@pytest.fixture(scope="module")
def site(tiny_world: World) -> Iterator[Site]:
    with serve_site(tiny_world, faults=False) as running:
        yield running


@pytest.fixture(scope="module")
def http(site: Site) -> Iterator[httpx.Client]:
    with client(site) as open_client:
        yield open_client


def test_clip_page_tells_what_the_catalogue_tells(site: Site, http: httpx.Client, tiny_world: World) -> None:
    for row in tiny_world.clips.to_dict("records"):
        page = soup(http.get(f"/clips/{row['clip_id']}"))
        facts = json.loads(page.find("script", type="application/ld+json").string)
        assert page.select_one("h1.clip-title").get_text() == facts["name"] == row["title"]
        assert page.find("meta", property="og:title")["content"] == row["title"]
        described = isinstance(row["description"], str) and row["description"] != ""
        assert facts.get("description") == (row["description"] if described else None)
        assert (page.select_one("p.description") is not None) == described
        assert "|".join(facts["keywords"]) == (row["tags"] if isinstance(row["tags"], str) else "")
        assert [tag.get_text() for tag in page.select("ul.tags li")] == facts["keywords"]
        assert pd.Timestamp(facts["uploadDate"]) == row["release_time"]
        assert pd.Timedelta(facts["duration"]).total_seconds() == pytest.approx(row["duration_seconds"], abs=1e-6)
        assert float(page.select_one(".duration")["data-seconds"]) == pytest.approx(row["duration_seconds"], abs=1e-6)
        assert facts["creator"]["url"] == f"{site.url}/creators/{row['creator_id']}"
        assert facts["contentUrl"] == f"{site.url}/media/{row['path']}"


def test_counts_on_pages_are_those_of_the_log(http: httpx.Client, tiny_world: World) -> None:
    events = tiny_world.events
    for clip_id in tiny_world.clips["clip_id"]:
        page = soup(http.get(f"/clips/{clip_id}"))
        facts = json.loads(page.find("script", type="application/ld+json").string)
        told = {s["interactionType"]["@type"]: s["userInteractionCount"] for s in facts["interactionStatistic"]}
        mine = events[events["clip_id"] == clip_id]["kind"].value_counts()
        assert told == {"WatchAction": mine.get("watch", 0), "LikeAction": mine.get("like", 0)}


def test_no_text_of_a_person_becomes_markup(tiny_world: World) -> None:
    with serve_site(nasty_world(tiny_world)) as site, client(site) as http:
        texts = set(NASTY)
        creator = tiny_world.clips["creator_id"].iloc[0]
        addresses = [f"/clips/{clip_id}" for clip_id in tiny_world.clips["clip_id"]]
        for address in ["/", "/browse", f"/creators/{creator}", "/search?q=script", *addresses]:
            answer = http.get(address)
            if answer.status_code != 200 or "text/html" not in answer.headers["content-type"]:
                continue
            page = soup(answer)
            assert not page.find_all(["img", "b"]), address
            assert not [tag for tag in page.find_all(True) if any(name.startswith("on") for name in tag.attrs)]
            assert all(script.get("type") == "application/ld+json" for script in page.find_all("script"))
            assert "<script>" not in answer.text and "<!--" not in answer.text
            heading = page.select_one("h1.clip-title")
            if heading is not None:
                assert heading.get_text() in texts


def test_search_words_do_not_become_markup(http: httpx.Client) -> None:
    for words in NASTY:
        page = soup(http.get("/search", params={"q": words}))
        assert not page.find_all(["script", "img"])
        assert page.h1.get_text().endswith(f"for {words}")


def test_pages_are_well_formed(http: httpx.Client, tiny_world: World) -> None:
    class Balance(HTMLParser):
        open: ClassVar[list[str]] = []

        def handle_starttag(self, tag: str, attrs: list) -> None:
            if tag not in ("meta", "link", "input", "br"):
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    person = tiny_world.users["user_id"].iloc[0]
    for address in ["/", "/browse", f"/clips/{tiny_world.clips['clip_id'].iloc[0]}", f"/private/history/{person}"]:
        Balance.open = []
        Balance().feed(http.get(address).text)
        assert Balance.open == []


def test_every_clip_is_found_by_browsing_and_in_the_sitemaps(tiny_world: World) -> None:
    copies = pd.concat([tiny_world.clips.assign(clip_id=tiny_world.clips["clip_id"] + f"x{k}") for k in range(4)])
    world = SimpleNamespace(clips=copies, users=tiny_world.users, events=tiny_world.events, media=tiny_world.media)
    with serve_site(world, faults=False) as site, client(site) as http:
        seen: list[str] = []
        address: str | None = "/browse?page=1"
        while address:
            page = soup(http.get(address))
            seen += [link["href"].removeprefix("/clips/") for link in page.select("a.clip")]
            following = page.find("link", rel="next")
            address = following["href"] if following else None
        assert sorted(seen) == sorted(copies["clip_id"])
        assert len(seen) == len(set(seen))
        index = http.get("/sitemap.xml").text
        plain, packed = re.findall("<loc>(.*?)</loc>", index)
        assert packed.endswith(".gz")
        text = http.get(plain).text + gzip.decompress(http.get(packed).content).decode()
        listed = re.findall(r"<loc>(.*?)</loc><lastmod>(.*?)</lastmod>", text)
        assert sorted(url for url, _ in listed) == sorted(f"{site.url}/clips/{name}" for name in copies["clip_id"])
        assert all(pd.Timestamp(changed).tz is not None for _, changed in listed)


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "1e9", "²", "9" * 5000, ""])
def test_unknown_browse_page_is_404(http: httpx.Client, page: str) -> None:
    assert http.get("/browse", params={"page": page}).status_code == 404


def test_robots_txt_closes_what_is_private(tiny_world: World) -> None:
    with serve_site(tiny_world, crawl_delay=0.00001) as site, client(site) as http:
        rules = Protego.parse(http.get("/robots.txt").text)
        assert rules.crawl_delay("avrec-book/0.1") == pytest.approx(0.00001)
        assert list(rules.sitemaps) == [f"{site.url}/sitemap.xml"]
        for path, open_ in {
            "/": True, "/browse?page=2": True, "/clips/c0000001": True, "/media/c0000001.mp4": True,
            "/private/history/u0000001": False, "/search?q=x": False, "/api/v1/clips": False,
        }.items():  # fmt: skip
            assert rules.can_fetch(site.url + path, "avrec-book/0.1") == open_, path
            assert not rules.can_fetch(site.url + path, "GreedyBot/2.0")


def test_private_page_exists_is_linked_and_holds_a_history(http: httpx.Client, tiny_world: World) -> None:
    address = soup(http.get("/")).find("a", string="Your history")["href"]
    user_id = address.rpartition("/")[2]
    page = soup(http.get(address))
    mine = tiny_world.events[tiny_world.events["user_id"] == user_id]
    assert len(page.find_all("tr")) == min(50, len(mine)) > 0
    assert http.get("/private/history/nobody").status_code == 404


def test_watch_address_moves_permanently_to_the_clip(http: httpx.Client, tiny_world: World) -> None:
    clip_id = tiny_world.clips["clip_id"].iloc[3]
    answer = http.get("/watch", params={"v": clip_id})
    assert (answer.status_code, answer.headers["location"]) == (301, f"/clips/{clip_id}")
    assert http.get("/watch", params={"v": "//evil.example/"}).status_code == 404


@pytest.mark.parametrize("address", ["/", "/browse", "/clips/{clip}", "/creators/{creator}", "/sitemap-2.xml.gz"])
def test_known_page_is_not_sent_again(http: httpx.Client, tiny_world: World, address: str) -> None:
    first = tiny_world.clips.iloc[0]
    address = address.format(clip=first["clip_id"], creator=first["creator_id"])
    answer = http.get(address)
    etag, changed = answer.headers["etag"], answer.headers["last-modified"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        known = http.get(address, headers={"if-none-match": sent})
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    assert http.get(address, headers={"if-modified-since": changed}).status_code == 304
    assert http.get(address, headers={"if-modified-since": "Mon, 01 Jan 2001 00:00:00 GMT"}).status_code == 200
    assert http.get(address, headers={"if-modified-since": "yesterday"}).status_code == 200
    # An ETag that does not match counts more than a date that does (RFC 9110, 13.1.3).
    both = {"if-none-match": '"other"', "if-modified-since": changed}
    assert http.get(address, headers=both).status_code == 200


def test_touched_clip_has_another_etag_and_no_other_clip_has(tiny_world: World) -> None:
    with serve_site(tiny_world, faults=False) as site, client(site) as http:
        names = tiny_world.clips["clip_id"].tolist()
        before = {name: http.get(f"/clips/{name}").headers for name in names}
        assert site.touch(names[2]).endswith(" (edited)")
        assert site.touch(names[2], "Quite <new>") == "Quite <new>"
        after = {name: http.get(f"/clips/{name}", headers={"if-none-match": before[name]["etag"]}) for name in names}
        assert [name for name in names if after[name].status_code == 200] == [names[2]]
        assert soup(after[names[2]]).h1.get_text() == "Quite <new>"
        dates = [pd.Timestamp(h["last-modified"]) for h in (before[names[2]], after[names[2]].headers)]
        assert dates[0] < dates[1]
        with pytest.raises(KeyError, match="no clip 'c99'"):
            site.touch("c99")
        with pytest.raises(ValueError, match="lone surrogate"):
            site.touch(names[0], "\ud800")


def test_media_are_served_whole_and_in_ranges(http: httpx.Client, tiny_world: World) -> None:
    row = tiny_world.clips.iloc[1]
    content = tiny_world.media(row["clip_id"]).read_bytes()
    whole = http.get(f"/media/{row['path']}")
    assert whole.content == content
    part = http.get(f"/media/{row['path']}", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert http.get(f"/media/{row['path']}", headers={"range": "bytes=999999999-"}).status_code == 416
    again = http.get(f"/media/{row['path']}", headers={"if-none-match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/media/../manifest.json", "/media/../../tables/clips.parquet", "/media/..%2fmanifest.json",
        "/media/%2e%2e/manifest.json", "/media/%2e%2e%2fmanifest.json", "/media/..%5cmanifest.json",
        "/media//etc/passwd", "/media/%2fetc%2fpasswd", "/media/c0000001.mp4%00.txt", "/media/", "/media/.",
        "/media/..", "/media/./c0000001.mp4", "/media/x/../c0000001.mp4", "/media/file:%2f%2f%2fetc%2fpasswd",
        "/media/%c0%ae%c0%ae/manifest.json", "/media/....//manifest.json", "/clips/../media/../manifest.json",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_media(site: Site, path: str) -> None:
    host = site.url.removeprefix("http://")
    got = raw(site, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 404"), got[:200]


def test_media_that_lead_elsewhere_are_not_served(tiny_world: World, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "secret").write_text("secret")
    clips = tiny_world.clips.copy()
    clips.loc[clips.index[0], "path"] = "../secret"
    (tmp_path / "media" / clips["path"].iloc[1]).symlink_to(tmp_path / "secret")
    world = World("tiny", 3, tmp_path, tiny_world.manifest)
    vars(world).update(clips=clips, users=tiny_world.users, events=tiny_world.events)
    with serve_site(world, faults=False) as site, client(site) as http:
        for name in ("..%2fsecret", clips["path"].iloc[1], clips["path"].iloc[2]):
            answer = http.get(f"/media/{name}")
            assert (answer.status_code, b"secret" in answer.content) == (404, False), name


def test_server_listens_on_this_machine_only(site: Site) -> None:
    port = int(site.url.rpartition(":")[2])
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F:{port:04X}"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "", "localhost.evil.example:{port}"])
def test_other_host_names_are_refused(http: httpx.Client, site: Site, host: str) -> None:
    port = site.url.rpartition(":")[2]
    assert http.get("/", headers={"host": host.format(port=port)}).status_code == 400
    assert http.get("/", headers={"host": f"localhost:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\xff\x16\x03\x01 not HTTP\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: {host}\r\n\r\n", b"GET /clips/%ff%fe HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"POST /api/v1/token HTTP/1.1\r\nHost: {host}\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/token HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: {host}\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET /browse?page=%00%ff&page=2 HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"DELETE / HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nIf-None-Match: \xff\xfe,,,\"\r\nIf-Modified-Since: \xff\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)  # fmt: skip
def test_strange_requests_neither_stop_the_site_nor_print(
    tiny_world: World, sent: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with serve_site(tiny_world, faults=False) as site:
        host = site.url.removeprefix("http://").encode()
        got = raw(site, sent.replace(b"{host}", host), seconds=0.5)
        assert not got or got.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4"))
        with client(site) as http:
            assert http.get("/").status_code == 200
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_diary_holds_every_request_in_order(tiny_world: World) -> None:
    with serve_site(tiny_world, faults=False) as site, client(site) as http:
        assert site.requests().empty
        began = pd.Timestamp.now("UTC")
        etag = http.get("/browse?page=1", headers={"user-agent": "tester/1"}).headers["etag"]
        http.get("/browse?page=1", headers={"if-none-match": etag})
        size = len(http.get("/nowhere").content)
        http.head("/")
        log = site.requests()
    assert log["path"].tolist() == ["/browse", "/browse", "/nowhere", "/"]
    assert log["query"].tolist() == ["page=1", "page=1", "", ""]
    assert log["status"].tolist() == [200, 304, 404, 200]
    assert log["method"].tolist() == ["GET", "GET", "GET", "HEAD"]
    assert log["bytes"].tolist()[1:] == [0, size, 0]
    assert log["agent"].iloc[0] == "tester/1"
    assert log["if_none_match"].iloc[1] == etag and log["if_none_match"].isna().tolist() == [True, False, True, True]
    assert log["time"].is_monotonic_increasing and log["time"].between(began, pd.Timestamp.now("UTC")).all()
    assert len(site.requests()) == 4  # still there after the stop


def test_diary_can_be_switched_off(tiny_world: World) -> None:
    with serve_site(tiny_world, log_requests=False) as site, client(site) as http:
        http.get("/")
        assert site.requests().empty
        assert str(site.requests()["time"].dtype) == "datetime64[us, UTC]"


def test_several_sites_run_at_once_and_keep_apart(tiny_world: World) -> None:
    with serve_site(tiny_world, faults=False) as one, serve_site(tiny_world, seed=1) as two:
        assert one.url != two.url and one.client_secret != two.client_secret
        with client(one) as http, client(two) as other:
            name = tiny_world.clips["clip_id"].iloc[0]
            one.touch(name, "changed here")
            assert "changed here" in http.get(f"/clips/{name}").text
            assert "changed here" not in other.get("/browse").text
        assert len(one.requests()) == len(two.requests()) == 1


def test_site_starts_within_a_second_and_stops_within_one(tiny_world: World) -> None:
    began = time.perf_counter()
    site = serve_site(tiny_world).start()
    started = time.perf_counter()
    assert httpx.get(site.url, trust_env=False).status_code == 200
    stopping = time.perf_counter()
    site.stop()
    assert started - began < 1 and time.perf_counter() - stopping < 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(site.url, trust_env=False)
    site.stop()  # once more does no harm
    with pytest.raises(RuntimeError, match="started before"):
        site.start()


def test_hanging_clients_do_not_keep_the_site_from_stopping(
    tiny_world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    threads = threading.active_count()
    site = serve_site(tiny_world).start()
    host, port = site.url.removeprefix("http://").split(":")
    clips = site.faults.set_index("kind")["url"]
    links = []
    for kind in ("huge", "endless", "slow-always"):  # asked for, never read
        link = socket.create_connection((host, int(port)))
        path = clips[kind].removeprefix(site.url)
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        links.append(link)
    for begun in (b"", b"GET / HTT", b"POST /api/v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nab"):
        link = socket.create_connection((host, int(port)))
        link.sendall(begun)
        links.append(link)
    time.sleep(0.2)
    began = time.perf_counter()
    site.stop()
    assert time.perf_counter() - began < 2
    assert threading.active_count() == threads
    assert capfd.readouterr() == ("", "")
    for link in links:  # each is really closed, not left to the garbage collector
        link.settimeout(2)
        with link, contextlib.suppress(ConnectionResetError):
            while link.recv(1 << 20):
                pass


def test_stopping_ends_an_answer_in_progress_and_does_not_cut_it(tiny_world: World) -> None:
    with serve_site(tiny_world, slow_seconds=60.0) as site, ThreadPoolExecutor(1) as pool, client(site) as http:
        slow = site.faults.set_index("kind").loc["slow-always", "url"]
        answer = pool.submit(http.get, slow)
        while site.requests().empty:
            time.sleep(0.01)
        site.stop()
        assert soup(answer.result(timeout=5)).h1 is not None


def test_small_answers_are_sent_at_once(http: httpx.Client) -> None:
    times = []
    for _ in range(30):
        began = time.perf_counter()
        http.get("/browse")
        times.append(time.perf_counter() - began)
    assert sorted(times)[15] < 0.03  # 0.04 where Nagle's delay is not turned off


def test_site_runs_beside_a_loop_that_is_already_running(tiny_world: World) -> None:
    async def cell() -> int:  # as a notebook's cell does
        with serve_site(tiny_world, faults=False) as site:
            async with httpx.AsyncClient(trust_env=False) as http:
                return (await http.get(site.url)).status_code

    with ThreadPoolExecutor(1) as thread:  # the tests' browser may have left a loop running in this one
        assert thread.submit(asyncio.run, cell()).result() == 200


def test_taken_port_and_wrong_delay_are_said(tiny_world: World, site: Site) -> None:
    with pytest.raises(OSError, match="in use"):
        serve_site(tiny_world, port=int(site.url.rpartition(":")[2])).start()
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="crawl_delay is a number of seconds"):
            serve_site(tiny_world, crawl_delay=wrong)
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = serve_site(tiny_world).url


def test_a_mistake_of_the_site_itself_is_not_hidden(tiny_world: World) -> None:
    def broken(clip_id: str) -> Path:
        raise ZeroDivisionError(clip_id)

    world = SimpleNamespace(clips=tiny_world.clips, users=tiny_world.users, events=tiny_world.events, media=broken)
    site = serve_site(world).start()
    name = tiny_world.clips["path"].iloc[0]
    assert httpx.get(f"{site.url}/media/{name}", trust_env=False).status_code == 500
    with pytest.raises(RuntimeError, match=f"first at /media/{name}: ZeroDivisionError"):
        site.stop()
    with pytest.raises(KeyError), serve_site(world) as second:  # the block's own error goes first
        httpx.get(f"{second.url}/media/{name}", trust_env=False)
        raise KeyError("mine")


def test_site_does_not_know_the_truth(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(self: World) -> None:
        raise AssertionError("the site looked at the truth")

    monkeypatch.setattr(World, "truth", property(hidden))
    world = World(tiny_world.profile, tiny_world.seed, tiny_world.folder, tiny_world.manifest)
    with serve_site(world) as site, client(site) as http:
        assert http.get("/").status_code == 200
    for path in Path(avrec_lib.world.site.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not names & {"avrec_lib.world.truth", "avrec_lib.world.oracle", "avrec_lib.world.catalogue"}, path


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("[Field Notes #48] euphoric dovetail joint",), ("Field Notes", 48)),
        (("od no. 20 – ivories after closing time",), ("Open Doors", 20)),
        (("noun, warm | nl 22",), ("Nine Lives", 22)),
        (("Platform Four", "No tricks. Episode 58 of Field Notes. @pilar"), ("Field Notes", 58)),
        (("x", "Hushed Engines, number 51."), ("Quiet Machines", 51)),
        (("walk through the woods | NL",), ("Nine Lives", None)),
        (("a", "More from S&I every week."), ("Salt and Iron", None)),
        (("a", "#paperboats Follow @otto"), ("Paper Boats", None)),
        (("warm hammer, take 48", None), None),
        (("we am 60 and proud of nothing no. 3",), None),
        (("bit of od and ends", "part of the game"), None),
    ],
)
def test_series_is_read_as_the_text_names_it(texts: tuple, found: tuple | None) -> None:
    assert read_series(*texts) == found
