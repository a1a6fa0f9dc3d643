"""What a modality says of a clip's attributes, as annotated clips taught it to."""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import Tensor

from avrec_lib.content.attributes import (
    annotated_clips,
    attribute_columns,
    attribute_width,
    encode_truth,
    learn_attribute,
)
from avrec_lib.content.calibration import chances, likeliest_temperature, regression_of_truth
from avrec_lib.content.checked_files import DamagedFileError, read_checked, write_checked
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.saved_tagger import check_attributes, check_scaling
from avrec_lib.content.tagger_network import (
    attribute_loss,
    column_scaling,
    make_network,
    part_by_attribute,
    scaled_columns,
)
from avrec_lib.content.torch_threads import one_torch_thread
from avrec_lib.content.training import train

__all__ = ["Tagger", "load_tagger"]

_FORMAT = "avrec tagger 1"
_FOLDER = Path(__file__).parent / "taggers"
_CLIPS_AT_ONCE = 8192


class Tagger(BaseEstimator):
    r"""A network that reads attributes of a clip off one modality's vectors.

    For an attribute with classes it gives their chances, for a number its expected value. Both are calibrated on
    annotated clips that it was not trained on, so that a modality that cannot know an attribute says so: its chances
    are those of the training clips, and its numbers their mean. Chances are a softmax with one temperature an
    attribute (Guo et al., "On calibration of modern neural networks", 2017, section 4.2); numbers are the regression
    of the truth on what the network says.

    Parameters
    ----------
    hidden : int
        Width of the first hidden layer, half of it in the second; 0 for a linear model.
    scale : str
        How columns are scaled: a way of :class:`.FeatureScaler`.
    limit : float or None
        Where scaled values are cut.
    dropout : float
        Chance that a hidden unit is left out in a step of training, from 0 to below 1.
    epochs, batch, rate, decay
        As for :func:`avrec_lib.content.training.train`.
    seed : int
        Seed of the first weights and of all chance.

    Attributes
    ----------
    attributes_ : dict of str to dict
        By attribute: ``classes`` and ``prior`` (their shares in training), or ``mean`` and ``deviation``; and after
        :meth:`calibrate` ``temperature``, or ``slope`` and ``unexplained`` (the share of the variance that stays).
    history_ : ndarray (epochs,)
        Mean loss of each epoch.
    """

    def __init__(
        self,
        hidden: int = 256,
        *,
        scale: str = "zscore",
        limit: float | None = 5.0,
        dropout: float = 0.3,
        epochs: int = 60,
        batch: int = 128,
        rate: float = 2e-3,
        decay: float = 1e-2,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.scale = scale
        self.limit = limit
        self.dropout = dropout
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.decay = decay
        self.seed = seed

    def fit(self, features: FeatureTable, annotations: pd.DataFrame) -> Self:
        """Learn from annotated clips.

        Parameters
        ----------
        features : FeatureTable
            One modality. Absent clips are left out.
        annotations : DataFrame
            Indexed by clip id, each in the table, one column an attribute: text for classes, or numbers; none missing.

        Returns
        -------
        Tagger
            Itself. Until :meth:`calibrate` it is as sure of itself as training made it.

        Raises
        ------
        KeyError
            If an annotated clip is not in the table.
        ValueError
            If there are fewer than two present clips, an annotation is missing or not finite, there is no attribute, or
            a parameter is out of range.
        """
        self._check_parameters()
        table, told = annotated_clips(features, annotations)
        attributes = {str(name): learn_attribute(told[name]) for name in told}
        centre, spread = column_scaling(self.scale, table)
        inputs = scaled_columns(table.matrix, centre, spread, self.limit)
        truths = {name: torch.from_numpy(encode_truth(told[name], known)) for name, known in attributes.items()}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = make_network(table.width, self.hidden, attributes, self.dropout)

            def loss(rows: np.ndarray, rng: np.random.Generator) -> Tensor:
                said = part_by_attribute(network(inputs[rows]), attributes)
                parts = [attribute_loss(said[name], truths[name][rows]) for name in attributes]
                return torch.stack(parts).sum()

            history = train(
                network,
                loss,
                len(table),
                seed=self.seed,
                epochs=self.epochs,
                batch=self.batch,
                rate=self.rate,
                decay=self.decay,
                progress=False,
            )
        self.centre_, self.spread_, self.columns_ = centre, spread, table.columns
        self.network_, self.attributes_, self.history_ = network, attributes, history
        return self

    def calibrate(self, features: FeatureTable, annotations: pd.DataFrame) -> Self:
        """Learn how sure to be, from annotated clips that :meth:`fit` did not see.

        Parameters
        ----------
        features, annotations
            As for :meth:`fit`, with the same attributes.

        Returns
        -------
        Tagger
            Itself.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was fitted.
        KeyError
            If an annotated clip is not in the table, or an attribute is not annotated.
        ValueError
            If a class is unknown, or an annotation is missing or not finite. The tagger stays as it was.
        """
        self._check_fitted()
        table, told = annotated_clips(features, annotations[list(self.attributes_)])
        said = self._say(table)
        truths = {name: encode_truth(told[name], known) for name, known in self.attributes_.items()}
        for name, known in self.attributes_.items():
            if "classes" in known:
                known["temperature"] = likeliest_temperature(said[name], truths[name])
            else:
                known["slope"], known["unexplained"] = regression_of_truth(said[name], truths[name])
        return self

    def transform(self, features: FeatureTable) -> FeatureTable:
        """Say of each clip what its vectors tell.

        Parameters
        ----------
        features : FeatureTable
            Made in the same way as that of :meth:`fit`.

        Returns
        -------
        FeatureTable
            The same clips and name. A column ``attribute: class`` holds the chance of the class less its share in
            training, a column ``attribute`` the expected number in deviations from the mean: nothing known is 0.
            ``origin["attributes"]`` holds the numbers by which chances and values can be had again.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was fitted.
        ValueError
            If the table's columns are not those of :meth:`fit`.
        """
        self._check_fitted()
        said, matrix = self._say(features), []
        for name, known in self.attributes_.items():
            if "classes" in known:
                matrix.append(chances(said[name], known["temperature"]) - np.array(known["prior"]))
            else:
                matrix.append(known["slope"] * said[name][:, None])
        columns = tuple(one for name, known in self.attributes_.items() for one in attribute_columns(name, known))
        rows = np.full((len(features), len(columns)), np.nan)
        rows[features.present] = np.concatenate(matrix, axis=1)
        origin = {"tagger": self.get_params(), "attributes": self.attributes_, "of": features.origin}
        return FeatureTable(features.ids, rows, features.present, features.name, columns, origin)

    def save(self, path: str | Path) -> None:
        """Write the tagger as one safetensors file, its weights as float16.

        Parameters
        ----------
        path : str or Path
            Where to write; a file that is there is replaced.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was fitted.
        """
        self._check_fitted()
        arrays = {name: value.numpy().astype(np.float16) for name, value in self.network_.state_dict().items()}
        manifest = {
            "format": _FORMAT,
            "parameters": self.get_params(),
            "attributes": list(self.attributes_.items()),  # a list: files sort what has keys, and the order counts
            "columns": list(self.columns_),
        }
        write_checked(path, arrays | {"centre": self.centre_, "spread": self.spread_}, manifest)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Tagger
            Ready to transform.

        Raises
        ------
        DamagedFileError
            If the file was changed, cut off, or is no tagger; the message names it.
        FileNotFoundError
            If there is none.
        """
        arrays, manifest = read_checked(path)
        if manifest.get("format") != _FORMAT:
            raise DamagedFileError(path, "is no tagger of this version of the library")
        try:
            tagger = cls(**manifest["parameters"])
            tagger._check_parameters()
            tagger.attributes_, tagger.columns_ = check_attributes(manifest["attributes"]), tuple(manifest["columns"])
            tagger.centre_, tagger.spread_ = arrays.pop("centre"), arrays.pop("spread")
            check_scaling(tagger.centre_, tagger.spread_, tagger.columns_)
            if not all(np.isfinite(value).all() for value in arrays.values()):
                raise ValueError("a weight is not finite")
            with torch.device("meta"):  # takes up no room, whatever the file says of its size
                tagger.network_ = make_network(len(tagger.centre_), tagger.hidden, tagger.attributes_, tagger.dropout)
            tagger.network_.load_state_dict(
                {name: torch.from_numpy(value.astype(np.float32)) for name, value in arrays.items()}, assign=True
            )
        except (LookupError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise DamagedFileError(path, f"is no tagger: {error}") from error
        tagger.network_.eval()
        return tagger

    def _check_parameters(self) -> None:
        if self.hidden < 0 or self.hidden % 2 or not 0.0 <= self.dropout < 1.0:
            raise ValueError(
                f"hidden is even and at least 0, dropout from 0 to below 1, not {self.hidden} and {self.dropout}"
            )
        if self.limit is not None and not self.limit > 0.0:
            raise ValueError(f"limit is above 0, or None, not {self.limit}")

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            raise NotFittedError("fit the tagger on annotated clips before anything else")

    def _say(self, features: FeatureTable) -> dict[str, np.ndarray]:
        """Return what the network says of the present clips: (n, n_classes) or (n,) by attribute."""
        if features.width != len(self.centre_) or features.columns != self.columns_:
            raise ValueError(
                f"{features.name}: {features.width} columns {features.columns[:3]}... are not the "
                f"{len(self.centre_)} columns {self.columns_[:3]}... that the tagger was fitted on"
            )
        there, outputs = np.flatnonzero(features.present), sum(map(attribute_width, self.attributes_.values()))
        said = torch.empty(len(there), outputs)
        with torch.inference_mode(), one_torch_thread():
            for first in range(0, len(there), _CLIPS_AT_ONCE):
                part = slice(first, first + _CLIPS_AT_ONCE)
                matrix = features.matrix[there[part]]
                said[part] = self.network_(scaled_columns(matrix, self.centre_, self.spread_, self.limit))
        parts = part_by_attribute(said, self.attributes_)
        return {name: part.numpy().astype(np.float64) for name, part in parts.items()}


def load_tagger(modality: str) -> Tagger:
    """Load one of the library's own taggers, trained on annotated clips of other worlds.

    How they were trained, and the seeds of these worlds, are in ``training/__main__.py``.

    Parameters
    ----------
    modality : {"text", "sound", "picture"}
        Of :data:`~avrec_lib.content.extractors.WORDS`, ``SOUND`` and ``PICTURE``.

    Returns
    -------
    Tagger
        Ready to transform.

    Raises
    ------
    ValueError
        If there is no such tagger.
    DamagedFileError
        If its file was changed.
    """
    known = sorted(path.stem for path in _FOLDER.glob("*.safetensors"))
    if modality not in known:
        raise ValueError(f"there are taggers for {', '.join(known)}, not for {modality!r}")
    return Tagger.load(_FOLDER / f"{modality}.safetensors")
