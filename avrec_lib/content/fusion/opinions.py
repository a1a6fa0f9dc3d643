"""What several modalities say of the same attributes, multiplied."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from avrec_lib.content.attributes import Attribute, attribute_columns
from avrec_lib.content.features import FeatureTable

__all__ = ["pool_opinions", "product_of_experts"]

_SMALLEST = 1e-4  # no expert may rule a class out for all others


def product_of_experts(tables: Sequence[FeatureTable]) -> FeatureTable:
    r"""Fuse what taggers of several modalities say of a clip's attributes.

    If the modalities err independently of each other, given the attribute, then for classes

    .. math:: P(c \mid x_1, \dots, x_M) \propto \pi_c \prod_m \frac{P(c \mid x_m)}{\pi_{mc}}

    and for numbers in deviations from their mean, with :math:`u_m` the share of the variance that modality m leaves
    unexplained,

    .. math:: z = \frac{\sum_m z_m / u_m}{1 + \sum_m (1 / u_m - 1)}

    both products of the opinions and of the prior. A modality that a clip lacks has no factor; nothing needs to be
    filled in. Source: Hinton, "Training products of experts by minimizing contrastive divergence" (2002), section 1;
    the division by the prior is naive Bayes.

    Parameters
    ----------
    tables : sequence of FeatureTable
        From :meth:`avrec_lib.content.tagger.Tagger.transform`, of distinct names.

    Returns
    -------
    FeatureTable
        Every clip that is in a table, in the order in which they come; columns as a tagger's, each attribute once;
        absent is who lacks all modalities.

    Raises
    ------
    ValueError
        If there is no table, names repeat, a table is no tagger's, or two know other classes of an attribute.
    """
    names = [table.name for table in tables]
    if not tables or len(set(names)) < len(names):
        raise ValueError(f"there must be a table at least, and distinct names, not {names}")
    strange = [table.name for table in tables if "attributes" not in table.origin]
    if strange:
        raise ValueError(f"{strange[0]}: its columns are no opinions of a tagger")
    ids = pd.Index(tables[0].ids).append([pd.Index(table.ids) for table in tables[1:]]).unique()
    aligned = [table.aligned(ids) for table in tables]
    present = np.any([table.present for table in aligned], axis=0)
    columns: list[str] = []
    blocks: list[np.ndarray] = []
    for attribute in dict.fromkeys(one for table in tables for one in table.origin["attributes"]):
        knowing = [table for table in aligned if attribute in table.origin["attributes"]]
        opinions = [table.origin["attributes"][attribute] for table in knowing]
        first, *others = opinions
        if any(known.get("classes") != first.get("classes") for known in others):
            raise ValueError(f"{attribute}: one modality knows {first.get('classes')}, another other classes")
        named = attribute_columns(attribute, first)
        experts = [(known, _said(table, named), table.present) for known, table in zip(opinions, knowing, strict=True)]
        blocks.append(_classes(experts) if "classes" in first else _numbers(experts))
        columns += named
    origin = {"fusion": "product_of_experts", "of": {table.name: table.origin for table in tables}}
    return FeatureTable(ids.to_numpy(), np.concatenate(blocks, axis=1), present, "fused", tuple(columns), origin)


def pool_opinions(table: FeatureTable, groups: pd.Series, attributes: Sequence[str]) -> FeatureTable:
    r"""Let the clips of one group speak together of what they share, such as the colours that a creator prefers.

    The product of what its n clips say of a number, as if each were an expert of its own:
    :math:`z_g = \sum_i z_i / u \,/\, (1 + n (1 / u - 1))`, see :func:`product_of_experts`.

    Parameters
    ----------
    table : FeatureTable
        From :meth:`avrec_lib.content.tagger.Tagger.transform`.
    groups : Series
        Group of each clip, indexed by clip id; a clip without one speaks for itself.
    attributes : sequence of str
        Numbers that are the same in all clips of a group. Those that the table does not know are left out.

    Returns
    -------
    FeatureTable
        The same clips; ``unexplained`` of a pooled attribute becomes what is left on average over clips. A product
        with other modalities that know the attribute thus takes large groups for less sure than they are, and small
        ones for surer; where no other modality knows it, its share cancels out.

    Raises
    ------
    ValueError
        If the table is no tagger's, or an attribute has classes.
    """
    if "attributes" not in table.origin:
        raise ValueError(f"{table.name}: its columns are no opinions of a tagger")
    known = {name: dict(told) for name, told in table.origin["attributes"].items()}
    shared = [one for one in attributes if one in known]
    if classed := [one for one in shared if "classes" in known[one]]:
        raise ValueError(f"{classed[0]}: numbers can be pooled, and it has classes")
    codes, _ = pd.factorize(groups.reindex(table.ids))
    codes = np.where(codes < 0, codes.max(initial=-1) + 1 + np.arange(len(codes)), codes)
    there, matrix = table.present, table.matrix.astype(np.float64)
    group = codes[there]
    for name in shared if there.any() else ():
        column, opinions = table.columns.index(name), np.full(len(group), known[name]["unexplained"])
        said, left = _multiplied(matrix[there, column], opinions, group)
        matrix[there, column] = said[group]
        known[name]["unexplained"] = float(left[group].mean())
    origin = {**table.origin, "attributes": known, "pooled": shared}
    return FeatureTable(table.ids, matrix, table.present, table.name, table.columns, origin)


_Expert = tuple[Attribute, np.ndarray, np.ndarray]
"""What training told of the attribute, what is said of each clip (n, width), and of which clips (n,)."""


def _said(table: FeatureTable, columns: Sequence[str]) -> np.ndarray:
    here = [table.columns.index(column) for column in columns]
    return np.where(table.present[:, None], table.matrix[:, here], 0.0)


def _classes(experts: Sequence[_Expert]) -> np.ndarray:
    """Return the chances of the classes, less the prior (n, n_classes)."""
    prior = np.mean([known["prior"] for known, _, _ in experts], axis=0)
    total = np.tile(np.log(prior), (len(experts[0][1]), 1))
    for known, said, there in experts:
        own = np.array(known["prior"])
        least = np.minimum(_SMALLEST, own)  # a rare class, too, may be as likely as before
        total += there[:, None] * (np.log(np.maximum(said + own, least)) - np.log(own))
    chances = np.exp(total - total.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True) - prior


def _numbers(experts: Sequence[_Expert]) -> np.ndarray:
    """Return the expected value in deviations from the mean (n, 1)."""
    said = np.concatenate([one[there, 0] for _, one, there in experts])
    unexplained = np.concatenate([np.full(there.sum(), known["unexplained"]) for known, _, there in experts])
    clips = np.concatenate([np.flatnonzero(there) for _, _, there in experts])
    return _multiplied(said, unexplained, clips, len(experts[0][1]))[0][:, None]


def _multiplied(
    said: np.ndarray, unexplained: np.ndarray, groups: np.ndarray, n_groups: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Multiply opinions of a number (n,) by group: the expected values, and the shares left unexplained (n_groups,)."""
    total = np.bincount(groups, said / unexplained, minlength=n_groups)
    precision = 1.0 + np.bincount(groups, 1.0 / unexplained - 1.0, minlength=n_groups)
    return total / precision, 1.0 / precision
