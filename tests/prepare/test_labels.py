import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.labels import canonical_tags, rank_wrong_tags
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.text import write_text


def test_spelling_does_not_tell_labels_apart_and_meaning_needs_an_alias():
    tags = pd.Series(["Lo-Fi|piano", "lo fi", "#LOFI|Klavier", "ｌｏｆｉ"])
    plain, conflicts = canonical_tags(tags)
    assert plain.tolist() == ["lofi|piano", "lofi", "lofi|klavier", "lofi"]
    assert conflicts["label"].tolist() == ["lofi"]
    assert set(conflicts.loc[0, "spellings"].split("|")) == {"Lo-Fi", "lo fi", "#LOFI", "ｌｏｆｉ"}
    assert conflicts.loc[0, "clips"] == 4
    joined, conflicts = canonical_tags(tags, {"klavier": "piano"})
    assert joined[2] == "lofi|piano"
    assert "piano|Klavier" in conflicts["spellings"].tolist() or "Klavier|piano" in conflicts["spellings"].tolist()


def test_a_clip_has_each_label_once_in_its_first_place():
    assert canonical_tags(pd.Series(["b|A|a|B|c"]))[0].tolist() == ["b|a|c"]


def test_absent_and_empty_tags_and_row_labels_survive():
    tags = pd.Series([None, "", "|x| |", None], index=[7, 3, 5, 1], dtype="str", name="tags")
    plain, conflicts = canonical_tags(tags)
    assert plain.index.tolist() == [7, 3, 5, 1]
    assert plain.isna().tolist() == [True, False, False, True]
    assert plain[3] == ""
    assert plain[5] == "x"
    assert conflicts.empty
    assert canonical_tags(tags.iloc[:0])[0].empty


def test_aliases_are_followed_to_their_end():
    assert canonical_tags(pd.Series(["a|c"]), {"a": "b", "b": "c"})[0].tolist() == ["c"]


def test_aliases_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="stands for both"):
        canonical_tags(pd.Series(["a"]), {"Hip-Hop": "rap", "hiphop": "dance"})
    with pytest.raises(ValueError, match="circle: a -> b -> a"):
        canonical_tags(pd.Series(["a"]), {"a": "b", "b": "a"})


def test_the_canonical_form_is_its_own_canonical_form():
    once, _ = canonical_tags(write_text(sample_catalogue(60, seed=5), seed=5)["tags"])
    twice, conflicts = canonical_tags(once)
    assert once.tolist() == twice.tolist()
    assert conflicts.empty


TOPICS = {
    "sea": "wave shore gull tide salt",
    "band": "drum bass chorus verse horn",
    "shop": "stall price fruit cart coin",
}


def clips_about(topics):
    """Return clips whose titles hold three words of their topic and one of any."""
    rng = np.random.default_rng(3)
    every = " ".join(TOPICS.values()).split()
    titles = [" ".join([*rng.choice(TOPICS[name].split(), 3), str(rng.choice(every))]) for name in topics]
    table = pd.DataFrame({"clip_id": [f"c{i:02}" for i in range(len(titles))], "title": titles, "tags": list(topics)})
    return table.assign(description=None, transcript=None)


def test_swapped_tags_stand_at_the_top_of_the_list():
    clips = clips_about(list(TOPICS) * 20)
    swapped = [0, 1, 2, 27]
    clips.loc[swapped, "tags"] = ["band", "shop", "sea", "band"]
    ranked = rank_wrong_tags(clips)
    assert sorted(ranked["clip_id"]) == sorted(clips["clip_id"])
    assert set(ranked["clip_id"].head(4)) == set(clips.loc[swapped, "clip_id"])
    assert ranked["agreement"].is_monotonic_increasing
    pd.testing.assert_frame_equal(ranked, rank_wrong_tags(clips))
    assert not ranked.equals(rank_wrong_tags(clips, seed=1))


def test_swapped_tags_of_a_world_stand_far_before_the_middle():
    catalogue = sample_catalogue(100, seed=9)
    clips = write_text(catalogue, seed=9).assign(clip_id=catalogue["clip_id"].to_numpy())
    swapped = np.arange(0, 100, 10)
    clips.loc[swapped, "tags"] = np.roll(clips["tags"].to_numpy()[swapped], 1)
    place = pd.Series(np.arange(100), index=rank_wrong_tags(clips)["clip_id"])
    # By chance it would be 50.
    assert place[clips.loc[swapped, "clip_id"]].mean() < 30


def test_a_tag_that_no_other_clip_has_cannot_be_judged():
    clips = clips_about(list(TOPICS) * 10)
    clips.loc[4, "tags"] = "unheard of"
    clips.loc[5, "tags"] = None
    assert set(clips["clip_id"]) - set(rank_wrong_tags(clips)["clip_id"]) == {"c04", "c05"}
