"""Addresses say all that a page shows, and read back as what they were written from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from autoproc.dashboard.visit_address import VIEWS, VisitAddress
from autoproc.service.job_queue.sweep_query import ORDERS

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(str.strip).filter(bool)
addresses = st.builds(
    VisitAddress, text=st.just("") | words, states=st.lists(words, max_size=2).map(tuple),
    verdicts=st.lists(words, max_size=2).map(tuple), visit=st.none() | words, folder=st.none() | words,
    order=st.sampled_from(sorted(ORDERS)), is_descending=st.booleans(), by_folder=st.booleans(),
    page=st.integers(1, 10**6),
)  # fmt: skip


@given(addresses)
def test_an_address_reads_back(address):
    assert VisitAddress.of(QueryParams(address.search[1:])) == address


@given(st.text(max_size=40))
def test_any_address_is_one(text):
    query = VisitAddress.of(QueryParams(text)).query(frozenset({3}))
    assert query.first >= 0
    assert query.order in ORDERS


def test_another_choice_begins_at_the_first_page():
    assert VisitAddress(page=7).viewing(VIEWS[4]) == "/?verdict=good"


def test_the_same_column_again_turns_the_order_round():
    by_limit = VisitAddress.of(QueryParams(VisitAddress().sorted_by("d_min", False)[2:]))
    assert (by_limit.order, by_limit.is_descending) == ("d_min", False)
    assert VisitAddress.of(QueryParams(by_limit.sorted_by("d_min", False)[2:])).is_descending
