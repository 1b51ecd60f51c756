"""Tables of which a report cannot be made are named in one sentence."""

import pandas as pd
import pytest

from hardpair.comparison.csv_table import csv_of
from hardpair.errors import UserError
from hardpair.measures.pair_name import pair_of
from hardpair.report import results
from reported_study import reported


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, settings, _ = reported(tmp_path_factory.mktemp("study"), seeds=2)
    return folder, settings


def set_cell(column, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.loc[table.index[-1], column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("comparison", lambda table: table[table["model"] != "last"], "lacks the row ce, last, a_to_b:cat-dog"),
        ("comparison", lambda table: table[table["variant"] != "dfl"], "lacks the row dfl, best, a_to_b:cat-dog"),
        ("comparison", lambda table: pd.concat([table, table.tail(1)]), "dfl_sampler, best, accuracy:truck is there twice"),
        ("comparison", lambda table: table.iloc[:0], "lacks the row"),
        ("comparison", set_cell("n", None), "n is not finite"),
        ("comparison", set_cell("n", "inf"), "n is not finite"),
        ("comparison", set_cell("n", 0), "n is 0"),
        ("comparison", set_cell("n", 2.5), "n is 2.5"),
        ("comparison", set_cell("mean", "inf"), "mean is not finite"),
        ("comparison", set_cell("mean", "x"), "could not convert string to float"),
        ("most_confused", lambda table: table[:-1], "lacks the row"),
        ("most_confused", lambda table: table[:0], "it has 0 pairs of the model last, not 10"),
        (
            "most_confused",
            lambda table: table[(table["model"] != "best") | (table["rank"] < 4)],
            "it has 3 pairs of the model best, not 10",
        ),
        ("most_confused", set_cell("pair", None), "pair has an empty cell"),
        ("most_confused", set_cell("pair", "cat-mouse"), "lacks the row"),
        ("most_confused", lambda table: table.assign(pair=[pair.replace("dog", "mouse") for pair in table["pair"]]), "mouse"),
        ("most_confused", lambda table: table.assign(pair=['"' + pair for pair in table["pair"]]), "(Unterminated string"),
        ("most_confused", set_cell("variant", "other"), "lacks the row"),
        ("contrasts", set_cell("b", None), "b has an empty cell"),
        ("contrasts", set_cell("metric", None), "metric has an empty cell"),
        ("contrasts", set_cell("metric", "nll"), "lacks the row"),
        ("contrasts", lambda table: table[:-1], "lacks the row"),
        ("claims", set_cell("sentence", None), "sentence has an empty cell"),
        ("claims", set_cell("declared", None), "declared has an empty cell"),
        ("claims", set_cell("control", None), "control is not finite"),
        ("claims", set_cell("control", "maybe"), "could not convert string to float"),
        ("claims", set_cell("verdict", "good"), "verdict is good"),
        ("claims", set_cell("name", "other"), "lacks the row"),
        ("runs", set_cell("epochs", None), "epochs is not finite"),
        ("runs", set_cell("epochs", "inf"), "epochs is not finite"),
        ("runs", set_cell("seed", -1), "seed is -1"),
        ("runs", set_cell("accuracy", 7), "accuracy is 7"),
        ("runs", set_cell("seed", 9), "lacks the row dfl_sampler, 1, best"),
        ("runs", lambda table: table[table["model"] != "last"], "lacks the row ce, 0, last"),
        (
            "runs",
            lambda table: pd.concat([table, table.tail(1).assign(variant="other")]),
            "has a row that the study does not declare, other",
        ),
    ],
)
def test_tables_with_other_rows_or_cells_than_those_of_the_study_are_named(study, name, change, problem):
    folder, settings = study
    path = folder / f"{name}.csv"
    content = path.read_text()
    assert set(results.read(folder, settings)) == {"runs", "comparison", "contrasts", "most_confused", "claims"}
    try:
        change(pd.read_csv(path)).to_csv(path, index=False)
        with pytest.raises(UserError) as caught:
            results.read(folder, settings)
    finally:
        path.write_text(content)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)
    assert str(caught.value).endswith("delete it and run the step that makes it again")


def test_classes_may_begin_like_a_formula(tmp_path):
    """In CSV files such names have an apostrophe before them."""
    classes = ["+1", "=2", "@3", "cat", "-4", "dog"]
    folder, settings, _ = reported(tmp_path, seeds=2, classes=classes)
    for name in ("runs", "comparison", "contrasts", "most_confused", "claims"):
        path = folder / f"{name}.csv"
        path.write_text(csv_of(pd.read_csv(path, dtype=dict.fromkeys(["pair", "metric", "variant", "label"], str))))
    assert "'+1-" in (folder / "most_confused.csv").read_text()
    named = {name for pair in results.read(folder, settings)["most_confused"]["pair"] for name in pair_of(pair)}
    assert named <= set(classes)
