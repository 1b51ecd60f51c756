import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

import fake_study
from compared_study import TRAIN, Study
from hardpair.comparison import markdown, tables
from hardpair.errors import UserError
from hardpair.measures import metric_names

MEASURES = ("accuracy", "nll", "ece", "brier")


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path, seeds=2, variants=fake_study.STUDY[:2])


def test_declared_runs_are_read_in_order_and_others_ignored(study):
    for leftover in ("ce/seed7", "removed/seed0"):
        shutil.copytree(study.runs / "ce" / "seed0", study.runs / leftover)
        (study.runs / leftover / "run.json").write_text("not a record")
    identities = [(run["variant"], run["seed"], measured["variant"], measured["seed"]) for run, measured in study.records()]
    assert identities == [(name, seed, name, seed) for name in ("ce", "dfl") for seed in (0, 1)]


def test_a_missing_run_is_named(study):
    study.settings["seeds"] = [0, 1, 5]
    with pytest.raises(UserError, match=r"ce/seed5/run\.json is missing: run the step that makes it"):
        study.records()


OTHERS = {
    "recipe": lambda study: study.recipe.update(learning_rate=0.02),
    "variant": lambda study: study.settings["variants"][1].update(train=TRAIN | {"sampler": {"kind": "focal", "gamma": 2}}),
    "precision": lambda study: study.settings["variants"][1].update(train=TRAIN | {"precision": "fp32"}),
    "code": lambda study: study.settings["variants"][1].update(code="other"),
    "split": lambda study: study.split.write_text('{"training": [1], "validation": [0]}'),
    "evaluation": lambda study: study.change("dfl", 0, "metrics.json", fingerprint="0" * 16),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_run_that_was_made_otherwise_is_refused(study, other):
    OTHERS[other](study)
    with pytest.raises(
        UserError, match=r"seed\d was made with other settings, data or code than the present ones: run the workflow"
    ) as caught:
        study.records()
    assert ("dfl" in str(caught.value)) == (other not in ("recipe", "split"))


def test_files_of_another_run_are_refused(study):
    for name in ("metrics.json", "run.json"):
        shutil.copy(study.runs / "dfl" / "seed0" / name, study.runs / "dfl" / "seed1")
        with pytest.raises(UserError, match=rf"dfl/seed1/{name} is of the run dfl/seed0: delete it and run the step that makes it again"):
            study.records()


def test_equal_settings_are_accepted_however_they_are_spelled(study):
    study.recipe = {"learning_rate": 0.010, "epochs": 4.0}
    assert len(study.records()) == 4


def test_a_run_that_ended_early_is_refused(study):
    study.change("dfl", 1, "run.json", epochs=3)
    with pytest.raises(UserError, match=r"dfl/seed1 ended after 3 of 4 epochs: train it without --stop-after"):
        study.records()


EVALUATIONS = {
    "was evaluated on validation images, not on test images": lambda measured: measured.update(evaluated_on="validation"),
    "was not evaluated with just the models last, best": lambda measured: measured["models"].pop("best"),
    "was evaluated without the pair cat-dog": lambda measured: measured["models"]["best"]["pairs"].clear(),
}


@pytest.mark.parametrize("problem", EVALUATIONS)
def test_a_run_that_was_evaluated_otherwise_is_refused(study, problem):
    measured = study.content("dfl", 1)
    EVALUATIONS[problem](measured)
    study.change("dfl", 1, "metrics.json", models=measured["models"], evaluated_on=measured["evaluated_on"])
    with pytest.raises(UserError, match=rf"dfl/seed1 {problem}: evaluate it again"):
        study.records()


MACHINES = {"device_type": "cpu", "precision": "fp32", "threads": 2, "torch": "2.8.0"}


@pytest.mark.parametrize("key", MACHINES)
def test_runs_of_different_machines_are_refused_unless_allowed(study, key):
    changed = {"versions": study.content("dfl", 0, "run.json")["versions"] | {"torch": "2.8.0"}} if key == "torch" else {key: MACHINES[key]}
    study.change("dfl", 1, "run.json", **changed)
    with pytest.raises(
        UserError, match=rf"^runs ce/seed0 and dfl/seed1 differ in {key} \(.* and {MACHINES[key]}\).*compare\.allow_mixed"
    ) as caught:
        study.records()
    assert "\n" not in str(caught.value)
    study.settings["allow_mixed"] = True
    assert len(study.records()) == 4


def test_runs_that_were_evaluated_on_different_types_of_devices_are_refused_unless_allowed(study):
    """An evaluation of earlier code does not say where it was made."""
    study.change("ce", 1, "metrics.json", device_type="cuda")
    assert len(study.records()) == 4
    study.change("dfl", 1, "metrics.json", device_type="cpu")
    sentence = (
        r"^runs ce/seed1 and dfl/seed1 were evaluated on different device types \(cuda and cpu\), .*: evaluate all runs on the same, or set"
    )
    with pytest.raises(UserError, match=sentence):
        study.records()
    study.settings["allow_mixed"] = True
    assert len(study.records()) == 4


def test_what_changes_no_result_is_not_compared(study):
    versions = study.content("dfl", 0, "run.json")["versions"] | {"hardpair": "9", "python": "3.12.0"}
    study.change("dfl", 1, "run.json", versions=versions, device="Another GPU", seconds=1.0, peak_memory_mb=1)
    study.change("dfl", 1, "metrics.json", versions=versions, device="Another GPU", device_type="cpu", threads=9)
    assert len(study.records()) == 4


def test_a_row_of_runs_holds_what_was_measured(compared):
    runs = compared.tables()[0]
    assert len(runs) == 4 * 3 * 2
    for row in runs.to_dict("records"):
        record, measured = (compared.content(row["variant"], row["seed"], file) for file in ("run.json", "metrics.json"))
        of_model = measured["models"][row["model"]]
        assert {key: row[key] for key in MEASURES} == {key: of_model[key] for key in MEASURES}
        for pair in ("cat-dog", "truck-automobile"):
            assert row[f"confusion:{pair}"] == of_model["pairs"][pair]["rate"]
            for key in ("binary_error", "a_to_b", "b_to_a", "a_to_other", "b_to_other"):
                assert row[f"{key}:{pair}"] == of_model["pairs"][pair][key]
        for name in fake_study.CLASSES:
            assert row[f"accuracy:{name}"] == of_model["per_class"][name]
        same = ("seconds", "images_per_second", "fingerprint", "device", "device_type", "precision", "threads", "epochs", "best_epoch")
        assert {key: row[key] for key in same} == {key: record[key] for key in same}
        assert row["torch"] == record["versions"]["torch"]


def test_every_pair_has_its_measures():
    settings = {"pairs": [["cat", "dog"], ["truck", "automobile"]]}
    of_pairs = ["confusion:cat-dog", "confusion:truck-automobile", "binary_error:cat-dog", "binary_error:truck-automobile"]
    assert metric_names.metrics_of(settings) == ["accuracy", *of_pairs[:2], "nll", "ece", "brier", *of_pairs[2:]]


@pytest.mark.filterwarnings("ignore:Precision loss")  # SciPy warns of seeds that happen to be equal
def test_the_comparison_is_that_of_numpy_and_scipy(compared):
    table = compared.tables()[1]
    assert len(table) == 4 * 2 * (8 + 2 * 4 + 10)
    for row in table.to_dict("records"):
        values, base = (compared.measured(name, row["model"], row["metric"]) for name in (row["variant"], "ce"))
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        expected = {"n": 3, "mean": values.mean(), "sd": values.std(ddof=1), "low": interval.low, "high": interval.high}
        difference = dict.fromkeys(("difference", "difference_sd", "difference_low", "difference_high"), np.nan)
        if row["variant"] != "ce":
            interval = stats.ttest_rel(values, base).confidence_interval(0.95)
            sizes = ((values - base).mean(), (values - base).std(ddof=1), interval.low, interval.high)
            difference = dict(zip(difference, sizes, strict=True))
        for key, value in (expected | difference).items():
            assert row[key] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), (row["variant"], row["metric"], key)
        published = next(variant["published"] for variant in fake_study.STUDY if variant["name"] == row["variant"])
        expected = {"accuracy": published["accuracy"], "confusion:cat-dog": published["confusion"]}.get(row["metric"], np.nan)
        assert row["published"] == pytest.approx(expected, nan_ok=True)


@pytest.mark.filterwarnings("ignore:Precision loss")
def test_contrasts_are_paired_by_seed_and_take_their_sign_from_their_order(compared):
    compared.settings["contrasts"] = [["dfl", "ce"], ["ce_sampler", "dfl_sampler"], ["ce", "dfl"]]
    table = compared.tables()[2]
    metrics = ["accuracy", "confusion:cat-dog", "confusion:truck-automobile"]
    assert list(zip(table["a"], table["b"], table["model"], table["metric"], strict=True)) == [
        (a, b, model, metric) for a, b in compared.settings["contrasts"] for model in ("last", "best") for metric in metrics
    ]
    for row in table.to_dict("records"):
        a, b = (compared.measured(row[side], row["model"], row["metric"]) for side in "ab")
        interval = stats.ttest_rel(a, b).confidence_interval(0.95)
        expected = (3, (a - b).mean(), (a - b).std(ddof=1), interval.low, interval.high)
        assert [row[key] for key in ("n", "difference", "sd", "low", "high")] == pytest.approx(expected)


def test_the_tests_and_the_power_of_a_contrast_are_those_of_scipy_and_statsmodels(tmp_path):
    compared = Study(tmp_path, seeds=8, variants=fake_study.STUDY[:2])
    compared.settings["contrasts"] = [["dfl", "ce"]]
    for row in compared.tables()[2].query("model == 'last'").to_dict("records"):
        a, b = (compared.measured(row[side], row["model"], row["metric"]) for side in "ab")
        flips = stats.permutation_test((a - b,), lambda values: abs(values.mean()), permutation_type="samples", alternative="greater")
        assert row["p_sign_flip"] == pytest.approx(flips.pvalue)
        assert row["p"] == pytest.approx(stats.ttest_rel(a, b).pvalue)
        assert row["superiority"] == pytest.approx(stats.mannwhitneyu(a, b).statistic / 64)
        assert row["correlation"] == pytest.approx(stats.pearsonr(a, b).statistic)
        assert TTestPower().power(row["detectable"] / row["sd"], 8, 0.05) == pytest.approx(0.8, abs=1e-3)
        bca = stats.bootstrap((a - b,), np.mean, n_resamples=20_000, rng=0).confidence_interval
        assert (row["bca_low"], row["bca_high"]) == pytest.approx(bca, abs=0.05 * row["sd"])
        if row["metric"] in ("accuracy", "confusion:cat-dog"):
            effect = abs(row["published"]) / row["sd"]
            assert TTestPower().power(effect, row["seeds_for_published"], 0.05) >= 0.8
            assert row["seeds_for_published"] == 2 or TTestPower().power(effect, row["seeds_for_published"] - 1, 0.05) < 0.8


def test_compare_writes_the_same_files_every_time(tmp_path, monkeypatch):
    study = Study(tmp_path)
    written = []
    for _ in range(2):
        study.main(monkeypatch)
        written.append({path.name: path.read_bytes() for path in study.out.iterdir()})
        shutil.rmtree(study.out)
    assert written[0] == written[1]
    assert written[0].keys() == {f"{name}.csv" for name in ("runs", "comparison", "contrasts", "most_confused", "claims")} | {
        "comparison.md"
    }
    study.main(monkeypatch)
    for name, table in zip(("runs", "comparison", "contrasts"), study.tables(), strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(study.out / f"{name}.csv"), table, check_dtype=False)
    assert (study.out / "comparison.md").read_text() == study.markdown()


def test_a_refused_comparison_leaves_the_old_tables(study, monkeypatch):
    study.main(monkeypatch)
    before = {path.name: path.read_bytes() for path in study.out.iterdir()}
    study.change("dfl", 1, "run.json", threads=2)
    with pytest.raises(UserError, match="differ in threads"):
        study.main(monkeypatch)
    study.change("dfl", 1, "run.json", threads=1)
    monkeypatch.setattr(markdown, "markdown", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        study.main(monkeypatch)
    assert {path.name: path.read_bytes() for path in study.out.iterdir()} == before


def test_a_row_of_runs_has_all_settings_and_the_machine_of_the_run(study):
    loss = {"kind": "focal", "gamma": 2, "scale_max": None}
    settings = {"loss": loss, "sampler": {"kind": "uniform"}, "precision": "auto", "deterministic": True}
    study.change("dfl", 1, "run.json", settings=settings, recipe={"epochs": 4, "lr_drops": [0.5, 0.8]})
    runs = tables.runs_table([(study.content("dfl", seed, "run.json"), study.content("dfl", seed)) for seed in (0, 1)], study.settings)
    row = runs[(runs["seed"] == 1) & (runs["model"] == "last")].iloc[0]
    assert (row["loss.kind"], row["loss.gamma"], row["sampler.kind"], row["deterministic"]) == ("focal", 2, "uniform", True)
    assert (row["recipe.epochs"], row["recipe.lr_drops"]) == (4, "[0.5, 0.8]")
    assert pd.isna(row["loss.scale_max"])
    assert row["precision"] == "bf16", "what it came to, not what was asked for"
    record = study.content("dfl", 1, "run.json")
    assert {key: row[key] for key in ("python", "torch", "numpy")} == {key: record["versions"][key] for key in ("python", "torch", "numpy")}
    assert (row["data"], row["code"], row["parameters"]) == (record["data"]["sha256"], record["code"], record["parameters"])
    other = runs[runs["seed"] == 0].iloc[0]
    assert pd.isna(other["loss.gamma"]), "a setting that a run does not have stays empty"
