"""What fusion adds on worlds on which no tagger was trained and no way of fusing was chosen.

The last part of chapter 9 on other seeds. Worlds are made where they are not in the cache, about two minutes each.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from avrec_lib.content.extraction import extract
from avrec_lib.content.extractors import PICTURE, SOUND, WORDS
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import hide_modalities, pool_opinions, product_of_experts
from avrec_lib.content.tagger import load_tagger
from avrec_lib.evaluate.panel import Panel, true_attributes
from avrec_lib.evaluate.uncertainty import resampled_means
from avrec_lib.world import load_world

__all__ = ["main"]

MODALITIES = ("text", "sound", "picture")
DRAWS = 10  # of the clips that lack a modality
OF_CREATORS = ("hue cosine", "hue sine", "warmth")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, for each world, how far fusion gets, and what it loses where modalities are missing.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        Exit status: 0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fusion", description="Fusion on unseen worlds.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52, 53], help="of the worlds")
    parser.add_argument("--profile", default="full", help="their size: smoke or full")
    given = parser.parse_args(arguments)
    for seed in given.seeds:
        _report(given.profile, seed)
    return 0


def _report(profile: str, seed: int) -> None:
    world = load_world(profile, seed=seed)
    found = extract(world, [WORDS, SOUND, PICTURE])
    creators = world.clips.set_index("clip_id")["creator_id"]
    said = [load_tagger(name).transform(found[name].features) for name in MODALITIES]

    def pooled(tables: Sequence[FeatureTable]) -> list[FeatureTable]:
        return [pool_opinions(table, creators, OF_CREATORS) for table in tables]

    told = pooled(said)
    panel = Panel(world)

    def judged(description: FeatureTable) -> np.ndarray:
        return panel.quality(panel.scores(description)).to_numpy()

    alone = {table.name: judged(table) for table in told}
    line = {name: judged(true_attributes(world, [name])).mean() for name in MODALITIES}
    single, fused = max(alone.values(), key=np.mean), judged(product_of_experts(told))
    ceiling = judged(true_attributes(world, MODALITIES))
    drawn = resampled_means(np.column_stack([single, fused, ceiling]), seed=seed, n_resamples=2000)
    low, high = np.quantile((drawn[:, 1] - drawn[:, 0]) / (drawn[:, 2] - drawn[:, 0]), [0.025, 0.975])
    gain, best = fused.mean() - single.mean(), max(line.values())
    if gain <= 0.0:
        print(f"\nworld {seed} ({profile}): fusion gains nothing over the best modality ({gain:.4f} nDCG@10)")
        return
    print(f"\nworld {seed} ({profile}): {len(panel.people)} people, {len(panel.clips)} clips of the future; nDCG@10")
    for name in MODALITIES:
        print(f"  {name:<8} {alone[name].mean():.4f}   the truth about it {line[name]:.4f}")
    print(f"  fused    {fused.mean():.4f}   the truth about all {ceiling.mean():.4f}")
    way, above = gain / (ceiling.mean() - single.mean()), (fused.mean() - best) / (ceiling.mean() - best)
    print(f"  closes {way:.1%} [{low:.1%}, {high:.1%}] of the way from the best alone to the ceiling,")
    print(f"  and stands at {above:.1%} of the way from the truth about the best to the truth about all")
    for only in (None, *MODALITIES):
        hidden = [hide_modalities(said, 0.5, seed=draw, only=only) for draw in range(DRAWS)]
        left = np.mean([judged(product_of_experts(pooled(tables))) for tables in hidden])
        print(f"  half of the clips without {only or 'one of the three':<17} loses {(fused.mean() - left) / gain:.1%}")


if __name__ == "__main__":
    sys.exit(main())
