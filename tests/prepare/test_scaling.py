import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.scaling import SCALERS, Preprocessor
from avrec_lib.prepare.splits import LeakError
from avrec_lib.prepare.target_encoding import TargetEncoder

START = pd.Timestamp("2026-01-05", tz="UTC")


def table(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "plays": rng.lognormal(1.0, 1.0, n),
            "region": rng.choice(["north", "south"], n),
            "title": rng.choice(["night drive", "morning raga", "night rain"], n),
            "tags": rng.choice(["lo-fi|calm", "calm", None], n),
            "liked": rng.integers(0, 2, n).astype(float),
            "time": START + pd.to_timedelta(np.arange(n), unit="h"),
        }
    )


EVERYTHING = {"plays": "log", "region": "target", "title": "words", "tags": "tags"}


@pytest.mark.parametrize("way", SCALERS)
def test_no_statistic_comes_from_rows_that_are_only_transformed(way):
    data = table()
    step = Preprocessor({"plays": way}).fit(data.iloc[:100])
    before = step.transform(data.iloc[:100])
    wild = data.assign(plays=data["plays"] * 1e6)
    step.transform(wild)
    assert np.array_equal(step.transform(data.iloc[:100]), before)
    other = Preprocessor({"plays": way}).fit(pd.concat([data.iloc[:100], wild.iloc[100:]]))
    assert not np.allclose(other.transform(data.iloc[:100]), before)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("max", lambda x, new: new / np.abs(x).max()),
        ("minmax", lambda x, new: (new - x.min()) / (x.max() - x.min())),
        ("robust", lambda x, new: (new - np.median(x)) / np.subtract(*np.quantile(x, [0.75, 0.25]))),
        ("zscore", lambda x, new: (new - x.mean()) / x.std()),
        ("log", lambda x, new: (np.log1p(new) - np.log1p(x).mean()) / np.log1p(x).std()),
        ("quantile", lambda x, new: np.interp(new, np.sort(x), np.linspace(0.0, 1.0, len(x)))),
    ],
)
def test_each_way_of_scaling_is_what_it_says(way, expected):
    train, new = table(seed=1), table(seed=2)
    scaled = Preprocessor({"plays": way}).fit(train).transform(new)[:, 0]
    assert scaled == pytest.approx(expected(train["plays"].to_numpy(), new["plays"].to_numpy()), abs=1e-5)


def test_columns_stand_under_their_names():
    data = table()
    step = Preprocessor(EVERYTHING, target="liked", min_count=2).fit(data)
    matrix = step.transform(data)
    assert matrix.shape == (len(data), len(step.names_))
    assert matrix.dtype == np.float32
    night = matrix[:, step.names_.index("title: night")]
    assert np.array_equal(night, data["title"].str.contains("night").astype(np.float32))
    assert {"plays", "region: mean of liked", "tags: lo-fi"} <= set(step.names_)


def test_categories_become_one_column_each_and_unknown_ones_none():
    step = Preprocessor({"region": "category"}).fit(pd.DataFrame({"region": ["far east", "south", "far east"]}))
    assert step.names_ == ["region: far east", "region: south"]
    assert step.transform(pd.DataFrame({"region": ["south", "moon", None]})).tolist() == [[0, 1], [0, 0], [0, 0]]


def test_training_rows_get_target_encodings_without_their_own_target():
    data = table()
    step = Preprocessor({"region": "target"}, target="liked")
    encoder = TargetEncoder(10.0)
    own = step.fit_transform(data)[:, 0]
    assert own == pytest.approx(encoder.fit_transform(data["region"], data["liked"]))
    assert not np.allclose(own, step.transform(data)[:, 0])


def test_smoothing_draws_the_encodings_towards_the_mean():
    data = table()
    for smoothing in (0.0, 1e9):
        step = Preprocessor({"region": "target"}, target="liked", smoothing=smoothing)
        own = step.fit_transform(data)[:, 0]
        expected = TargetEncoder(smoothing).fit_transform(data["region"], data["liked"])
        assert own == pytest.approx(expected)
        encoded = step.transform(data)[:, 0]
        means = data["liked"].mean() if smoothing else data.groupby("region")["liked"].transform("mean").to_numpy()
        assert encoded == pytest.approx(means, abs=1e-5)


def test_with_a_time_training_rows_are_encoded_by_earlier_ones():
    data = table()
    step = Preprocessor({"region": "target"}, target="liked", time="time")
    encoded = step.fit_transform(data, moment=START + pd.Timedelta("30D"))[:, 0]
    expected = TargetEncoder(10.0).fit_transform(data["region"], data["liked"], time=data["time"])
    assert encoded == pytest.approx(expected)


def test_rows_at_the_moment_or_later_are_refused():
    data = table()
    step = Preprocessor({"plays": "max"}, time="time")
    with pytest.raises(LeakError, match="1 of 200 rows are not"):
        step.fit(data, moment=data["time"].iloc[-1])
    assert step.fit(data, moment=data["time"].iloc[-1] + pd.Timedelta("1s")).moment_ is not None
    with pytest.raises(ValueError, match="together"):
        step.fit(data)
    with pytest.raises(ValueError, match="together"):
        Preprocessor({"plays": "max"}).fit(data, moment=START)


def test_a_constant_column_is_divided_by_nothing():
    data = pd.DataFrame({"x": [0.0, 0.0, 0.0]})
    for way in SCALERS:
        assert np.isfinite(Preprocessor({"x": way}).fit(data).transform(data)).all()


def test_absent_numbers_stay_absent():
    data = pd.DataFrame({"x": [1.0, np.nan, 3.0]})
    for way in SCALERS:
        scaled = Preprocessor({"x": way}).fit(data).transform(data)[:, 0]
        assert np.isnan(scaled).tolist() == [False, True, False]


def test_the_target_and_what_is_unknown_are_refused():
    data = table()
    with pytest.raises(LeakError, match="liked is written when"):
        Preprocessor({"liked": "max"}, target="liked").fit(data)
    with pytest.raises(ValueError, match="there is no way 'magic'"):
        Preprocessor({"plays": "magic"}).fit(data)
    with pytest.raises(ValueError, match="target= names none"):
        Preprocessor({"region": "target"}).fit(data)
    with pytest.raises(ValueError, match=r"holds .*, not numbers"):
        Preprocessor({"region": "max"}).fit(data)
    with pytest.raises(ValueError, match="'views' is not in the training rows"):
        Preprocessor({"views": "max"}).fit(data)
    with pytest.raises(ValueError, match="needs numbers from 0 on"):
        Preprocessor({"plays": "log"}).fit(data.assign(plays=-1.0))
    with pytest.raises(RuntimeError, match="fit the preprocessor"):
        Preprocessor({"plays": "max"}).transform(data)
    with pytest.raises(ValueError, match="'plays' is not in the table"):
        Preprocessor({"plays": "max"}).fit(data).transform(data[["region"]])


def test_no_rows_give_an_empty_matrix():
    step = Preprocessor(EVERYTHING, target="liked").fit(table())
    assert step.transform(table().iloc[:0]).shape == (0, len(step.names_))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [1, 40, 999, 1001])
def test_a_short_column_has_as_many_quantiles_as_rows_without_a_warning(rows):
    values = pd.DataFrame({"seconds": np.random.default_rng(rows).exponential(size=rows)})
    scaler = SCALERS["quantile"]().fit(values)
    assert scaler.n_quantiles_ == min(rows, 1000)
    assert (scaler.transform(values) <= 1.0).all()
