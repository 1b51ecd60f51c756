"""The table of claims in docs/study, against a plain loop over the runs that its columns are of."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workspace import PROJECT

STUDY = PROJECT / "docs/study"
TEXT = (STUDY / "README.md").read_text(encoding="utf-8").replace("−", "-")
RUNS = {"full length": "full/runs_validation.csv", "each at its own best rate": "fair/runs.csv"}
VARIANTS = {
    "Dynamic Focal Loss confuses cats and dogs less often than cross-entropy.": ("dfl", "ce"),
    "Dynamic Focal Loss classifies better than cross-entropy.": ("dfl", "ce"),
    "Combining loss and sampler is worse than the loss alone.": ("dfl_sampler", "dfl"),
    "The sampler alone is better than cross-entropy.": ("ce_sampler", "ce"),
    "Control: Dynamic Focal Loss confuses cats and dogs less often than cross-entropy at 1.66 times the learning rate.": ("dfl", "ce_fast"),
    "Control: Dynamic Focal Loss classifies better than cross-entropy at 1.66 times the learning rate.": ("dfl", "ce_fast"),
}
COLUMN = {"accuracy": "accuracy", "confusion": "confusion:cat-dog"}


def cells() -> list[tuple[str, str, str]]:
    """Claim, heading and content of each cell that has numbers."""
    lines = re.findall(r"^\|(.*)\|$", TEXT.split("\n## ")[0], re.MULTILINE)
    heads, _, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    return [(row[0], head, cell) for row in rows for head, cell in zip(heads[1:], row[1:], strict=True) if cell]


def test_the_table_has_every_claim():
    assert {claim for claim, _, _ in cells()} == set(VARIANTS)
    assert len(cells()) == 2 * len(VARIANTS) - 2  # the fair study has no control


@pytest.mark.parametrize(("claim", "head", "cell"), cells())
def test_a_cell_has_the_paired_differences_of_its_runs(claim, head, cell):
    runs = pd.read_csv(STUDY / RUNS[head.split(",")[0]]).query("model == 'last'").set_index(["variant", "seed"])
    first, second = VARIANTS[claim]
    shown = re.findall(r"(accuracy|confusion) ([-+.\d]+) \[([-+.\d]+), ([-+.\d]+)\]", cell)
    assert shown
    for measure, *numbers in shown:
        differences = (runs.loc[first][COLUMN[measure]] - runs.loc[second][COLUMN[measure]]).to_numpy() * 100
        half = stats.t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences))
        expected = [differences.mean(), differences.mean() - half, differences.mean() + half]
        assert [float(number) for number in numbers] == pytest.approx(expected, abs=0.0051)


@pytest.mark.parametrize(("claim", "head", "cell"), cells())
def test_a_cell_has_the_verdict_of_its_study(claim, head, cell):
    folder = STUDY / RUNS[head.split(",")[0]]
    page = next(page for page in (folder.with_name("README.md"), folder.with_name("comparison.md")) if page.exists())
    [line] = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith(f"- {claim}")]
    given = re.match(r" \*\*(.+?)\*\*: ", line.removeprefix(f"- {claim}"))
    assert cell.startswith(f"**{given[1].lower()}**: " if given else "no verdict yet: ")
