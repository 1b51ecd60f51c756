"""The simulated tables of docs/statistics.md, of few studies, against known values."""

import re

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp
from statsmodels.stats.power import TTestPower

from benchmark_scripts import load
from hardpair.comparison import verdicts
from hardpair.measures.looks import thresholds
from workspace import PROJECT


@pytest.fixture(scope="module")
def coverage():
    return load("coverage")


def test_studies_have_the_means_and_spreads_that_they_are_said_to_have(coverage):
    gains = coverage.studies(coverage.states()["two claims as published, two at the margin"], 2, 4000)
    for place, expected in ((0, [1.24]), (2, [0.3, 0.5])):
        assert gains[place].mean((0, 2)) == pytest.approx(expected, abs=0.03)
        assert gains[place].std((0, 2)) == pytest.approx(2 * coverage.SD[coverage.PARTS[place]], rel=0.02)


def test_power_of_a_single_claim_is_at_least_that_of_bonferroni_and_at_most_that_of_no_adjustment(coverage):
    means = [0.5 * np.array(mean) for _, mean in coverage.CLAIMS.values()]
    found = coverage.judged(coverage.studies(means, 1, 4000))["Holm"]
    power = np.isin(found[:, 0], [verdicts.SUPPORTED, verdicts.SMALLER]).mean()
    low, high = (TTestPower().power(0.62 / 0.7, 10, alpha) for alpha in (0.05 / 4, 0.05))
    assert low < power < high


def test_no_true_state_makes_a_false_verdict_of_one_kind_in_more_than_one_study_of_twenty(coverage):
    for name, means in coverage.states().items():
        for scale in (0.25, 0.5, 1, 2):
            for way, found in coverage.judged(coverage.studies(means, scale, 4000)).items():
                for error in coverage.false_verdicts(found, means):
                    assert error.mean() <= 0.05 + 3 * (0.05 * 0.95 / 4000) ** 0.5, (name, scale, way)


def test_early_decisions_are_as_frequent_as_the_power_of_their_look_and_exaggerate(coverage):
    rows = [line.strip("| ").split(" | ") for line in coverage.of_early(4000).splitlines()[2:]]
    for mean, decided, shown, covers, of_all in rows:
        power = TTestPower().power(float(mean), 6, thresholds((6, 8, 10), 0.05)[0])
        assert float(decided.rstrip(" %")) == pytest.approx(100 * power, abs=2.5)
        assert float(shown) > float(mean)
        assert float(covers.rstrip(" %")) < float(of_all.rstrip(" %"))
        assert float(of_all.rstrip(" %")) == pytest.approx(94.5, abs=1.5)


def test_small_is_said_of_differences_at_the_margin_where_their_interval_lies_within(coverage):
    """Of one part, with a sd so small that direction is always clear: the interval ends below the margin in 2.5 % of studies."""
    first = coverage.of_small(4000).splitlines()[2].strip("| ").split(" | ")
    two = 0.025 * 2 + 0.025**2 * 2  # claims of one part and of two independent ones
    assert float(first[1].rstrip(" %")) == pytest.approx(100 * two, abs=1.2)


def test_false_verdicts_are_counted_by_what_is_true(coverage):
    means = [np.zeros(1), np.array([0.3]), np.array([0.1, -0.1]), np.array([0.2, 0.2])]
    found = np.array(
        [
            [verdicts.SUPPORTED, verdicts.SUPPORTED, verdicts.REFUTED, verdicts.SUPPORTED],
            [verdicts.EQUIVALENT, verdicts.EQUIVALENT, verdicts.NOT_SETTLED, verdicts.EQUIVALENT],
            [verdicts.NOT_SETTLED, verdicts.SMALLER, verdicts.SMALLER, verdicts.NOT_SETTLED],
            [verdicts.EQUIVALENT, verdicts.SUPPORTED, verdicts.EQUIVALENT, verdicts.REFUTED],
            [verdicts.EQUIVALENT, verdicts.NOT_SETTLED, verdicts.REFUTED, verdicts.SMALLER],
        ]
    )
    of_direction, of_size = coverage.false_verdicts(found, means)
    assert of_direction.tolist() == [True, False, True, True, False]
    assert of_size.tolist() == [False, True, False, False, False]


def test_every_table_finds_its_place(coverage, tmp_path, monkeypatch):
    places = [f"<!-- {name}: written by benchmarks/coverage.py -->\nold\n<!-- end of {name} -->\n" for name in coverage.TABLES]
    (tmp_path / "page.md").write_text("before\n" + "".join(places) + "after\n")
    monkeypatch.setattr(coverage, "TABLES", {name: lambda count, name=name: f"| {name} of {count} |" for name in coverage.TABLES})
    monkeypatch.setattr("sys.argv", ["coverage.py", "--studies", "60", "--write", str(tmp_path / "page.md")])
    coverage.main()
    page = (tmp_path / "page.md").read_text()
    assert "old" not in page
    assert page.startswith("before\n<!-- errors: written by benchmarks/coverage.py -->\n\n| errors of 60 |\n\n<!-- end of errors -->\n")
    assert "| new images of 3 |" in page
    (tmp_path / "page.md").write_text("no place\n")
    with pytest.raises(SystemExit, match=r"page\.md has no place for the errors"):
        coverage.main()


def test_tables_are_complete_and_the_same_every_time(coverage):
    for name, make in coverage.TABLES.items():
        text = make(40 if name != "new images" else 2)
        assert text == make(40 if name != "new images" else 2)
        header, rule, *rows = text.splitlines()
        assert {line.count("|") for line in (header, rule, *rows)} == {header.count("|")}
        assert rows


@pytest.mark.parametrize(("count", "constant"), [(2, 1.977), (4, 2.024), (5, 2.040)])
def test_thresholds_of_z_tests_are_the_published_ones(coverage, count, constant):
    """Jennison and Turnbull (2000), Group Sequential Methods, Table 2.3: C_B(K, 0.05)."""
    assert coverage.z_thresholds(range(1, count + 1), 0.05)[-1] == pytest.approx(2 * norm.sf(constant), abs=1e-4)


def test_looks_without_thresholds_reject_too_often(coverage):
    rows = [row.split(" | ") for row in coverage.of_other_looks(0).splitlines()[2:]]
    shares = {way.removeprefix("| "): float(share.removesuffix(" % |")) for way, share in rows}
    x = np.random.default_rng(0).normal(size=(40_000, 16))
    p = np.stack([ttest_1samp(x[:, :count], 0, axis=1).pvalue for count in range(6, 17)])
    assert shares["0.05 after each of 6 to 16 seeds"] == pytest.approx(100 * (p <= 0.05).any(0).mean(), abs=0.6)
    assert shares["the table above, after 4, 6, 8 and 10 seeds"] == pytest.approx(5, abs=0.05)


def test_studies_that_end_when_settled_end_by_the_power_of_their_looks_and_keep_the_error(coverage):
    rows = [row.strip("| ").split(" | ") for row in coverage.of_settling(4000).splitlines()[2:]]
    ends = {name: [float(share.removesuffix(" %")) for share in shares] for name, _, *shares in rows}
    at_six = thresholds((6, 8, 10), 0.05)[0]
    for size, factor in (("as published", 1), ("half of it", 0.5)):
        power = TTestPower().power(factor * 1.24 / 0.7, 6, at_six)
        assert ends[f"the loss, confusion, {size}"][0] == pytest.approx(100 * power, abs=3)
    assert all(false <= 5 + 3 * (5 * 95 / 4000) ** 0.5 for *_, false in ends.values())
    assert all(sum(shares) == pytest.approx(100, abs=0.2) for *shares, _ in ends.values())


@pytest.mark.parametrize(("place", "write"), [("looks", "of_looks"), ("other looks", "of_other_looks")])
def test_the_tables_that_are_exact_are_those_of_the_page(coverage, place, write):
    page = (PROJECT / "docs/statistics.md").read_text(encoding="utf-8")
    [shown] = re.findall(rf"<!-- {place}: written by \S+ -->\n(.*?)<!-- end of {place} -->", page, re.DOTALL)
    assert shown.strip() == getattr(coverage, write)(0).strip()
