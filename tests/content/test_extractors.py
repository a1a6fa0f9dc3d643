"""The ready-made extractors give what they promise, in this process and in others."""

import numpy as np
import pytest

from avrec_lib.content.extraction import extract
from avrec_lib.content.extractors import ALL
from avrec_lib.media import write_clip

WORDS = {"clip": "Rain on the roof, played by a cello", "dup": "Rain on the roof, played by a cello", "none": ""}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    frames = np.roll(rng.integers(0, 256, (1, 64, 64, 3), np.uint8), 0).repeat(24, axis=0)
    frames = np.stack([np.roll(frame, 2 * t, axis=1) for t, frame in enumerate(frames)])
    sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * 22_050) / 22_050)
    paths = {name: folder / f"{name}.mp4" for name in WORDS}
    write_clip(paths["clip"], frames=frames, sound=sound)
    write_clip(paths["dup"], frames=frames, sound=sound)
    write_clip(paths["none"], frames=frames[:1])
    return {
        n_jobs: extract(paths, ALL, texts=WORDS, n_jobs=n_jobs, progress=False, cache=folder / str(n_jobs))
        for n_jobs in (1, 2)
    }


def test_every_modality_is_described_under_its_names(found):
    assert list(found[1]) == ["text", "picture", "motion", "sound"]
    for extractor in ALL:
        features = found[1][extractor.name].features
        assert features.columns == extractor.columns and features.width == len(extractor.columns)
        assert features.present.tolist()[:2] == [True, True]
        np.testing.assert_array_equal(features.matrix[0], features.matrix[1])
    absent = {name: one.problems["clip_id"].tolist() for name, one in found[1].items()}
    assert absent == {"text": ["none"], "picture": [], "motion": ["none"], "sound": ["none"]}


def test_other_processes_give_the_same_bytes(found):
    for name in found[1]:
        np.testing.assert_array_equal(found[1][name].features.matrix, found[2][name].features.matrix)
