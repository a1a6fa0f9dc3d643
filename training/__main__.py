"""Train the library's taggers on annotated clips of other worlds: ``python -m training``.

The annotations are the truth of these worlds: what a person would write down who knows the clip. None of them is the
world of the book, nor one in which a chapter measures what the taggers are worth.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from avrec_lib.content.extraction import extract
from avrec_lib.content.extractors import PICTURE, SOUND, WORDS
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.tagger import Tagger
from avrec_lib.content.text import document
from avrec_lib.world import load_world
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.text import write_text

FOLDER = Path(__file__).parents[1] / "avrec_lib" / "content" / "taggers"
WORLDS = (11, 13, 101, 102, 103, 104, 105, 106, 107)
"""Seeds; the last one calibrates."""
CATALOGUES = (1001, 1002, 1003, 1004, 1005, 1006)
"""Seeds of catalogues of which only the texts are made; the last one calibrates."""
ATTRIBUTES = {
    "text": ["topic", "series", "valence", "arousal", "mood strength"],
    "sound": ["topic", "instrument", "valence", "arousal", "mood strength", "quality", "warmth"],
    "picture": ["topic", "setting", "valence", "arousal", "mood strength", "pace", "quality", "hue cosine", "hue sine"],
}
"""What a person could annotate who has only this modality."""
TAGGERS = {
    "text": Tagger(hidden=128, scale="common", limit=None, epochs=20, rate=3e-3),
    "sound": Tagger(dropout=0.2),
    "picture": Tagger(dropout=0.2),
}


def annotations(clips: pd.DataFrame) -> pd.DataFrame:
    """Return what is true of clips, indexed by clip id.

    Parameters
    ----------
    clips : DataFrame
        A catalogue of :func:`avrec_lib.world.catalogue.sample_catalogue`, indexed by ``clip_id``.

    Returns
    -------
    DataFrame
        All of ``ATTRIBUTES``. A hue is an angle, and is told by its cosine and sine; the strength of a mood is its
        squared distance from a neutral one.
    """
    angle = 2.0 * np.pi * clips["hue"]
    strength = clips["valence"] ** 2 + clips["arousal"] ** 2
    return clips.assign(**{"hue cosine": np.cos(angle), "hue sine": np.sin(angle), "mood strength": strength})


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, calibrate and write the taggers of the modalities.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        Exit status: 0.
    """
    parser = argparse.ArgumentParser(prog="python -m training", description="Train the taggers of the library.")
    parser.add_argument("modalities", nargs="*", default=list(ATTRIBUTES), help="text, sound, picture; default all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write, default the library")
    given = parser.parse_args(arguments)
    if strange := set(given.modalities) - set(ATTRIBUTES):
        parser.error(f"there is no modality {min(strange)}")
    given.folder.mkdir(parents=True, exist_ok=True)
    for modality in given.modalities:
        parts = _texts() if modality == "text" else _media(modality)
        *learn, last = [(table, truth[ATTRIBUTES[modality]]) for table, truth in parts]
        tagger = TAGGERS[modality].fit(
            FeatureTable.concat([one for one, _ in learn]), pd.concat([one for _, one in learn])
        )
        tagger.calibrate(*last).save(given.folder / f"{modality}.safetensors")
        print(f"{modality}: {sum(len(one) for one, _ in learn)} clips, loss {tagger.history_[-1]:.3f}")
        for name, known in tagger.attributes_.items():
            told = {
                key: round(value, 3) for key, value in known.items() if key in ("temperature", "slope", "unexplained")
            }
            print(f"  {name}: {told}")
    return 0


def _texts() -> list[tuple[FeatureTable, pd.DataFrame]]:
    parts = []
    for seed in tqdm(CATALOGUES, desc="catalogues"):
        clips = sample_catalogue(4000, seed=seed).reset_index(drop=True)
        written = pd.concat([clips, write_text(clips, seed=seed).drop(columns=["language"])], axis=1)
        written["clip_id"] = f"{seed}-" + written["clip_id"].astype(str)
        words = WORDS.describe(document(written).tolist(), **WORDS.arguments)
        ids, present = written["clip_id"].to_numpy(dtype=object), ~np.isnan(words).any(axis=1)
        table = FeatureTable(ids, words, present, WORDS.name, WORDS.columns)
        parts.append((table, annotations(written.set_index("clip_id"))))
    return parts


def _media(modality: str) -> list[tuple[FeatureTable, pd.DataFrame]]:
    extractor = {"sound": SOUND, "picture": PICTURE}[modality]
    parts = []
    for seed in tqdm(WORLDS, desc="worlds"):
        world = load_world("full", seed=seed)
        found = extract(world, extractor, n_jobs=-1)[modality].features
        ids = np.array([f"{seed}-{one}" for one in found.ids], dtype=object)
        table = FeatureTable(ids, found.matrix, found.present, found.name, found.columns, found.origin)
        parts.append((table, annotations(world.truth.clips).set_axis(ids)))
    return parts


if __name__ == "__main__":
    sys.exit(main())
