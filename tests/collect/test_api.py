"""The API client: tokens are renewed, cut pages asked again, downloads resumed, nonsense told."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from avrec_lib.collect.api import PagedClient, download, read_bad_items
from avrec_lib.collect.api_items import read_json
from avrec_lib.collect.api_store import ApiStore
from avrec_lib.collect.manners import FetchError, Manners

QUICK = Manners(
    delay_seconds=0.0, timeout_seconds=0.3, total_seconds=0.8, backoff_seconds=0.01, longest_wait=1.5, max_bytes=300_000
)


def item(number, **changes):
    facts = {
        "clip_id": f"c{number:03d}",
        "title": f"<b>Clip</b> {number}",
        "creator": {"id": "k1", "name": "Kim"},
        "duration_ms": 5000 + number,
        "uploaded": "2026-01-05T10:00:00Z",
        "views": number,
        "likes": 0,
        "kind": "episode" if number % 2 else "single",
        "series": "Rails" if number % 2 else None,
        "episode": number if number % 2 else None,
        "unknown": [1],
    }
    return facts | changes


class Api:
    """Twenty items, five a page; a token lives for three requests; ``strange[n]`` answers request n for a page."""

    def __init__(self, scripted):
        self.scripted, self.left, self.strange, self.pages = scripted, {}, {}, 0
        self.items = [item(number) for number in range(20)]
        scripted.pages |= {"/api/v1/token": self.token, "/api/v1/clips": self.clips}

    def json(self, facts, status="200 OK", **headers):
        body = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
        return self.scripted.http(body, status, Content_Type="application/json", **headers)

    def token(self, request, _):
        if json.loads(request.body) != {"client_id": "me", "client_secret": "word"}:
            return self.json({}, "401 Unauthorized")
        token = f"t{len(self.left)}"
        self.left[token] = 3
        return self.json({"access_token": token, "expires_in": 60})

    def clips(self, request, _):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.left.get(token, 0) <= 0:
            return self.json({}, "401 Unauthorized")
        self.left[token] -= 1
        self.pages += 1
        cursor = request.path.partition("cursor=")[2]
        start = int(cursor.removeprefix("at-") or 0)
        following = f"at-{start + 5}" if start + 5 < len(self.items) else None
        facts = {"items": self.items[start : start + 5], "next_cursor": following, "total": len(self.items)}
        strange = self.strange.get(self.pages)
        return strange(facts) if strange else self.json(facts)


@pytest.fixture
def api(scripted):
    return Api(scripted)


@pytest.fixture
def client(api):
    with PagedClient(api.scripted.url, "me", "word", QUICK) as client:
        yield client


def asked(api):
    return [path for path in api.scripted.paths() if "clips" in path]


def test_all_items_come_once_in_order_and_plain(api, client, tmp_path):
    table = download(client, tmp_path)
    assert table["clip_id"].tolist() == [f"c{number:03d}" for number in range(20)]
    assert table.loc[3, ["title", "creator", "creator_id", "series", "episode", "kind"]].tolist() == [
        "Clip 3", "Kim", "k1", "Rails", 3, "episode",
    ]  # fmt: skip
    assert str(table["uploaded"].dtype) == "datetime64[us, UTC]"
    assert table["duration_ms"].tolist() == list(range(5000, 5020))


def test_worn_out_tokens_are_renewed_as_often_as_needed(api, client, tmp_path):
    download(client, tmp_path)
    assert client.tokens == 2
    assert len(asked(api)) == 4 + 1


def test_a_wrong_secret_is_refused_at_once_and_is_not_told(api):
    with PagedClient(api.scripted.url, "me", "guess-7351", QUICK) as client, pytest.raises(FetchError) as caught:
        client.page()
    assert caught.value.kind == "refused"
    assert "guess-7351" not in str(caught.value)
    assert api.scripted.paths() == ["/api/v1/token"]


def test_a_token_that_never_holds_is_not_asked_for_for_ever(api, client):
    api.scripted.pages["/api/v1/clips"] = api.json({}, "401 Unauthorized")
    with pytest.raises(FetchError) as caught:
        client.page()
    assert caught.value.kind == "refused"
    assert len(asked(api)) == 1


@pytest.mark.parametrize(("status", "kind"), [("400 Bad", "bad-cursor"), ("403 No", "refused"), ("404 Gone", "status")])
def test_what_is_refused_is_not_asked_again(api, client, status, kind):
    api.strange[1] = lambda facts: api.json({}, status)
    with pytest.raises(FetchError) as caught:
        client.page("at-5")
    assert caught.value.kind == kind
    assert len(asked(api)) == 1


def test_a_token_is_not_carried_to_another_place(api, client):
    api.strange[1] = lambda facts: api.json({}, "302 Found", Location="/api/v1/clips2")
    with pytest.raises(FetchError) as caught:
        client.page()
    assert caught.value.kind == "off-site"
    assert "/api/v1/clips2" not in api.scripted.paths()


@pytest.mark.parametrize(
    "strange",
    [
        lambda api, facts: api.json(json.dumps(facts).encode()[:-40]),
        lambda api, facts: api.json({}, "500 Oops"),
        lambda api, facts: api.json({}, "429 Too Many", Retry_After="1"),
        lambda api, facts: b"",
        lambda api, facts: api.json(b"\xff" + json.dumps(facts).encode()),
        lambda api, facts: api.json(json.dumps(facts).encode().replace(b'"total"', b'"items": [], "total"')),
    ],
)
def test_a_page_that_fails_once_is_asked_again(api, client, tmp_path, strange):
    api.strange[2] = lambda facts: strange(api, facts)
    assert len(download(client, tmp_path)) == 20


def test_a_busy_interface_is_left_alone_for_as_long_as_it_asks(api, client, tmp_path):
    api.strange[2] = lambda facts: api.json({}, "429 Too Many", Retry_After="1")
    download(client, tmp_path)
    times = [request.time for request in api.scripted.requests]
    assert max(b - a for a, b in itertools.pairwise(times)) >= 0.95


def test_an_interface_that_is_always_broken_is_given_up(api, client):
    api.scripted.pages["/api/v1/clips"] = api.json(b'{"items": [')
    with pytest.raises(FetchError) as caught:
        client.page()
    assert caught.value.kind == "json"
    assert len(asked(api)) == 1 + QUICK.retries


def test_a_download_that_failed_goes_on_where_it_was(api, client, tmp_path):
    api.strange = {3: lambda facts: api.json({}, "404 Gone")}
    with pytest.raises(FetchError):
        download(client, tmp_path)
    api.strange = {}
    assert len(download(client, tmp_path)) == 20
    starts = [path.partition("cursor=")[2] for path in asked(api)]
    assert starts.count("") == 1
    assert starts.count("at-5") == 1
    before = len(api.scripted.requests)
    assert len(download(client, tmp_path)) == 20
    assert len(api.scripted.requests) == before
    api.items[0]["views"] = 99
    assert download(client, tmp_path, refresh=True).loc[0, "views"] == 99


def test_a_cursor_that_is_no_longer_known_means_to_begin_again(api, client, tmp_path):
    api.strange = {3: lambda facts: api.json({}, "404 Gone")}
    with pytest.raises(FetchError):
        download(client, tmp_path)
    api.strange = {4: lambda facts: api.json({}, "400 Bad")}
    table = download(client, tmp_path)
    assert table["clip_id"].is_unique
    assert len(table) == 20


CHILD = """
import sys
from avrec_lib.collect.api import PagedClient, download
from avrec_lib.collect.manners import Manners
download(PagedClient(sys.argv[1], "me", "word", Manners(delay_seconds=0.0)), sys.argv[2])
"""


@pytest.mark.parametrize("after", [2, 4])
def test_a_killed_download_loses_nothing_and_asks_at_most_one_page_again(api, client, tmp_path, after):
    dead = threading.Event()

    def hold(facts):
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        dead.set()
        return api.json(facts)

    api.strange = {after: hold}
    child = subprocess.Popen([sys.executable, "-c", CHILD, api.scripted.url, str(tmp_path)])
    child.wait(30)
    assert dead.is_set()
    assert download(client, tmp_path)["clip_id"].tolist() == [f"c{number:03d}" for number in range(20)]
    assert api.pages == 4 + 1


def test_items_that_are_not_as_agreed_are_kept_aside_and_the_rest_comes(api, client, tmp_path):
    api.items[1] = item(1, duration_ms="long")
    api.items[2] = item(2, views=-1)
    api.items[3] = item(3, duration_ms=10**400)
    api.items[4] = item(4, kind="film")
    api.items[6] = {"clip_id": "c006"}
    api.items[7] = "c007"
    api.items[8] = item(8, title="a\ud800b\x00")
    table = download(client, tmp_path)
    assert len(table) == 20 - 6
    assert table.set_index("clip_id").loc["c008", "title"] == "a\ufffdb"
    bad = read_bad_items(tmp_path)
    assert len(bad) == 6
    assert bad["reason"].str.contains("duration_ms").sum() == 2


@pytest.mark.parametrize("episode", [2**63, 10**30, -1])
def test_a_number_that_no_table_holds_is_kept_aside_before_it_is_stored(api, client, tmp_path, episode):
    api.items[1] = item(1, episode=episode)
    assert len(download(client, tmp_path)) == 19
    assert read_bad_items(tmp_path)["reason"].str.contains("episode").tolist() == [True]


def test_a_page_gives_no_more_items_than_were_asked_for(api, tmp_path):
    with PagedClient(api.scripted.url, "me", "word", QUICK, limit=3) as client:
        page = client.page()
    assert [len(page.items), len(page.bad)] == [3, 1]
    assert page.bad[0][0] == "more than the 3 items that were asked for: 2 more, and this is the first"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("clip_id", "<img src=x onerror=alert(1)>", "clip_id must have 1 to 64 letters"),
        ("clip_id", "../../etc/passwd", "clip_id must have 1 to 64 letters"),
        ("uploaded", "today", "Invalid isoformat"),
        ("uploaded", "0001-01-01T00:00:00+23:59", "from 1970 to 2200"),
        ("uploaded", "2024-01-01T00:00:00", "must have a time zone"),
    ],
)
def test_an_id_that_is_no_name_and_a_date_that_is_no_date_are_set_aside(api, client, tmp_path, field, value, told):
    api.items[1] = item(1, **{field: value})
    assert len(download(client, tmp_path)) == len(api.items) - 1
    assert told in read_bad_items(tmp_path)["reason"].iloc[0]


def test_a_folder_holds_one_interface_and_serves_one_download_at_a_time(api, client, tmp_path):
    download(client, tmp_path)
    with (
        PagedClient("http://127.0.0.1:9", "me", "word", QUICK) as other,
        pytest.raises(ValueError, match="another fol"),
    ):
        download(other, tmp_path)
    with contextlib.closing(ApiStore(tmp_path)), pytest.raises(RuntimeError, match="in use by another download"):
        download(client, tmp_path, refresh=True)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "api.sqlite").write_bytes(b"no database" * 99)
    with pytest.raises(ValueError, match="is not a download's file"):
        download(client, tmp_path / "odd")


def test_markup_in_any_text_becomes_plain(api, client, tmp_path):
    creator = {"id": "<i>k1</i>", "name": "<script>x</script>Kim"}
    api.items[1] = item(1, series="<img src=x>Rails &amp; rain", creator=creator)
    row = download(client, tmp_path).loc[1]
    assert row[["series", "creator_id", "creator"]].tolist() == ["Rails & rain", "k1", "Kim"]


def test_cursors_that_loop_or_never_end_are_noticed(api, client, tmp_path):
    def answer(items, cursor):
        return lambda request, before: api.json({"items": items, "next_cursor": cursor(before), "total": 5})

    items = [item(number) for number in range(5)]
    for page, kind in (
        (answer(items, lambda before: "a"), "cursor-loop"),
        (answer(items, lambda before: "ab"[before % 2]), "cursor-loop"),
    ):
        api.scripted.pages["/api/v1/clips"] = page
        # Where nothing notices, the test must end all the same.
        with pytest.raises(FetchError) as caught:
            list(itertools.islice(client.items(), 60))
        assert caught.value.kind == kind
    for some in (items, []):
        api.scripted.pages["/api/v1/clips"] = lambda request, _, some=some: api.json(
            {"items": some, "next_cursor": f"n{len(api.scripted.requests)}", "total": 5}
        )
        with pytest.raises(FetchError) as caught:
            list(itertools.islice(client.items(), 60))
        assert caught.value.kind == "endless"


BAD_JSON = [
    b"", b"{", b"[", b"nul", b"{'a': 1}", b'{"a": 1,}', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}',
    b'{"a": -1e999}', b'{"a": 1, "a": 2}', b'[{"b": {"a": 1, "a": 1}}]', b"[" * 100_000, b'{"a":' * 100_000,
    b"[" * 50_000 + b"]" * 50_000, b"9" * 5_000, b'"\xff"', b'"\xed\xa0\x80"', b'"\x00"', b"\xff\xfe[\x00]\x00",
    b'"a', b"1 2", b"\x1f\x8b\x08",
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_is_an_error_and_nothing_else(body):
    with pytest.raises(FetchError) as caught:
        read_json(body, "http://x/")
    assert caught.value.kind == "json"


@pytest.mark.parametrize(
    "facts",
    [
        *(None, [], 7, "x", {}, {"items": None}, {"items": {}}, {"items": "abc"}),
        *({"items": [], "next_cursor": cursor} for cursor in (7, "", ["a"], {}, True)),
    ],
)
def test_json_that_is_no_page_is_an_error(api, client, facts):
    api.strange[1] = lambda _: api.json(facts)
    with pytest.raises(FetchError) as caught:
        client.page()
    assert caught.value.kind == "shape"


@pytest.mark.parametrize("facts", [None, {}, {"access_token": 7}, {"access_token": ""}, {"access_token": "a\r\nX: y"}])
def test_a_token_that_is_none_is_an_error(api, client, facts):
    api.scripted.pages["/api/v1/token"] = api.json(facts)
    with pytest.raises(FetchError) as caught:
        client.page()
    assert caught.value.kind == "shape"
