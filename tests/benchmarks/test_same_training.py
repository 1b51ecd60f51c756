"""The command that compares the training of two trees to the bit."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from benchmark_scripts import load
from workspace import PROJECT, Workspace

FILES = ("last.safetensors", "best.safetensors", "epochs.csv", "refreshes.csv")
ONLY = "focal(scale=dynamic) with uniform"
IDENTITY = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture(scope="module")
def same_training():
    return load("same_training")


@pytest.fixture
def runs(tmp_path):
    """A function that writes a run's files to a folder of this name, with some of its values."""

    def write(name, weight=1.0, metadata=None, table="epoch\n1\n", histogram=(1, 2), share=(0.5, np.nan)):
        folder = tmp_path / name
        folder.mkdir()
        for file in FILES[:2]:
            save_file({"a": np.zeros(3, np.float32), "b": np.full((2, 2), weight, np.float32)}, folder / file, metadata)
        for file in FILES[2:]:
            (folder / file).write_text(table)
        np.savez_compressed(folder / "history.npz", p_histogram=np.array(histogram), loss_share=np.array(share))
        return folder

    return write


def test_every_kind_and_every_tried_option_is_trained_with_settings_that_the_workflow_takes(same_training):
    from hardpair.training.recipe import Recipe, RunSettings

    schema = yaml.safe_load((PROJECT / "config" / "schema.yaml").read_text(encoding="utf-8"))
    known = same_training.combinations(schema)
    for part, tried in (("loss", same_training.LOSSES), ("sampler", same_training.SAMPLERS)):
        kinds = {entry["properties"]["kind"]["const"] for entry in schema["$defs"][part]["oneOf"]}
        used = [settings[part] for settings in known.values()]
        assert {choice["kind"] for choice in used} == kinds
        assert all({"kind": kind} | options in used for kind, tries in tried.items() for options in tries)
    losses, samplers = ({str(settings[part]) for settings in known.values()} for part in ("loss", "sampler"))
    assert len(known) == len(losses) * len(samplers)
    for settings in known.values():
        RunSettings.checked(settings, Recipe.checked({}))


def test_other_schemas_give_what_they_know(same_training):
    old = {"kind": {"const": "focal"}, "gamma": {"type": "number"}}
    needed = {"kind": {"const": "tail"}, "power": {"minimum": 0.25}, "base": {"enum": ["e", "2"]}, "rest": {"default": 1}}
    part = {"oneOf": [{"properties": old}, {"properties": needed, "required": ["kind", "power", "base"]}]}
    assert same_training.kinds(part, {"focal": [{"gamma": 1, "scale": "dynamic"}, {"scale": "dynamic"}]}) == {
        "focal(gamma=1)": {"kind": "focal", "gamma": 1},
        "focal": {"kind": "focal"},
        "tail(base=e, power=0.25)": {"kind": "tail", "base": "e", "power": 0.25},
    }


def test_equal_runs_are_the_same(same_training, runs):
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    assert same_training.differences(runs("a"), runs("b", share=(0.5, other_nan))) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"weight": 1 + 2**-23}, [f"{name} differs by up to 1.2e-07" for name in FILES[:2]]),
        ({"weight": np.nan}, [f"{name} differs by up to nan" for name in FILES[:2]]),
        ({"metadata": {"a": "b"}}, [f"{name} differs by up to 0.0e+00" for name in FILES[:2]]),
        ({"table": "epoch\n1.0\n"}, [f"{name} differs" for name in FILES[2:]]),
        ({"histogram": (1, 3)}, ["p_histogram of history.npz differs"]),
        ({"histogram": (1.0, 2.0)}, ["p_histogram of history.npz differs"]),
        ({"share": (0.5, 0.5)}, ["loss_share of history.npz differs"]),
        ({"share": (np.nan, np.nan), "histogram": ()}, ["loss_share of history.npz differs", "p_histogram of history.npz differs"]),
    ],
)
def test_a_difference_is_reported(same_training, runs, change, expected):
    assert same_training.differences(runs("a"), runs("b", **change)) == expected


def test_zeros_of_another_sign_and_tensors_of_another_shape_differ(same_training):
    zero = np.zeros(2)
    assert same_training.other_arrays({"a": zero, "b": zero}, {"a": -zero, "c": zero}) == ["a", "b", "c"]
    assert same_training.distance({"a": zero}, {"a": zero[:1]}) == same_training.distance({"a": zero}, {"b": zero}) == float("inf")


def test_a_missing_file_is_reported(same_training, runs):
    first, second = runs("a"), runs("b")
    (second / "best.safetensors").unlink()
    for folder in (first, second):
        (folder / "history.npz").unlink()
    assert same_training.differences(first, second) == ["best.safetensors is missing in one", "history.npz is missing in both"]


def test_a_change_that_is_not_committed_is_found(tmp_path):
    folder, aside = tmp_path / "project", tmp_path / "aside"
    aside.mkdir()
    for part in ("benchmarks", "config", "workflow"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run(["git", "-C", folder, *IDENTITY, *command], check=True)

    def compared(*trees):
        command = ["env", f"TMPDIR={aside}", "python", folder / "benchmarks/same_training.py", *trees, "--only", ONLY]
        done = Workspace(tmp_path).run(*map(str, command), check=False)
        assert not list(aside.iterdir()), "it leaves nothing"
        return done.returncode, done.stdout.splitlines(), done.stderr

    assert compared("HEAD") == (0, ["data: same", f"{ONLY}: same", "1 combination, all the same to the bit"], "")
    changed = folder / "workflow/scripts/hardpair/training/augment.py"
    text = changed.read_text(encoding="utf-8")
    assert "size // 8" in text
    changed.write_text(text.replace("size // 8", "size // 4"), encoding="utf-8")
    code, (data, line, last), _ = compared("HEAD", folder)
    assert (code, data, last) == (1, "data: same", "1 combination, 1 differ")
    assert line.startswith(f"{ONLY}: last.safetensors differs by up to ")
    assert "epochs.csv differs" in line


def test_a_script_that_fails_is_reported_with_its_last_line(same_training, tmp_path):
    script = tmp_path / "workflow/scripts/train.py"
    script.parent.mkdir(parents=True)
    script.write_text("import sys\nsys.exit('much is said\\nand this: ' + ' '.join(sys.argv[1:]))")
    with pytest.raises(SystemExit) as caught:
        same_training.tree(str(tmp_path), tmp_path / "out").run("train.py", "ldam with focal", seed=3, settings={"loss": {}})
    assert caught.value.code == f'{tmp_path} fails at ldam with focal: and this: --seed 3 --settings {{"loss": {{}}}}'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-commit"], "no-commit is neither a folder with workflow/scripts/train.py nor a commit: "),
        ([PROJECT, PROJECT, "--only", "no loss"], "no combination has 'no loss' in its name: the first is 'cross_entropy with uniform'\n"),
    ],
)
def test_what_cannot_be_compared_ends_in_one_sentence(arguments, message):
    done = subprocess.run([sys.executable, PROJECT / "benchmarks/same_training.py", *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1
