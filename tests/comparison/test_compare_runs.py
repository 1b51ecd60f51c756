"""Runs trained anywhere, compared by the real command and against SciPy and statsmodels."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

import compare_runs
from hardpair.cli.command import run
from hardpair.comparison import measured_csv, measured_runs
from hardpair.comparison.markdown_text import unescaped
from hardpair.comparison.measured_csv import Columns
from measured_runs_csv import BETTER, long, wide


def test_numbers_are_those_of_scipy_and_statsmodels(command, tmp_path):
    table = wide()
    code, output, _ = command(table, *BETTER, "--output-dir", str(tmp_path / "out"))
    assert code is None
    verdicts = pd.read_csv(tmp_path / "out/verdicts.csv")
    assert list(zip(verdicts["variant"], verdicts["measure"], strict=True)) == [(v, m) for v in "bc" for m in ("accuracy", "loss")]
    for _, row in verdicts.iterrows():
        a, b = (table[table["variant"] == name].set_index("seed")[row["measure"]] for name in (row["variant"], "ce"))
        test = stats.ttest_rel(a, b)
        interval = test.confidence_interval(0.95)
        expected = [(a - b).mean(), (a - b).std(), interval.low, interval.high, test.pvalue]
        np.testing.assert_allclose([row[key] for key in ("difference", "sd", "low", "high", "p")], expected, rtol=1e-9)
    np.testing.assert_allclose(verdicts["p_adjusted"], multipletests(verdicts["p"], method="holm")[1], rtol=1e-9)
    assert "p of the paired t test; p is adjusted over 4 comparisons (Holm), intervals are not.\n" in output
    assert verdicts["verdict"].tolist()[:2] == ["supported", "supported"]
    assert "| b | accuracy (higher is better) | 8 | +0.0" in output
    assert unescaped((tmp_path / "out/comparison.md").read_text()) == output
    means = pd.read_csv(tmp_path / "out/means.csv").set_index(["variant", "measure"])
    np.testing.assert_allclose(means.loc[("ce", "loss"), "mean"], table[table["variant"] == "ce"]["loss"].mean(), rtol=1e-12)


def test_both_shapes_of_a_csv_and_any_order_of_rows_give_the_same(command, tmp_path):
    table = wide()
    _, first, _ = command(table, *BETTER)
    _, second, _ = command(long(table), *BETTER)
    renamed = table.rename(columns={"variant": "group", "seed": "run"})
    _, third, _ = command(renamed, *BETTER, "--variant", "group", "--by", "run")
    _, fifth, _ = command(table.rename(columns={"seed": "self"}), *BETTER, "--by", "self")  # a name that functions of pandas have
    assert "paired by self: mean" in fifth
    order = table.sample(frac=1, random_state=1).sort_values(
        "variant", key=lambda names: names.map({"ce": 0, "b": 1, "c": 2}), kind="stable"
    )
    _, fourth, _ = command(order, *BETTER)
    assert "paired by run: mean" in third
    assert first == second == third.replace("paired by run:", "paired by seed:") == fourth == fifth.replace("by self:", "by seed:")


def test_a_lower_end_turns_the_verdict(command, tmp_path):
    for end, verdict in (("higher", "supported"), ("lower", "refuted")):
        command(wide(), "--better", f"accuracy:{end}", "--baseline", "ce", "--output-dir", str(tmp_path / end))
        assert pd.read_csv(tmp_path / end / "verdicts.csv")["verdict"][0] == verdict


def test_a_margin_makes_equivalence_possible(command, tmp_path):
    table = wide(seeds=10, effect=0)
    command(table, "--better", "accuracy:higher", "--baseline", "ce", "--margin", "accuracy:0.02", "--output-dir", str(tmp_path / "out"))
    verdicts = pd.read_csv(tmp_path / "out/verdicts.csv")
    assert verdicts["verdict"].tolist() == ["equivalent", "equivalent"]
    values = table.pivot(index="seed", columns="variant", values="accuracy")
    expected = [ttost_paired(values[name], values["ce"], -0.02, 0.02)[0] for name in verdicts["variant"]]
    np.testing.assert_allclose(verdicts["p_equivalent"], expected, rtol=1e-9)


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_too_few_seeds_settle_nothing(command, seeds, tmp_path):
    code, output, _ = command(wide(seeds=seeds), *BETTER, "--output-dir", str(tmp_path / "out"))
    verdicts = pd.read_csv(tmp_path / "out/verdicts.csv")
    assert code is None
    assert set(verdicts["verdict"]) == {"no verdict yet"}
    assert f"b against ce, accuracy: {seeds} seed{' is' if seeds == 1 else 's are'} complete, and verdicts need 6" in output
    assert verdicts["low"].isna().all() == (seeds < 3)
    assert verdicts["p"].isna().all() == (seeds < 2)
    assert "nan" not in output


def test_seeds_without_a_partner_are_left_out_and_named(command, tmp_path):
    table = wide()
    table = table[~((table["variant"] == "b") & (table["seed"] == "s3"))]
    code, output, error = command(table, *BETTER, "--output-dir", str(tmp_path / "out"))
    assert (code, error) == (None, "")
    for text in (output, (tmp_path / "out/comparison.md").read_text()):
        left_out = [line for line in text.splitlines() if "left out" in line]
        assert left_out == [f"- b, {measure}: left out, no partner for seed s3." for measure in ("accuracy", "loss")]
    assert pd.read_csv(tmp_path / "out/verdicts.csv").set_index(["variant", "measure"])["n"].tolist() == [7, 7, 8, 8]


def test_a_number_that_is_missing_in_one_measure_is_named_there(command):
    table = long(wide())
    table = table[~((table["variant"] == "b") & (table["seed"] == "s7") & (table["metric"] == "loss"))]
    _, output, _ = command(table, *BETTER)
    assert [line for line in output.splitlines() if "left out" in line] == ["- b, loss: left out, no partner for seed s7."]


def test_a_number_that_all_variants_lack_is_named(command):
    table = long(wide())
    table = table[~((table["seed"] == "s7") & (table["metric"] == "loss"))]
    _, output, _ = command(table, *BETTER)
    assert [line for line in output.splitlines() if "left out" in line] == [
        f"- {name}, loss: left out, no value of seed s7." for name in "bc"
    ]


def test_names_are_the_same_however_their_accents_are_composed(command):
    table = wide().replace({"b": "d\u00e9"})
    table.loc[(table["variant"] == "d\u00e9") & (table["seed"] > "s3"), "variant"] = "de\u0301"
    table = table.replace({"ce": "ce\u0301"})
    _, output, _ = command(table, "--better", "accuracy:higher", "--baseline", "c\u00e9")
    rows = [line.split(" | ") for line in output.splitlines() if line.startswith("| d\u00e9 | accuracy (")]
    assert [row[2] for row in rows] == ["8"]


def test_controls_in_names_are_escaped_in_text_and_figure(command, tmp_path, recwarn):
    table = wide().replace({"b": "b\x1b[31m", "c": "c\x07"})
    _, output, error = command(table, *BETTER, "--output-dir", str(tmp_path / "out"))
    assert "b\\x1b[31m" in output
    assert error == ""
    assert "b\\x1b[31m" in (tmp_path / "out/differences.svg").read_text()
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("name", ["means.csv", "verdicts.csv", "comparison.md", "differences.svg"])
def test_the_file_of_the_runs_is_not_overwritten(tmp_path, monkeypatch, name):
    text = wide().to_csv(index=False)
    (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["compare_runs.py", name, *BETTER, "--output-dir", str(tmp_path)])
    with pytest.raises(SystemExit, match=f"{name} is read, and would be overwritten: choose another output$"):
        run(compare_runs.main)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {name: text}


def test_the_figure_has_a_panel_a_measure_and_the_same_bytes_again(command, tmp_path):
    for folder in ("a", "b"):
        command(wide(), *BETTER, "--margin", "accuracy:0.003", "--output-dir", str(tmp_path / folder))
    for name in ("differences.png", "differences.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    from hardpair.figures import measured
    from hardpair.figures.drawing import style

    table = measured_csv.read(tmp_path / "runs.csv", Columns(), ["accuracy", "loss"], {})
    found = measured_runs.contrasts(table, "ce", {"accuracy": 1, "loss": -1}, {"accuracy": 0.003})
    with style.applied():
        page = measured.figure(found, measured_runs.verdicts_table(found), "runs.csv")
    for ax, measure, sign in zip(page.axes, ("accuracy", "loss"), (1, -1), strict=True):
        assert ax.get_xlim()[0] < ax.get_xlim()[1], "right is better in both"
        entries = [entry for entry in found if entry.measure == measure]
        dots = [line.get_xdata() for line in ax.lines if line.get_label() == "_seeds"]
        for drawn, entry in zip(dots, entries, strict=True):
            np.testing.assert_allclose(drawn, sign * entry.differences)


def test_names_cannot_break_the_table(command, tmp_path):
    table = wide().replace({"variant": {"b": "b|*x*\n<i>"}})
    code, output, _ = command(table, *BETTER, "--output-dir", str(tmp_path / "out"))
    assert code is None
    assert output.count("| b|*x* <i> |") == 4
    rows = [line for line in (tmp_path / "out/comparison.md").read_text().splitlines() if line.startswith("| b")]
    assert len(rows) == 4
    assert all(row.startswith(r"| b\|\*x\* &lt;i>") for row in rows)
