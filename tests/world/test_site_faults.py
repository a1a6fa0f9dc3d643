"""The site as a badly behaved server: each planted fault does what it says, and the plan leaves most pages healthy."""

import json
import time
import zlib
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import pytest
from bs4 import BeautifulSoup

from avrec_lib.world import World
from avrec_lib.world.site import FAULT_KINDS, LOST_KINDS, Site, serve_site
from avrec_lib.world.site.faults import plan_faults
from avrec_lib.world.site.misbehaviour import HUGE_BYTES

SLOW = 0.4


@pytest.fixture
def site(tiny_world: World) -> Iterator[Site]:
    with serve_site(tiny_world, slow_seconds=SLOW) as running:
        yield running


@pytest.fixture
def http(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, trust_env=False, timeout=10) as client:
        yield client


def places(site: Site, kind: str, detail: str | None = None) -> list[str]:
    table = site.faults[site.faults["kind"] == kind]
    return table["url"].tolist() if detail is None else table.loc[table["detail"] == detail, "url"].tolist()


def seconds_of(call: object, *args: object) -> tuple[float, httpx.Response]:
    began = time.perf_counter()
    answer = call(*args)  # type: ignore[operator]
    return time.perf_counter() - began, answer


def is_whole(answer: httpx.Response) -> bool:
    page = BeautifulSoup(answer.content, "html.parser")
    return answer.status_code == 200 and page.select_one("h1.clip-title") is not None


@pytest.mark.parametrize("clips", [1, 12, 62, 490, 5_000])
def test_every_kind_is_planted_and_most_pages_are_healthy(clips: int) -> None:
    names = [f"c{number:07d}" for number in range(clips)]
    titles = ["夜" if k % 7 == 0 else "Ночь" if k % 7 == 1 else "night" for k in range(clips)]
    faults = plan_faults(names, titles, seed=4)
    assert {fault.kind for fault in faults} == set(FAULT_KINDS)
    paths = [fault.path for fault in faults if fault.clip_id]
    assert len(paths) == len(set(paths))
    broken = [fault for fault in faults if fault.clip_id in names and fault.kind != "api-conflict"]
    assert len(broken) <= 0.2 * clips
    if clips >= 62:  # patience is then rewarded with real clips
        assert {fault.kind for fault in broken} >= set(FAULT_KINDS) - LOST_KINDS - {
            kind for kind in FAULT_KINDS if kind.startswith("api")
        }
        shown = {fault.detail: titles[names.index(fault.clip_id)] for fault in faults if fault.kind == "wrong-charset"}
        assert shown == {"utf-8 declared as iso-8859-1": shown["utf-8 declared as iso-8859-1"],
                         "windows-1251 declared as utf-8": "Ночь"}  # fmt: skip
        assert not shown["utf-8 declared as iso-8859-1"].isascii()


def test_full_size_has_more_of_each_kind_but_not_of_those_that_cost_time() -> None:
    faults = plan_faults([f"c{number}" for number in range(490)], ["夜 Ночь"] * 490, seed=0)
    count = {kind: sum(fault.kind == kind for fault in faults) for kind in FAULT_KINDS}
    assert all(count[kind] >= 3 for kind in ("redirect", "broken-json-ld", "status-404", "huge", "no-title-node"))
    assert (count["slow-once"], count["slow-always"], count["endless"], count["status-429-once"]) == (1, 1, 1, 2)


def test_plan_follows_the_seed(tiny_world: World) -> None:
    names = [f"c{number}" for number in range(100)]
    plans = [plan_faults(names, names, seed) for seed in (0, 0, 1)]
    assert plans[0] == plans[1] != plans[2]


def test_some_kinds_alone_stay_where_they_are_among_all() -> None:
    names = [f"c{number}" for number in range(60)]
    everything = plan_faults(names, names, seed=3)
    some = {"redirect", "huge", "api-cut-once", "api-conflict"}
    assert plan_faults(names, names, seed=3, kinds=some) == [fault for fault in everything if fault.kind in some]
    with pytest.raises(ValueError, match="no fault is called 'hugh'; there are slow-once"):
        plan_faults(names, names, seed=3, kinds={"redirect", "hugh"})


def test_site_plants_the_kinds_asked_for_and_no_others(tiny_world: World) -> None:
    wanted = {"status-404", "api-429-once"}
    with serve_site(tiny_world, faults=wanted) as site:
        assert set(site.faults["kind"]) == wanted
        for url in site.faults.query("kind == 'status-404'")["url"]:
            assert httpx.get(url, trust_env=False).status_code == 404


def test_site_without_faults_has_none(tiny_world: World) -> None:
    with serve_site(tiny_world, faults=False) as site, httpx.Client(base_url=site.url, trust_env=False) as http:
        assert site.faults.empty
        assert all(is_whole(http.get(f"/clips/{name}")) for name in tiny_world.clips["clip_id"])


def test_all_other_clip_pages_are_healthy(site: Site, http: httpx.Client, tiny_world: World) -> None:
    faulty = set(site.faults.loc[site.faults["kind"] != "api-conflict", "clip_id"])
    healthy = [name for name in tiny_world.clips["clip_id"] if name not in faulty]
    assert len(healthy) >= 0.8 * len(tiny_world.clips)
    assert all(is_whole(http.get(f"/clips/{name}")) for name in healthy)


def test_extra_pages_are_linked_from_the_front_page(site: Site, http: httpx.Client, tiny_world: World) -> None:
    page = BeautifulSoup(http.get("/").text, "html.parser")
    linked = {site.url + link["href"] for link in page.select("a.clip")}
    extra = site.faults[site.faults["clip_id"].str.startswith("c9999")]
    assert len(extra) > 0 and set(extra["url"]) <= linked
    assert not set(extra["clip_id"]) & set(tiny_world.clips["clip_id"])


def test_slow_once_is_slow_once(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "slow-once")
    (first, answer), (second, again) = seconds_of(http.get, url), seconds_of(http.get, url)
    assert first >= SLOW > second
    assert is_whole(answer) and is_whole(again)


def test_slow_always_is_slow_every_time(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "slow-always")
    assert min(seconds_of(http.get, url)[0] for _ in range(2)) >= SLOW


def test_server_errors_pass_or_stay(site: Site, http: httpx.Client) -> None:
    (passing,), (staying,) = places(site, "status-500-once"), places(site, "status-500-always")
    assert [http.get(passing).status_code for _ in range(3)] == [500, 200, 200]
    assert [http.get(staying).status_code for _ in range(3)] == [500, 500, 500]
    assert [http.get(url).status_code for url in places(site, "status-404")] == [404]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_too_many_requests_holds_until_the_time_it_names(site: Site, http: httpx.Client, form: str) -> None:
    (url,) = places(site, "status-429-once", form)
    first = http.get(url)
    after = first.headers["retry-after"]
    until = parsedate_to_datetime(after).timestamp() if form == "date" else time.time() + float(after)
    assert first.status_code == http.get(url).status_code == 429  # too early
    assert 0 < until - time.time() <= 2.0
    time.sleep(max(0.0, until - time.time() - 0.5))
    assert http.get(url).status_code == 429  # still too early
    time.sleep(max(0.0, until - time.time()) + 0.02)
    assert is_whole(http.get(url))


def test_redirect_ends_at_the_clip(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "redirect")
    first = http.get(url)
    assert (first.status_code, first.headers["location"]) == (301, f"{url.removeprefix(site.url)}/moved")
    last = http.get(first.headers["location"])
    assert is_whole(last)
    assert BeautifulSoup(last.text, "html.parser").find("link", rel="canonical")["href"] == url


def test_redirect_loop_never_ends(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "redirect-loop")
    with pytest.raises(httpx.TooManyRedirects):
        http.get(url, follow_redirects=True)


def test_redirects_off_site_leave_by_host_scheme_and_port(site: Site, http: httpx.Client) -> None:
    targets = [httpx.URL(http.get(url).headers["location"]) for url in places(site, "redirect-off-site")]
    here = httpx.URL(site.url)
    assert len(targets) == 3
    differing = [
        [name for name in ("host", "scheme", "port") if getattr(target, name) != getattr(here, name)]
        for target in targets
    ]
    assert differing == [["host"], ["scheme"], ["port"]]
    assert httpx.get(targets[0], trust_env=False).status_code == 200
    assert site.requests()["path"].str.startswith("/elsewhere/").sum() == 1  # a visit is seen


def test_page_without_title_has_the_rest(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "no-title-node")
    page = BeautifulSoup(http.get(url).text, "html.parser")
    assert page.h1 is None and page.script is None and page.find("meta", property="og:title") is None
    assert page.title.get_text() == "Tidepool"
    assert page.select_one("a.creator") is not None and page.time is not None


def test_broken_structured_data_stands_on_a_whole_page(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "broken-json-ld")
    answer = http.get(url)
    with pytest.raises(json.JSONDecodeError):
        json.loads(BeautifulSoup(answer.text, "html.parser").script.string)
    assert is_whole(answer)


def test_wrong_charsets_are_wrong_and_can_be_mended(site: Site, http: httpx.Client) -> None:
    latin, cyrillic = places(site, "wrong-charset")
    answer = http.get(latin)
    assert answer.charset_encoding == "iso-8859-1"
    assert "©" in answer.content.decode("utf-8") and "Â©" in answer.text
    answer = http.get(cyrillic)
    assert answer.charset_encoding == "utf-8"
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")
    assert "© Tidepool — short" in answer.content.decode("cp1251")


def test_huge_page_is_huge_and_leaves_the_site_alive(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "huge")
    size = 0
    with http.stream("GET", url) as answer:
        assert "content-length" not in answer.headers
        for part in answer.iter_raw():
            size += len(part)
    assert HUGE_BYTES * 0.99 < size < HUGE_BYTES * 1.01
    with http.stream("GET", url) as answer:
        next(answer.iter_raw())  # and go away
    assert http.get("/").status_code == 200


def test_endless_page_drips_and_others_are_served_meanwhile(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "endless")
    began = time.perf_counter()
    with http.stream("GET", url, timeout=1.0) as answer:
        parts = answer.iter_raw()
        for _ in range(5):
            assert next(parts)
            with httpx.Client(trust_env=False) as other:
                assert other.get(site.url).status_code == 200
    assert 0.5 < time.perf_counter() - began < 5


def test_gzip_bomb_is_small_and_unpacks_to_gigabytes(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "gzip-bomb")
    with http.stream("GET", url) as answer:
        packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip, gzip"
        assert "text/html" in answer.headers["content-type"]
    assert len(packed) < 25_000
    inner = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(packed)
    size = len(zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(inner[:30_000]))
    assert size / 30_000 * len(inner) > 4e9


def test_picture_under_a_clips_address_says_so(site: Site, http: httpx.Client) -> None:
    (url,) = places(site, "not-html")
    answer = http.get(url)
    assert answer.headers["content-type"] == "image/jpeg" and answer.content[:3] == b"\xff\xd8\xff"


def test_asking_for_heads_only_never_hangs(site: Site, http: httpx.Client) -> None:
    for url in site.faults["url"][site.faults["clip_id"] != ""].unique():
        answer = http.head(url, timeout=SLOW + 1)
        assert answer.content == b""


def test_lost_marks_exactly_what_patience_cannot_get(site: Site, http: httpx.Client) -> None:
    table = site.faults
    assert set(table.loc[table["lost"], "kind"]) == set(LOST_KINDS)
    tame = table[~table["lost"] & (table["clip_id"] != "")]
    for url in tame["url"]:
        http.get(url, follow_redirects=True)
    time.sleep(2.05)  # the longest that a refusal holds
    for kind, url in zip(tame["kind"], tame["url"], strict=True):
        answer = http.get(url, follow_redirects=True)
        assert answer.status_code == 200, url
        assert is_whole(answer) == (kind != "no-title-node"), url
