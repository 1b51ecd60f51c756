import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

import fake_study
from hardpair.comparison.runs import Runs, pair_indices
from hardpair.errors import UserError
from hardpair.files.readers import read_table

SCRIPTS = Path(fake_study.__file__).parents[2] / "workflow" / "scripts"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, settings = tmp_path_factory.mktemp("study"), fake_study.settings(fake_study.STUDY[:2], seeds=2)
    fake_study.write_study(folder, settings, epochs=6)
    return folder / "results" / "runs", Runs.declared(folder / "results" / "runs", settings)


def test_runs_that_are_not_declared_are_not_read(study):
    folder, runs = study
    for leftover in ("ce/seed99", "removed/seed0"):
        (folder / leftover).mkdir(parents=True, exist_ok=True)
        for name in ("epochs.csv", "refreshes.csv", "history.npz", "metrics.json", "predictions.npz"):
            (folder / leftover / name).write_text("not a file of a run")
    for table in (runs.epochs(["cat", "dog"]), runs.refreshes(["cat", "dog"]), runs.difficulty(0.8, 0.5), runs.measures(["cat", "dog"])):
        assert set(zip(table["variant"], table["seed"], strict=True)) == {("ce", 0), ("ce", 1), ("dfl", 0), ("dfl", 1)}


def test_confusion_by_epoch_is_that_of_the_stored_counts(study):
    folder, runs = study
    table = runs.epochs(["cat", "dog"])
    counts = np.load(folder / "dfl" / "seed1" / "history.npz")["validation_confusion"].astype(float)
    expected = [(c[3, 5] + c[5, 3]) / (c[3].sum() + c[5].sum()) for c in counts]
    rows = table[(table["variant"] == "dfl") & (table["seed"] == 1)]
    np.testing.assert_allclose(rows["confusion"], expected)
    assert list(rows["epoch"]) == [1, 2, 3, 4, 5, 6]


def test_without_validation_confusion_is_missing(tmp_path):
    settings = fake_study.settings(fake_study.STUDY[:1], seeds=1)
    fake_study.write_study(tmp_path, settings, epochs=2, validation=False)
    table = Runs.declared(tmp_path / "results" / "runs", settings).epochs(["cat", "dog"])
    assert table["confusion"].isna().all()
    assert table["train_loss"].notna().all()


def test_easy_is_from_its_threshold_up_and_hard_below_its_own(tmp_path):
    counts = np.zeros((1, 100), dtype=np.int64)
    counts[0, [49, 50, 79, 80, 99]] = [1, 2, 4, 8, 16]
    (tmp_path / "ce" / "seed0").mkdir(parents=True)
    np.savez(tmp_path / "ce" / "seed0" / "history.npz", refresh_epoch=[3], p_histogram=counts)
    table = Runs(tmp_path, ("ce",), (0,)).difficulty(easy=0.8, hard=0.5)
    assert table.to_dict("records") == [{"variant": "ce", "seed": 0, "epoch": 3, "easy": 24 / 31, "hard": 1 / 31}]


@pytest.mark.parametrize("threshold", [0.07, 0.29, 0.57, 0.58])
def test_thresholds_are_not_lost_to_rounding(tmp_path, threshold):
    (tmp_path / "ce" / "seed0").mkdir(parents=True)
    np.savez(tmp_path / "ce" / "seed0" / "history.npz", refresh_epoch=[0], p_histogram=np.ones((1, 100), dtype=np.int64))
    table = Runs(tmp_path, ("ce",), (0,)).difficulty(easy=threshold, hard=threshold)
    assert table["hard"][0] == pytest.approx(threshold)
    assert table["easy"][0] == pytest.approx(1 - threshold)


def test_weights_are_missing_where_a_variant_has_none(study):
    table = study[1].refreshes(["cat", "dog"])
    assert table.loc[table["variant"] == "ce", ["loss_scale", "sampler_mean_weight"]].isna().all(axis=None)
    applied = table[(table["variant"] == "dfl") & (table["applied"] == 1)]
    np.testing.assert_allclose(applied["loss_scale"] * applied["loss_mean_weight"], 1)
    assert table.loc[table["applied"] == 0, "epoch"].unique() == [4]


def test_the_weight_on_the_pair_is_that_of_both_classes(study):
    folder, runs = study
    table = runs.refreshes(["cat", "dog"])
    shares = np.load(folder / "dfl" / "seed1" / "history.npz")["loss_share"]
    rows = table[(table["variant"] == "dfl") & (table["seed"] == 1)]
    np.testing.assert_allclose(rows["loss_pair_share"], shares[:, 3] + shares[:, 5])
    assert table.loc[table["variant"] == "ce", "loss_pair_share"].isna().all()


def test_files_parsed_at_once_equal_files_parsed_alone(tmp_path):
    files = {
        "ce": ["epoch,loss,confused\n1,0.5,cat-dog\n2,,\n", "epoch,loss,confused\n1,0.25,\n"],
        "dfl": ["epoch,scale\n1,3\n2,4\n", 'epoch,loss,confused\n1,2,"a,b"\n2,3,1e3'],  # the last line without its end
    }
    for name, texts in files.items():
        for seed, text in enumerate(texts):
            (tmp_path / name / f"seed{seed}").mkdir(parents=True)
            (tmp_path / name / f"seed{seed}" / "epochs.csv").write_text(text)
    runs = Runs(tmp_path, ("ce", "dfl"), (0, 1))
    alone = [read_table(path).assign(variant=variant, seed=seed) for variant, seed, path in runs.files("epochs.csv")]
    together = runs._rows("epochs.csv")
    assert list(together.index) == [0, 0, 1, 2, 2, 3, 3]
    expected = pd.concat(alone, ignore_index=True)[together.columns]
    pd.testing.assert_frame_equal(together.reset_index(drop=True), expected, check_dtype=False)

    damaged = tmp_path / "ce" / "seed1" / "epochs.csv"
    damaged.write_text("epoch,loss,confused\n1,2,3\n1,2,3,4,5\n")
    with pytest.raises(UserError, match=r"ce/seed1/epochs\.csv cannot be read"):
        runs._rows("epochs.csv")
    damaged.write_bytes(b"epoch,loss,confused\n1,\xff,3\n")
    with pytest.raises(UserError, match=r"ce/seed1/epochs\.csv cannot be read"):
        runs._rows("epochs.csv")


def test_a_history_of_another_length_than_its_table_is_named(tmp_path):
    settings = fake_study.settings(fake_study.STUDY[:1], seeds=2)
    fake_study.write_study(tmp_path, settings, epochs=3)
    runs = Runs.declared(tmp_path / "results" / "runs", settings)
    table = runs.folder / "ce" / "seed1" / "epochs.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match=r"ce/seed1/history\.npz has 3 rows, the table beside it 2"):
        runs.epochs(["cat", "dog"])


def test_reliability_is_that_of_each_run_s_bins(study):
    folder, runs = study
    table = runs.reliability()
    bins = json.loads((folder / "dfl" / "seed1" / "metrics.json").read_text())["models"]["last"]["reliability"]
    rows = table[(table["variant"] == "dfl") & (table["seed"] == 1)]
    assert list(rows["bin"]) == list(range(len(bins["count"])))
    for count, confidence, correct, row in zip(*bins.values(), rows.itertuples(), strict=True):
        assert row.count == count or (np.isnan(row.confidence) and count == 0)
        if count:
            assert (row.confidence, row.accuracy) == (confidence / count, correct / count)


def test_pair_calls_are_means_over_runs(study):
    folder, runs = study
    table = runs.pair_calls(3, 5).set_index("index")
    files = [np.load(folder / name / f"seed{seed}" / "predictions.npz") for name in ("ce", "dfl") for seed in (0, 1)]
    labels = files[0]["labels"]
    assert sorted(table.index) == sorted(np.flatnonzero(np.isin(labels, [3, 5])))
    image = next(index for index in table.index if 0 < table.loc[index, "called"] < 1)
    true, other = (3, 5) if labels[image] == 3 else (5, 3)
    p = softmax(np.array([file["last"][image] for file in files], dtype=float), axis=1)
    row = table.loc[image]
    assert row["called"] == np.mean(p.argmax(1) == other)
    assert row["p_true"] == pytest.approx(p[:, true].mean())
    assert row["p_other"] == pytest.approx(p[:, other].mean())


def test_pair_calls_refuse_runs_on_other_images(tmp_path, monkeypatch):
    monkeypatch.setattr(Runs, "classes", lambda self: ["cat", "dog"])
    for seed, index in enumerate(([0, 1], [0, 2])):
        (tmp_path / "ce" / f"seed{seed}").mkdir(parents=True)
        np.savez(tmp_path / "ce" / f"seed{seed}" / "predictions.npz", index=index, labels=[0, 1], last=np.eye(2, dtype=np.float32))
    with pytest.raises(UserError, match=r"seed1.*other images"):
        Runs(tmp_path, ("ce",), (0, 1)).pair_calls(0, 1)
    for classes in (["cat"], ["cat", "dog", "ship"]):
        monkeypatch.setattr(Runs, "classes", lambda self, classes=classes: classes)
        with pytest.raises(UserError, match=rf"seed0/predictions\.npz is about other classes than the {len(classes)} of the first run"):
            Runs(tmp_path, ("ce",), (0,)).pair_calls(0, 1)


def test_files_of_another_run_than_that_of_their_folder_are_named(tmp_path):
    settings = fake_study.settings(fake_study.STUDY[:2], seeds=2)
    fake_study.write_study(tmp_path, settings, epochs=2, images=100)
    folder = tmp_path / "results" / "runs"
    runs = Runs.declared(folder, settings)
    assert [(record["variant"], record["seed"]) for record in runs.records()] == [("ce", 0), ("ce", 1), ("dfl", 0), ("dfl", 1)]
    with pytest.raises(UserError, match=r"ce/seed0/metrics\.json is about test images, not validation images: evaluate the run again"):
        list(Runs.declared(folder, settings | {"evaluated_on": "validation"}).metrics())
    record = json.loads((folder / "dfl/seed1/run.json").read_text())
    (folder / "dfl/seed1/run.json").write_text(json.dumps(record | {"classes": record["classes"][:9]}))
    with pytest.raises(UserError, match=r"dfl/seed1/run\.json has other classes than the first run"):
        runs.records()
    for name, read in (("run.json", runs.records), ("metrics.json", lambda: list(runs.metrics()))):
        shutil.copy(folder / "ce/seed1" / name, folder / "dfl/seed0" / name)
        with pytest.raises(UserError, match=rf"dfl/seed0/{name} is of the run ce/seed1: delete it and run the step that makes it again"):
            read()


def test_a_missing_or_broken_file_is_named(tmp_path):
    runs = Runs(tmp_path, ("ce",), (0,))
    with pytest.raises(UserError, match=r"ce/seed0/history\.npz is missing"):
        runs.difficulty(0.8, 0.5)
    (tmp_path / "ce" / "seed0").mkdir(parents=True)
    (tmp_path / "ce" / "seed0" / "history.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UserError, match=r"history\.npz cannot be read"):
        runs.difficulty(0.8, 0.5)


def test_a_class_that_the_data_lacks_is_named():
    with pytest.raises(UserError, match="'wolf'"):
        pair_indices(["cat", "dog"], ["cat", "wolf"])


def test_names_stay_text_whatever_they_look_like(tmp_path):
    pd.DataFrame({"variant": ["null", "1e3", "NA"], "mean": [1.0, None, 3.0]}).to_csv(tmp_path / "t.csv", index=False)
    table = read_table(tmp_path / "t.csv")
    assert list(table["variant"]) == ["null", "1e3", "NA"]
    assert list(table["mean"].isna()) == [False, True, False]


def test_figures_and_report_need_no_torch():
    names = sorted(path.stem for path in (SCRIPTS / "hardpair" / "figures").glob("*.py") if path.stem != "__init__")
    figures = ", ".join(f"hardpair.figures.{name}" for name in names)
    code = f"import sys, hardpair.comparison.runs, write_report, {figures}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)


def test_runs_of_other_classes_or_bins_than_the_first_are_named(tmp_path):
    settings = fake_study.settings(fake_study.STUDY[:2], seeds=2)
    fake_study.write_study(tmp_path, settings, epochs=2, images=100)
    runs = Runs.declared(tmp_path / "results" / "runs", settings)
    folder = tmp_path / "results" / "runs" / runs.variants[1] / "seed1"
    arrays = dict(np.load(folder / "history.npz"))
    arrays["validation_confusion"] = arrays["validation_confusion"][:, :3, :3]
    np.savez(folder / "history.npz", **arrays)
    with pytest.raises(
        UserError, match=r"seed1/history\.npz does not hold what it should \(validation_confusion is of 3 × 3 classes, not 10\)"
    ):
        runs.validation_confusion()
    measured = json.loads((folder / "metrics.json").read_text())
    bins = {key: [*values, 0] for key, values in measured["models"]["last"]["reliability"].items()}
    measured["models"]["last"]["reliability"] = bins
    (folder / "metrics.json").write_text(json.dumps(measured))
    with pytest.raises(UserError, match=r"seed1/metrics\.json has other bins of reliability than the first run: evaluate all runs again"):
        runs.reliability()
