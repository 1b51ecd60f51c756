import contextlib
import json
import shutil
import sys

import numpy as np
import pytest
import torch

import run_trial
from hardpair.data import dataset
from hardpair.data.sources import synthetic
from hardpair.errors import UserError
from hardpair.files import own_digest
from hardpair.jobs import locks
from hardpair.search.finished_trials import COLUMNS, table
from hardpair.staleness import code_hash
from hardpair.training import job, loop
from hardpair.training.divergence import wrong_from_the_start
from hardpair.training.images import load_images, load_split
from hardpair.training.recipe import Recipe, RunSettings

SMALL = {
    "epochs": 50,
    "batch_size": 16,
    "learning_rate": 0.01,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "lr_drops": [0.5, 0.8],
    "lr_factor": 0.1,
    "dropout": 0.1,
    "refresh_every": 1,
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Generated images with a split of them, and a round of proposals: the second diverges at once, the fourth in its last step."""
    folder = tmp_path_factory.mktemp("prepared")
    about, parts = synthetic.generate(train=120, test=20, size=8, separation=4.0)
    dataset.save(folder / "data", {"kind": "synthetic", "name": "tiny"} | about, parts)
    sha256 = json.loads((folder / "data" / "dataset.json").read_text())["sha256"]
    parts = {"training": list(range(100)), "validation": list(range(100, 120)), "data_sha256": sha256}
    (folder / "split.json").write_text(json.dumps(parts))
    (folder / "all.json").write_text(json.dumps(parts | {"validation": []}))
    recipes = [SMALL, SMALL | {"learning_rate": 1e12}, SMALL | {"learning_rate": 0.03}, SMALL | {"learning_rate": 1e12, "batch_size": 100}]
    round_ = {"round": 1, "trials": [{"trial": 3 + place, "recipe": recipe} for place, recipe in enumerate(recipes)]}
    (folder / "round1.json").write_text(json.dumps(round_))
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tried(monkeypatch, prepared, output, number, settings, split="split.json", **more):
    arguments = {"round": prepared / "round1.json", "trial": number, "data": prepared / "data", "split": prepared / split}
    arguments |= {"settings": json.dumps(settings), "gpus": 0, "output": output} | more
    monkeypatch.setattr(sys, "argv", ["run_trial.py", *(f"--{key}={value}" for key, value in arguments.items())])
    run_trial.main()
    return json.loads(output.read_text())


CE, DFL = {"precision": "fp32"}, {"precision": "fp32", "loss": {"kind": "focal", "gamma": 2, "scale": "dynamic"}}


def test_the_value_of_a_trial_is_the_mean_accuracy_at_the_last_epoch(monkeypatch, tmp_path, prepared):
    settings = {"epochs": 2, "seeds": [1000, 1001], "variants": {"ce": CE, "dfl": DFL}}
    trial = tried(monkeypatch, prepared, tmp_path / "trial.json", 5, settings)
    images = load_images(prepared / "data", "train", torch.device("cpu"))
    split = load_split(prepared / "split.json", prepared / "data")
    recipe = Recipe(**SMALL | {"learning_rate": 0.03, "epochs": 2, "lr_drops": (0.5, 0.8)})
    focal = {"kind": "focal", "gamma": 2, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
    expected = [
        {"variant": name, "seed": seed, "accuracy": history.epochs[-1]["validation_accuracy"]}
        for name, loss in (("ce", {"kind": "cross_entropy"}), ("dfl", focal))
        for seed in (1000, 1001)
        for history in [loop.Training(images, split, RunSettings(loss, {"kind": "uniform"}, recipe), seed).run()]
    ]
    assert trial["runs"] == expected
    assert trial["value"] == pytest.approx(np.mean([run["accuracy"] for run in expected]))
    assert (trial["trial"], trial["round"], trial["diverged"], trial["error"]) == (5, 1, False, None)
    assert trial["recipe"] == SMALL | {"learning_rate": 0.03}, "the recipe of the study, not the trial's shorter one"
    assert table([trial], [])[0].keys() == set(COLUMNS)


def test_a_trial_of_several_variants_loads_the_images_once(monkeypatch, tmp_path, prepared):
    loaded, load = [], job.load_images
    monkeypatch.setattr(job, "load_images", lambda *arguments: (loaded.append(arguments[1]), load(*arguments))[1])
    variants = {"ce": CE, "dfl": DFL}
    together = tried(monkeypatch, prepared, tmp_path / "trial.json", 5, ONE | {"variants": variants})
    assert loaded == ["train"]
    alone = [tried(monkeypatch, prepared, tmp_path / name, 5, ONE | {"variants": {name: keys}}) for name, keys in variants.items()]
    assert together["runs"] == [trial["runs"][0] for trial in alone]


def test_a_trial_that_diverges_is_a_result_worth_guessing(monkeypatch, tmp_path, prepared):
    trial = tried(monkeypatch, prepared, tmp_path / "trial.json", 4, {"epochs": 1, "seeds": [1000], "variants": {"ce": CE}})
    assert trial["value"] == 1 / 10
    assert trial["diverged"] is True
    assert trial["error"].startswith("the loss became ")
    assert "epoch 1 at learning rate 1e+12" in trial["error"]
    assert trial["runs"] == []


def test_a_trial_whose_only_step_is_too_long_diverges_as_one_within_an_epoch_does(monkeypatch, tmp_path, prepared):
    trial = tried(monkeypatch, prepared, tmp_path / "trial.json", 6, {"epochs": 1, "seeds": [1000], "variants": {"ce": CE}})
    assert (trial["value"], trial["diverged"], trial["runs"]) == (1 / 10, True, [])
    assert trial["error"].startswith(
        "the logits of a validation image became NaN or infinite in epoch 1 at learning rate 1e+12: use a lower"
    )


def test_a_loss_that_no_learning_rate_can_help_ends_the_search(monkeypatch, tmp_path, prepared):
    def check(training):
        raise wrong_from_the_start("loss")

    monkeypatch.setattr(loop.Training, "_check_first_step", check)
    with pytest.raises(UserError, match=r"^the loss is NaN or infinite in the first step, before any weight has changed: check the loss$"):
        tried(monkeypatch, prepared, tmp_path / "trial.json", 3, {"epochs": 1, "seeds": [1000], "variants": {"ce": CE}})
    assert not (tmp_path / "trial.json").exists()


ONE = {"epochs": 1, "seeds": [1000], "variants": {"ce": CE}}
SAME = {
    "the same command": {},
    "defaults written out": {"settings": ONE | {"variants": {"ce": CE | {"sampler": {"kind": "uniform"}, "deterministic": False}}}},
    "images that lie elsewhere": {"data": "moved"},
}
OTHER = {
    "another recipe": {"number": 3},
    "more epochs": {"settings": ONE | {"epochs": 2}},
    "another seed": {"settings": ONE | {"seeds": [1001]}},
    "another loss": {"settings": ONE | {"variants": {"ce": DFL}}},
    "another split": {"split": "shorter.json"},
    "other code": {"code": "c0de"},
    "half a file": {"content": "{"},
    "a file of something else": {"content": "[]"},
}


@pytest.mark.parametrize("kind", SAME | OTHER)
def test_a_trial_that_had_to_wait_takes_what_the_other_job_has_finished_if_it_is_the_same(monkeypatch, capsys, tmp_path, prepared, kind):
    changes, output = dict((SAME | OTHER)[kind]), tmp_path / "trial.json"
    if "data" in changes:
        changes["data"] = shutil.copytree(prepared / "data", tmp_path / "moved")
    (prepared / "shorter.json").write_text(json.dumps(json.loads((prepared / "split.json").read_text()) | {"training": list(range(90))}))
    tried(monkeypatch, prepared, output, 5, ONE)
    output.write_text(changes.pop("content", output.read_text()))
    before = output.read_text()
    monkeypatch.setattr(locks, "only_one", lambda checkpoint: contextlib.nullcontext(True))
    if code := changes.pop("code", None):
        monkeypatch.setattr(code_hash, "code_hash", lambda *files: code)
    tried(monkeypatch, prepared, output, changes.pop("number", 5), changes.pop("settings", ONE), **changes)
    assert (output.read_text() == before) == (kind in SAME)
    assert (f"{output} was finished meanwhile: nothing to do" in capsys.readouterr().err) == (kind in SAME)


@pytest.mark.parametrize(("number", "taken"), [(4, 7), (5, 2 * 7)])
def test_a_trial_whose_result_is_lost_after_it_was_written_resumes_at_the_end_of_its_runs(monkeypatch, tmp_path, prepared, number, taken):
    """As by Snakemake, where it has no room for a file of its own. The first run of trial 4 diverges."""
    settings, output, steps = ONE | {"seeds": [1000, 1001]}, tmp_path / "trial.json", []

    class Watched(loop.Training):
        def train_epoch(self, completed, pause):
            return super().train_epoch(completed, lambda: (steps.append(self.steps_done), pause()))

    monkeypatch.setattr(job, "Training", Watched)
    checkpointed = {"checkpoint": tmp_path / "checkpoints/trial.safetensors", "checkpoint-seconds": 0}
    first = tried(monkeypatch, prepared, output, number, settings, **checkpointed)
    assert len(steps) == taken
    output.unlink()
    steps.clear()
    assert without_times(tried(monkeypatch, prepared, output, number, settings, **checkpointed)) == without_times(first)
    assert steps == []


def without_times(trial):
    return {key: value for key, value in trial.items() if key not in ("seconds", own_digest.KEY)}


def test_a_trial_that_need_not_wait_is_made_again(monkeypatch, tmp_path, prepared):
    output = tmp_path / "trial.json"
    first = tried(monkeypatch, prepared, output, 5, ONE)
    written = output.stat().st_mtime_ns
    assert without_times(tried(monkeypatch, prepared, output, 5, ONE)) == without_times(first)
    assert output.stat().st_mtime_ns > written


def test_wrong_trials_get_one_sentence_and_leave_nothing(monkeypatch, tmp_path, prepared):
    settings = {"epochs": 1, "seeds": [1000], "variants": {"ce": CE}}
    with pytest.raises(UserError, match=r"round1\.json has no trial 9: choose from 3, 4, 5, 6$"):
        tried(monkeypatch, prepared, tmp_path / "trial.json", 9, settings)
    with pytest.raises(UserError, match=r"all\.json holds out no validation images"):
        tried(monkeypatch, prepared, tmp_path / "trial.json", 3, settings, split="all.json")
    with pytest.raises(UserError, match=r"variant\.loss\.kind is \"foc\""):
        tried(monkeypatch, prepared, tmp_path / "trial.json", 3, settings | {"variants": {"x": {"loss": {"kind": "foc"}}}})
    assert list(tmp_path.iterdir()) == []
