"""The built book's files: links, anchors, media, text alternatives, weight. No browser needed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from avrec_lib import media
from avrec_lib.publish.pages import check_pages

GOOD = """<!DOCTYPE html><html><head><link rel="stylesheet" href="s.css"></head><body><h1 id="top">x</h1>
<a href="#top">a</a><a href="other.html#there">b</a><a href="https://example.org/x">c</a>
<img class="avrec-media avrec-figure" src="figure.png" alt="A grey square that fills the picture.">
<video class="avrec-media" controls preload="none" aria-label="Grey bars over a steady tone." src="clip.mp4"
 poster="figure.png"></video>
<audio class="avrec-media" controls preload="none" aria-label="A steady tone of two seconds." src="clip.mp4"></audio>
<svg role="img"><title>stages</title></svg><span class="avrec-run-seconds">41 seconds</span></body></html>"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "index.html").write_text(GOOD)
    (folder / "other.html").write_text('<p id="there">x</p>')
    (folder / "s.css").write_text("p {}")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(folder / "figure.png")
    tone = (0.3 * np.sin(np.arange(44_100) / 10)).astype(np.float32)
    frames = np.full((24, 64, 64, 3), 90, np.uint8)
    media.write_clip(folder / "clip.mp4", frames=frames, fps=12, sound=tone, sample_rate=22_050)
    media.write_clip(folder / "mute.mp4", frames=frames, fps=12)
    return folder


def test_the_built_book_has_no_fault(html: Path) -> None:
    problems = check_pages(html)
    assert not problems, "\n".join(problems)


def test_every_page_of_the_contents_was_built(html: Path, names: list[str]) -> None:
    assert [name for name in names if not (html / name).is_file()] == []


def test_a_chapter_has_the_number_of_its_file_in_heading_contents_and_sections(html: Path, names: list[str]) -> None:
    contents = BeautifulSoup((html / "book" / "index.html").read_text(encoding="utf-8"), "html.parser")
    for name in (name for name in names if name.startswith("chapters/")):
        number = int(name.removeprefix("chapters/").split("_")[0])
        page = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
        heads = [str(head.get_text(strip=True)) for head in page.select("article :is(h1, h2) .section-number")]
        assert heads[0] == f"{number}." and heads[1:] == [f"{number}.{i}." for i in range(1, len(heads))], name
        entry = contents.select_one(f'nav a[href$="{name}"]')
        assert entry is not None and entry.get_text(strip=True).startswith(f"{number}. "), name


def test_a_sound_page_has_no_fault(made: Path) -> None:
    assert check_pages(made) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("#top", "#nowhere", "leads to no place"),
        ("other.html#there", "other.html#here", "leads to no place"),
        ("other.html#there", "gone.html", "leads to no file"),
        ("other.html#there", "../../../etc/passwd", "leads to no file"),
        ('<a href="#top">', '<a id="top" href="#top">', "stands 2 times"),
        ('href="s.css"', 'href="https://cdn.example.org/s.css"', "another host"),
        ('href="s.css"', 'href="//cdn.example.org/s.css"', "another host"),
        ('href="s.css"', 'href="gone.css"', "missing"),
        (' alt="A grey square that fills the picture."', "", "no alt"),
        ('alt="A grey square that fills the picture."', 'alt="plot"', "says nothing"),
        ('aria-label="Grey bars over a steady tone."', "", "no label"),
        ("controls preload", "preload", "no controls"),
        ("<title>stages</title>", "", "no title"),
        ('src="clip.mp4"\n', 'src="gone.mp4"\n', "missing"),
        ('src="clip.mp4"\n', 'src="figure.png"\n', "does not decode"),
        ('src="clip.mp4"></audio>', 'src="mute.mp4"></audio>', "does not decode"),
        ('poster="figure.png"', 'poster="clip.mp4"', "does not decode"),
        ('src="figure.png"', 'src="data:image/png;base64,AAAA"', "embedded in the page"),
        ("41 seconds", "measured when the book is built", "not filled in"),
        ("<svg", '<div class="output traceback">ValueError: x</div><svg', "a cell failed"),
        ("<svg", '<span class="math"><code>\\frac</code></span><svg', "formula"),
        ("<svg", "<p>" + "x" * 3_000_000 + "</p><svg", "bytes, more than"),
    ],
)
def test_each_fault_is_found(made: Path, tmp_path: Path, old: str, new: str, fault: str) -> None:
    folder = tmp_path / "book"
    shutil.copytree(made, folder)
    assert old in GOOD
    (folder / "index.html").write_text(GOOD.replace(old, new, 1))
    problems = check_pages(folder)
    assert any(fault in problem and problem.startswith("index.html: ") for problem in problems), problems


def test_a_truncated_clip_is_found(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "book"
    shutil.copytree(made, folder)
    (folder / "clip.mp4").write_bytes((made / "clip.mp4").read_bytes()[:600])
    assert sum("does not decode" in problem for problem in check_pages(folder)) == 2


def test_an_empty_folder_is_no_book(tmp_path: Path) -> None:
    assert check_pages(tmp_path) == [f"{tmp_path.name}: there is no index.html; the book was not built"]
