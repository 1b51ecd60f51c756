"""Runs imported as records, without weights and by older code, through the real commands."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import softmax

from hardpair.comparison.runs import Runs
from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.errors import UserError
from hardpair.files import own_digest
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint
from hardpair.staleness.run_difference import Expected, OlderCode
from hardpair.study import adoption
from workspace import PROJECT, TINY

COMMIT, PAIR = "0123456789abcdef0123456789abcdef01234567", ("cat", "dog")
OLDER = {"ce": "a" * 16, "dfl": "b" * 16, "ce_sampler": "c" * 16}  # code hashes
DFL = {"kind": "focal", "gamma": 2, "scale": "dynamic"}
VARYING = ["declared", "code", "fingerprint", "adopted", "seconds", "images_per_second", "peak_memory_mb"]


def resolved(**changes) -> dict:
    return resolve(overlaid(yaml.safe_load((PROJECT / "config/config.yaml").read_text()), yaml.safe_load(TINY) | changes))


def write_record(run, out, split, recipe, code=None):
    """Write what a record keeps of an evaluated run; with ``code``, as if other code had trained it."""
    out.mkdir(parents=True)
    for name in ("epochs.csv", "refreshes.csv", "history.npz"):
        shutil.copy(run / name, out)
    record, measured = json.loads((run / "run.json").read_text()), json.loads((run / "metrics.json").read_text())
    if code:
        own = fingerprint(plan.train_settings(resolved(), record["variant"]), recipe, record["seed"], split, code)
        record, measured = record | {"code": code, "fingerprint": own}, measured | {"fingerprint": own}
    (out / "metrics_test.json").write_text(json.dumps(measured))
    arrays = np.load(run / "predictions.npz")
    labels, pair = arrays["labels"], [record["classes"].index(name) for name in PAIR]
    kept = {"labels": labels.astype(np.uint8), "index": arrays["index"].astype(np.int32)}
    for model in ("last", "best"):
        p = softmax(arrays[model].astype(np.float64), axis=1)
        rows = np.isin(labels, pair)
        kept[f"{model}_class"] = p.argmax(1).astype(np.uint8)
        kept[f"{model}_p_true"] = p[np.arange(len(p)), labels].astype(np.float16)
        kept[f"{model}_p_other"] = p[rows, sum(pair) - labels[rows]].astype(np.float16)
    np.savez_compressed(out / "predictions_test.npz", **kept)
    (out / "run.json").write_text(json.dumps(own_digest.added(record)))


def recipes(results):
    return dict.fromkeys(OLDER, yaml.safe_load((results / "search/recipe.yaml").read_text()))


@pytest.fixture(scope="module")
def records(finished, tmp_path_factory):
    """The records of all runs of the study, as if older code had trained them."""
    folder, results = tmp_path_factory.mktemp("records"), finished.folder / "results/tiny"
    recipe = yaml.safe_load((results / "search/recipe.yaml").read_text())
    for variant, code in OLDER.items():
        for seed in (0, 1):
            write_record(results / f"runs/{variant}/seed{seed}", folder / variant / f"seed{seed}", results / "split.json", recipe, code)
    return folder


def test_records_give_the_tables_figures_and_report_without_training(finished, records, tmp_path):
    study = finished.copy(tmp_path / "study")
    shutil.rmtree(study.folder / ".snakemake")
    results = study.folder / "results/tiny"
    for name in ("runs", "figures", "logs"):
        shutil.rmtree(results / name)
    for name in ("comparison.md", "report.html", *(path.name for path in results.glob("*.csv"))):
        (results / name).unlink()
    command = ("make", "--silent", "--old-file=setup", "adopt", f"RUNS={records}", "CONFIG=tiny.yaml")
    refused = study.run(*command, check=False)
    assert refused.stdout.count(f"it was trained by other code ({OLDER['dfl']}, here ") == 2
    assert study.run(*command, f"CODE={COMMIT}").stdout.endswith("6 of 6 runs imported\n")
    assert not {job for job in study.stale() if job.startswith(("Train", "Evaluate"))}
    study.snakemake()
    assert "Nothing to be done" in study.snakemake().stderr
    assert not list(results.rglob("*.safetensors"))

    for name in ("runs", "comparison", "contrasts", "most_confused", "claims"):
        ours, first = (pd.read_csv(folder / f"results/tiny/{name}.csv") for folder in (study.folder, finished.folder))
        kept = [column for column in first.columns if column not in VARYING]
        pd.testing.assert_frame_equal(ours[kept], first[kept], check_exact=True)
    assert set(ours["declared"]) == {f"{first['declared'][0]}; 6 runs imported since then may be older"}
    runs = pd.read_csv(results / "runs.csv")
    assert set(runs["adopted"]) == {COMMIT[:12]}
    assert dict(zip(runs["variant"], runs["code"], strict=True)) == OLDER
    assert f"6 of 6 runs were trained by the code of commit `{COMMIT[:12]}`" in (results / "comparison.md").read_text()
    assert f"imported runs, trained by the code of commit {COMMIT[:12]}" in (results / "report.html").read_text()
    assert len(list((results / "figures").glob("*.png"))) == len(list((finished.folder / "results/tiny/figures").glob("*.png")))

    called, trained = (Runs(folder / "results/tiny/runs", tuple(OLDER), (0, 1)) for folder in (study.folder, finished.folder))
    cat, dog = 3, 5
    pd.testing.assert_frame_equal(called.pair_calls(cat, dog), trained.pair_calls(cat, dog), atol=1e-3)
    with pytest.raises(UserError, match="is not the pair whose probabilities the imported runs keep: make that pair the first"):
        called.pair_calls(cat, cat + 1)

    status = study.run("python", "workflow/scripts/study.py", "status", "--study", "tiny").stdout
    assert "all done: results/tiny/report.html" in status
    again = study.run(*command, f"CODE={COMMIT}").stdout
    assert again.count("not imported, the study already has this run") == 6
    picture = PROJECT / "docs/study/reduced/final.png"
    done = study.run("python", "workflow/scripts/predict.py", "--run", "results/tiny/runs/ce/seed0", str(picture), check=False)
    assert done.returncode == 1
    assert "last.safetensors is missing (an imported record has no weights): delete " in done.stderr
    study.edit("tiny.yaml", "{kind: focal, gamma: 2, scale: dynamic}", "{kind: focal, gamma: 3, scale: dynamic}")
    assert {job for job in study.stale() if job.startswith("Train")} == {f"Train dfl with seed {seed}" for seed in (0, 1)}


def changed_metrics(folder, **changes):
    path = folder / "metrics_test.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def other_answers(folder):
    changed_answers(folder, last_class=lambda values: (values + 1) % 10)


def no_class(folder):
    changed_answers(folder, last_class=lambda values: np.full_like(values, 200))


def changed_answers(folder, **changes):
    arrays = dict(np.load(folder / "predictions_test.npz"))
    arrays |= {name: change(arrays[name]) for name, change in changes.items()}
    np.savez_compressed(folder / "predictions_test.npz", **arrays)


def of_last(**changes):
    """A change of measures of the last model."""

    def change(folder):
        models = json.loads((folder / "metrics_test.json").read_text())["models"]
        last = models["last"] | {key: new(models["last"][key]) for key, new in changes.items()}
        changed_metrics(folder, models=models | {"last": last})

    return change


def lower_error(pairs):
    return {name: errors | {"binary_error": 0.0} for name, errors in pairs.items()}


@pytest.mark.parametrize(
    ("change", "config", "reason"),
    [
        (lambda folder: None, {}, None),
        (lambda folder: (folder / "metrics_test.json").unlink(), {}, "metrics_test.json is missing"),
        (lambda folder: (folder / "predictions_test.npz").unlink(), {}, "last.safetensors is missing"),
        (lambda folder: None, {"evaluate": {"images": "validation"}}, "metrics_validation.json is missing"),
        (lambda folder: None, {"pairs": [["cat", "dog"], ["truck", "ship"]]}, "evaluated without the pair truck-ship"),
        (
            lambda folder: None,
            {"variants": [{"name": "dfl", "loss": DFL, "recipe": {"momentum": 0.8}}]},
            "its recipe.momentum is 0.9, here 0.8",
        ),
        (lambda folder: None, {"variants": [{"name": "dfl", "loss": DFL, "recipe": {"momentum": 0.9}}]}, None),
        (lambda folder: None, {"pairs": {"auto": 1}}, "but pairs: auto needs a new evaluation"),
        (lambda folder: changed_metrics(folder, seed=1), {}, "its metrics are of another run"),
        (lambda folder: changed_metrics(folder, fingerprint="0" * 16), {}, "its metrics are of another run"),
        (other_answers, {}, "its predictions do not match the confusion matrix in its metrics"),
        (no_class, {}, "predictions_test.npz does not hold what it should (predicted classes are out of bounds)"),
        (of_last(accuracy=lambda share: share + 0.01), {}, "the accuracy in its metrics is not that of its predictions"),
        (of_last(brier=lambda score: 0.0), {}, "the brier in its metrics is not that of its predictions"),
        (of_last(pairs=lower_error), {}, "the binary_error in its metrics is not that of its predictions"),
        (
            lambda folder: changed_answers(folder, last_p_other=lambda p: np.full_like(p, 0.999)),
            {},
            "its predictions give the two classes of cat-dog a probability above 1 together",
        ),
        (lambda folder: changed_answers(folder, index=lambda index: index[::-1]), {}, "its predictions are of other images"),
        (lambda folder: changed_answers(folder, labels=lambda labels: labels[::-1]), {}, "its predictions are of other images"),
        (lambda folder: (folder / "predictions_test.npz").write_bytes(b"PK"), {}, "predictions_test.npz cannot be read"),
    ],
)
def test_a_record_whose_evaluation_does_not_fit_is_refused(finished, records, tmp_path, monkeypatch, change, config, reason):
    monkeypatch.chdir(finished.folder)  # where the images are
    folder, results = tmp_path / "run", finished.folder / "results/tiny"
    shutil.copytree(records / "dfl/seed0", folder)
    change(folder)
    expected = Expected(
        resolved(contrasts=[], claims=[], baseline="dfl", search={"enabled": False}, **config), recipes(results), results / "split.json"
    )
    refusal = adoption.refusal(folder, expected, OlderCode(COMMIT))
    assert refusal is None if reason is None else reason in refusal
    assert refusal is None or "\n" not in refusal


def test_records_need_the_prepared_images(finished, records, tmp_path, monkeypatch):
    monkeypatch.chdir(finished.copy_results(tmp_path / "study").folder)
    shutil.rmtree("resources")
    shutil.rmtree("results/tiny/runs")
    with pytest.raises(UserError, match=r"resources/synthetic/dataset.json is missing: run `snakemake .*dataset.json`"):
        adoption.adopt_runs(records, ["tiny.yaml"])


def test_only_one_older_code_of_a_variant_is_accepted(finished, records):
    results = finished.folder / "results/tiny"
    expected = Expected(resolved(), recipes(results), results / "split.json")
    older = OlderCode(COMMIT, {"dfl": "d" * 16})
    assert adoption.refusal(records / "ce/seed0", expected, older) is None
    assert adoption.refusal(records / "ce/seed1", expected, older) is None
    yet_another = f"it was trained by yet another code ({OLDER['dfl']}, other runs of dfl by {'d' * 16})"
    assert adoption.refusal(records / "dfl/seed0", expected, older) == yet_another


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="no git history here")
def test_a_commit_is_one_of_the_workflow_wherever_the_study_is(tmp_path, monkeypatch):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "another repository"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.chdir(PROJECT)
    here = adoption.full_commit("HEAD")
    monkeypatch.chdir(tmp_path)
    assert adoption.full_commit("HEAD") == here
    theirs = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    with pytest.raises(UserError, match="which is not a commit of the workflow's repository"):
        adoption.full_commit(theirs)


@pytest.mark.parametrize("name", ["nothing", "HEAD:README.md", "--all", "abc"])
def test_what_is_no_commit_is_refused(name, monkeypatch):
    monkeypatch.chdir(PROJECT)
    with pytest.raises(UserError, match="which is not a commit of the workflow's repository"):
        adoption.full_commit(name)
