import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.evaluate.propensity import effective_size, inverse_weights, popularity_propensity, weighted_hits

PEOPLE = pd.Index(list("abcd"))


def lists_of(lists):
    rows = [(u, i, r) for u, items in lists.items() for r, i in enumerate(items, 1)]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rank"])


@settings(max_examples=200, deadline=None)
@given(
    lists=st.dictionaries(st.sampled_from("abcdz"), st.permutations(range(6)).map(lambda p: p[:4])),
    seen=st.dictionaries(
        st.tuples(st.sampled_from("abcdz"), st.integers(0, 7)), st.sampled_from([1.0, 0.5, 0.1, 0.01]), min_size=1
    ),
    k=st.integers(1, 5),
    clip=st.sampled_from([None, 5.0]),
    gain=st.sampled_from(["hits", "dcg"]),
)
def test_weighted_hits_equal_their_definition_written_as_loops(lists, seen, k, clip, gain):
    observed = pd.DataFrame([(u, i, p) for (u, i), p in seen.items()], columns=["user_id", "item_id", "propensity"])
    if not set(observed["user_id"]) - {"z"}:
        with pytest.raises(ValueError, match="nothing was observed"):
            weighted_hits(lists_of(lists), observed, PEOPLE)
        return

    def credit(r):
        return 1.0 if gain == "hits" else 1 / np.log2(r + 1)

    weight = {pair: min(1 / p, clip or np.inf) for pair, p in seen.items()}
    got, total = dict.fromkeys(PEOPLE, 0.0), dict.fromkeys(PEOPLE, 0.0)
    for (u, i), w in weight.items():
        if u in total:
            total[u] += w
            if i in lists.get(u, [])[:k]:
                got[u] += w * credit(lists[u].index(i) + 1)
    scale = {
        "list": dict.fromkeys(PEOPLE, sum(credit(r) for r in range(1, k + 1))),
        "all": dict.fromkeys(PEOPLE, np.mean(list(total.values()))),
        "person": {u: total[u] or np.nan for u in PEOPLE},
    }
    for over, z in scale.items():
        found = weighted_hits(lists_of(lists), observed, PEOPLE, k=k, gain=gain, over=over, clip=clip)
        assert found.to_dict() == pytest.approx({u: got[u] / z[u] for u in PEOPLE}, nan_ok=True)


def test_inverse_propensity_is_right_on_average_where_the_plain_count_is_not():
    rng = np.random.default_rng(0)
    n, m, k = 60, 40, 10
    liked = rng.random((n, m)) < 0.3
    chance = np.broadcast_to(np.geomspace(0.05, 0.9, m), (n, m))
    people = pd.Index(range(n))
    good = {u: list(rng.permutation(m)[:k]) for u in range(n)}
    shown = {u: list(range(m - k, m)) for u in range(n)}  # what the log showed most
    worth = {
        name: np.mean([liked[u, lists[u]].mean() for u in range(n)])
        for name, lists in (("good", good), ("shown", shown))
    }
    drawn = {"good": [], "shown": []}
    plain = {"good": [], "shown": []}
    clipped = []
    for _ in range(150):
        u, i = np.nonzero(liked & (rng.random((n, m)) < chance))
        seen = pd.DataFrame({"user_id": u, "item_id": i, "propensity": chance[u, i]})
        for name, lists in (("good", good), ("shown", shown)):
            drawn[name].append(weighted_hits(lists_of(lists), seen, people, k=k).mean())
            plain[name].append(weighted_hits(lists_of(lists), seen.assign(propensity=1.0), people, k=k).mean())
        clipped.append(weighted_hits(lists_of(good), seen, people, k=k, clip=3.0).mean())
    for name, truth in worth.items():
        error = np.std(drawn[name]) / np.sqrt(150)
        assert abs(np.mean(drawn[name]) - truth) < 4 * error
    # The plain count prefers the list that repeats the log by far more than it is worth.
    assert np.mean(plain["shown"]) - np.mean(plain["good"]) > 0.08 + worth["shown"] - worth["good"]
    assert np.std(clipped) < np.std(drawn["good"]) and np.mean(clipped) < worth["good"] - 0.02


def test_weights_popularity_and_effective_size_at_their_ends():
    assert inverse_weights(np.array([1.0, 0.5, 0.01]), clip=10.0).tolist() == [1.0, 2.0, 10.0]
    assert effective_size(np.ones(7)) == 7.0 and effective_size(np.array([1e9, 1.0, 1.0])) == pytest.approx(1.0)
    train = pd.DataFrame({"user_id": list("abcda"), "item_id": list("xxxxy")})
    assert popularity_propensity(train).to_dict() == {"x": 1.0, "y": 0.5}
    assert popularity_propensity(train, power=0.0).to_dict() == {"x": 1.0, "y": 1.0}


def test_what_makes_no_sense_is_refused():
    seen = pd.DataFrame({"user_id": ["a", "a"], "item_id": [1, 2], "propensity": [0.5, 0.5]})
    lists = lists_of({"a": [1]})
    for broken in (0.0, 1.2, np.nan):
        with pytest.raises(ValueError, match="propensity is in"):
            weighted_hits(lists, seen.assign(propensity=broken), PEOPLE)
    with pytest.raises(ValueError, match="twice"):
        weighted_hits(lists, seen.assign(item_id=1), PEOPLE)
    with pytest.raises(ValueError, match="clip"):
        weighted_hits(lists, seen, PEOPLE, clip=0.5)
    with pytest.raises(ValueError, match="gain is"):
        weighted_hits(lists, seen, PEOPLE, gain="ndcg")
    with pytest.raises(ValueError, match="train must not be empty"):
        popularity_propensity(seen.iloc[:0])
