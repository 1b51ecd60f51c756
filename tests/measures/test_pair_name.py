"""Names of pairs are different for different pairs, whatever the classes are called, and lead back to them."""

from hypothesis import given
from hypothesis import strategies as st

from hardpair.measures.metric_names import metrics_of, title
from hardpair.measures.pair_name import pair_name, pair_of, shown_pair

CLASS = st.text(st.sampled_from('a1-"\\_ –猫:{}'), min_size=1, max_size=6) | st.text(min_size=1)


@given(CLASS, CLASS)
def test_a_name_leads_back_to_its_pair_so_that_no_two_pairs_share_one(a, b):
    assert pair_of(pair_name(a, b)) == (a, b)


def test_names_without_hyphens_are_joined_as_they_are():
    assert pair_name("cat", "maple_tree") == "cat-maple_tree"
    assert {pair_name("1-2", "3"), pair_name("1", "2-3")} == {'"1-2"-3', '1-"2-3"'}


def test_titles_say_where_one_class_ends():
    first, second = metrics_of({"pairs": [["1-2", "3"], ["1", "2-3"]]})[1:3]
    assert (title(first), title(second)) == ("1-2 and 3 confusion (%)", "1 and 2-3 confusion (%)")
    assert title("confusion:cat-maple_tree") == "cat–maple tree confusion (%)"
    assert shown_pair("en–dash", "b") == "en–dash and b"
