"""Open pages of the built book in a browser and write down what goes wrong."""

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
HEAVIEST_PAGE_BYTES = 3_000_000
DESKTOP, PHONE = (1280, 900), (360, 740)

# A link in a drawing holds its address in an object, so the attribute is read.
ADDRESSES = """
[...document.querySelectorAll('a[href]')].map(link => new URL(link.getAttribute('href'), document.baseURI).href)
"""

# Text whose colour is too near its ground (WCAG 2, level AA). What stands on a
# picture or a gradient has no single ground and is left out.
CONTRAST = """() => {
  const lum = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const parse = text => { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({checkVisibilityCSS: true})) continue;
    if (element.closest('svg, noscript, script, style, video, audio, .visually-hidden, .skip-link')) continue;
    if (!element.getClientRects().length) continue;
    const layers = []; let pictured = false, faded = 1;
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== 'none') { pictured = true; break; }
      faded *= Number(style.opacity);
      const colour = parse(style.backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    if (pictured || faded < 1) continue;
    let ground = [255, 255, 255];
    for (const layer of layers.reverse()) ground = over(layer, ground);
    const style = getComputedStyle(element), ink = over(parse(style.color), ground);
    const [light, dark] = [lum(ink), lum(ground)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < (large ? 3 : 4.5)) {
      const name = element.tagName.toLowerCase() + '.' + [...element.classList].join('.');
      found.set(name, `${name} ${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
    }
  }
  return [...found.values()];
}"""

# Plays one player, without sound on the loudspeakers, and says how far it came.
PLAY = """async element => {
  element.volume = 0; element.scrollIntoView();
  const failed = await element.play().then(() => '', error => String(error));
  const until = Date.now() + 8000;
  while (!failed && element.currentTime < 0.3 && !element.ended && Date.now() < until) {
    await new Promise(next => setTimeout(next, 50));
  }
  const state = {
    failed: failed || (element.error ? element.error.message : ''), seconds: element.currentTime,
    duration: element.duration, width: element.videoWidth || 0,
    heard: element.webkitAudioDecodedByteCount || 0, seen: element.webkitVideoDecodedByteCount || 0,
  };
  element.pause();
  return state;
}"""


@dataclass
class Visit:
    """What was found on one page."""

    problems: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    size: int = 0


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine and yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def find_browser() -> str | None:
    """Return the path of an installed Chromium, if there is one."""
    names = (os.environ.get("AVREC_CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def opened(executable: str) -> Iterator[Browser]:
    """Start a browser with a fresh profile."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def visit(browser: Browser, base: str, folder: Path, name: str, size: tuple[int, int], theme: str) -> Visit:
    """Open a page and look at it as a reader with this screen and theme would."""
    found = Visit()
    requested: set[str] = set()
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    try:
        page = context.new_page()
        page.on(
            "console", lambda said: found.problems.append(f"console: {said.text}") if said.type == "error" else None
        )
        page.on("pageerror", lambda error: found.problems.append(f"script error: {error}"))
        page.on("request", lambda request: requested.add(request.url))
        page.on("requestfailed", lambda request: found.problems.append(f"failed: {request.url} {request.failure}"))
        page.on("response", lambda r: found.problems.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.goto(f"{base}/{name}", wait_until="load")
        page.evaluate("document.querySelectorAll('details').forEach(box => box.open = true)")
        # Colours are judged at rest: the theme has been applied, and nothing is on its way to another colour.
        at_rest = "transition: none !important; animation: none !important;"
        page.add_style_tag(content=f"*, *::before, *::after {{ {at_rest} }}")
        page.wait_for_timeout(300)
        shown = page.evaluate("document.documentElement.dataset.theme || ''")
        if shown and shown != theme:
            found.problems.append(f"the reader asked for the {theme} theme and got {shown}")
        wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        if wide[0] > wide[1] + 1:
            found.problems.append(f"the page is {wide[0]} wide on a screen of {wide[1]}: it scrolls sideways")
        for picture in page.evaluate("[...document.querySelectorAll('img:not([alt])')].map(i => i.src.slice(0, 99))"):
            found.problems.append(f"a picture has no alt: {picture}")
        for picture in page.evaluate(
            "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src.slice(0, 99))"
        ):
            found.problems.append(f"a picture shows nothing: {picture}")
        found.problems += [f"too little contrast in the {theme} theme: {text}" for text in page.evaluate(CONTRAST)]
        found.links = set(page.evaluate(ADDRESSES))
        found.places = set(page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)"))
    finally:
        context.close()
    for address in sorted(requested):
        parts = urlsplit(address)
        if parts.scheme in ("data", "blob"):
            continue
        if f"{parts.scheme}://{parts.netloc}" != base:
            found.problems.append(f"a request to another host: {address}")
            continue
        path = folder / unquote(parts.path).lstrip("/")
        found.size += path.stat().st_size if path.is_file() else 0
    if found.size > HEAVIEST_PAGE_BYTES:
        found.problems.append(f"the page loads {found.size:,} bytes, more than {HEAVIEST_PAGE_BYTES:,}")
    return found


def play_all(browser: Browser, base: str, name: str) -> tuple[int, int, list[str]]:
    """Play every player of a page; return how many videos and sounds there are, and what went wrong."""
    problems = []
    context = browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    try:
        page = context.new_page()
        page.goto(f"{base}/{name}", wait_until="load")
        videos, sounds = page.query_selector_all("video"), page.query_selector_all("audio")
        for element in [*videos, *sounds]:
            label = element.get_attribute("aria-label") or "without a label"
            state = element.evaluate(PLAY)
            if state["failed"] or state["seconds"] <= 0 or not state["duration"]:
                problems.append(f"the player {label[:60]!r} does not play: {state['failed'] or 'it stands still'}")
            elif element in videos and not (state["width"] and state["seen"]):
                problems.append(f"the player {label[:60]!r} shows no picture")
            elif element in sounds and not state["heard"]:
                problems.append(f"the player {label[:60]!r} gives no sound")
    finally:
        context.close()
    return len(videos), len(sounds), problems


def follow(browser: Browser, base: str, links: dict[str, set[str]], places: dict[str, set[str]]) -> list[str]:
    """Follow every link of the book into the book; ``links`` is by page, ``places`` holds what is known already."""
    problems = []
    context = browser.new_context()
    try:
        page = context.new_page()
        for source, addresses in links.items():
            for address in sorted(addresses):
                if not address.startswith(base + "/"):
                    continue
                bare, fragment = urldefrag(address)
                if bare not in places:
                    answer = page.request.get(bare)
                    if not answer.ok:
                        problems.append(f"{source}: {address} answers {answer.status}")
                    places[bare] = set()
                    if answer.ok and "html" in answer.headers.get("content-type", ""):
                        page.goto(bare)
                        places[bare] = set(page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)"))
                    elif not answer.ok:
                        continue
                if fragment and unquote(fragment) not in places[bare]:
                    problems.append(f"{source}: {address} leads to no place of that name")
    finally:
        context.close()
    return problems
