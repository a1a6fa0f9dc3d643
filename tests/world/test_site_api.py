"""The API: tokens, pages, refusals, planted disagreements, and what it says to those who send nonsense."""

import json
import time
from collections.abc import Iterator

import httpx
import pandas as pd
import pytest

from avrec_lib.world import World
from avrec_lib.world.site import Site, serve_site
from avrec_lib.world.site.api import LONGEST_PAGE, TOKEN_REQUESTS


@pytest.fixture
def site(tiny_world: World) -> Iterator[Site]:
    with serve_site(tiny_world, faults=False) as running:
        yield running


@pytest.fixture
def http(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{site.url}/api/v1", trust_env=False, timeout=10) as client:
        yield client


def bearer(site: Site, http: httpx.Client) -> dict[str, str]:
    form = {"client_id": site.client_id, "client_secret": site.client_secret}
    return {"authorization": f"Bearer {http.post('/token', data=form).json()['access_token']}"}


def download(site: Site, http: httpx.Client, limit: int) -> list[dict]:
    """Fetch every page, with a new token for each, asking again where an answer is unusable."""
    items, cursor, patience = [], "", 20
    while cursor is not None and (patience := patience - 1):
        answer = http.get("/clips", params={"limit": limit, "cursor": cursor}, headers=bearer(site, http))
        if answer.status_code == 429:
            time.sleep(float(answer.headers["retry-after"]))
            continue
        try:
            page = answer.json()
        except json.JSONDecodeError:
            continue
        items += page["items"]
        cursor = page["next_cursor"]
    return items


@pytest.mark.parametrize("limit", [1, 5, 12, 50])
def test_pages_hold_every_clip_once(site: Site, http: httpx.Client, tiny_world: World, limit: int) -> None:
    items = download(site, http, limit)
    if limit == 1:  # twenty requests of patience
        assert len({item["clip_id"] for item in items}) == len(items) == min(19, len(tiny_world.clips))
    else:
        assert sorted(item["clip_id"] for item in items) == sorted(tiny_world.clips["clip_id"])


def test_items_tell_what_the_catalogue_tells(site: Site, http: httpx.Client, tiny_world: World) -> None:
    answer = http.get("/clips", headers=bearer(site, http)).json()
    assert answer["total"] == len(tiny_world.clips) and answer["next_cursor"] is None
    rows = tiny_world.clips.set_index("clip_id")
    for item in answer["items"]:
        row = rows.loc[item["clip_id"]]
        assert item["title"] == row["title"] and item["creator"]["id"] == row["creator_id"]
        assert item["duration_ms"] == pytest.approx(row["duration_seconds"] * 1000, abs=0.5)
        assert pd.Timestamp(item["uploaded"]) == row["release_time"]
        assert {"views", "likes", "kind", "series", "episode"} <= item.keys()


def test_kind_agrees_with_the_series_behind_the_text(site: Site, http: httpx.Client, tiny_world: World) -> None:
    items = pd.DataFrame(http.get("/clips", headers=bearer(site, http)).json()["items"]).set_index("clip_id")
    truth = tiny_world.truth.clips["series"].reindex(items.index)
    episodes = items[items["kind"] == "episode"]
    assert len(episodes) > 0
    assert (episodes["series"] == truth[episodes.index]).all()
    assert items.loc[items["kind"] == "single", "series"].isna().all()


def test_token_wears_out_and_can_be_renewed(site: Site, http: httpx.Client) -> None:
    token = bearer(site, http)
    codes = [http.get("/clips?limit=1", headers=token).status_code for _ in range(TOKEN_REQUESTS + 2)]
    assert codes == [200] * TOKEN_REQUESTS + [401, 401]
    assert http.get("/clips?limit=1", headers=bearer(site, http)).status_code == 200


@pytest.mark.parametrize("sent", [None, "Bearer", "Bearer x", "Basic abc", "Bearer \xff"])
def test_without_a_token_nothing_is_given(http: httpx.Client, sent: str | None) -> None:
    headers = {} if sent is None else {"authorization": sent.encode("latin-1")}
    answer = http.get("/clips", headers=headers)
    assert answer.status_code == 401
    assert answer.json().keys() == {"error", "detail"}
    assert "Bearer" in answer.headers["www-authenticate"]


def test_tokens_and_cursors_of_another_site_do_not_count(site: Site, http: httpx.Client, tiny_world: World) -> None:
    token = bearer(site, http)
    cursor = http.get("/clips?limit=5", headers=token).json()["next_cursor"]
    assert http.get("/clips", params={"cursor": cursor}, headers=token).status_code == 200
    with serve_site(tiny_world, faults=False) as other, httpx.Client(trust_env=False) as there:
        there.base_url = httpx.URL(f"{other.url}/api/v1")
        assert there.get("/clips", headers=token).status_code == 401
        answer = there.get("/clips", params={"cursor": cursor}, headers=bearer(other, there))
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_cursor")


@pytest.mark.parametrize("cursor", ["x", "0", "NTA=", "....", "é", "\x00", "A" * 3000, "%", "MTIzNDU2Nzg5MTA", "-1"])
def test_made_up_cursors_are_refused(site: Site, http: httpx.Client, cursor: str) -> None:
    answer = http.get("/clips", params={"cursor": cursor}, headers=bearer(site, http))
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", str(LONGEST_PAGE + 1), "9" * 5000, "", "NaN"])
def test_wrong_limits_are_refused(site: Site, http: httpx.Client, limit: str) -> None:
    answer = http.get("/clips", params={"limit": limit}, headers=bearer(site, http))
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_limit")


def test_histories_are_forbidden_even_with_a_token(site: Site, http: httpx.Client) -> None:
    assert http.get("/history/u0000001").status_code == 401
    assert http.get("/history/u0000001", headers=bearer(site, http)).status_code == 403


def test_token_is_given_for_json_too(site: Site, http: httpx.Client) -> None:
    sent = {"client_id": site.client_id, "client_secret": site.client_secret}
    answer = http.post("/token", json=sent)
    assert answer.json()["expires_in"] > 0 and answer.headers["cache-control"] == "no-store"
    assert http.get("/token").status_code == 405


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"", 400),
        ("application/x-www-form-urlencoded", b"client_id=book-reader&client_secret=wrong", 401),
        ("application/x-www-form-urlencoded", b"client_id=book-reader", 400),
        ("application/x-www-form-urlencoded", b"client_id=\xff&client_secret=\xff", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % k for k in range(500)), 400),
        ("application/x-www-form-urlencoded", b"client_id=%ED%A0%80&client_secret=x", 401),
        ("application/json", b"{", 400),
        ("application/json", b"[1]", 400),
        ("application/json", b'{"client_id": 1, "client_secret": true}', 400),
        ("application/json", b'{"client_id": "\\ud800", "client_secret": "\\u0000"}', 401),
        ("application/json", b"[" * 9_000, 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b"1" * 9_000, 400),
        ("text/plain", b"x" * 20_000, 413),
    ],
)
def test_wrong_credentials_are_answered_with_the_reason(
    http: httpx.Client, kind: str, body: bytes, status: int
) -> None:
    answer = http.post("/token", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "detail"}


@pytest.mark.parametrize("seed", range(4))
def test_planted_troubles_come_once_each_and_nothing_is_lost(tiny_world: World, seed: int) -> None:
    with serve_site(tiny_world, seed=seed, slow_seconds=0.3) as site, httpx.Client(trust_env=False) as http:
        http.base_url = httpx.URL(f"{site.url}/api/v1")
        began = time.perf_counter()
        items = download(site, http, limit=10)
        took = time.perf_counter() - began
        assert sorted(item["clip_id"] for item in items) == sorted(tiny_world.clips["clip_id"])
        asked = site.requests()
        statuses = asked.loc[asked["path"] == "/api/v1/clips", "status"]
        assert (statuses == 429).sum() == 1
        assert len(statuses) == 2 + -(-len(items) // 10)  # one refused, one cut short
        assert took > 1.3  # one waited for, one slow
        assert len(download(site, http, limit=10)) == len(items)
        asked = site.requests()
        statuses = asked.loc[asked["path"] == "/api/v1/clips", "status"].iloc[-2:]
        assert statuses.tolist() == [200, 200]


def test_api_and_pages_disagree_exactly_where_planted(tiny_world: World) -> None:
    with serve_site(tiny_world, slow_seconds=0.1) as site:
        with httpx.Client(base_url=f"{site.url}/api/v1", trust_env=False) as http:
            items = pd.DataFrame(download(site, http, limit=50)).set_index("clip_id")
        rows = tiny_world.clips.set_index("clip_id").loc[items.index]
        conflicts = site.faults[site.faults["kind"] == "api-conflict"]
        others = site.faults.loc[site.faults["kind"] != "api-conflict", "clip_id"]
    titles = set(items.index[items["title"] != rows["title"]])
    lengths = set(items.index[(items["duration_ms"] - rows["duration_seconds"] * 1000).abs() > 1])
    assert titles == set(conflicts.loc[conflicts["detail"] == "title", "clip_id"]) != set()
    assert lengths == set(conflicts.loc[conflicts["detail"] == "duration", "clip_id"]) != set()
    assert not (titles | lengths) & set(others)
