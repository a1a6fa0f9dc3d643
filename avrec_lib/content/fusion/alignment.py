"""Modalities turned and stretched until they say the same of a clip."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import linalg

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion.base import Fusion
from avrec_lib.content.fusion.concatenation import unit_rows

__all__ = ["Aligned", "CCAFusion", "ProcrustesFusion"]


class Aligned(Fusion):
    """A map from each modality into one space, where a clip is the mean of what it has."""

    maps_: dict[str, np.ndarray]
    centres_: dict[str, np.ndarray]

    def project(self, table: FeatureTable) -> FeatureTable:
        """Bring one modality into the common space, such as the words of a query for which a sound is sought.

        Parameters
        ----------
        table : FeatureTable
            A modality of ``fit``, of any clips.

        Returns
        -------
        FeatureTable
            The same clips.

        Raises
        ------
        ValueError
            If it is no modality of ``fit``.
        """
        return self.transform([table])

    def _transform(self, blocks: list[np.ndarray], present: np.ndarray) -> np.ndarray:
        total = np.zeros((len(present), next(iter(self.maps_.values())).shape[1]))
        for name, block, there in zip(self.names_, blocks, present.T, strict=True):
            total += there[:, None] * ((block - self.centres_[name]) @ self.maps_[name])
        return total / np.maximum(present.sum(axis=1, keepdims=True), 1)

    def _complete(self, blocks: list[np.ndarray], present: np.ndarray) -> list[np.ndarray]:
        """Return the centred rows of the clips that have every modality, and keep their centres."""
        whole = present.all(axis=1)
        if whole.sum() < 2:
            raise ValueError(f"alignment needs clips that have all of {list(self.names_)}; there are {whole.sum()}")
        rows = [block[whole].astype(np.float64) for block in blocks]
        self.centres_ = {name: block.mean(axis=0) for name, block in zip(self.names_, rows, strict=True)}
        return [block - self.centres_[name] for name, block in zip(self.names_, rows, strict=True)]


class CCAFusion(Aligned):
    r"""Canonical correlation analysis of two or more modalities: directions in which they agree about clips.

    The columns w of the maps, :math:`W_m` side by side over all modalities, solve

    .. math:: (C - D) \, w = \rho \, (D + \lambda I) \, w

    with C the covariance of all columns of all modalities, and D the part of it that lies within modalities. For two
    modalities and :math:`\lambda = 0`, :math:`\rho` is the canonical correlation of Hotelling, "Relations between two
    sets of variates" (1936); for more this is the MAXVAR problem of Kettenring, "Canonical analysis of several sets of
    variables" (1971). With many columns and few clips anything correlates; :math:`\lambda` is the guard against it:
    Vinod, "Canonical ridge and econometrics of joint production" (1976). A clip becomes the mean of what its modalities
    say.

    Parameters
    ----------
    n_components : int
        Directions to keep; fewer where the modalities have fewer.
    l2 : float
        :math:`\lambda`, as a share of the mean variance of a modality's columns, at least 0.
    scale, limit
        How modalities are scaled and cut, as for :class:`.Fusion`.

    Attributes
    ----------
    maps_ : dict of str to ndarray (d_m, n_components)
        The map of each modality.
    correlations_ : ndarray (n_components,)
        How far the modalities agree about the training clips in each direction: the correlation of what they say, mean
        over pairs of modalities. For two and :math:`\lambda = 0` the canonical correlations, largest first.
    """

    def __init__(
        self,
        n_components: int = 32,
        l2: float = 0.1,
        *,
        scale: str | Mapping[str, str] = "common",
        limit: float | Mapping[str, float | None] | None = 5.0,
    ) -> None:
        self.n_components = n_components
        self.l2 = l2
        self.scale = scale
        self.limit = limit

    def _fit(
        self,
        ids: pd.Index,
        blocks: list[np.ndarray],
        present: np.ndarray,
        likes: pd.DataFrame | None,
        validation: pd.DataFrame | None,
    ) -> None:
        if self.n_components < 1 or not self.l2 >= 0.0 or len(blocks) < 2:
            raise ValueError(
                f"n_components is at least 1, l2 at least 0, and there are two modalities or more, "
                f"not {self.n_components}, {self.l2} and {len(blocks)}"
            )
        rows = self._complete(blocks, present)
        flat = [name for name, block in zip(self.names_, rows, strict=True) if not block.any()]
        if flat:
            raise ValueError(
                f"{flat[0]} is the same for all clips that have every modality: nothing correlates with it"
            )
        widths = [block.shape[1] for block in rows]
        joint = np.concatenate(rows, axis=1)
        covariance = joint.T @ joint / len(joint)
        within = linalg.block_diag(*(block.T @ block / len(block) for block in rows))
        ridge = [np.full(block.shape[1], max(self.l2, 1e-9) * np.square(block).mean()) for block in rows]
        kept = min(self.n_components, *widths)
        inside = within + np.diag(np.concatenate(ridge))
        last = len(covariance) - 1
        _, found = linalg.eigh(covariance - within, inside, subset_by_index=(last - kept + 1, last))
        parts = np.split(found[:, ::-1], np.cumsum(widths)[:-1])
        self.maps_ = dict(zip(self.names_, parts, strict=True))
        placed = [unit_rows((block @ part).T) for block, part in zip(rows, parts, strict=True)]
        pairs = [(one * other).sum(axis=1) for one, other in combinations(placed, 2)]
        self.correlations_ = np.mean(pairs, axis=0)


class ProcrustesFusion(Aligned):
    r"""Turn each modality until it lies best on one of them.

    .. math:: R_m = \arg\min_{R^\top R = I} \lVert Z_m R - Z_a \rVert_F = U V^\top, \qquad
              Z_m^\top Z_a = U \Sigma V^\top

    Turning keeps all cosines within a modality, which CCA does not. A narrower space is laid into a wider one; a wider
    one would lose directions in a narrower one, and with them its cosines, so that the anchor must be the widest.
    Source: Schönemann, "A generalized solution of the orthogonal Procrustes problem" (1966).

    Parameters
    ----------
    anchor : str, optional
        The modality a that stays, as wide as the others or wider; default the first of the widest.
    scale, limit
        How modalities are scaled and cut, as for :class:`.Fusion`.

    Attributes
    ----------
    maps_ : dict of str to ndarray (d_m, d_a)
        The map of each modality.
    """

    def __init__(
        self,
        anchor: str | None = None,
        *,
        scale: str | Mapping[str, str] = "common",
        limit: float | Mapping[str, float | None] | None = 5.0,
    ) -> None:
        self.anchor = anchor
        self.scale = scale
        self.limit = limit

    def _fit(
        self,
        ids: pd.Index,
        blocks: list[np.ndarray],
        present: np.ndarray,
        likes: pd.DataFrame | None,
        validation: pd.DataFrame | None,
    ) -> None:
        widths = {name: block.shape[1] for name, block in zip(self.names_, blocks, strict=True)}
        anchor = max(widths, key=widths.__getitem__) if self.anchor is None else self.anchor
        if anchor not in widths or widths[anchor] < max(widths.values()):
            raise ValueError(f"anchor must be the widest of the modalities, whose columns are {widths}, not {anchor!r}")
        rows = dict(zip(self.names_, self._complete(blocks, present), strict=True))
        self.maps_ = {}
        for name, block in rows.items():
            left, _, right = linalg.svd(block.T @ rows[anchor], full_matrices=False)
            self.maps_[name] = np.eye(block.shape[1]) if name == anchor else left @ right
