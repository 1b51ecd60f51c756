"""What README.md and docs/study state of the studies, against plain loops over their runs."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from page_tables import IN_WORDS, numbers, rows_of
from registration_rules import LOOKS, registered
from workspace import PROJECT

STUDY = PROJECT / "docs/study"
MARGINS = {"accuracy": 0.3, "confusion": 0.5}
RUNS = {"full length": "full/runs_validation.csv", "each at its own best rate": "fair/runs.csv"}
# The variants that a difference is of, whether the first is claimed to be the better one, and the measures.
CLAIMS = {
    "Dynamic Focal Loss confuses cats and dogs less often than cross-entropy.": ("dfl", "ce", True, ["confusion"]),
    "Dynamic Focal Loss classifies better than cross-entropy.": ("dfl", "ce", True, ["accuracy"]),
    "Combining loss and sampler is worse than the loss alone.": ("dfl_sampler", "dfl", False, ["accuracy", "confusion"]),
    "The sampler alone is better than cross-entropy.": ("ce_sampler", "ce", True, ["accuracy", "confusion"]),
    "Control: Dynamic Focal Loss confuses cats and dogs less often than cross-entropy at 1.66 times the learning rate.": (
        "dfl",
        "ce_fast",
        True,
        ["confusion"],
    ),
    "Control: Dynamic Focal Loss classifies better than cross-entropy at 1.66 times the learning rate.": (
        "dfl",
        "ce_fast",
        True,
        ["accuracy"],
    ),
}
COLUMN = {"accuracy": "accuracy", "confusion": "confusion:cat-dog"}


def page(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8").replace("−", "-")


def differences(runs: str, first: str, second: str, measure: str, seeds: int | None = None) -> np.ndarray:
    """By seed, in points, after the last epoch."""
    table = pd.read_csv(STUDY / runs).query("model == 'last'").set_index(["variant", "seed"])[COLUMN[measure]]
    return (table.loc[first] - table.loc[second]).to_numpy()[:seeds] * 100


def summary(values: np.ndarray) -> list[float]:
    """Mean and Student's 95 % interval."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return [values.mean(), values.mean() - half, values.mean() + half]


def check_differences(cell: str, runs: str, claim: tuple, seeds: int | None = None) -> None:
    """Whether a cell has the paired differences of each measure of a claim, and no others."""
    first, second, _, measures = claim
    shown = re.findall(r"(accuracy|confusion) ([-+.\d]+) \[([-+.\d]+), ([-+.\d]+)\]", cell)
    assert [measure for measure, *_ in shown] == measures
    for measure, *stated in shown:
        expected = summary(differences(runs, first, second, measure, seeds))
        assert [float(number) for number in stated] == pytest.approx(expected, abs=0.0051)


def gains(claim: tuple, seeds: int | None = None) -> np.ndarray:
    """Of the study at full length, (parts, seeds), positive where as claimed."""
    first, second, better, measures = claim
    signs = [(1 if measure == "accuracy" else -1) * (1 if better else -1) for measure in measures]
    each = [differences(RUNS["full length"], first, second, measure, seeds) for measure in measures]
    return np.array([sign * values for sign, values in zip(signs, each, strict=True)])


HEADS, *ROWS = rows_of(page("docs/study/README.md").split("\n## ")[0])
CELLS = [(row[0], head.split(",")[0], cell) for row in ROWS for head, cell in zip(HEADS[1:], row[1:], strict=True) if cell]
SEEDS = pd.read_csv(STUDY / RUNS["full length"])["seed"].nunique()


def test_the_table_has_every_claim_and_the_number_of_seeds():
    assert [row[0] for row in ROWS] == list(CLAIMS)
    assert len(CELLS) == 2 * len(CLAIMS) - 2  # the fair study has no control
    of_ten = f"{IN_WORDS[SEEDS]} of ten" if SEEDS < 10 else "ten"
    assert HEADS[1:] == [f"full length, {of_ten} seeds", "each at its own best rate, reduced budget, ten seeds"]


@pytest.mark.parametrize(("claim", "study", "cell"), CELLS)
def test_a_cell_has_the_paired_differences_of_its_runs(claim, study, cell):
    check_differences(cell, RUNS[study], CLAIMS[claim])


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_verdict_of_the_study_at_full_length_is_that_of_its_registration(claim):
    [cell] = [cell for named, study, cell in CELLS if (named, study) == (claim, "full length")]
    [line] = [line for line in page("docs/study/full/README.md").splitlines() if line.startswith(f"- {claim}")]
    if SEEDS < 6:
        assert cell.startswith("no verdict yet: ")
        assert line == f"- {claim}"
        return
    each = gains(CLAIMS[claim])
    verdict, look = registered(each, [MARGINS[measure] for measure in CLAIMS[claim][3]])
    assert cell.startswith(f"**{verdict}**: ")
    assert line.startswith(f"- {claim} **{verdict.capitalize()}**: after {look} of 10 seeds, ")


@pytest.mark.parametrize(("claim", "cell"), [(claim, cell) for claim, study, cell in CELLS if study != "full length"])
def test_the_verdict_of_the_fair_study_is_that_of_its_table(claim, cell):
    claims = pd.read_csv(STUDY / "fair/claims.csv").set_index("sentence")
    assert cell.startswith(f"**{claims.loc[claim, 'verdict']}**: ")


LOOKS_TAKEN = re.findall(r"^## At (\w+) seeds$(.*?)(?=^## |\Z)", page("docs/study/full/looks.md"), re.MULTILINE | re.DOTALL)


def test_every_look_that_was_reached_is_written_down():
    assert [name for name, _ in LOOKS_TAKEN] == [IN_WORDS[look] for look in LOOKS if look <= SEEDS]


@pytest.mark.parametrize(("name", "text"), LOOKS_TAKEN)
def test_a_look_states_differences_and_p_of_its_seeds(name, text):
    [seeds] = [number for number, word in IN_WORDS.items() if word == name]
    assert f"p ≤ {np.format_float_positional(LOOKS[seeds])}" in text
    for claim, row in zip(CLAIMS.values(), rows_of(text)[1:], strict=True):
        check_differences(row[1], RUNS["full length"], claim, seeds)
        each = gains(claim, seeds)
        p = [stats.ttest_1samp(part, 0).pvalue for part in each]
        against = [len(p) * value for value, part in zip(p, each, strict=True) if part.mean() < 0]
        assert float(row[2]) == pytest.approx(min(against) if against else max(p), rel=0.06)


@pytest.mark.parametrize(
    ("name", "start", "end"), [("full/README.md", "## What can be seen", "<!-- tables"), ("README.md", "## What stands", "## The studies")]
)
def test_intervals_in_the_text_are_those_of_the_tables(name, start, end):
    tables = page("docs/study/full/README.md").split("<!-- tables")[1] + page("docs/study/rate/README.md").split("\n## ")[0]
    tables = set(re.findall(r"\d+\.\d\d", tables))
    text = page(f"docs/study/{name}").partition(start)[2].partition(end)[0]
    stated = [
        number for interval in re.findall(r"(\d+\.\d\d)(?:[^.\d]{1,40})?\s+\[([-+.\d]+),\s+([-+.\d]+)\]", text) for number in interval
    ]
    assert stated
    assert {number.lstrip("+-") for number in stated} <= tables


FULL, FAIR = RUNS.values()


@pytest.mark.parametrize(
    ("words", "runs", "first", "second", "measure"),
    [
        ("Dynamic Focal Loss is better than cross-entropy by {} in accuracy", FULL, "dfl", "ce", "accuracy"),
        ("in accuracy, but {} behind the control", FULL, "ce_fast", "dfl", "accuracy"),
        ("the loss is worse than cross-entropy by {} in accuracy", FAIR, "ce", "dfl", "accuracy"),
        ("in accuracy and by {} in confusion", FAIR, "dfl", "ce", "confusion"),
    ],
)
def test_the_first_page_states_the_differences_of_the_studies(words, runs, first, second, measure):
    before, after = map(re.escape, words.split("{}"))
    stated = re.search(rf"{before}([\d.]+)(?: points)? \(([\d.]+) to ([\d.]+)\){after}", " ".join(page("README.md").split()))
    assert [float(number) for number in stated.groups()] == pytest.approx(summary(differences(runs, first, second, measure)), abs=0.0051)


def test_the_first_page_states_by_how_much_the_sampler_is_worse_and_how_many_seeds_there_are():
    text = " ".join(page("README.md").split())
    stated = re.search(r"The sampler alone is worse in accuracy, by ([\d.]+\d), and in confusion, by ([\d.]+\d)", text).groups()
    expected = [abs(differences(FULL, "ce_sampler", "ce", measure).mean()) for measure in COLUMN]
    assert [float(number) for number in stated] == pytest.approx(expected, abs=0.0051)
    assert (f"{IN_WORDS[SEEDS]} of ten seeds" if SEEDS < 10 else "ten seeds") in text


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("docs/fair.md", "fair/runs.csv"),
        ("docs/study/rate/README.md", "rate/runs.csv"),
        ("docs/study/reduced/README.md", "reduced/runs.csv"),
    ],
)
def test_the_table_of_a_page_is_that_of_its_runs(name, runs):
    table = pd.read_csv(STUDY / runs).query("model == 'last'").groupby("label")
    rows = [row for row in rows_of(page(name)) if row[0] in table.groups]
    assert [row[0] for row in rows] == list(pd.read_csv(STUDY / runs)["label"].drop_duplicates())
    for row in rows:
        measured = [cell for cell in row if "±" in cell]
        for cell, column in zip(measured, COLUMN.values(), strict=True):
            values = table.get_group(row[0])[column] * 100
            assert numbers(cell) == pytest.approx([values.mean(), values.std()], abs=0.0051)
        intervals = [cell for cell in row if " pp [" in cell]
        assert len(intervals) == (0 if row[0] == "CrossEntropy" else 2)
        first = table.get_group(row[0])["variant"].iloc[0]
        for cell, measure in zip(intervals, COLUMN, strict=False):
            assert numbers(cell) == pytest.approx(summary(differences(runs, first, "ce", measure)), abs=0.0051)


RATE = {  # the claims of the study of learning rates, all about accuracy
    "Cross-entropy classifies better at 1.66 times the learning rate.": ("ce_166", "ce"),
    "Dynamic Focal Loss classifies better than cross-entropy at 1.66 times the learning rate.": ("dfl", "ce_166"),
    "Dynamic Focal Loss classifies better with the gradient through its weight than without.": ("dfl", "dfl_detached"),
    "The sampler classifies better if its weights are refreshed every epoch than every fifth.": ("sampler_1", "sampler_5"),
    "The sampler refreshed every epoch classifies better than cross-entropy.": ("sampler_1", "ce"),
}


def test_the_verdicts_on_learning_rates_are_those_of_a_plain_loop():
    tests = {claim: stats.ttest_1samp(differences("rate/runs.csv", *pair, "accuracy"), 0) for claim, pair in RATE.items()}
    adjusted, largest = {}, 0.0
    for place, claim in enumerate(sorted(tests, key=lambda claim: tests[claim].pvalue)):  # Holm 1979
        largest = max(largest, tests[claim].pvalue * (len(tests) - place))
        adjusted[claim] = largest
    table = pd.read_csv(STUDY / "rate/claims.csv").set_index("sentence")
    page_of_rate = " ".join(page("docs/study/rate/README.md").split())
    assert list(table.index) == list(RATE)
    for claim, pair in RATE.items():
        expected = "not settled" if adjusted[claim] > 0.05 else "supported" if tests[claim].statistic > 0 else "refuted"
        assert table.loc[claim, "verdict"] == expected
        mean, low, high = summary(differences("rate/runs.csv", *pair, "accuracy"))
        stated = re.search(rf"\*\*{expected.capitalize()}:\*\* \*{re.escape(claim)}\* ([-+.\d]+) \[([-+.\d]+), ([-+.\d]+)\]", page_of_rate)
        assert [float(number) for number in stated.groups()] == pytest.approx([mean, low, high], abs=0.0051)


def test_the_study_of_learning_rates_has_all_its_runs_and_was_registered_before_them():
    declared = yaml.safe_load(page("docs/study/rate.yaml"))
    runs = pd.read_csv(STUDY / "rate/runs.csv").query("model == 'last'")
    expected = [(variant["name"], seed) for variant in declared["variants"] for seed in declared["seeds"]]
    assert sorted(zip(runs["variant"], runs["seed"], strict=True)) == sorted(expected)
    first = json.loads((STUDY / "rate/registration.json").read_text())["entries"][0]
    assert first["finished_runs"] == 0
    assert [claim["sentence"] for claim in first["declared"]["claims"]] == list(RATE)


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        ("behind cross-entropy at twice the rate too, by", "ce_200", "dfl"),
        ("ahead of it only at three times the rate, by", "dfl", "ce_300"),
    ],
)
def test_the_loss_against_larger_rates_is_as_the_page_states(words, first, second):
    text = " ".join(page("docs/study/rate/README.md").split())
    stated = re.search(rf"{words} ([\d.]+) points \[([-+.\d]+), ([-+.\d]+)\]", text)
    expected = summary(differences("rate/runs.csv", first, second, "accuracy"))
    assert [float(number) for number in stated.groups()] == pytest.approx(expected, abs=0.0051)


def test_the_spread_of_accuracies_on_classes_is_as_the_page_states():
    runs = pd.read_csv(STUDY / "rate/runs.csv").query("model == 'last'")
    columns = [column for column in runs if column.startswith("accuracy:")]
    sd = {name: 100 * np.mean([rows[column].std() for column in columns]) for name, rows in runs.groupby("variant")}
    text = " ".join(page("docs/study/rate/README.md").split())
    stated = re.search(r"averaged over the classes, is ([\d.]+) points instead of ([\d.]+), and ([\d.]+) for cross-entropy", text)
    expected = [sd[name] for name in ("sampler_1", "sampler_5", "ce")]
    assert [float(number) for number in stated.groups()] == pytest.approx(expected, abs=0.051)
