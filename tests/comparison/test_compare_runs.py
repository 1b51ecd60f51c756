"""Runs trained anywhere, compared by the real command and against SciPy and statsmodels."""

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

import compare_runs
from hardpair.cli.command import run
from hardpair.comparison import measured_csv, measured_runs, measured_unit
from hardpair.comparison.markdown_text import unescaped
from hardpair.comparison.measured_csv import Columns

BETTER = ("--better", "accuracy:higher", "loss:lower", "--baseline", "ce")


def wide(seeds=8, effect=0.02) -> pd.DataFrame:
    """A row a run of three variants; ``b`` is better in accuracy and ``c`` like the baseline."""
    rng, rows = np.random.default_rng(5), []
    for seed in range(seeds):
        shared = rng.normal(0, 0.01)
        for name, gain in (("ce", 0), ("b", effect), ("c", 0)):
            accuracy = 0.8 + shared + gain + rng.normal(0, 0.004)
            rows.append(
                {"variant": name, "seed": f"s{seed}", "accuracy": accuracy, "loss": 3 - accuracy + rng.normal(0, 0.01), "note": "x,y"}
            )
    return pd.DataFrame(rows)


def long(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="note").melt(["variant", "seed"], var_name="metric", value_name="value")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command on a table; its exit message, standard output and standard error."""

    def call(table, *options):
        path = tmp_path / "runs.csv"
        if isinstance(table, pd.DataFrame):
            table.to_csv(path, index=False)
        else:
            path.write_text(table)
        monkeypatch.setattr(sys, "argv", ["compare_runs.py", str(path), *options])
        code = None
        try:
            run(compare_runs.main)
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


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
    order = table.sample(frac=1, random_state=1).sort_values(
        "variant", key=lambda names: names.map({"ce": 0, "b": 1, "c": 2}), kind="stable"
    )
    _, fourth, _ = command(order, *BETTER)
    assert "paired by run: mean" in third
    assert first == second == third.replace("paired by run:", "paired by seed:") == fourth


def judged(runs, margins):
    """Contrasts of a table of ``long``, and the table of their verdicts."""
    found = measured_runs.contrasts(runs.rename(columns={"metric": "measure"}), "ce", {"accuracy": 1, "loss": -1}, margins)
    return found, measured_runs.verdicts_table(found)


@given(st.floats(-5, 5), st.floats(0.01, 100))
def test_shift_and_scale_of_all_runs_change_no_verdict(shift, scale):
    table = long(wide())
    first, second = (judged(runs, {})[1] for runs in (table, table.assign(value=shift + scale * table["value"])))
    assert first["verdict"].tolist() == second["verdict"].tolist()
    np.testing.assert_allclose(second["p"], first["p"], rtol=1e-3)


@given(st.integers(-300, 300), st.sampled_from([0, 0.02]))
def test_a_measure_of_any_size_has_the_same_verdicts_and_readable_numbers(exponent, effect):
    size, margins = 10.0**exponent, {"accuracy": 0.01, "loss": 0.02}
    table = long(wide(effect=effect))
    (_, first), (found, second) = (
        judged(table, margins),
        judged(table.assign(value=size * table["value"]), {name: size * margin for name, margin in margins.items()}),
    )
    assert second["verdict"].tolist() == first["verdict"].tolist()
    assert "not tested" not in set(second["verdict"])
    np.testing.assert_allclose(second[["p", "p_sign_flip", "p_adjusted"]], first[["p", "p_sign_flip", "p_adjusted"]], rtol=1e-6)
    for key in ("difference", "sd", "low", "high", "detectable"):
        np.testing.assert_allclose(second[key] / size, first[key], rtol=1e-6)
    summary = measured_runs.summary_table(table.rename(columns={"metric": "measure"}).assign(value=lambda runs: size * runs["value"]))
    text = measured_runs.markdown(summary, second, found, {"accuracy": 1, "loss": -1}, "seed")
    rows = [line.split(" | ") for line in text.splitlines() if " is better) | " in line]
    for row, (_, expected) in zip(rows, first.iterrows(), strict=True):
        shown = np.array([float(word) for word in row[3].replace("[", "").replace("]", "").replace(",", "").split()])
        np.testing.assert_allclose(shown / size, expected[["difference", "low", "high"]].astype(float), atol=0.05 * expected["sd"])
        assert len(row[3]) < 45
    means = [line.strip("| ").split(" | ") for line in text.splitlines()[-6:]]
    groups = table.groupby(["variant", "metric"], sort=False)["value"]
    expected = {(name, metric): (values.mean(), values.std()) for (name, metric), values in groups}
    for name, metric, _, mean, sd, _ in means:
        np.testing.assert_allclose(np.array([mean, sd], float) / size, expected[name, metric], atol=0.05 * expected[name, metric][1])


@pytest.mark.parametrize("exponent", [-300, -13, 12, 300])
def test_the_figure_of_a_measure_of_any_size(command, tmp_path, exponent):
    size = 10.0**exponent
    table = wide().assign(accuracy=lambda table: size * table["accuracy"])
    code, output, error = command(table, *BETTER, "--margin", f"accuracy:{0.003 * size}", "--output-dir", str(tmp_path / "out"))
    assert (code, error) == (None, "")
    assert "| b | accuracy (higher is better) | 8 | +" in output
    from hardpair.figures.drawing import measured, style

    runs = measured_csv.read(tmp_path / "runs.csv", Columns(), ["accuracy", "loss"], {})
    found = measured_runs.contrasts(runs, "ce", {"accuracy": 1, "loss": -1}, {"accuracy": 0.003 * size})
    with style.applied():
        page = measured.figure(found, measured_runs.verdicts_table(found), "runs.csv")
    texts = [text.get_text() for text in page.findobj(lambda artist: hasattr(artist, "get_text"))]
    power = next(
        int(text[text.index("10") + 2 : -1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) for text in texts if "×10" in text
    )
    assert abs(power - exponent) <= 1
    dots = np.concatenate([line.get_xdata() for line in page.axes[0].lines if line.get_label() == "_seeds"])
    expected = np.concatenate([entry.differences for entry in found if entry.measure == "accuracy"])
    np.testing.assert_allclose(dots, expected / 10.0**power, rtol=1e-9)


def test_a_run_that_diverged_hides_no_other_number(command):
    rng, rows = np.random.default_rng(2), []
    for seed in range(10):
        losses = {"ce": 0.5 + rng.normal(0, 0.01), "dfl": 0.3 + rng.normal(0, 0.01), "lr": 1000 if seed == 3 else 0.5}
        rows += [{"variant": name, "seed": seed, "loss": loss} for name, loss in losses.items()]
    table = pd.DataFrame(rows)
    _, output, _ = command(table, "--better", "loss:lower", "--baseline", "ce")
    ce, dfl, lr = (table[table["variant"] == name].set_index("seed")["loss"] for name in ("ce", "dfl", "lr"))
    for name, values in (("dfl", dfl), ("lr", lr)):
        interval = stats.ttest_rel(values, ce).confidence_interval(0.95)
        row = next(line for line in output.splitlines() if line.startswith(f"| {name} | loss (lower"))
        shown = [float(word.strip("[],")) for word in row.split(" | ")[3].split()]
        np.testing.assert_allclose(shown, [(values - ce).mean(), *interval], atol=0.05 * (values - ce).std())
    means = {line.split(" | ")[0].strip("| "): line.split(" | ")[3:5] for line in output.splitlines()[-3:]}
    for name, values in (("ce", ce), ("dfl", dfl), ("lr", lr)):
        np.testing.assert_allclose(np.array(means[name], float), [values.mean(), values.std()], atol=0.05 * values.std())
    assert "e+" not in output


def test_a_run_that_diverged_far_leaves_the_other_verdicts_as_they_are():
    table = long(wide())
    far = table.assign(value=table["value"].where((table["variant"] != "c") | (table["seed"] != "s2"), 1e38))
    first, second = judged(table, {})[1], judged(far, {})[1]
    np.testing.assert_array_equal(first[first["variant"] == "b"]["p"], second[second["variant"] == "b"]["p"])
    assert second[second["variant"] == "c"]["verdict"].tolist() == ["not settled"] * 2


def test_a_lower_end_turns_the_verdict(command, tmp_path):
    for end, verdict in (("higher", "supported"), ("lower", "refuted")):
        command(wide(), "--better", f"accuracy:{end}", "--baseline", "ce", "--output-dir", str(tmp_path / end))
        assert pd.read_csv(tmp_path / end / "verdicts.csv")["verdict"][0] == verdict


def test_a_margin_makes_equivalence_possible(command, tmp_path):
    table = wide(seeds=10, effect=0)
    command(table, "--better", "accuracy:higher", "--baseline", "ce", "--margin", "accuracy:0.02", "--output-dir", str(tmp_path / "out"))
    assert pd.read_csv(tmp_path / "out/verdicts.csv")["verdict"].tolist() == ["equivalent", "equivalent"]


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_too_few_seeds_settle_nothing(command, seeds, tmp_path):
    code, output, _ = command(wide(seeds=seeds), *BETTER, "--output-dir", str(tmp_path / "out"))
    verdicts = pd.read_csv(tmp_path / "out/verdicts.csv")
    assert code is None
    assert set(verdicts["verdict"]) == {"not settled"}
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
        (["nan", "NaN", "inf"], ["nan", "NaN", "inf"]),
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


@pytest.mark.parametrize("name", ["means.csv", "verdicts.csv", "comparison.md", "differences.svg"])
def test_the_file_of_the_runs_is_not_overwritten(tmp_path, monkeypatch, name):
    text = wide().to_csv(index=False)
    (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["compare_runs.py", name, *BETTER, "--output-dir", str(tmp_path)])
    with pytest.raises(SystemExit, match=f"{name} is read, and would be overwritten: choose another output$"):
        run(compare_runs.main)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {name: text}


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (wide(), ("--better", "acuracy:higher", "--baseline", "ce"), "has no column acuracy: did you mean accuracy?"),
        (long(wide()), ("--better", "acuracy:higher", "--baseline", "ce"), "has no acuracy: did you mean accuracy?"),
        (wide(), ("--better", "accuracy:up", "--baseline", "ce"), "--better ends in 'up': choose higher or lower"),
        (wide(), ("--better", "accuracy", "--baseline", "ce"), "--better is 'accuracy': write it as NAME:higher or NAME:lower"),
        (wide(), ("--better", "accuracy:higher", "--baseline", "cee"), "--baseline is cee, which has no run: did you mean ce?"),
        (wide(), (*BETTER, "--by", "sead"), "has no column sead: did you mean seed?"),
        (wide(), (*BETTER, "--where", "seed=9"), "has no run that matches --where: it needs one row per run"),
        (long(wide()), (*BETTER, "--where", "seed=9"), "has no run that matches --where: it needs one row per run"),
        (wide(), ("--better", "accuracy:higher", "accuracy:lower", "--baseline", "ce"), "--better names accuracy twice: name it once"),
        (wide().replace({"seed": {"s3": " "}}), BETTER, "has a row without a seed: fill it in"),
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


def test_the_figure_has_a_panel_a_measure_and_the_same_bytes_again(command, tmp_path):
    for folder in ("a", "b"):
        command(wide(), *BETTER, "--margin", "accuracy:0.003", "--output-dir", str(tmp_path / folder))
    for name in ("differences.png", "differences.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    from hardpair.figures.drawing import measured, style

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


def digits(*differences, size=1.0):
    return [unit.digits for unit in measured_unit.units(size, list(map(np.array, differences)))]


def test_decimals_show_two_digits_of_the_smallest_spread_and_at_most_four_of_their_own():
    assert digits([0.5123, 0.4877]) == [3]
    assert digits([12.0, -12.0], [1.0, 1.0]) == [0, 0]
    assert digits([0.0, 0, 0]) == [4]
    assert digits([0.11, 0.09], [0.3, -0.3], [400.0, -400], [1.0, 1]) == [3, 3, 1, 3]
    assert digits([0.11, 0.09], size=2.0**-40) == [16], "0.01 × 9.1e-13"


@pytest.mark.parametrize(
    ("value", "decimals", "scientific", "text"),
    [
        (0.30456, 2, False, "+0.30"),
        (-0.001, 2, False, "0.00"),
        (2.1e-10, 11, False, "+0.00000000021"),
        (-3.14159e38, 3, False, "-3.142e+38"),
        (-1.9671e-13, 15, True, "-1.97e-13"),
        (1.9671e-15, 15, True, "+2e-15"),
        (4e-16, 15, True, "0"),
        (0.0, 15, True, "0"),
        (1.23456e12, -10, True, "+1.23e+12"),
    ],
)
def test_numbers_of_any_size_are_written(value, decimals, scientific, text):
    assert measured_unit.Scaled(1.0, digits=decimals, scientific=scientific).number(value) == text


@pytest.mark.parametrize("scale", [1, 1e6])
def test_a_shift_that_is_constant_up_to_rounding_is_not_tested(command, scale):
    base = scale * np.array([0.7, 0.8, 0.61, 0.55, 0.9, 0.3])
    runs = [pd.DataFrame({"variant": name, "seed": range(6), "accuracy": base + gain}) for name, gain in (("ce", 0), ("a", 0.1))]
    code, output, _ = command(pd.concat(runs), "--better", "accuracy:higher", "--baseline", "ce")
    assert code is None
    assert "| a | accuracy (higher is better) | 6 | +0.1000 [+0.1000, +0.1000] |" in output
    assert "+0.1000] |  | not tested |" in output
    assert "nan" not in output
    assert "the same with every seed" in output


def test_names_cannot_break_the_table(command, tmp_path):
    table = wide().replace({"variant": {"b": "b|*x*\n<i>"}})
    code, output, _ = command(table, *BETTER, "--output-dir", str(tmp_path / "out"))
    assert code is None
    assert output.count("| b|*x* <i> |") == 4
    rows = [line for line in (tmp_path / "out/comparison.md").read_text().splitlines() if line.startswith("| b")]
    assert len(rows) == 4
    assert all(row.startswith(r"| b\|\*x\* &lt;i>") for row in rows)
