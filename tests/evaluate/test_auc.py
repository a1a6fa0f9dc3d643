import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from avrec_lib.evaluate.auc import auc, auc_by_group

rows = st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from([0.0, 1.0, 1.5])), max_size=30)


@settings(max_examples=200, deadline=None)
@given(rows)
def test_auc_equals_scikit_learn_in_each_group_and_pooled_with_ties_and_one_sided_groups(table):
    names, liked, scores = (np.array([row[i] for row in table]) for i in range(3))
    found = auc_by_group(scores, liked.astype(bool), names)
    able = [g for g in "abc" if len(set(liked[names == g])) == 2] if table else []
    assert list(found.index) == able
    for g in able:
        assert found[g] == pytest.approx(roc_auc_score(liked[names == g], scores[names == g]))
    if len(set(liked)) == 2:
        assert auc(scores, liked) == pytest.approx(roc_auc_score(liked, scores))
    else:
        assert math.isnan(auc(scores, liked.astype(bool)))


def test_scores_that_only_know_who_is_eager_do_well_pooled_and_are_chance_for_each_person():
    who = np.repeat(["eager", "reserved"], 10)
    liked = np.array([1] * 8 + [0] * 2 + [1] * 2 + [0] * 8, dtype=bool)
    level = (who == "eager").astype(float)
    assert auc(level, liked) == pytest.approx(0.8)
    assert (auc_by_group(level, liked, who) == 0.5).all()


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        auc(np.array([np.nan, 1.0]), np.array([True, False]))
    with pytest.raises(ValueError, match="one length"):
        auc_by_group(np.array([1.0]), np.array([True, False]), np.array(["a", "a"]))
