"""The JSON API: tokens that wear out, pages behind opaque cursors, and the few answers that go wrong."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from avrec_lib.world.site.misbehaviour import Misbehaviour
from avrec_lib.world.site.shelf import Entry, Shelf

__all__ = ["LONGEST_PAGE", "TOKEN_REQUESTS", "Api"]

TOKEN_REQUESTS = 6
"""Requests that a token lives."""

LONGEST_PAGE = 100
"""Most clips on one page."""

_TOKEN_SECONDS = 3600
_LONGEST_BODY = 10_000


def _problem(status: int, error: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": error, "detail": detail}, status, headers)


class Api:
    """The API of one running site.

    Parameters
    ----------
    shelf : Shelf
        The clips.
    misbehaviour : Misbehaviour
        What goes wrong.

    Attributes
    ----------
    client_id, client_secret : str
        Who may ask for tokens; new for each site.
    """

    def __init__(self, shelf: Shelf, misbehaviour: Misbehaviour) -> None:
        self.client_id = "book-reader"
        self.client_secret = secrets.token_urlsafe(18)
        self._shelf = shelf
        self._misbehaviour = misbehaviour
        self._key = secrets.token_bytes(16)
        self._left: dict[str, int] = {}
        self._answered = 0

    async def token(self, request: Request) -> Response:
        """``POST /api/v1/token``: exchange client id and secret for a token."""
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LONGEST_BODY:
                    return _problem(413, "too_large", f"at most {_LONGEST_BODY} bytes")
        except ClientDisconnect:
            return _problem(400, "invalid_request", "the request broke off")
        try:
            given = self._credentials(body, request.headers.get("content-type", ""))
        except (ValueError, RecursionError):
            return _problem(400, "invalid_request", "send client_id and client_secret, as a form or as JSON")
        right = [
            hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), kept.encode())
            for sent, kept in zip(given, (self.client_id, self.client_secret), strict=True)
        ]
        if not all(right):
            return _problem(401, "invalid_client", "no such client, or another secret")
        token = secrets.token_urlsafe(24)
        self._left[token] = TOKEN_REQUESTS
        while len(self._left) > 100:  # the oldest go first
            self._left.pop(next(iter(self._left)))
        facts = {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS, "scope": "clips"}
        return JSONResponse(facts, headers={"cache-control": "no-store"})

    @staticmethod
    def _credentials(body: bytes, content_type: str) -> tuple[str, str]:
        if content_type.startswith("application/json"):
            facts = json.loads(body)
            pair = (facts.get("client_id"), facts.get("client_secret")) if isinstance(facts, dict) else (None, None)
        else:
            form = parse_qs(body.decode("ascii"), max_num_fields=10)
            pair = (form.get("client_id", [None])[0], form.get("client_secret", [None])[0])
        client, secret = pair
        if not isinstance(client, str) or not isinstance(secret, str):
            raise ValueError("client_id or client_secret is missing")
        return client, secret

    def _denied(self, request: Request) -> Response | None:
        """Count a request against its token; answer 401 if that does not hold."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._left:
            headers = {"www-authenticate": 'Bearer error="invalid_token"'}
            return _problem(
                401, "invalid_token", "the token is missing, unknown or worn out: ask for a new one", headers
            )
        self._left[token] -= 1
        if self._left[token] == 0:
            del self._left[token]
        return None

    async def history(self, request: Request) -> Response:
        """``GET /api/v1/history/{user_id}``: never given out."""
        return self._denied(request) or _problem(403, "insufficient_scope", "this token may read clips only")

    async def clips(self, request: Request) -> Response:
        """``GET /api/v1/clips?limit=50&cursor=...``: one page of the catalogue."""
        if (denied := self._denied(request)) is not None:
            return denied
        try:
            limit = int(request.query_params.get("limit", "50"))
        except ValueError:
            limit = 0
        if not 1 <= limit <= LONGEST_PAGE:
            return _problem(400, "bad_limit", f"limit is a whole number from 1 to {LONGEST_PAGE}")
        cursor = request.query_params.get("cursor", "")
        try:
            start = self._read_cursor(cursor) if cursor else 0
        except ValueError:
            return _problem(400, "bad_cursor", "this cursor was not given out by this site")
        self._answered += 1
        fault = self._misbehaviour.by_request.get(self._answered)
        if fault == "api-429-once":
            return _problem(429, "too_many_requests", "come back later", {"retry-after": "1"})
        if fault == "api-slow-once":
            await self._misbehaviour.wait(self._misbehaviour.slow_seconds)
        body = self._page(start, limit)
        if fault == "api-cut-once":
            body = body[: len(body) * 2 // 3]
        return Response(body, media_type="application/json")

    def _page(self, start: int, limit: int) -> bytes:
        items = [self._item(entry) for entry in self._shelf.listed(start, limit)]
        total = len(self._shelf.entries)
        following = self._cursor(start + limit) if start + limit < total else None
        return json.dumps({"items": items, "next_cursor": following, "total": total}, ensure_ascii=False).encode()

    def _item(self, entry: Entry) -> dict[str, Any]:
        title, seconds = entry.title, entry.seconds
        match self._misbehaviour.conflicts.get(entry.clip_id):
            case "title":
                title = _misspelt(title)
            case "duration":
                seconds += 1.5
        return {
            "clip_id": entry.clip_id,
            "title": title,
            "creator": {"id": entry.creator_id, "name": entry.creator},
            "duration_ms": round(seconds * 1000),
            "uploaded": entry.uploaded.isoformat().replace("+00:00", "Z"),
            "views": entry.views,
            "likes": entry.likes,
            "kind": "single" if entry.series is None else "episode",
            "series": entry.series,
            "episode": entry.number,
        }

    def _sign(self, text: bytes) -> bytes:
        return hmac.new(self._key, text, hashlib.sha256).digest()[:9]

    def _cursor(self, start: int) -> str:
        text = str(start).encode()
        return base64.urlsafe_b64encode(self._sign(text) + text).decode().rstrip("=")

    def _read_cursor(self, cursor: str) -> int:
        """Return the place that a cursor stands for; raise ValueError unless it was made here."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise ValueError("no cursor") from error
        if not hmac.compare_digest(self._sign(raw[9:]), raw[:9]):
            raise ValueError("a cursor of another site")
        return int(raw[9:])


def _misspelt(title: str) -> str:
    """Return a title with two neighbouring letters changed over, as a hasty typist would."""
    for place in range(1, len(title) - 1):
        first, second = title[place], title[place + 1]
        if first.isalpha() and second.isalpha() and first != second:
            return title[:place] + second + first + title[place + 2 :]
    return title + "!"
