import numpy as np
import pandas as pd
import pytest

from avrec_lib.content.attributes import attribute_columns, attribute_width, encode_truth, learn_attribute


def test_classes_are_in_the_order_of_the_alphabet_with_their_shares_and_columns():
    column = pd.Series(["b", "a", "b", "b"], name="kind")
    known = learn_attribute(column)
    assert known["classes"] == ["a", "b"] and known["prior"] == [0.25, 0.75]
    assert attribute_columns("kind", known) == ["kind: a", "kind: b"] and attribute_width(known) == 2
    assert encode_truth(column, known).tolist() == [1, 0, 1, 1]


def test_numbers_are_learned_as_deviations_from_the_mean_of_training():
    known = learn_attribute(pd.Series([1.0, 3.0]))
    assert attribute_columns("pace", known) == ["pace"] and attribute_width(known) == 1
    np.testing.assert_allclose(encode_truth(pd.Series([1.0, 2.0, 5.0]), known), [-1.0, 0.0, 3.0])


def test_a_number_that_never_varies_divides_by_nothing():
    known = learn_attribute(pd.Series([2.0, 2.0, 2.0]))
    np.testing.assert_array_equal(encode_truth(pd.Series([2.0, 3.0]), known), [0.0, 1.0])


def test_a_class_that_training_never_met_is_named():
    with pytest.raises(ValueError, match="kind: 'z' is none of the classes"):
        encode_truth(pd.Series(["a", "z"], name="kind"), learn_attribute(pd.Series(["a", "b"])))
