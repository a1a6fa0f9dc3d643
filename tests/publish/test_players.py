"""Players: accessible, safe with untrusted titles, and each file stored once."""

import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from avrec_lib import media
from avrec_lib.publish.players import externalise_media, picture_uri, player, players

ALT = "Grey bars move to the right over a steady tone."


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    shade = (np.arange(24)[:, None, None] * 5 + np.arange(64)[None, None, :]).astype(np.uint8)
    frames = np.repeat(np.broadcast_to(shade, (24, 64, 64))[..., None], 3, axis=3)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 22_050)
    media.write_clip(path, frames=frames, fps=12, sound=tone.astype(np.float32), sample_rate=22_050)
    return path


@pytest.fixture(scope="module")
def mute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mute") / "mute.mp4"
    media.write_clip(path, frames=np.full((12, 64, 64, 3), 90, np.uint8), fps=12)
    return path


def element(markup: str, name: str) -> dict[str, str]:
    found = BeautifulSoup(markup, "html.parser").find(name)
    assert found is not None, f"no <{name}> in the figure"
    return {key: " ".join(value) if isinstance(value, list) else value for key, value in found.attrs.items()}


def test_a_video_plays_the_very_file_and_loads_nothing_before(clip: Path) -> None:
    video = element(player(clip, title="Bars", alt=ALT)._repr_html_(), "video")
    assert video["preload"] == "none" and "controls" in video
    assert base64.b64decode(video["src"].split(",")[1]) == clip.read_bytes()
    assert video["src"].startswith("data:video/mp4;base64,")


def test_the_poster_is_a_frame_of_the_clip(clip: Path, tmp_path: Path) -> None:
    video = element(player(clip, title="Bars", alt=ALT).markup, "video")
    (tmp_path / "poster.jpg").write_bytes(base64.b64decode(video["poster"].split(",")[1]))
    poster = np.asarray(Image.open(tmp_path / "poster.jpg")).astype(float)
    frames = media.read_frames(clip).images.astype(float)
    distance = np.abs(frames - poster).mean(axis=(1, 2, 3))
    assert distance.min() < 3
    assert 6 <= int(distance.argmin()) <= 10  # a third of the way in


def test_a_reader_who_cannot_see_is_told_what_plays(clip: Path) -> None:
    shown = player(clip, title="Bars", alt=ALT)
    assert ALT in element(shown.markup, "video")["aria-label"]
    assert ALT in BeautifulSoup(shown.markup, "html.parser").figcaption.get_text()
    assert shown._repr_mimebundle_()["text/plain"] == f"Bars: {ALT}"


def test_a_hostile_title_stays_text(clip: Path) -> None:
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    page = BeautifulSoup(player(clip, title=hostile, alt=hostile).markup, "html.parser")
    assert page.find("script") is None and page.find("img") is None
    assert page.figcaption.strong.get_text() == hostile
    assert not [key for tag in page.find_all(True) for key in tag.attrs if key.startswith("on")]


def test_the_sound_of_a_video_alone_decodes_and_is_small(clip: Path, tmp_path: Path) -> None:
    audio = element(player(clip, title="Tone", alt=ALT, kind="sound").markup, "audio")
    (tmp_path / "sound.m4a").write_bytes(base64.b64decode(audio["src"].split(",")[1]))
    sound = media.read_sound(tmp_path / "sound.m4a")
    assert abs(sound.samples.size / sound.sample_rate - 2.0) < 0.15
    assert np.abs(sound.samples).max() > 0.2
    assert (tmp_path / "sound.m4a").stat().st_size < 40_000


def test_samples_become_a_sound() -> None:
    tone = media.Sound(samples=np.zeros(22_050, np.float32), sample_rate=22_050)
    shown = player(tone, title="Silence", alt="One second without any sound.")
    assert element(shown.markup, "audio")["src"].startswith("data:audio/mp4;base64,")
    with pytest.raises(ValueError, match="have no picture"):
        player(tone, title="Silence", alt="One second without any sound.", kind="video")


@pytest.mark.parametrize(("title", "alt"), [(" ", ALT), ("Bars", ""), ("Bars", "clip")])
def test_a_player_without_words_is_refused(clip: Path, title: str, alt: str) -> None:
    with pytest.raises(ValueError, match="needs"):
        player(clip, title=title, alt=alt)


def test_what_browsers_do_not_play_is_refused_by_name(clip: Path, mute: Path, tmp_path: Path) -> None:
    other = tmp_path / "clip.avi"
    other.write_bytes(clip.read_bytes())
    with pytest.raises(ValueError, match=r"clip\.avi: browsers do not play \.avi"):
        player(other, title="Bars", alt=ALT)
    with pytest.raises(media.MissingStreamError, match="no sound"):
        player(mute, title="Bars", alt=ALT, kind="sound")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a clip")
    with pytest.raises(media.MediaError):
        player(broken, title="Bars", alt=ALT)


def test_players_stand_side_by_side(clip: Path) -> None:
    one = player(clip, title="Bars", alt=ALT)
    grid = BeautifulSoup(players([one, one]).markup, "html.parser")
    assert len(grid.select(".avrec-players > figure")) == 2
    with pytest.raises(ValueError, match="at least one"):
        players([])


def test_every_file_is_stored_once_under_its_hash(clip: Path, tmp_path: Path) -> None:
    one = player(clip, title="Bars", alt=ALT).markup
    out = externalise_media(one + one, tmp_path / "media", "../_static/media/")
    names = set(re.findall(r'(?:src|poster)="\.\./_static/media/([^"]+)"', out))
    assert "data:" not in out
    assert names == {path.name for path in (tmp_path / "media").iterdir()}
    assert {Path(name).suffix for name in names} == {".mp4", ".jpg"}
    for path in (tmp_path / "media").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    assert hashlib.sha256(clip.read_bytes()).hexdigest() + ".mp4" in names


def test_moving_media_twice_changes_nothing(clip: Path, tmp_path: Path) -> None:
    once = externalise_media(player(clip, title="Bars", alt=ALT).markup, tmp_path, "m")
    assert externalise_media(once, tmp_path, "m") == once
    assert 'src="m/' in once


def test_other_embedded_files_stay_where_they_are(tmp_path: Path) -> None:
    markup = '<img src="data:image/png;base64,AAAA"><p title="data:image/png;base64,AAAA">x</p>'
    assert externalise_media(markup, tmp_path / "none", "m") == markup
    assert not (tmp_path / "none").exists()


def test_a_title_that_looks_like_a_tag_does_not_hide_the_media(clip: Path, tmp_path: Path) -> None:
    shown = player(clip, title="a > b 'c' \"d\"", alt=ALT)
    assert "data:" not in externalise_media(shown.markup, tmp_path, "m")


@pytest.mark.parametrize("address", ["data:text/html;base64,AAAA", "data:image/png;base64,A?", "data:image/png,raw"])
def test_strange_embedded_files_stop_the_build(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="embedded"):
        externalise_media(f'<img class="avrec-media" src="{address}">', tmp_path, "m")


def test_a_picture_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        picture_uri(np.zeros((4, 4, 3)))
