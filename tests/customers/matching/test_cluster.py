"""Clusters: strong links join, chains of weak ones do not, what is held apart stays apart."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from customers.matching.cluster import Cluster, cluster, groups, review
from customers.matching.settings import LINK, MAX_CLUSTER


def members(clusters: list[Cluster]) -> list[tuple[int, ...]]:
    return [found.members for found in clusters]


def test_strong_links_make_one_person():
    found = cluster(4, {(0, 1): 20.0, (1, 2): 9.0, (0, 2): 12.0})
    assert found == [Cluster((0, 1, 2), 12.0), Cluster((3,))]
    assert [each.size for each in found] == [3, 1]


def test_a_chain_of_weak_links_is_not_glued():
    chain = {(place, place + 1): LINK + 1 for place in range(9)}
    assert max(map(len, members(cluster(10, chain)))) == 2


def test_one_link_between_two_people_does_not_join_them():
    inside = dict.fromkeys([*combinations(range(3), 2), *combinations(range(3, 6), 2)], 15.0)
    against = {(one, other): -5.0 for one in range(3) for other in range(3, 6)}
    assert members(cluster(6, inside | against | {(2, 3): 14.0})) == [(0, 1, 2), (3, 4, 5)]


def test_a_record_that_fits_most_of_a_person_is_joined():
    scores = {(0, 1): 20.0, (0, 2): 15.0, (1, 2): -1.0}
    assert members(cluster(3, scores)) == [(0, 1, 2)]


def test_records_that_cannot_be_one_person_are_never_in_one_cluster():
    scores = dict.fromkeys(combinations(range(5), 2), 15.0) | {(0, 4): -11.0}
    assert not any({0, 4} <= set(found) for found in members(cluster(5, scores)))


def test_a_negative_link_holds_whatever_the_score():
    scores = dict.fromkeys(combinations(range(4), 2), 30.0)
    found = cluster(4, scores, apart=[(0, 1)])
    assert not any({0, 1} <= set(each) for each in members(found))
    assert (0, 1) not in review(found, scores, apart=[(0, 1)])


def test_pairs_between_people_are_reviewed_if_they_may_be_one():
    scores = {(0, 1): 20.0, (2, 3): 20.0, (1, 2): 1.0, (0, 3): -9.0}
    assert review(cluster(4, scores), scores) == {(1, 2): 1.0}


def test_what_is_too_large_loose_or_contradictory_is_held():
    crowd = dict.fromkeys(combinations(range(MAX_CLUSTER + 1), 2), 20.0)
    assert [found.held for found in cluster(MAX_CLUSTER + 1, crowd)] == ["large"]
    assert [found.held for found in cluster(2, {(0, 1): 20.0}, doubtful=[(0, 1)])] == ["contradiction"]
    loose = {(0, 1): 3.5, (0, 2): 3.5, (1, 2): 1.0}
    assert [found.held for found in cluster(3, loose)] == ["loose"]
    assert [found.held for found in cluster(2, {(0, 1): 20.0})] == [""]


pairs = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]),
    st.integers(-20, 30).map(float),
    max_size=28,
)


@given(pairs, st.sets(st.sampled_from([*combinations(range(8), 2)]), max_size=6))
def test_clusters_share_out_all_records_and_keep_apart_what_they_must(scores, apart):
    found = cluster(8, scores, apart)
    assert sorted(place for each in found for place in each.members) == list(range(8))
    assert found == cluster(8, dict(reversed(scores.items())), apart)
    for each in found:
        assert not apart & set(combinations(each.members, 2))
        assert (each.weakest is None) == (each.size == 1)
        assert each.weakest is None or each.weakest >= LINK


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_groups_are_what_pairs_connect(links):
    found = groups(10, links)
    owner = {place: number for number, members in enumerate(found) for place in members}
    assert all(owner[one] == owner[other] for one, other in links if one != other)
    assert len(owner) == sum(map(len, found)) and all(len(members) > 1 for members in found)
