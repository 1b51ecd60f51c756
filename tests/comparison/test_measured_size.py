"""Measures of any size: verdicts do not depend on it, and numbers can be read."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hardpair.comparison import measured_csv, measured_runs, measured_unit
from hardpair.comparison.measured_csv import Columns
from measured_runs_csv import BETTER, long, wide


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
    from hardpair.figures import measured
    from hardpair.figures.drawing import style

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


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("size", [1e-13, 1.0, 5e9, 1e12])
def test_few_runs_of_any_size_have_a_table_without_intervals(command, tmp_path, seeds, size):
    table = wide().assign(accuracy=lambda table: size * table["accuracy"])
    few = table[table["seed"].isin([f"s{seed}" for seed in range(seeds)])]
    code, output, error = command(few, *BETTER, "--output-dir", str(tmp_path / "out"))
    assert (code, error) == (None, "")
    assert "no verdict yet" in output
    assert "nan" not in output.lower()


def test_a_run_that_diverged_far_leaves_the_other_verdicts_as_they_are():
    table = long(wide())
    far = table.assign(value=table["value"].where((table["variant"] != "c") | (table["seed"] != "s2"), 1e38))
    first, second = judged(table, {})[1], judged(far, {})[1]
    np.testing.assert_array_equal(first[first["variant"] == "b"]["p"], second[second["variant"] == "b"]["p"])
    assert second[second["variant"] == "c"]["verdict"].tolist() == ["not settled"] * 2


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
