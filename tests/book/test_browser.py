"""The built book in a real browser: every page, on a desk and on a phone, in light and in dark."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser
from visiting import DESKTOP, PHONE, follow, play_all, served, visit

from avrec_lib import media

SCREENS = pytest.mark.parametrize(("size", "theme"), [(s, t) for s in (DESKTOP, PHONE) for t in ("light", "dark")])


@SCREENS
def test_every_page_opens_clean(
    browser: Browser, base: str, html: Path, names: list[str], size: tuple[int, int], theme: str
) -> None:
    problems = [
        f"{name}: {problem}" for name in names for problem in visit(browser, base, html, name, size, theme).problems
    ]
    assert not problems, "\n".join(problems)


def test_every_player_plays(browser: Browser, base: str, names: list[str]) -> None:
    counts = np.zeros(2, dtype=int)
    problems: list[str] = []
    for name in names:
        videos, sounds, faults = play_all(browser, base, name)
        counts += (videos, sounds)
        problems += [f"{name}: {fault}" for fault in faults]
    assert not problems, "\n".join(problems)
    assert counts.min() > 0, f"the book has {counts[0]} videos and {counts[1]} sounds; a reader expects both"


def test_every_link_leads_somewhere(browser: Browser, base: str, html: Path, names: list[str]) -> None:
    visits = {name: visit(browser, base, html, name, DESKTOP, "light") for name in names}
    places = {f"{base}/{name}": found.places for name, found in visits.items()}
    problems = follow(browser, base, {name: found.links for name, found in visits.items()}, places)
    assert not problems, "\n".join(problems)


def test_the_first_address_leads_to_the_landing_page(browser: Browser, base: str, names: list[str]) -> None:
    page = browser.new_page()
    page.goto(base)
    page.wait_for_url(f"**/{names[0]}", timeout=10_000)
    page.close()


def test_the_search_finds_a_word(browser: Browser, base: str) -> None:
    page = browser.new_page()
    page.goto(f"{base}/search.html?q=slate")
    page.wait_for_selector("ul.search li a", timeout=10_000)
    page.close()


BROKEN = """<!DOCTYPE html><html data-theme="light"><head><title>x</title></head><body style="background:#fff">
<p style="width:900px">wide</p><p style="color:#bbb">pale text</p><img src="missing.png"><img alt="x" src="bad.png">
<video class="a" aria-label="a broken clip" src="broken.mp4"></video><a href="#nowhere">a</a><a href="gone.html">b</a>
<script>undefined.x</script><script src="http://192.0.2.1/far.js"></script></body></html>"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("broken")
    (tmp_path / "page.html").write_text(BROKEN)
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    (tmp_path / "broken.mp4").write_bytes(b"not a clip")
    (tmp_path / "mute.html").write_text('<audio aria-label="a sound" src="mute.mp4"></audio>')
    media.write_clip(tmp_path / "mute.mp4", frames=np.full((24, 64, 64, 3), 90, np.uint8), fps=12)
    return tmp_path


def test_a_broken_page_is_seen(browser: Browser, broken: Path) -> None:
    with served(broken) as base:
        found = visit(browser, base, broken, "page.html", PHONE, "light")
    expected = ("script error", "a request to another host", "404: ", "no alt", "shows nothing", "sideways", "contrast")
    missed = [fault for fault in expected if not any(fault in problem for problem in found.problems)]
    assert not missed, f"missed {missed} among {found.problems}"


def test_a_broken_player_and_a_broken_link_are_seen(browser: Browser, broken: Path) -> None:
    with served(broken) as base:
        assert "does not play" in play_all(browser, base, "page.html")[2][0]
        assert play_all(browser, base, "mute.html")[2]
        found = visit(browser, base, broken, "page.html", DESKTOP, "light")
        faults = follow(browser, base, {"page.html": found.links}, {f"{base}/page.html": found.places})
    assert len(faults) == 2 and "404" in faults[0] and "no place" in faults[1]
