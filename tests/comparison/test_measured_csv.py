"""CSVs of runs trained anywhere: their columns, seeds and rows, and wrong input."""

import pandas as pd
import pytest

from hardpair.comparison import measured_csv
from hardpair.comparison.measured_csv import Columns
from measured_runs_csv import BETTER, long, wide


def test_columns_may_have_any_names(command):
    table = wide()[["variant", "seed", "accuracy"]].rename(columns={"accuracy": "value"})
    code, output, _ = command(table, "--better", "value:higher", "--baseline", "ce")
    assert (code, "| b | value (higher is better) | 8 |" in output) == (None, True)
    more = long(wide()).assign(method=lambda table: table["variant"], variant="x")
    assert command(more, *BETTER, "--variant", "method")[1] == command(wide(), *BETTER)[1]


def test_rows_are_chosen_by_where(command):
    both = pd.concat([wide().assign(model="last"), wide(effect=-0.1).assign(model="best")])
    code, output, _ = command(both, *BETTER, "--where", "model=last")
    assert code is None
    assert output == command(wide(), *BETTER)[1]


def test_a_repeated_column_that_is_not_used_does_no_harm(command):
    text = wide().assign(again="z").rename(columns={"again": "note"}).to_csv(index=False)
    assert text.startswith("variant,seed,accuracy,loss,note,note")
    assert command(text, *BETTER)[1] == command(wide(), *BETTER)[1]


def test_spaces_around_names_and_cells_do_not_count(command):
    text = long(wide()).to_csv(index=False)
    assert command(text.replace(",", " , "), *BETTER)[1] == command(text, *BETTER)[1]


LARGE = 2**53


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["0", "00", "0.0", "0e0", "-0", ".0", "0E+5"], ["0"] * 7),
        (["1", "1.50", "15e-1", "+1"], ["1", "1.50", "1.50", "1"]),
        ([f"{LARGE}", f"{LARGE + 1}", f"{LARGE + 1}.0"], [f"{LARGE}", f"{LARGE + 1}", f"{LARGE + 1}"]),
        (["10" + "0" * 40, "10" + "0" * 39 + "1"], ["10" + "0" * 40, "10" + "0" * 39 + "1"]),
        (["1e999999999", "1e99999999"], ["1e999999999", "1e99999999"]),
        (["0", "00", "s1"], ["0", "00", "s1"]),
        (["0", "0.0", "1e9999999999999999999999"], ["0", "0.0", "1e9999999999999999999999"]),
        (["1", "1_0", "10"], ["1", "1_0", "10"]),
        (["first", "inf"], ["first", "inf"]),
    ],
)
def test_equal_numbers_are_one_seed(tmp_path, written, expected):
    rows = pd.DataFrame({"variant": [f"v{place}" for place in range(len(written))], "seed": written, "a": 1})
    rows.to_csv(tmp_path / "runs.csv", index=False)
    assert measured_csv.read(tmp_path / "runs.csv", Columns(), ["a"], {})["seed"].tolist() == expected


def test_runs_are_paired_where_one_variant_has_its_seeds_as_floats(command):
    table = wide().assign(seed=lambda table: table["seed"].str[1:])
    floats = table.assign(seed=table["seed"].where(table["variant"] != "b", table["seed"] + ".0"))
    assert command(floats, *BETTER)[1] == command(table, *BETTER)[1]


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (wide(), ("--better", "acuracy:higher", "--baseline", "ce"), "has no column acuracy: did you mean accuracy?"),
        (long(wide()), ("--better", "acuracy:higher", "--baseline", "ce"), "has no acuracy: did you mean accuracy?"),
        (wide(), ("--better", "accuracy:up", "--baseline", "ce"), "--better ends in 'up': choose higher or lower"),
        (wide(), ("--better", "accuracy", "--baseline", "ce"), "--better is 'accuracy': write it as NAME:higher or NAME:lower"),
        (wide(), ("--better", "accuracy:higher", "--baseline", "cee"), "--baseline is cee, which has no run: did you mean ce?"),
        (wide(), (*BETTER, "--by", "sead"), "has no column sead: did you mean seed?"),
        (wide(), (*BETTER, "--where", "seed=9"), "has no run with seed 9: choose from s0, s1, s2, s3, s4, s5, s6, s7"),
        (long(wide()), (*BETTER, "--where", "seed=9"), "has no run with seed 9: choose from s0, s1, s2, s3, s4, s5, s6, s7"),
        (wide().assign(model="last"), (*BETTER, "--where", "seed=s1", "model=lst"), "has no run with model lst: did you mean last?"),
        (
            wide().to_csv(index=False, sep=";"),
            BETTER,
            "has no comma in its header: separate cells by commas, not by semicolons, tabs or spaces",
        ),
        (
            wide().to_csv(index=False, sep="\t"),
            BETTER,
            "has no comma in its header: separate cells by commas, not by semicolons, tabs or spaces",
        ),
        ("variant;seed;accuracy;loss\nce;0;0,9;2\n", BETTER, "has no comma in its header: separate cells by commas"),
        (wide(), ("--better", "accuracy:higher", "accuracy:lower", "--baseline", "ce"), "--better names accuracy twice: name it once"),
        (wide().replace({"seed": {"s3": " "}}), BETTER, "has a row without a seed: fill it in"),
        *((wide().replace({"seed": {"s3": word}}), BETTER, "has a row without a seed: fill it in") for word in ("NaN", "None", "null")),
        *((wide().replace({"variant": {"b": word}}), BETTER, "has a row without a variant: fill it") for word in ("", "NA", "nan", "<NA>")),
        (
            wide().assign(loss=lambda table: table["loss"].where((table["variant"] != "c") | (table["seed"] != "s2"), 1e113)),
            BETTER,
            "loss of c, or of the baseline with the same seed, reaches 1e+113, more than 1e+100 times the values of another variant",
        ),
        (
            wide().to_csv(index=False, sep=" "),
            BETTER,
            "has no comma in its header: separate cells by commas, not by semicolons, tabs or spaces",
        ),
        (wide(), (*BETTER, "--margin", "accuracy:-1"), "--margin is '-1': give a number above 0"),
        (wide(), (*BETTER, "--margin", "f1:1"), "--margin names f1, which --better does not"),
        (pd.concat([wide(), wide()]), BETTER, "has seed s0 of ce more than once: keep one row of each run"),
        (wide().assign(accuracy=""), BETTER, "accuracy of ce with seed s0 is no value: give a number, or remove the run"),
        (wide().assign(accuracy="nan"), BETTER, "accuracy of ce with seed s0 is 'nan': give a number"),
        (wide().assign(accuracy="1e999"), BETTER, "accuracy of ce with seed s0 is '1e999': give a number"),
        (wide().assign(accuracy="-2e305"), BETTER, "accuracy of ce with seed s0 is -2e305, above 1e+305: remove the run"),
        (wide(), (*BETTER, "--margin", "loss:1e300"), "--margin of loss is 1e+300, far above all its values"),
        (wide()[lambda table: table["variant"] == "ce"], BETTER, "has only the variant ce: add runs of another"),
        (wide().assign(seed=lambda table: table["variant"] + table["seed"]), BETTER, "b and ce have no seed in common for accuracy"),
        (long(wide()).query("variant != 'b' or metric != 'loss'"), BETTER, "b has no loss: add it to the table"),
        ("", BETTER, "is not a CSV"),
        (wide().replace({"b": "é"}).to_csv(index=False).encode("latin-1"), BETTER, "is not UTF-8 in line 3: save it as UTF-8"),
        (wide().to_csv(index=False).encode("utf-16"), BETTER, "is not UTF-8 in line 1: save it as UTF-8"),
        ("variant,seed,accuracy,loss\nce,0,1,2,\n", BETTER, "has a row with more cells than its header"),
        ("variant,seed,accuracy,loss\nce,0,1,2\nb,0,1,2,3,4\n", BETTER, "has a row with more cells than its header"),
        ("\ufeffvariant,seed,accuracy,loss,variant\nce,0,1,2,x\n", BETTER, "has two columns variant: rename or remove one"),
        ("variant,seed,accuracy,loss,seed\nce,0,1,2,9\n", BETTER, "has two columns seed: rename or remove one"),
        ("variant,seed,accuracy,loss, loss\nce,0,1,2,9\n", BETTER, "has two columns loss: rename or remove one"),
        ("variant,seed,metric,value,value\nce,0,loss,2,9\n", BETTER, "has two columns value: rename or remove one"),
        ("variant,seed,accuracy,loss,m,m\nce,0,1,2,3,4\n", (*BETTER, "--where", "m=3"), "has two columns m: rename or remove one"),
        ("variant,seed,loss,loss\nce,0,1,2\n", ("--better", "loss.1:lower", "--baseline", "ce"), "has no column loss.1"),
        ("variant,seed,accuracy,loss\nce,0,1,2\nce,0.0,1,2\n", BETTER, "has seed 0 of ce more than once"),
        ("variant,seed,accuracy,loss\nce,0,1,2\nce, 0,1,2\n", BETTER, "has seed 0 of ce more than once"),
        ("variant,seed,accuracy,loss\nce,a,1,2\nce ,a,1,2\n", BETTER, "has seed a of ce more than once"),
        ("variant,seed,accuracy,loss\n", BETTER, "has no run: it needs one row per run"),
        ('variant,seed,accuracy,loss\n"ce,0,1', BETTER, "is not a CSV"),
    ],
)
def test_wrong_input_ends_in_one_sentence(command, tmp_path, table, options, message):
    code, output, error = command(table, *options, "--output-dir", str(tmp_path / "out"))
    assert isinstance(code, str)
    assert message in code
    assert "\n" not in code
    assert output + error == ""
    assert not (tmp_path / "out").exists()
