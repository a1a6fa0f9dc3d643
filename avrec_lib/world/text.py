"""The words around a clip: title, description, tags and a spoken line.

A small grammar writes them. It reads the topic and the mood, both with noise, and the
series; it is never shown the instrument or the setting, which only the ear and
the eye can tell. Several wordings of one topic share no vocabulary, so word overlap
alone finds some neighbours and misses others.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from avrec_lib.world.text_moods import (
    GENERIC_NOUNS,
    GENERIC_SCENES,
    GENERIC_TAGS,
    HANDLE_FIRST,
    HANDLE_SECOND,
    MOOD_ADJECTIVES,
    MOOD_EMOJI,
    MOOD_OCCASIONS,
    MOOD_SENTENCES,
    MOOD_SPOKEN,
    MOOD_TAGS,
    SERIES_NAMES,
)
from avrec_lib.world.text_scripts import SCRIPTS
from avrec_lib.world.text_topics import WORDINGS
from avrec_lib.world.topics import SERIES, TOPICS

__all__ = ["creator_handle", "topic_tags", "write_text"]

_STREAM = 7
_READS = ["topic", "valence", "arousal", "series", "creator_id"]

_OFF_TOPIC = 0.05  # the whole text is about another topic
_VAGUE_TITLE, _VAGUE_DESCRIPTION, _VAGUE_TRANSCRIPT = 0.18, 0.15, 0.30
_OTHER_SCRIPT = 0.09
_MOOD_NOISE = 0.30

_IN_SERIES = (
    "{series}: {adjective} {noun}",
    "{adjective} {noun} | {series}",
    "{noun} {occasion} ({series})",
    "[{series} #{n}] {adjective} {noun}",
    "{series} no. {n} – {noun}, {adjective}",
    "{noun}, {adjective} | {series} {n}",
)
_ALONE = (
    "{adjective} {noun}",
    "{noun}, {adjective}",
    "{noun} {occasion}",
    "{adjective} {noun}, no. {n}",
    "{noun} – {adjective}, take {n}",
    "{adjective} {noun} {occasion}",
)
_VAGUE_IN_SERIES = ("{series}: {noun} ({adjective})", "{series} {n} – {noun}", "{adjective}: {noun} | {series}")
_VAGUE_ALONE = ("{adjective}: {noun}", "{noun} ({adjective} no. {n})", "{noun}, {adjective}", "{noun} – {occasion}")

_BODIES = (
    "{scene} {feeling} {mention} {credit}",
    "{feeling} {scene} {mention} {credit}",
    "{mention} {scene} {feeling} {credit}",
    "{scene} {mention} {credit}",
    "{scene} {feeling} {mention}",
)
_MENTIONS = ("Part of {series}.", "Episode {n} of {series}.", "{series}, number {n}.", "More from {series} every week.")
_CREDITS = ("By {handle}.", "Follow {handle} for more.", "{handle}", "Filmed and cut by {handle}.")
_OPENERS = ("", "", "", "okay so, ", "um, ", "right, ", "so, ")
_LINKS = (", ", " and ", " ... ", ", you know, ")


def topic_tags(topic: str) -> tuple[str, ...]:
    """Return the tags that label a topic.

    Parameters
    ----------
    topic : str
        Name of a topic.

    Returns
    -------
    tuple of str
        Eight tags.
    """
    return WORDINGS[topic].tags


def creator_handle(creator_id: str) -> str:
    """Return the name under which a creator publishes.

    Parameters
    ----------
    creator_id : str
        Identifier of the creator.

    Returns
    -------
    str
        A handle such as ``@wren_tapes``; always the same for one identifier.
    """
    number = zlib.crc32(creator_id.encode())
    first = HANDLE_FIRST[number % len(HANDLE_FIRST)]
    second = HANDLE_SECOND[number // len(HANDLE_FIRST) % len(HANDLE_SECOND)]
    return f"@{first}_{second}"


def _choose(phrases: Sequence[Sequence[str]], row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one phrase a clip: ``phrases[row[i]]`` at random, for all clips at once."""
    lengths = np.array([len(options) for options in phrases])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    flat = np.array([phrase for options in phrases for phrase in options], dtype=object)
    return flat[starts[row] + (rng.random(row.size) * lengths[row]).astype(int)]


def _choose_any(options: Sequence[str], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one of a few phrases for each of ``n`` clips."""
    return np.array(options, dtype=object)[rng.integers(len(options), size=n)]


def _mood_cell(catalogue: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Read the mood with noise, as an index into the grid of nine moods."""
    mood = catalogue[["valence", "arousal"]].to_numpy()
    bands = np.digitize(mood + rng.normal(0.0, _MOOD_NOISE, mood.shape), [-0.3, 0.3])
    cell: np.ndarray = 3 * bands[:, 0] + bands[:, 1]
    return cell


def _style(title: str, style: int, emoji: str) -> str:
    """Write a title in its creator's habit."""
    if style == 1:
        return title.lower()
    if style == 2:
        return re.sub(r"(^|[\s(\[])([a-z])", lambda match: match[1] + match[2].upper(), title)
    title = title[:1].upper() + title[1:]
    return f"{title} {emoji}" if style == 3 else title


def _titles(
    topic: np.ndarray, mood: np.ndarray, series: np.ndarray, style: np.ndarray, rng: np.random.Generator
) -> list[str]:
    """Write the titles in English; an empty ``series`` is not named."""
    n = topic.size
    vague = rng.random(n) < _VAGUE_TITLE
    nouns = _choose([WORDINGS[t.name].nouns for t in TOPICS], topic, rng)
    nouns = np.where(vague, _choose_any(GENERIC_NOUNS, n, rng), nouns)
    named = series != ""
    shape = np.select([vague & named, vague, named], [3, 2, 1], 0)
    templates = _choose([_ALONE, _IN_SERIES, _VAGUE_ALONE, _VAGUE_IN_SERIES], shape, rng)
    adjectives = _choose(MOOD_ADJECTIVES, mood, rng)
    occasions = _choose(MOOD_OCCASIONS, mood, rng)
    numbers = rng.integers(1, 100, n)
    emoji = np.array(MOOD_EMOJI, dtype=object)[mood]
    return [
        _style(t.format(noun=noun, adjective=a, occasion=o, series=s, n=k), manner, face)
        for t, noun, a, o, s, k, manner, face in zip(
            templates, nouns, adjectives, occasions, series, numbers, style, emoji, strict=True
        )
    ]


def _titles_in(
    code: int, topic: np.ndarray, mood: np.ndarray, series: np.ndarray, rng: np.random.Generator
) -> list[str]:
    """Write titles in another script; the series keeps its English name."""
    script = SCRIPTS[code]
    n = topic.size
    nouns = _choose([script.nouns[t.name] for t in TOPICS], topic, rng)
    moods = _choose(script.moods, mood, rng)
    joins = _choose_any(script.joins, n, rng)
    numbered = rng.random(n) < 0.5
    tails = [
        (" " + script.episode.format(n=k) if has else "") + (f" | {s}" if s else "")
        for k, has, s in zip(rng.integers(1, 60, n), numbered, series, strict=True)
    ]
    return [j.format(noun=noun, mood=m) + tail for j, noun, m, tail in zip(joins, nouns, moods, tails, strict=True)]


def _descriptions(
    topic: np.ndarray, mood: np.ndarray, series: np.ndarray, handles: np.ndarray, rng: np.random.Generator
) -> list[str]:
    """Write the descriptions; an empty ``series`` is not mentioned."""
    n = topic.size
    vague = rng.random(n) < _VAGUE_DESCRIPTION
    scenes = _choose([WORDINGS[t.name].scenes for t in TOPICS], topic, rng)
    scenes = np.where(vague, _choose_any(GENERIC_SCENES, n, rng), scenes)
    feelings = _choose(MOOD_SENTENCES, mood, rng)
    mentions = [
        mention.format(series=s, n=k) if s and s[0] != "#" else s
        for mention, s, k in zip(_choose_any(_MENTIONS, n, rng), series, rng.integers(1, 100, n), strict=True)
    ]
    credits = [c.format(handle=h) for c, h in zip(_choose_any(_CREDITS, n, rng), handles, strict=True)]
    bodies = _choose_any(_BODIES, n, rng)
    return [
        " ".join(body.format(scene=scene, feeling=feeling, mention=mention, credit=credit).split())
        for body, scene, feeling, mention, credit in zip(bodies, scenes, feelings, mentions, credits, strict=True)
    ]


def _tags(topic: np.ndarray, mood: np.ndarray, hashtags: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Draw the tags: two to four of the topic, up to two of the mood, one or two of neither."""
    n = topic.size
    table = np.array([WORDINGS[t.name].tags for t in TOPICS], dtype=object)
    # A step coprime to the number of tags walks through them without repeats.
    walk = (rng.integers(8, size=(n, 1)) + np.arange(4) * rng.choice([1, 3, 5, 7], size=(n, 1))) % 8
    chosen = np.empty((n, 8), dtype=object)
    chosen[:, :4] = table[topic[:, None], walk]
    chosen[:, 4] = _choose(MOOD_TAGS, mood, rng)
    chosen[:, 5] = hashtags
    chosen[:, 6] = _choose_any(GENERIC_TAGS[:4], n, rng)
    chosen[:, 7] = _choose_any(GENERIC_TAGS[4:], n, rng)
    keep = rng.random((n, 8)) < np.array([1.0, 1.0, 0.6, 0.4, 0.75, 1.0, 0.8, 0.4])
    keep &= chosen != ""
    order = rng.random((n, 8)).argsort(axis=1)
    chosen = np.take_along_axis(chosen, order, axis=1)
    keep = np.take_along_axis(keep, order, axis=1)
    return ["|".join(row[mask]) for row, mask in zip(chosen, keep, strict=True)]


def _transcripts(topic: np.ndarray, mood: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Write what is said in the clip."""
    n = topic.size
    lines = _choose([WORDINGS[t.name].lines for t in TOPICS], topic, rng)
    feelings = _choose(MOOD_SPOKEN, mood, rng)
    vague = rng.random(n) < _VAGUE_TRANSCRIPT
    openers, links = _choose_any(_OPENERS, n, rng), _choose_any(_LINKS, n, rng)
    mood_too = rng.random(n) < 0.7
    return [
        opener + (feeling if only else f"{line}{link}{feeling}" if both else line)
        for opener, line, link, feeling, only, both in zip(
            openers, lines, links, feelings, vague, mood_too, strict=True
        )
    ]


def _series_names(series: np.ndarray, rng: np.random.Generator, *, hashtag: bool) -> np.ndarray:
    """Draw how each clip's series is written: its name, abbreviation, nickname or a hashtag."""
    forms = np.array([SERIES_NAMES[name] for name in SERIES], dtype=object)
    forms[:, 2] = "#" + forms[:, 2]
    weights = [0.45, 0.2, 0.15, 0.2] if hashtag else [0.5, 0.25, 0.0, 0.25]
    return forms[series, rng.choice(4, size=series.size, p=weights)]


def _codes(values: pd.Series, names: Sequence[str], what: str) -> np.ndarray:
    """Replace the names of a column by their numbers."""
    codes = pd.Index(names).get_indexer(pd.Index(values))
    if (codes < 0).any():
        row = int(np.argmin(codes))
        raise ValueError(f"row {row}: {what} {values.iloc[row]!r} is unknown; there are {', '.join(names)}")
    return codes


def write_text(catalogue: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Write the text of every clip.

    Parameters
    ----------
    catalogue : DataFrame
        With ``topic``, ``valence``, ``arousal``, ``series`` and ``creator_id`` as
        :func:`avrec_lib.world.catalogue.sample_catalogue` returns them. No other
        column is read.
    seed : int
        Seed of the world.

    Returns
    -------
    DataFrame
        Indexed like ``catalogue``: ``title``, ``description``, ``tags`` (words
        separated by ``|``), ``transcript`` and ``language`` (of the title, ISO 639-1).

    Raises
    ------
    ValueError
        If a column is missing, or a topic or series is not one of Tidepool's.
    """
    missing = [name for name in _READS if name not in catalogue]
    if missing:
        raise ValueError(f"the catalogue lacks {', '.join(missing)}; write_text reads {', '.join(_READS)}")
    n = len(catalogue)
    rng = np.random.default_rng([seed, _STREAM])
    topic = _codes(catalogue["topic"], [t.name for t in TOPICS], "topic")
    series = _codes(catalogue["series"], SERIES, "series")
    told = np.where(rng.random(n) < _OFF_TOPIC, rng.integers(len(TOPICS), size=n), topic)
    mood = _mood_cell(catalogue, rng)

    creator, creators = pd.factorize(catalogue["creator_id"])
    handles = np.array([creator_handle(name) for name in creators], dtype=object)[creator]
    habits = np.array([zlib.crc32(name.encode()[::-1]) % 4 for name in creators])[creator]
    style = np.where(rng.random(n) < 0.8, habits, rng.integers(4, size=n))

    place = rng.choice(4, size=n, p=[0.35, 0.35, 0.15, 0.15])  # title, description, both, tags
    in_title = np.where(np.isin(place, [0, 2]), _series_names(series, rng, hashtag=False), "")
    in_description = np.where(np.isin(place, [1, 2]), _series_names(series, rng, hashtag=True), "")
    hashtags = np.array([SERIES_NAMES[name][2] for name in SERIES], dtype=object)[series]
    in_tags = np.where((place == 3) | (rng.random(n) < 0.15), hashtags, "")

    titles = np.array(_titles(told, mood, in_title, style, rng), dtype=object)
    descriptions = np.array(_descriptions(told, mood, in_description, handles, rng), dtype=object)
    language = np.full(n, "en", dtype=object)
    script = np.where(rng.random(n) < _OTHER_SCRIPT, rng.integers(len(SCRIPTS), size=n), -1)
    remarks = rng.random(n) < 0.6
    for code, phrases in enumerate(SCRIPTS):
        rows = np.flatnonzero(script == code)
        titles[rows] = _titles_in(code, told[rows], mood[rows], in_title[rows], rng)
        language[rows] = phrases.language
        with_remark = rows[remarks[rows]]
        descriptions[with_remark] += " " + phrases.remark
    return pd.DataFrame(
        {
            "title": titles,
            "description": descriptions,
            "tags": _tags(told, mood, in_tags, rng),
            "transcript": _transcripts(told, mood, rng),
            "language": language,
        },
        index=catalogue.index,
    ).astype(str)
