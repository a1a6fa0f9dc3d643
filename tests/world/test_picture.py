"""The picture against its truth: motion, cuts, palette, mood, setting, and the safety of what flashes."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.picture import FPS, SCENES, SIZE, PictureTruth, render_picture
from avrec_lib.world.picture.canvas import Layer, periodic_layer, tile_noise
from avrec_lib.world.picture.pen import Pen
from avrec_lib.world.topics import SETTINGS, TOPICS

NAMES = [topic.name for topic in TOPICS]
MOVING = [name for name in NAMES if SCENES[name].directions != "none"]
STILL = [name for name in NAMES if name not in MOVING]
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@lru_cache(maxsize=128)
def picture(topic: str, **changes: object) -> tuple[np.ndarray, PictureTruth]:
    return render_picture(spec(topic, **changes))


def spec(topic: str, **changes: object) -> ClipSpec:
    base = ClipSpec(
        clip_id="c1",
        topic=topic,
        family="any",
        instrument="piano",
        setting="clear",
        valence=0.1,
        arousal=0.0,
        pace=0.4,
        quality=0.9,
        duration_seconds=5.0,
        hue=0.5,
        warmth=0.5,
        seed=11,
    )
    return replace(base, **changes)


def grey(frames: np.ndarray) -> np.ndarray:
    return frames.astype(np.float32) @ LUMA


def measured_motion(frames: np.ndarray, lag: int = 2) -> tuple[float, float]:
    """Find the shift that most pairs of a shot's frames agree on: phase correlation summed over the shot."""
    detail = np.stack([image - cv2.GaussianBlur(image, (0, 0), 4.0) for image in grey(frames)])
    window = np.outer(np.hanning(SIZE), np.hanning(SIZE))
    spectra = np.fft.rfft2(detail * window)
    total = np.zeros(spectra.shape[1:], dtype=complex)
    for k in range(len(frames) - lag):
        cross = spectra[k + lag] * np.conj(spectra[k])
        total += cross / (np.abs(cross) + 1e-3 * np.abs(cross).max())
    peaks = cv2.GaussianBlur(np.fft.fftshift(np.fft.irfft2(total, s=(SIZE, SIZE))), (0, 0), 0.8)
    row, column = np.unravel_index(peaks.argmax(), peaks.shape)

    def vertex(before: float, at: float, after: float) -> float:
        return 0.5 * (before - after) / (before - 2.0 * at + after)

    right = column - SIZE // 2 + vertex(peaks[row, column - 1], peaks[row, column], peaks[row, (column + 1) % SIZE])
    down = row - SIZE // 2 + vertex(peaks[row - 1, column], peaks[row, column], peaks[(row + 1) % SIZE, column])
    return right * FPS / lag, down * FPS / lag


def shots(frames: np.ndarray, truth: PictureTruth) -> list[np.ndarray]:
    return np.split(frames, sorted(cut_set(truth)))


def cut_set(truth: PictureTruth) -> set[int]:
    return set(np.rint(truth.cut_times * FPS).astype(int).tolist())


@pytest.mark.parametrize("topic", NAMES)
def test_every_topic_gives_frames_of_the_promised_shape_and_a_full_truth(topic):
    setting = SETTINGS[NAMES.index(topic) % len(SETTINGS)]
    frames, truth = picture(topic, setting=setting, duration_seconds=1.5)
    assert frames.shape == (18, SIZE, SIZE, 3) and frames.dtype == np.uint8
    assert truth.palette.shape == (5, 3) and truth.palette.dtype == np.uint8
    assert truth.setting == setting
    assert np.isnan(truth.direction_degrees) == (truth.speed_pixels_per_second == 0.0) == (topic in STILL)
    assert np.all((truth.cut_times > 0.0) & (truth.cut_times < 1.5))


@pytest.mark.parametrize("topic", ["ink", "ball-match", "thunderstorm"])
def test_same_specification_gives_same_bytes_whatever_was_drawn_before(topic):
    first = render_picture(spec(topic, setting="rain", quality=0.2, duration_seconds=1.5))
    picture("market", setting="snow", duration_seconds=1.5)
    again = render_picture(spec(topic, setting="rain", quality=0.2, duration_seconds=1.5))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1].palette, again[1].palette)
    other = render_picture(spec(topic, setting="rain", quality=0.2, duration_seconds=1.5, seed=12))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("topic", MOVING)
def test_direction_and_speed_of_every_shot_are_those_that_phase_correlation_measures(topic):
    frames, truth = picture(topic)
    for shot in shots(frames, truth):
        right, down = measured_motion(shot)
        angle = np.degrees(np.arctan2(-down, right))
        off = (angle - truth.direction_degrees + 180.0) % 360.0 - 180.0
        assert abs(off) < 8.0
        assert np.hypot(right, down) == pytest.approx(truth.speed_pixels_per_second, rel=0.12)


@pytest.mark.parametrize("topic", [name for name in STILL if name != "bouncing-shapes"])
def test_a_topic_without_global_motion_stands_still(topic):
    frames, truth = picture(topic)
    for shot in shots(frames, truth):
        assert np.hypot(*measured_motion(shot)) < 6.0


def test_shapes_move_before_a_paper_that_stands_still():
    # Each shape moves its own way, so phase correlation would find one of them.
    shades = grey(picture("bouncing-shapes", duration_seconds=2.0, pace=0.0)[0])
    away = np.abs(shades - np.median(shades, axis=0)) > 5.0
    assert 0.02 < away.mean() < 0.4


def test_directions_of_clips_differ():
    truths = [picture("rainforest", seed=seed, duration_seconds=0.2)[1] for seed in range(12)]
    angles = np.radians([truth.direction_degrees for truth in truths])
    assert np.hypot(np.cos(angles).mean(), np.sin(angles).mean()) < 0.7
    across = {picture("ocean", seed=seed, duration_seconds=0.2)[1].direction_degrees for seed in range(12)}
    assert across == {0.0, 180.0}


@pytest.mark.parametrize("topic", NAMES)
def test_the_picture_changes_most_where_the_truth_says_it_cuts(topic):
    frames, truth = picture(topic, pace=0.95, seed=23, duration_seconds=4.5)
    cuts = cut_set(truth)
    assert len(cuts) == 3
    change = np.abs(np.diff(grey(frames), axis=0)).mean(axis=(1, 2))
    assert set((np.argsort(change)[-3:] + 1).tolist()) == cuts


def test_pace_sets_the_number_of_shots():
    counts = [len(picture("ocean", pace=pace)[1].cut_times) + 1 for pace in (0.0, 0.3, 0.6, 1.0)]
    assert counts == [1, 2, 3, 4]


@pytest.mark.parametrize("topic", NAMES)
def test_palette_holds_the_colours_that_cover_the_picture(topic):
    setting = SETTINGS[(NAMES.index(topic) + 2) % len(SETTINGS)]
    frames, truth = picture(topic, setting=setting, duration_seconds=1.5)
    pixels = frames[::4, ::3, ::3].reshape(-1, 3).astype(float)
    distance = np.linalg.norm(pixels[:, None] - truth.palette[None].astype(float), axis=2)
    share = np.bincount(distance.argmin(axis=1), minlength=5) / len(pixels)
    assert distance.min(axis=1).mean() < 32.0
    assert share.min() > 0.01
    # Five colours explain most of what one grey explains badly.
    spread = np.linalg.norm(pixels - pixels.mean(axis=0), axis=1).mean()
    assert distance.min(axis=1).mean() < 0.62 * spread


@pytest.mark.parametrize("topic", NAMES)
def test_high_valence_is_brighter_in_every_setting_and_richer_in_clear_light(topic):
    for setting in ("clear", SETTINGS[1 + NAMES.index(topic) % 5]):
        clips = [
            picture(topic, valence=v, setting=setting, duration_seconds=0.5, pace=0.0)[0].astype(float)
            for v in (-0.8, 0.0, 0.8)
        ]
        assert np.all(np.diff([clip.mean() for clip in clips]) > 0.0)
        if setting == "clear":
            richness = [(clip.max(axis=3) - clip.min(axis=3)).mean() for clip in clips]
            assert richness[2] > 1.2 * richness[0]


def test_high_valence_is_warmer_in_nearly_every_topic():
    warmer = 0
    for topic in NAMES:
        sad, glad = (picture(topic, valence=v, setting="clear", duration_seconds=0.5, pace=0.0)[0] for v in (-0.8, 0.8))
        warmer += glad[..., 0].mean() / glad.mean() > sad[..., 0].mean() / sad.mean() + 0.02
    # A glad sea is bluer, a glad lawn greener.
    assert warmer >= 12


@pytest.mark.parametrize("topic", NAMES)
def test_high_arousal_moves_faster(topic):
    change = []
    for arousal in (-0.9, 0.9):
        frames, truth = picture(topic, arousal=arousal, pace=0.0, duration_seconds=1.5)
        change.append((np.abs(np.diff(grey(frames), axis=0)).mean(), truth.speed_pixels_per_second))
    assert change[1][0] > 1.15 * change[0][0]
    if topic in MOVING:
        assert change[1][1] == pytest.approx(change[0][1] * 2.0**1.8)


def features(frames: np.ndarray) -> np.ndarray:
    """Describe a clip simply: colours by region, contrast, fine detail and what changes."""
    shades = grey(frames)
    blur = np.stack([cv2.GaussianBlur(image, (0, 0), 2.0) for image in shades])
    detail = shades - blur
    regions = cv2.resize(frames.mean(axis=0), (4, 4), interpolation=cv2.INTER_AREA)
    rows = cv2.resize(np.abs(detail).mean(axis=0), (1, 8), interpolation=cv2.INTER_AREA)
    hue = cv2.cvtColor(frames.reshape(-1, SIZE, 3), cv2.COLOR_RGB2HSV)
    hues = np.histogram(hue[..., 0], 12, (0, 180), weights=hue[..., 1])[0] / hue[..., 1].size
    change = np.diff(shades, axis=0)
    edges = np.array([np.abs(np.diff(shades, axis=axis)).mean() for axis in (1, 2)])
    spots = np.quantile(np.maximum(detail, 0.0), [0.9, 0.97, 0.99])
    moving = np.quantile(change, [0.01, 0.1, 0.9, 0.97, 0.99])
    spread = [shades.std(), frames.std(axis=3).mean(), np.abs(change).mean()]
    return np.concatenate([regions.ravel(), rows.ravel(), hues, edges, spots, moving, spread])


def drawn(n_clips: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Describe clips of all topics and settings with moods as in the catalogue."""
    rng = np.random.default_rng(seed)
    rows, topics, settings = [], [], []
    for k in range(n_clips):
        topic, setting = TOPICS[k % 16], SETTINGS[(k + k // 16) % 6]
        clip = spec(
            topic.name,
            setting=setting,
            valence=float(np.clip(topic.valence + rng.normal(0.0, 0.45), -1.0, 1.0)),
            arousal=float(np.clip(topic.arousal + rng.normal(0.0, 0.4), -1.0, 1.0)),
            hue=float(rng.random()),
            quality=float(rng.random()),
            pace=0.0,
            duration_seconds=0.5,
            seed=int(rng.integers(2**31)),
        )
        rows.append(features(render_picture(clip)[0]))
        topics.append(topic.name)
        settings.append(setting)
    return np.array(rows), np.array(topics), np.array(settings)


def test_simple_features_tell_topics_and_settings_apart():
    rows, topics, settings = drawn(160, seed=5)
    half = np.arange(160) < 112
    for names, least in ((topics, 0.75), (settings, 0.75)):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
        model.fit(rows[half], names[half])
        assert model.score(rows[~half], names[~half]) >= least


@pytest.mark.parametrize("topic", ["nocturne-piano", "birdsong-meadow", "ink"])
def test_each_setting_shows_what_it_is_named_after(topic):
    clips = {s: picture(topic, setting=s, duration_seconds=1.0)[0].astype(float) for s in SETTINGS}
    contrast = {s: grey(c).std() for s, c in clips.items()}
    assert contrast["fog"] < 0.75 * contrast["clear"]
    blue = {s: (c[..., 2] - c[..., 0]).mean() for s, c in clips.items()}
    assert max(blue, key=blue.get) == "starlight" and min(blue, key=blue.get) == "ember"
    flicker = {s: np.abs(np.diff(grey(c), axis=0)).mean() for s, c in clips.items()}
    assert flicker["rain"] > flicker["clear"] + 2.0 and flicker["snow"] > flicker["clear"] + 1.0
    assert grey(clips["rain"]).mean() < grey(clips["clear"]).mean()


def worst_second(luminance: np.ndarray) -> float:
    """Count the flashes in the worst second: pairs of opposite changes of a tenth of full luminance (WCAG 2)."""
    turns, way, extreme = [], 0, luminance[0]
    for k, value in enumerate(luminance):
        if way == 0 and abs(value - extreme) >= 0.1:
            turns, way, extreme = [*turns, k], int(np.sign(value - extreme)), value
        elif way * (value - extreme) > 0.0:
            extreme = value
        elif way and way * (extreme - value) >= 0.1:
            turns, way, extreme = [*turns, k], -way, value
    moments = np.array(turns)
    return max((np.sum((moments >= k) & (moments < k + FPS)) for k in turns), default=0) / 2.0


def test_flashes_are_counted():
    blink = np.tile([0.0, 1.0], 24)
    assert worst_second(blink) == pytest.approx(6.0)
    assert worst_second(np.linspace(0.0, 1.0, 48)) <= 0.5


@pytest.mark.parametrize(("topic", "valence"), [("thunderstorm", -0.3), ("thunderstorm", 0.9), ("techno", 0.9)])
def test_no_more_than_three_flashes_a_second(topic, valence):
    for seed in range(2):
        frames, _ = picture(topic, valence=valence, arousal=1.0, pace=1.0, seed=seed)
        light = np.where(frames <= 10, frames / 255.0 / 12.92, ((frames / 255.0 + 0.055) / 1.055) ** 2.4)
        light = light @ np.array([0.2126, 0.7152, 0.0722])
        assert worst_second(light.mean(axis=(1, 2))) <= 3.0
        blocks = light.reshape(len(light), 8, 16, 8, 16).mean(axis=(2, 4)).reshape(len(light), -1)
        assert np.mean([worst_second(block) > 3.0 for block in blocks.T]) < 0.25


def test_low_quality_is_grainier_and_less_steady():
    well, badly = (picture("bouncing-shapes", quality=q, duration_seconds=1.0, pace=0.0)[0] for q in (1.0, 0.5))
    flat = (slice(0, 6), slice(4, 20), slice(4, 20))
    still = [grey(clip[flat]) for clip in (well, badly)]
    assert np.abs(np.diff(still[1], axis=0)).mean() > np.abs(np.diff(still[0], axis=0)).mean()


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match=r"clip c1: no topic named 'opera'; there are nocturne-piano"):
        render_picture(replace(spec("ocean"), topic="opera"))
    with pytest.raises(ValueError, match=r"clip c1: no setting named 'hail'; there are clear"):
        render_picture(replace(spec("ocean"), setting="hail"))
    with pytest.raises(ValueError, match=r"clip c1: 0\.01 s is shorter"):
        render_picture(replace(spec("ocean"), duration_seconds=0.01))


def test_a_layer_repeats_without_a_seam():
    rng = np.random.default_rng(0)

    def paint(pen: Pen) -> None:
        for x, y, r in rng.uniform([0, 0, 3], [150, 128, 20], (60, 3)):
            pen.disc(x, y, r, tuple(rng.uniform(0, 255, 3)))

    layer = periodic_layer(paint, width=150.0, backdrop=np.zeros((SIZE, 1, 3), dtype=np.uint8))
    frames = [np.empty((SIZE, SIZE, 3), dtype=np.uint8) for _ in range(3)]
    for frame, x in zip(frames, (10.0, 160.0, 80.0), strict=True):
        layer.draw(frame, x)
    assert np.array_equal(frames[0], frames[1])
    # The step over the seam, seen in the middle of the third frame, is no greater than any other.
    steps = np.abs(np.diff(grey(frames[2]), axis=1)).mean(axis=0)
    assert steps[79] <= np.quantile(steps, 0.98)


def test_a_layer_moved_by_part_of_a_pixel_lies_between_its_neighbours():
    stripes = np.zeros((SIZE, 200, 3), dtype=np.uint8)
    stripes[:, ::2] = 100
    layer = Layer(stripes, None, (True, False))
    frame = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
    for x, first in ((-10.0, (100, 0)), (-11.0, (0, 100)), (-10.25, (75, 25)), (-10.5, (50, 50))):
        layer.draw(frame, x)
        assert np.all(np.abs(frame[0, :2, 0].astype(float) - first) <= 1.0)


def test_noise_repeats_without_a_seam_and_fills_its_range():
    field = tile_noise(3)
    inner = np.abs(np.diff(field, axis=1)).mean()
    assert np.abs(field[:, 0] - field[:, -1]).mean() < 1.5 * inner
    assert 0.45 < field.mean() < 0.55 and field.min() < 0.05 and field.max() > 0.95
