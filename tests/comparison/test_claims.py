"""Claims as the tables of a study show them."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from claimed_study import AHEAD, BOTH, claim, judged, made, settings, values
from hardpair.comparison import claims
from hardpair.errors import UserError


def test_a_claim_is_supported_by_the_largest_p_of_its_parts_and_adjusted_over_claims():
    runs = made(10, noise=0.004, **AHEAD)
    declared = [claim(("a", "b", BOTH), ("a", "c", BOTH)), claim(("b", "c", ["accuracy"]), name="other")]
    table = claims.claims_table(runs, settings(*declared))
    columns = {"accuracy": "accuracy", "confusion": "confusion:cat-dog"}
    p = [stats.ttest_rel(values(runs, "a", columns[each]), values(runs, other, columns[each])).pvalue for other in "bc" for each in BOTH]
    other = stats.ttest_rel(values(runs, "b"), values(runs, "c")).pvalue
    assert list(table["p"]) == pytest.approx([max(p), other])
    assert list(table["p_adjusted"]) == pytest.approx(multipletests([max(p), other], method="holm")[1])
    assert list(table["verdict"]) == ["supported", "not settled"]
    why = table["why"][0]
    assert [float(each) for each in re.findall(r"\], p = ([\d.e-]+)", why)] == [float(f"{each:.2g}") for each in p]
    assert why.endswith(f"significant as claimed (adjusted p = {table['p_adjusted'][0]:.2g})")
    interval = stats.ttest_rel(values(runs, "a"), values(runs, "b")).confidence_interval()
    assert f"A against B, accuracy +1.03 pp [{100 * interval.low:+.2f}, {100 * interval.high:+.2f}], p" in why


def test_one_part_that_is_significant_the_other_way_refutes_and_pays_for_the_number_of_parts():
    runs = made(10, noise=0.001, **(AHEAD | {"a": (0.87, 0.123)}))
    table = claims.claims_table(runs, settings(claim(("a", "b", BOTH))))
    p = stats.ttest_rel(values(runs, "a", "confusion:cat-dog"), values(runs, "b", "confusion:cat-dog")).pvalue
    assert table["verdict"][0] == "refuted"
    assert table["p"][0] == pytest.approx(2 * p)
    assert re.match(r"A against B, confusion \+0\.\d\d pp \[.*: significant the other way \(adjusted p = ", table["why"][0])


def test_equal_variants_are_equivalent_if_two_one_sided_tests_say_so():
    runs = made(10, noise=0.0015, a=(0.86, 0.12), b=(0.86, 0.12))
    both = settings(claim(("a", "b", BOTH)))
    columns = ("accuracy", "confusion:cat-dog")
    p = [ttost_paired(values(runs, "a", each), values(runs, "b", each), -m, m)[0] for each, m in zip(columns, (0.003, 0.005), strict=True)]
    assert max(p) < 0.05 < stats.ttest_rel(values(runs, "a"), values(runs, "b")).pvalue
    [row] = claims.claims_table(runs, both).to_dict("records")
    assert row["verdict"] == "equivalent"
    assert (row["p_equivalent"], row["threshold_equivalent"]) == (pytest.approx(max(p)), 0.05)
    shown = []
    for column, name, margin in zip(columns, BOTH, (0.3, 0.5), strict=True):  # the interval of both tests at 5 % is that of 90 %
        a, b = (values(runs, each, column) for each in "ab")
        low, high = 100 * np.array(stats.ttest_rel(a, b).confidence_interval(0.9))
        assert -margin < low < high < margin
        shown.append(f"A against B, {name} {100 * (a - b).mean():+.2f} pp, 90 % interval [{low:+.2f}, {high:+.2f}]")
    of_margins = "within ± 0.3 pp of accuracy and ± 0.5 pp of confusion"
    assert row["why"] == f"{'; '.join(shown)}: {of_margins} (two one-sided tests, p = {max(p):.2g}, threshold 0.05)"
    assert judged(runs, both | {"margins": {"accuracy": 0.05, "confusion": 0.5}})[0] == "not settled", "one part alone is not enough"


def test_a_difference_as_claimed_may_be_smaller_than_the_margin():
    runs = made(10, noise=0.0005, a=(0.861, 0.12), b=(0.86, 0.12))
    verdict, why = judged(runs, settings(claim(("a", "b", ["accuracy"]))))
    assert verdict == "smaller than the margin"
    assert re.search(r"significant as claimed \(adjusted p = [\d.e-]+\), but within ± 0\.3 pp of accuracy$", why)


def test_variants_that_never_differ_are_not_tested():
    runs = made(10, noise=0, **AHEAD)
    why = "B against C, accuracy: the variants did not differ in these runs"
    assert judged(runs, settings(claim(("b", "c", BOTH)))) == ("not tested", why)
    assert judged(made(5, noise=0), settings(claim(("b", "c", BOTH)), seeds=5))[0] == "no verdict yet", "few may tie by chance"


@pytest.mark.parametrize("gain", [0.01, 0.0001, -0.01])
@pytest.mark.parametrize("looks", [(), (6, 10)])
def test_a_difference_that_is_the_same_with_every_seed_is_not_tested(gain, looks):
    """As if the seeds had no effect: the runs of each variant are one."""
    runs = made(10, noise=0, a=(0.86 + gain, 0.11), b=(0.86, 0.12))
    verdict, why = judged(runs, settings(claim(("a", "b", ["accuracy"])), looks=looks))
    assert verdict == "not tested"
    assert re.fullmatch(r"A against B, accuracy \S+ pp.*, the same with every seed: check that the runs depend on their seeds", why)


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("looks", [(), (6, 10)])
def test_a_claim_that_is_not_tested_has_no_p_and_counts_among_the_others(seeds, looks):
    runs = made(seeds, noise=0.004, a=(0.87, 0.12), b=(0.86, 0.12))
    runs.loc[runs["variant"] != "c", "confusion:cat-dog"] = 0.1
    declared = [claim(("a", "b", BOTH)), claim(("a", "c", ["accuracy"]), name="other"), claim(("a", "b", BOTH), name="c", control=True)]
    table = claims.claims_table(runs, settings(*declared, seeds=seeds, looks=looks))
    assert table.loc[[0, 2], ["p", "p_adjusted"]].isna().all(axis=None)
    if seeds == 10:
        assert list(table["verdict"][[0, 2]]) == ["not tested"] * 2
    if not looks:
        assert table["p_adjusted"][1] == pytest.approx(2 * table["p"][1])


@pytest.mark.parametrize("confusion", [0.11, 0.12])
def test_a_part_that_refutes_is_named_beside_one_that_never_varies(confusion):
    wobble = np.where(np.arange(10) % 2, 1, -1) * 0.001
    runs = made(10, noise=0, a=(0.85 + wobble, confusion), b=(0.86, 0.11))
    verdict, why = judged(runs, settings(claim(("a", "b", BOTH))))
    assert verdict == "refuted"
    assert why.startswith("A against B, accuracy -1.00 pp")


def test_a_claim_that_is_equivalent_leaves_none_of_the_error_to_others():
    """Holm has not rejected it."""
    wobble = np.where(np.arange(10) % 2, 1, -1) * 0.001
    gains = 0.0016 + np.where(np.arange(10) % 2, 1, -1) * 0.0026
    runs = made(10, noise=0, a=(0.86 + gains, 0.12 + wobble / 5), b=(0.86, 0.12))
    table = claims.claims_table(runs, settings(claim(("a", "b", ["confusion"])), claim(("a", "b", ["accuracy"]), name="other")))
    assert list(table["verdict"]) == ["equivalent", "not settled"]
    count = int(re.search(r"about (\d+) seeds would settle it", table["why"][1])[1])
    assert count == np.ceil(TTestPower().solve_power(0.0016 / np.std(gains, ddof=1), power=0.8, alpha=0.025))


def test_the_part_that_is_named_is_the_one_that_needs_the_seeds():
    seeds = np.arange(10)
    wobble = np.where(seeds % 2, 1, -1) * 0.01
    runs = made(10, noise=0, a=(0.863 + wobble, 0.118 + wobble / 2), b=(0.86, 0.12))
    verdict, why = judged(runs, settings(claim(("a", "b", BOTH)), claim(("a", "c", BOTH), name="other"), margins=(0.1, 0.1)))
    assert verdict == "not settled"
    part, count = re.fullmatch(r"A against B, (\w+) .*; about (\d+) seeds would settle it, if differences .*", why).groups()
    sizes = {"accuracy": 0.003 / 0.01, "confusion": 0.002 / 0.005}
    sd = np.std(wobble, ddof=1) / 0.01
    needed = {key: TTestPower().solve_power(size / sd, power=0.9, alpha=0.05) for key, size in sizes.items()}
    assert part == max(needed, key=needed.get)
    assert int(count) == np.ceil(needed[part]), "the other claim is settled, which leaves all of the error to this one"


def test_equivalence_may_be_nearer_than_significance():
    wobble = np.where(np.arange(6) % 2, 1, -1) * 0.004
    runs = made(6, noise=0, a=(0.8601 + wobble, 0.1), b=(0.86, 0.1))
    why = judged(runs, settings(claim(("a", "b", ["accuracy"])), seeds=6))[1]
    count = int(re.search(r"about (\d+) seeds would show it to be within the margin", why)[1])
    wide = np.tile(wobble, 100)[: count + count % 2] + 0.0001
    assert ttost_paired(wide, np.zeros(len(wide)), -0.003, 0.003)[0] < 0.05


def test_too_few_seeds_are_said_to_be_too_few():
    for seeds, some in ((1, "1 seed is"), (2, "2 seeds are"), (5, "5 seeds are")):
        assert judged(made(seeds, **AHEAD), settings(claim(("a", "b", BOTH)), seeds=seeds)) == (
            "no verdict yet",
            f"{some} complete, and verdicts need 6",
        )
    table = claims.claims_table(made(1, **AHEAD), settings(claim(("a", "b", BOTH)), seeds=1))
    assert table[["p", "p_adjusted"]].isna().all(axis=None), "one seed has no p"


def test_a_control_is_judged_like_a_claim_and_is_none():
    runs = made(10, noise=0.004, **AHEAD)
    declared = [claim(("a", "b", ["accuracy"])), claim(("a", "b", ["confusion"]), name="second")]
    alone = claims.claims_table(runs, settings(*declared))
    table = claims.claims_table(runs, settings(claim(("a", "c", ["accuracy"]), name="control", control=True), *declared))
    assert list(table["control"]) == [True, False, False]
    pd.testing.assert_frame_equal(table[1:].reset_index(drop=True), alone)
    assert table["p_adjusted"][0] == pytest.approx(2 * stats.ttest_rel(values(runs, "a"), values(runs, "c")).pvalue)


def test_only_seeds_with_all_runs_count_in_any_order_of_rows():
    runs = made(12, noise=0.004, **AHEAD)
    declared = settings(claim(("a", "b", BOTH)), seeds=12)
    part = runs[~((runs["variant"] == "c") & runs["seed"].isin([3, 7]))]
    expected = claims.claims_table(runs[~runs["seed"].isin([3, 7])], declared)
    pd.testing.assert_frame_equal(claims.claims_table(part.sample(frac=1, random_state=1), declared), expected)
    assert expected["seeds"][0] == 10
    nothing = claims.claims_table(runs[runs["variant"] != "c"], declared)
    assert list(nothing["why"]) == ["no seed is complete, and verdicts need 6"]


def test_a_run_twice_or_without_its_measure_is_refused():
    runs, declared = made(8, **AHEAD), settings(claim(("a", "b", BOTH)), seeds=8)
    one = (runs["variant"] == "a") & (runs["seed"] == 2)
    with pytest.raises(UserError, match="seed 2 has 2 and 1 runs"):
        claims.claims_table(pd.concat([runs, runs[one]]), declared)
    runs.loc[one, "accuracy"] = np.nan
    with pytest.raises(UserError, match="claim claim needs the accuracy of every run, but one run has none"):
        claims.claims_table(runs, declared)


@hypothesis(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([(), (4, 6, 8)]), st.floats(-0.01, 0.01), st.permutations(range(8)))
def test_names_of_seeds_a_constant_and_the_side_of_a_claim_do_not_matter(draw, looks, gap, order):
    rng = np.random.default_rng(draw)
    runs = made(8, noise=0, a=(0.8 + gap + rng.normal(0, 0.005, 8), 0.1), b=(0.8 + rng.normal(0, 0.005, 8), 0.1))
    declared = settings(claim(("a", "b", ["accuracy"])), seeds=8, looks=looks)
    found = claims.claims_table(runs, declared)

    turned = declared | {"seeds": [100 - seed for seed in range(8)]}
    renamed = claims.claims_table(runs.assign(seed=100 - runs["seed"]), turned)
    pd.testing.assert_frame_equal(renamed, found)
    if not looks:  # of which the order of seeds is a part
        pd.testing.assert_frame_equal(claims.claims_table(runs, declared | {"seeds": list(order)}), found)

    moved = claims.claims_table(runs.assign(accuracy=runs["accuracy"] + 0.05), declared)
    assert moved["verdict"][0] == found["verdict"][0]
    assert moved["p"][0] == pytest.approx(found["p"][0], rel=1e-6)

    mirrored = claims.claims_table(runs, declared | {"claims": [claim(("b", "a", ["accuracy"]))]})
    assert mirrored["p"][0] == pytest.approx(found["p"][0])
    words = {found["verdict"][0], mirrored["verdict"][0]}
    assert words in ({"supported", "refuted"}, {"smaller than the margin", "refuted"}, {"equivalent"}, {"not settled"})


def test_without_claims_there_is_an_empty_table():
    table = claims.claims_table(made(3), settings(seeds=3))
    assert (len(table), list(table)) == (0, claims.COLUMNS)
