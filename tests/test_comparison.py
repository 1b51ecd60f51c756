import re
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import fake_study
from compared_study import TRAIN, Study
from hardpair import comparison, comparison_text, measures, ranking
from hardpair.confusion import pair_rates
from hardpair.errors import UserError

MEASURES = ("accuracy", "nll", "ece", "brier")


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    return Study(tmp_path_factory.mktemp("study"), pairs=[["cat", "dog"], ["truck", "automobile"]])


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path, seeds=2, variants=fake_study.STUDY[:2])


# --- which runs are accepted


def test_declared_runs_are_read_in_order_and_others_ignored(study):
    for leftover in ("ce/seed7", "removed/seed0"):
        shutil.copytree(study.runs / "ce" / "seed0", study.runs / leftover)
        (study.runs / leftover / "run.json").write_text("not a record")
    found = [(run["variant"], run["seed"], measured["variant"], measured["seed"]) for run, measured in study.records()]
    assert found == [(name, seed, name, seed) for name in ("ce", "dfl") for seed in (0, 1)]


def test_a_missing_run_is_named(study):
    study.told["seeds"] = [0, 1, 5]
    with pytest.raises(UserError, match=r"ce/seed5/run\.json is missing: run the step that makes it"):
        study.records()


OTHERS = {
    "recipe": lambda study: study.recipe.update(learning_rate=0.02),
    "variant": lambda study: study.told["variants"][1].update(train=TRAIN | {"sampler": {"kind": "focal", "gamma": 2}}),
    "precision": lambda study: study.told["variants"][1].update(train=TRAIN | {"precision": "fp32"}),
    "code": lambda study: study.told["variants"][1].update(code="other"),
    "split": lambda study: study.split.write_text('{"training": [1], "validation": [0]}'),
    "seed": lambda study: shutil.copy(study.runs / "dfl" / "seed0" / "run.json", study.runs / "dfl" / "seed1"),
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


def test_equal_settings_are_accepted_however_they_are_spelled(study):
    study.recipe = {"learning_rate": 0.010, "epochs": 4.0}
    assert len(study.records()) == 4


def test_a_run_that_ended_early_is_refused(study):
    study.change("dfl", 1, "run.json", epochs=3)
    with pytest.raises(UserError, match=r"dfl/seed1 ended after 3 of 4 epochs: train it without --stop-after"):
        study.records()


EVALUATIONS = {
    "was evaluated on validation images, not on test images": lambda measured: measured.update(on="validation"),
    "was not evaluated with just the models last, best": lambda measured: measured["models"].pop("best"),
    "was evaluated without the pair cat-dog": lambda measured: measured["models"]["best"]["pairs"].clear(),
}


@pytest.mark.parametrize("problem", EVALUATIONS)
def test_a_run_that_was_evaluated_otherwise_is_refused(study, problem):
    measured = study.content("dfl", 1)
    EVALUATIONS[problem](measured)
    study.change("dfl", 1, "metrics.json", models=measured["models"], on=measured["on"])
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
    study.told["allow_mixed"] = True
    assert len(study.records()) == 4


def test_what_changes_no_result_is_not_compared(study):
    versions = study.content("dfl", 0, "run.json")["versions"] | {"hardpair": "9", "python": "3.12.0"}
    study.change("dfl", 1, "run.json", versions=versions, device="Another GPU", seconds=1.0, peak_memory_mb=1)
    assert len(study.records()) == 4


# --- tables


def test_a_row_of_runs_holds_what_was_measured(read_only):
    runs = read_only.tables()[0]
    assert len(runs) == 4 * 3 * 2
    for row in runs.to_dict("records"):
        record, measured = (read_only.content(row["variant"], row["seed"], file) for file in ("run.json", "metrics.json"))
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
    told = {"pairs": [["cat", "dog"], ["truck", "automobile"]]}
    of_pairs = ["confusion:cat-dog", "confusion:truck-automobile", "binary_error:cat-dog", "binary_error:truck-automobile"]
    assert measures.metrics_of(told) == ["accuracy", *of_pairs[:2], "nll", "ece", "brier", *of_pairs[2:]]


@pytest.mark.filterwarnings("ignore:Precision loss")  # SciPy warns of seeds that happen to be equal
def test_the_comparison_is_that_of_numpy_and_scipy(read_only):
    table = read_only.tables()[1]
    assert len(table) == 4 * 2 * (8 + 2 * 4 + 10)
    for row in table.to_dict("records"):
        values, base = (read_only.measured(name, row["model"], row["metric"]) for name in (row["variant"], "ce"))
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
def test_contrasts_are_paired_by_seed_and_take_their_sign_from_their_order(read_only):
    read_only.told["contrasts"] = [["dfl", "ce"], ["ce_sampler", "dfl_sampler"], ["ce", "dfl"]]
    table = read_only.tables()[2]
    metrics = ["accuracy", "confusion:cat-dog", "confusion:truck-automobile"]
    assert list(zip(table["a"], table["b"], table["model"], table["metric"], strict=True)) == [
        (a, b, model, metric) for a, b in read_only.told["contrasts"] for model in ("last", "best") for metric in metrics
    ]
    for row in table.to_dict("records"):
        a, b = (read_only.measured(row[side], row["model"], row["metric"]) for side in "ab")
        interval = stats.ttest_rel(a, b).confidence_interval(0.95)
        expected = (3, (a - b).mean(), (a - b).std(ddof=1), interval.low, interval.high)
        assert [row[key] for key in ("n", "difference", "sd", "low", "high")] == pytest.approx(expected)


# --- Markdown


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables_in(text):
    """Rows of cells of every table by its heading."""
    found = {}
    for part in text.split("\n## ")[1:]:
        heading, *lines = part.splitlines()
        found[heading] = [cells(line) for line in lines if line.startswith("|")]
    return found


def test_markdown_is_laid_out_as_the_published_table(read_only):
    read_only.told["contrasts"] = [["dfl", "ce"], ["dfl", "ce_sampler"]]
    text, comparison_ = read_only.markdown(), read_only.tables()[1]
    found = tables_in(text)
    told = ["Last epoch", "Best epoch by validation accuracy", "Declared contrasts, last epoch", "What so many seeds can tell"]
    told += [f"The pair in detail: {pair}, last epoch" for pair in ("cat and dog", "truck and automobile")]
    assert list(found) == [*told, "Calibration, last epoch", "Accuracy by class, last epoch", "Most confused pairs, last epoch"]
    for heading, model in (("Last epoch", "last"), ("Best epoch by validation accuracy", "best")):
        header, rule, *rows = found[heading]
        ours = ["configuration", "accuracy", "cat-dog confusion", "accuracy vs CrossEntropy", "confusion vs CrossEntropy"]
        assert header == [*ours, "published accuracy", "published confusion"]
        assert rule == ["---"] * 7
        labels = ["CrossEntropy (baseline)", "DynamicFocalLoss", "CE + FocalSampler", "DFL + Sampler"]
        assert [row[0] for row in rows] == labels
        assert rows[0][3:5] == ["", ""]
        assert rows[1][5:] == ["86.78 %", "10.78 %"]
        of_dfl = comparison_[(comparison_["variant"] == "dfl") & (comparison_["model"] == model)].set_index("metric")
        for place, metric in ((1, "accuracy"), (2, "confusion:cat-dog")):
            row = 100 * of_dfl.loc[metric, ["mean", "sd", "difference", "difference_low", "difference_high"]].astype(float)
            assert rows[1][place] == f"{row['mean']:.2f} ± {row['sd']:.2f} %"
            interval = f"[{row['difference_low']:+.2f}, {row['difference_high']:+.2f}]"
            assert rows[1][place + 2] == f"{row['difference']:+.2f} pp {interval}"
    contrasts = found["Declared contrasts, last epoch"]
    assert [row[0] for row in contrasts[2:]] == ["DynamicFocalLoss − CrossEntropy", "DynamicFocalLoss − CE + FocalSampler"]
    assert contrasts[2][1::3] == found["Last epoch"][3][3:5]
    assert contrasts[2][3::3] == ["1.000", "1.000"], "three seeds have p of at least 1/4, times four tests"
    stored = read_only.tables()[2].set_index(["a", "b", "model", "metric"])
    for place, metric in ((2, "accuracy"), (5, "confusion:cat-dog")):
        low, high = 100 * stored.loc[("dfl", "ce", "last", metric), ["new_images_low", "new_images_high"]].astype(float)
        assert contrasts[2][place] == f"[{low:+.2f}, {high:+.2f}]"
    assert "adjusted for 4 tests (Holm). With 3 seeds no p can come under 0.05, however large a difference is: 8 seeds can." in text
    power = found["What so many seeds can tell"]
    assert [row[:2] for row in power[2:4]] == [
        ["DynamicFocalLoss − CrossEntropy", "accuracy"],
        ["DynamicFocalLoss − CrossEntropy", "confusion"],
    ]
    assert [row[5] for row in power[2:]] == ["+0.82 pp", "-1.24 pp", "+0.00 pp", "-0.47 pp"]
    assert power[4][6] == "", "no number of seeds detects a published difference of 0"
    assert "## Claims" not in text
    assert "On test images; 3 seeds (0, 1, 2)." in text


def test_the_pair_is_told_completely(read_only):
    found, table = tables_in(read_only.markdown()), read_only.tables()[1]
    last = table[table["model"] == "last"].set_index(["metric", "variant"])
    header, _, *rows = found["The pair in detail: truck and automobile, last epoch"]
    read = ["truck → automobile", "automobile → truck", "truck → others", "automobile → others", "two classes only"]
    assert header == ["configuration", *read, "accuracy on truck", "accuracy on automobile"]
    metrics = [f"{key}:truck-automobile" for key in ("a_to_b", "b_to_a", "a_to_other", "b_to_other", "binary_error")]
    for place, metric in enumerate([*metrics, "accuracy:truck", "accuracy:automobile"], 1):
        row = 100 * last.loc[(metric, "dfl"), ["mean", "difference"]].astype(float)
        assert rows[0][place] == f"{100 * last.loc[(metric, 'ce'), 'mean']:.2f} %"
        assert rows[1][place] == f"{row['mean']:.2f} % ({row['difference']:+.2f})"
    assert found["Calibration, last epoch"][0] == ["configuration", "Log loss (nats)", "Calibration error", "Brier score"]
    nll = last.loc[("nll", "dfl")]
    assert found["Calibration, last epoch"][3][1] == f"{nll['mean']:.4f} ({nll['difference']:+.4f})"
    assert [row[0] for row in found["Accuracy by class, last epoch"][2:]] == fake_study.CLASSES


def test_the_most_confused_pairs_are_the_baselines(read_only):
    table = ranking.most_confused_table(read_only.records(), read_only.told)
    for model in ("last", "best"):
        rates = {
            name: np.array([pair_rates(np.array(read_only.content(name, seed)["models"][model]["confusion"])) for seed in range(3)])
            for name in ("ce", "dfl")
        }
        mean = {
            f"{a}-{b}": rates["ce"][:, i, j].mean()
            for i, a in enumerate(fake_study.CLASSES)
            for j, b in enumerate(fake_study.CLASSES)
            if i < j
        }
        expected = sorted(mean, key=lambda pair: -mean[pair])[:10]
        of_model = table[table["model"] == model]
        assert list(of_model["pair"].unique()) == expected
        assert list(of_model["rank"].unique()) == list(range(1, 11))
        for pair in expected:
            a, b = map(fake_study.CLASSES.index, pair.split("-"))
            row = of_model[(of_model["pair"] == pair) & (of_model["variant"] == "dfl")].iloc[0]
            assert row["mean"] == pytest.approx(rates["dfl"][:, a, b].mean())
            assert row["difference"] == pytest.approx((rates["dfl"] - rates["ce"])[:, a, b].mean())


def test_a_reference_is_named_with_its_source(read_only):
    told = read_only.told | {"references": [{"pair": ["dog", "cat"], "confusion": 0.0383, "label": "humans", "source": "A | B 2019"}]}
    study = Study.__new__(Study)
    study.__dict__ = read_only.__dict__ | {"told": told}
    assert r"For reference, dog-cat confusion of humans: 3.83 % (A \| B 2019)." in study.markdown()
    assert "For reference" not in read_only.markdown()


def test_labels_cannot_break_the_table(tmp_path):
    labels = ["a|b", "<b>bold</b> & &lt;", "back\\slash\nnew | line"]
    variants = [{"name": f"v{place}", "label": label} for place, label in enumerate(labels)]
    found = tables_in(Study(tmp_path, variants=variants, baseline="v0").markdown())
    rows = found["Last epoch"]
    assert {len(row) for row in rows} == {7}
    written = [r"a\|b (baseline)", "&lt;b>bold&lt;/b> &amp; &amp;lt;", r"back\\slash new \| line"]
    assert [row[0] for row in rows[2:]] == written
    assert rows[0][3] == r"accuracy vs a\|b"
    assert rows[2][5:] == ["", ""], "nothing was published"
    assert {len(row) for row in found["Declared contrasts, last epoch"]} == {7}
    for heading in ("Calibration, last epoch", "Accuracy by class, last epoch", "Most confused pairs, last epoch"):
        assert {len(row) for row in found[heading]} == {4}


def test_one_seed_gives_numbers_without_intervals(tmp_path):
    study = Study(tmp_path, seeds=1)
    _, table, contrasts = study.tables()
    assert table[["sd", "low", "high", "difference_low"]].isna().all(axis=None)
    assert contrasts["difference"].notna().all()
    text = study.markdown()
    rows = tables_in(text)["Last epoch"]
    assert re.fullmatch(r"\d\d\.\d\d %", rows[3][1])
    assert re.fullmatch(r"[+-]\d+\.\d\d pp", rows[3][3])
    assert "1 seed (0). A single run each has no sd and no interval." in text
    assert not re.search(r"nan|±|95 %", text)


def test_without_validation_there_is_no_best_model(tmp_path):
    study = Study(tmp_path, validation=False)
    runs, table, contrasts = study.tables()
    assert set(runs["model"]) == set(table["model"]) == set(contrasts["model"]) == {"last"}
    assert runs["best_epoch"].isna().all()
    assert list(tables_in(study.markdown()))[:3] == ["Last epoch", "Declared contrasts, last epoch", "What so many seeds can tell"]


def test_without_contrasts_their_table_is_empty(tmp_path, monkeypatch):
    study = Study(tmp_path, contrasts=[])
    study.main(monkeypatch)
    assert (study.out / "contrasts.csv").read_text() == ",".join(comparison.CONTRAST_COLUMNS) + "\n"
    assert "ontrast" not in (study.out / "comparison.md").read_text()


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
    monkeypatch.setattr(comparison_text, "markdown", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        study.main(monkeypatch)
    assert {path.name: path.read_bytes() for path in study.out.iterdir()} == before


def test_a_row_of_runs_tells_all_that_the_run_was_told_and_made_on(study):
    loss = {"kind": "focal", "gamma": 2, "scale_max": None}
    told = {"loss": loss, "sampler": {"kind": "uniform"}, "precision": "auto", "deterministic": True}
    study.change("dfl", 1, "run.json", settings=told, recipe={"epochs": 4, "lr_drops": [0.5, 0.8]})
    runs = comparison.runs_table([(study.content("dfl", seed, "run.json"), study.content("dfl", seed)) for seed in (0, 1)], study.told)
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
