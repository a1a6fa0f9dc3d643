from itertools import pairwise

import numpy as np
import pytest

from avrec_lib.content.visual import find_cuts, grey_bytes, key_frames
from avrec_lib.content.visual.shots import ScoreStream, change_scores, structure_maps
from avrec_lib.world import load_world
from avrec_lib.world.profiles import Profile

from .conftest import carpet, whole_clips


def panned(seed, frames, step=2, size=128):
    """A window that moves over a carpet."""
    ground = carpet(seed)
    return np.stack([ground[50 : 50 + size, 20 + step * k : 20 + step * k + size] for k in range(frames)])


def matched(found, planted, tolerance):
    """Count cuts that were found, each once, within some frames."""
    left = list(found)
    hits = 0
    for cut in planted:
        near = [c for c in left if abs(c - cut) <= tolerance]
        if near:
            left.remove(min(near, key=lambda c: abs(c - cut)))
            hits += 1
    return hits


def f1_of_cuts(clips):
    """F1 over all cuts of some clips, within one frame, and how many cuts were planted."""
    hits = found = planted = 0
    for images, truth in clips:
        cuts, true = find_cuts(images, 12.0), np.round(truth["cut_times"] * 12).astype(int)
        hits += matched(cuts, true, 1)
        found += len(cuts)
        planted += len(true)
    return 2 * hits / (found + planted), planted


def test_planted_cuts_are_found_with_an_f1_of_95_per_cent(clean_clips):
    """Within one frame. The threshold was chosen on worlds of seeds 101 to 103; this is another one."""
    f1, planted = f1_of_cuts(clean_clips)
    assert planted > 60 and f1 >= 0.95


@pytest.mark.parametrize("seed", [21, 22])
def test_planted_cuts_of_worlds_that_nothing_was_chosen_on_are_found(seed):
    small = Profile("shots", clips=24, people=30, creators=8)
    f1, planted = f1_of_cuts(whole_clips(load_world(small, seed=seed, progress=False)))
    assert planted > 25 and f1 >= 0.95


def test_dissolves_between_clips_are_missed_and_are_steps_at_one_frame_a_second(clean_clips):
    """What `find_cuts` cannot do, stated: of dissolves of 1.5 seconds between stills it finds few, of cuts all."""
    stills = [images[len(images) // 2] for images, _ in clean_clips[:24]]

    def found(seconds, every):
        weight = np.clip((np.arange(60) - 30) / (12 * seconds) + 0.5, 0, 1)[:, None, None, None]
        films = [np.rint((1 - weight) * a + weight * b).astype(np.uint8) for a, b in pairwise(stills)]
        return np.mean([len(find_cuts(film[::every], 12.0 / every)) > 0 for film in films])

    assert found(1e-6, 1) == 1.0
    assert found(1.5, 1) < 0.1
    assert found(1.5, 12) > 0.9


def test_cuts_between_shots_are_found_at_their_frame():
    film = np.concatenate([panned(1, 30), panned(2, 25), panned(3, 40)])
    assert find_cuts(film, 12.0).tolist() == [30, 55]


def test_fast_motion_is_no_cut():
    assert not len(find_cuts(panned(4, 40, step=8), 12.0))


def test_a_flash_is_no_cut():
    film = panned(5, 40).copy()
    film[20:22] = np.minimum(film[20:22].astype(int) + 120, 255).astype(np.uint8)
    assert not len(find_cuts(film, 12.0))


def test_one_odd_frame_is_no_cut():
    film = np.repeat(panned(5, 1), 40, axis=0)
    film[20] = panned(6, 1)[0]
    assert not len(find_cuts(film, 12.0))


def test_a_still_film_and_a_single_frame_have_no_cut():
    still = np.repeat(carpet()[None, :128, :128], 30, axis=0)
    assert (
        not len(find_cuts(still, 12.0)) and not len(find_cuts(still[:1], 12.0)) and not len(find_cuts(still[:2], 12.0))
    )


@pytest.mark.parametrize("fps", [8.0, 24.0])
def test_other_rates_and_sizes_are_served(fps):
    film = np.concatenate([panned(1, 40, step=1, size=150), panned(2, 40, step=1, size=150)])[:, :90]
    assert find_cuts(film, fps).tolist() == [40]


def test_scores_of_a_film_in_pieces_are_those_of_the_whole():
    film = np.concatenate([panned(k, 37, step=3) for k in range(6)])
    maps = structure_maps(grey_bytes(film))
    for fps in (5.0, 12.0, 25.0):
        stream = ScoreStream(fps)
        for start in range(0, len(maps), 17):
            stream.add(maps[start : start + 17])
        np.testing.assert_array_equal(stream.finish(), change_scores(maps, fps))


@pytest.mark.parametrize("fps", [3.0, 12.0, 30.0])
def test_each_place_is_judged_by_its_median_change_within_half_a_second_to_either_side(fps):
    maps = np.random.default_rng(4).normal(0, 6, (70, 300)).astype(np.float32)
    reach, step = max(2, round(fps / 2)), np.abs(np.diff(maps, axis=0))
    for frame in (reach + 1, 35, 69 - reach):
        others = np.delete(step[frame - 1 - reach : frame + reach], reach, axis=0)
        room = 1 / (1 + np.sort(others, axis=0)[reach])
        apart = [
            np.abs(maps[frame - before] - maps[min(frame + after, 69)])
            for before in (1, 2)
            for after in (0, 1, round(0.25 * fps), round(0.42 * fps))
        ]
        wanted = min(np.minimum(one * room, 3).mean() for one in apart)
        assert change_scores(maps, fps)[frame] == pytest.approx(wanted, rel=1e-5)


def test_every_shot_has_one_key_frame_and_it_is_a_typical_one():
    film = np.concatenate([panned(1, 30), panned(2, 25)])
    film[3] = 0  # an odd frame stands for nothing
    keys = key_frames(film, np.array([30]))
    assert len(keys) == 2 and 10 < keys[0] < 20 and 30 + 8 < keys[1] < 30 + 17
    assert key_frames(film[:5], np.array([], int)).shape == (1,)


def test_bad_cuts_and_rates_are_refused():
    film = panned(1, 10)
    for cuts in ([0], [10], [5, 5]):
        with pytest.raises(ValueError, match="increase"):
            key_frames(film, np.array(cuts))
    with pytest.raises(ValueError, match="fps"):
        find_cuts(film, 0.0)
