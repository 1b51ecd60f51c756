"""Damaged files of the workflow: a reader refuses one in a sentence, or takes it for what it then is."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import event, given
from hypothesis import strategies as st

import choose_pairs
import compare
import evaluate
import fake_study
import fuzzing
import plot_figure
import predict
import propose_trials
import run_trial
import select_recipe
import split_data
import train
from compared_study import Study
from hardpair.config.resolve import resolve_part
from hardpair.files import own_digest
from hardpair.files.atomic import file_sha256, write_json
from hardpair.files.json_text import read_json
from prepared_data import prepare

torch.set_num_threads(1)
RECIPE = {"epochs": 1, "batch_size": 32, "learning_rate": 0.02}
CE = {"loss": {"kind": "cross_entropy"}, "sampler": {"kind": "uniform"}, "precision": "fp32"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Prepared data, a trained run, a search of one round, and a made-up study, all intact."""
    folder = tmp_path_factory.mktemp("place")
    prepare(folder / "data", training=60, validation=20)
    sound = fuzzing.run(train, *training(folder), "--output-dir", folder / "run", writes=folder)
    assert sound is None
    from PIL import Image

    Image.new("RGB", (9, 9), "red").save(folder / "picture.png")
    recipe = resolve_part("recipe", RECIPE)
    for number in range(2):
        trial = {"trial": number, "round": 0, "recipe": recipe | {"momentum": 0.9 - number / 100}, "value": 0.5, "diverged": False}
        write_json(folder / "search" / "round0" / f"trial{number}.json", trial | {"error": None, "runs": [], "seconds": 1.0})
    write_json(folder / "round.json", {"round": 0, "trials": [{"trial": 0, "recipe": recipe}]})
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    study = Study(folder, seeds=2, variants=fake_study.STUDY[:2])
    write_json(folder / "settings.json", study.settings | {"declared": study.declared()})
    fake_study.write_images(folder / "shown" / "data", 200, fake_study.CLASSES, 8)
    fake_study.write_training(folder / "shown", fake_study.CLASSES, 8)
    fake_study.record_digest(folder / "shown" / "data", folder / "runs")
    for reader in (reader for _, *readers in commands(folder, folder / "out").values() for reader in readers):
        with contextlib.suppress(AssertionError):  # what libraries write when they are used first is written now
            fuzzing.run(*reader, writes=folder)
        assert fuzzing.run(*reader, writes=folder) is None
    return folder


def training(folder: Path, recipe: object = json.dumps(RECIPE)) -> list[object]:
    arguments = ["--data", folder / "data", "--split", folder / "data" / "split.json", "--settings", json.dumps(CE), "--recipe", recipe]
    return [*arguments, "--gpus", 0]


def of_study(folder: Path) -> list[object]:
    return ["--runs", folder / "runs", "--settings", folder / "settings.json"]


def commands(folder: Path, out: Path) -> dict[str, tuple]:
    """For each kind of file: the file, and the commands that read it."""
    run, settings = folder / "run", {"study": "s", "batch": 2, "recipe": resolve_part("recipe", RECIPE)}
    settings |= {"space": resolve_part("search", {})["space"], "enabled": True, "rounds": 1}
    search = ["--search-dir", folder / "search", "--settings", json.dumps(settings)]
    trial = ["--round", folder / "round.json", "--trial", 0, "--output", out / "trial.json"]
    trial += ["--settings", json.dumps({"epochs": 1, "seeds": [1], "variants": {"ce": CE}})]
    split = (split_data, "--data", folder / "data", "--settings", '{"validation": 20}', "--output", out / "split.json")
    trained = (train, *training(folder), "--output-dir", out / "run")
    evaluated = (evaluate, "--run", run, "--data", folder / "data", "--settings", '{"pairs": [["cat", "dog"]]}', "--output-dir", out)
    predicted = (predict, "--run", run, folder / "picture.png")
    of_runs, first = of_study(folder), folder / "runs" / "ce" / "seed0"
    compared = (
        compare,
        *of_runs,
        "--recipe",
        '{"epochs": 4, "learning_rate": 0.01}',
        "--split",
        folder / "split.json",
        "--registration",
        folder / "registration.json",
        "--output-dir",
        out,
    )
    hardest = (plot_figure, "hardest", *of_runs, "--data", folder / "shown" / "data", "--output", out / "h.png")
    chosen = (choose_pairs, "--runs", folder / "runs", "--output", out / "pairs.json")
    chosen += ("--settings", '{"variants": [{"name": "ce"}], "seeds": [0, 1], "count": 1}')
    proposals = (propose_trials, "--round", 1, *search, "--output", out / "round.json")
    selected = (select_recipe, *search, "--output-recipe", out / "recipe.yaml", "--output-trials", out / "trials.csv")
    figures = ("difficulty", "weights", "training", "confusion", "reliability")
    drawn = {name: (plot_figure, name, *of_runs, "--output", out / "f.png") for name in figures}
    courses = [drawn[name] for name in ("difficulty", "weights", "training")]
    measured = [drawn[name] for name in ("training", "confusion", "reliability")]
    tried = (run_trial, *trial, *training(folder)[:4], "--gpus", 0)
    return {
        "dataset.json": (folder / "data" / "dataset.json", split, trained, evaluated),
        "split.json": (folder / "data" / "split.json", trained, tried),
        "images.npy": (folder / "data" / "train" / "images.npy", trained, split),
        "labels.npy": (folder / "data" / "test" / "labels.npy", evaluated, split),
        "proposals": (folder / "round.json", tried),
        "trial.json": (folder / "search" / "round0" / "trial1.json", proposals, selected),
        "recipe.yaml": (folder / "recipe.yaml", (train, *training(folder, folder / "recipe.yaml"), "--output-dir", out / "run")),
        "run.json": (run / "run.json", evaluated, predicted),
        "model": (run / "last.safetensors", evaluated, predicted),
        "run.json of a study": (first / "run.json", compared, chosen),
        "metrics.json": (first / "metrics.json", compared, *measured),
        "predictions.npz": (first / "predictions.npz", compared, hardest),
        "history.npz": (first / "history.npz", chosen, *courses),
        "settings": (folder / "settings.json", (compare, *compared[1:]), hardest),
    }


KINDS = list(commands(Path("a"), Path("b")))


@pytest.mark.parametrize("kind", KINDS)
@fuzzing.fuzzed(few=4, many=130)
@given(drawn=st.data())
def test_a_damaged_file_ends_in_one_sentence_and_nothing_is_half_written(place, tmp_path_factory, kind, drawn):
    out = tmp_path_factory.mktemp("out")
    path, *readers = commands(place, out)[kind]
    reader = drawn.draw(st.sampled_from(readers), label="reader")
    intact = path.read_bytes()
    as_json = path.suffix == ".json" and path.exists()
    value = json.loads(intact) if as_json else None
    if as_json and drawn.draw(st.booleans(), label="without a digest of its own"):  # as of earlier versions, so that its keys are looked at
        value.pop(own_digest.KEY, None)
    content = drawn.draw(fuzzing.damaged_json(value) if as_json else damaged_binary(path, intact), label="content")
    record = place / "run" / "run.json"
    recorded = record.read_bytes()
    try:
        path.write_bytes(content)
        if kind == "model" and drawn.draw(st.booleans(), label="hash follows"):
            write_json(record, own_digest.added(read_json(record) | {"weights": {"last": file_sha256(path)}}))
        sentence = fuzzing.run(*reader, writes=out)
    finally:
        path.write_bytes(intact)
        record.write_bytes(recorded)
    event(f"{kind}: {'taken' if sentence is None else 'refused'}")


@st.composite
def damaged_binary(draw, path: Path, intact: bytes) -> bytes:
    """Bytes flipped, or arrays that are intact but others."""
    if path.suffix not in (".npy", ".npz") or draw(st.booleans()):
        return draw(fuzzing.damaged(intact))
    other = draw(st.sampled_from(ARRAYS))
    file = io.BytesIO()
    if path.suffix == ".npy":
        np.save(file, other, allow_pickle=True)
        return file.getvalue()
    with np.load(io.BytesIO(intact)) as archive:
        arrays = {name: archive[name] for name in archive}
    name = draw(st.sampled_from(sorted(arrays)))
    if draw(st.booleans()):
        del arrays[name]
    else:
        arrays[name] = draw(st.sampled_from([other, arrays[name][:-1], -arrays[name], arrays[name] * 1000, arrays[name].T]))
    np.savez(file, **arrays)
    return file.getvalue()


ARRAYS = [np.zeros(0), np.zeros((3, 3)), np.full((200, 10), np.nan), np.array(["text"] * 80), np.array([{"a": 1}], dtype=object)]
ARRAYS += [np.arange(80), np.arange(80) % 10, np.zeros((80, 3, 8, 8), np.uint8), np.zeros((80, 3, 8, 8)), np.array(5), np.zeros((2, 0, 3))]
