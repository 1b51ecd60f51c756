"""Losses and samplers from the user's own files; docs/extending.md as it stands."""

import importlib
import json
import os
import pickle
import re
import sys

import pytest
import torch
import yaml

import try_plugins
from hardpair import losses, plugins, samplers
from hardpair.config.resolve import canonical, resolve, resolve_part
from hardpair.errors import UserError
from hardpair.staleness import plan
from workspace import PROJECT, Workspace

LOSS = "from hardpair.losses import ImageLoss\n\n\nclass Loss(ImageLoss):\n    def __init__(self, counts, a, b=0.5, c=True):\n        ...\n"


@pytest.fixture(autouse=True)
def none_left():
    """Plugins are of a process; none stays for other tests."""
    yield
    plugins.use([])


def blocks(language):
    text = (PROJECT / "docs/extending.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def write(folder, name, text=LOSS):
    path = folder / name
    path.write_text(text)
    return str(path)


def config_with(paths, **loss):
    return {
        "study": "s",
        "data": {"kind": "synthetic", "name": "d", "validation": 100},
        "seeds": [0],
        "baseline": "v",
        "plugins": paths,
        "variants": [{"name": "v", "loss": loss}, {"name": "plain"}],
        "search": {"enabled": False},
    }


def test_the_page_as_it_stands(finished, tmp_path):
    study = finished.copy(tmp_path)
    for code in blocks("python"):
        write(tmp_path, re.match(r"# (\S+)\n", code)[1], code)
    [overlay] = blocks("yaml")
    mine = yaml.safe_load(overlay)
    variants = "".join(f"  - {json.dumps(variant)}\n" for variant in mine["variants"][1:])
    study.edit("tiny.yaml", "contrasts: [[dfl, ce]]", f"{variants}plugins: {mine['plugins']}\ncontrasts: [[dfl, ce]]")
    trained = {job for job in study.stale() if job.startswith("Train")}
    assert trained == {f"Train {name} with seed {seed}" for name in ("forget", "pair_first") for seed in (0, 1)}
    study.snakemake("--", "results/tiny/runs/forget/seed0/metrics.json", "results/tiny/runs/pair_first/seed0/metrics.json")
    record = json.loads((tmp_path / "results/tiny/runs/pair_first/seed0/run.json").read_text())
    assert record["settings"]["sampler"] == {"kind": "pair_first", "first": 3, "second": 5, "times": 3}
    study.edit("forget_easy.py", ">= self.limit)\n", ">= self.limit) * 2\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pair_first.py").rename(tmp_path / "elsewhere/pair_first.py")
    study.edit("tiny.yaml", "'pair_first.py'", "elsewhere/pair_first.py")
    stale = study.stale("--", "results/tiny/runs/forget/seed0/metrics.json", "results/tiny/runs/pair_first/seed0/metrics.json")
    assert stale == {"Train forget with seed 0", "Evaluate forget with seed 0"}


def test_a_faulty_plugin_is_found_before_the_first_job(tmp_path):
    study = Workspace.fresh(tmp_path)
    write(tmp_path, "mine.py", LOSS.replace("        ...", "        super().__init__(counts)\n        self.a = aa"))
    study.edit(
        "tiny.yaml", "contrasts: [[dfl, ce]]", "  - {name: own, loss: {kind: mine, a: 1}}\nplugins: [mine.py]\ncontrasts: [[dfl, ce]]"
    )
    assert "Try recipe 0" in study.stale(), "a dry run tries nothing"
    done = study.snakemake(check=False)
    assert done.returncode == 1
    assert "variant own: mine.py, line 7: NameError: name 'aa' is not defined; correct the plugin" in done.stdout + done.stderr
    assert not any((tmp_path / "resources").rglob("*.npy"))


def test_the_pages_plugins_can_be_tried_by_hand(tmp_path, monkeypatch, capsys):
    paths = [write(tmp_path, re.match(r"# (\S+)\n", code)[1], code) for code in blocks("python")]
    monkeypatch.setattr(sys, "argv", ["try_plugins.py", *paths])
    try_plugins.main()
    assert capsys.readouterr().out == "forget_easy: ready for training\npair_first: ready for training\n"


def test_the_pages_loss_and_sampler_do_what_they_say(tmp_path):
    paths = [write(tmp_path, re.match(r"# (\S+)\n", code)[1], code) for code in blocks("python")]
    plugins.use(paths)
    loss = losses.build(resolve_part("loss", {"kind": "forget_easy", "share": 0.5}), torch.ones(2))
    assert loss.refresh(torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.ones(4)).tolist() == [0, 0, 1, 1]
    labels = torch.tensor([3, 1, 5, 0])
    sampler = samplers.build(resolve_part("sampler", {"kind": "pair_first"}), labels)
    assert sampler.emphasis().tolist() == pytest.approx([4 / 3, 2 / 3, 4 / 3, 2 / 3])


@pytest.mark.parametrize("options", ["counts, a, b=0.5, c=True", "counts, /, a, *, b=0.5, c=True", "counts, *, b=0.5, a, c=True"])
def test_options_have_the_defaults_and_types_of_the_constructor(tmp_path, options):
    path = write(tmp_path, "mine.py", LOSS.replace("counts, a, b=0.5, c=True", options))
    resolved = resolve(config_with([path], kind="mine", a=[1, 2]))
    assert resolved["variants"][0]["loss"] == {"kind": "mine", "a": [1, 2], "b": 0.5, "c": True}
    assert plan.plugins_argument(resolved, "v") == f"--plugins {path}"
    assert plan.plugins_argument(resolved, "plain") == ""


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"kind": "mine"}, r"variants\[0\]\.loss\.a is missing"),
        ({"kind": "mine", "a": 1, "bb": 2}, r"loss\.bb is not a key of kind mine: did you mean b\?"),
        ({"kind": "mine", "a": 1, "b": "x"}, r'loss\.b is "x": it must be a number'),
        ({"kind": "mien", "a": 1}, r'loss\.kind is "mien": did you mean mine\?'),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(tmp_path, loss, message):
    with pytest.raises(UserError, match=message):
        resolve(config_with([write(tmp_path, "mine.py")], **loss))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("focal.py", LOSS, "another loss, sampler or network of the kind focal: rename"),
        ("my-loss.py", LOSS, "name a Python file like my_loss.py"),
        ("mine.txt", LOSS, "name a Python file like my_loss.py"),
        ("mine.py", "def Loss(): ...\n", "no class Loss, Sampler or Network: add one"),
        ("mine.py", "class Loss:\n", "not valid Python: line 1: expected an indented block"),
        ("mine.py", "class Loss(nn.Module):\n    def forward(self): ...\n", "no constructor: write __init__, .* must be self, counts"),
        ("mine.py", "class Network(torch.nn.Module): ...\n", "no constructor: write __init__, .* must be self, classes, size"),
        ("mine.py", "class Loss:\n    def __init__(self, gamma): ...\n", "takes self, gamma: its first arguments must be self, counts"),
        *(
            ("mine.py", f"class Sampler:\n    def __init__(self, labels, a={default}): ...\n", "default of a is not a plain value")
            for default in ("f()", "{3, 5}", "{3: 2.0}", "[{1: 2}]", "b'x'", "1j", "...", "1e999")
        ),
        ("mine.py", "class Loss:\n    def __init__(self, counts, *args): ...\n", r"takes \*args: name each option"),
        ("mine.py", "class Sampler:\n    def __init__(self, labels, **more): ...\n", r"takes \*\*more: name each option"),
        ("mine.py", "class Loss:\n    def __init__(self, counts, tau, /): ...\n", "takes tau by position only: move the / before it"),
        ("mine.py", "class Loss:\n    def __init__(self, counts, kind='a'): ...\n", "takes kind, which is the key that names"),
        ("mine.py", b"\xff\xfe\x00", "not valid Python"),
        ("mine.py", b"\x00", "not valid Python: source code string cannot contain null bytes"),
    ],
)
def test_wrong_files_end_in_one_sentence(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=message):
        plugins.use([path])


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(UserError, match="No such file or directory"):
        plugins.use([tmp_path / "nowhere.py"])


def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "mine.py")
    with pytest.raises(UserError, match="is no regular file"):
        plugins.use([tmp_path / "mine.py"])


def test_nothing_of_a_file_is_run_when_a_study_is_planned(tmp_path):
    path = write(tmp_path, "mine.py", f"{LOSS}\nraise SystemExit('ran')\n")
    resolve(config_with([path], kind="mine", a=1))


@pytest.mark.parametrize(("a", "b"), [(2, 1), (2, 1.0), (2.0, 1)])
def test_an_option_whose_default_is_a_float_is_one(tmp_path, a, b):
    """As settings arrive from the rules, whose canonical text has 1.0 as 1."""
    plugins.use([write(tmp_path, "mine.py", LOSS.replace("...", "super().__init__(counts)\n        self.given = a, b, c"))])
    settings = json.loads(canonical({"kind": "mine", "a": a, "b": b, "c": True}))
    given = losses.build(settings, torch.ones(2, dtype=torch.int64)).given
    assert given == (2, 1.0, True)
    assert [type(value) for value in given] == [int, float, bool]


@pytest.mark.parametrize(
    ("default", "value", "expected"),
    [
        ("[0.0, 0.5]", [1.0, 2.0], [1.0, 2.0]),
        ("(0.5,)", [1.0, 2.5, 3.0], [1.0, 2.5, 3.0]),
        ("[1, 0.5]", [3.0, 4.0], [3, 4.0]),
        ("{'cat': 1.0}", {"cat": 2.0, "dog": 3.0}, {"cat": 2.0, "dog": 3}),
        ("[[0.5]]", [[1.0]], [[1.0]]),
        ("None", [1.0], [1]),
    ],
)
def test_floats_of_a_list_or_map_stay_floats(tmp_path, default, value, expected):
    text = LOSS.replace("a, b=0.5", f"a={default}, b=0.5").replace("...", "super().__init__(counts)\n        self.given = a")
    plugins.use([write(tmp_path, "mine.py", text)])
    settings = json.loads(canonical({"kind": "mine", "a": value, "b": 1, "c": True}))
    assert repr(losses.build(settings, torch.ones(2, dtype=torch.int64)).given) == repr(expected)


def test_a_key_that_is_no_text_is_refused(tmp_path):
    """A job would get it as a text."""
    path = write(tmp_path, "mine.py", LOSS)
    with pytest.raises(UserError, match=r"^config: variants\[\d\]\.loss\.a\.3 is a key that is no text: write it in quotes$"):
        resolve(config_with([path], kind="mine", a={3: 2.0}))


DATACLASS = """from __future__ import annotations

import json
from dataclasses import dataclass

from hardpair.losses import ImageLoss


@dataclass
class State:
    seen: int = 0


class Loss(ImageLoss):
    def __init__(self, counts):
        super().__init__(counts)
        self.state = State(json.loads("3"))
"""


def test_a_plugin_may_have_dataclasses_that_pickle_and_the_name_of_a_module_that_it_imports(tmp_path):
    plugins.use([write(tmp_path, "json.py", DATACLASS)])
    loss = losses.build({"kind": "json"}, torch.ones(2))
    assert pickle.loads(pickle.dumps(loss.state)) == loss.state == type(loss.state)(3)
    assert sys.modules["json"] is json
    name = type(loss).__module__
    assert plugins.origin(name) == str(tmp_path / "json.py")
    with pytest.raises(ModuleNotFoundError, match=r"'hardpair\.plugins' is not a package"):  # so that nobody can have installed it
        importlib.import_module(f"{name}_other")
    plugins.use([])
    assert name not in sys.modules


def test_each_part_of_a_run_has_a_module_of_its_own(tmp_path):
    """What a plugin keeps there would make a run depend on those before it in the process."""
    plugins.use(
        [write(tmp_path, "mine.py", LOSS.replace("...", "super().__init__(counts)\n        self.known = KNOWN") + "\n\nKNOWN = []\n")]
    )
    first, second = (losses.build({"kind": "mine", "a": 1}, torch.ones(2)) for _ in range(2))
    assert first.known is not second.known


@pytest.mark.parametrize("error", ["ValueError('no')", "KeyboardInterrupt"])
def test_of_a_plugin_that_cannot_be_loaded_nothing_is_left(tmp_path, error):
    plugins.use([write(tmp_path, "mine.py", f"{LOSS}\nraise {error}\n")])
    before = set(sys.modules)
    with pytest.raises((ValueError, KeyboardInterrupt)):
        losses.build({"kind": "mine", "a": 1}, torch.ones(2))
    assert set(sys.modules) == before


def test_plugins_of_one_config_are_unknown_to_the_next(tmp_path):
    path = write(tmp_path, "mine.py")
    resolve(config_with([path], kind="mine", a=1))
    with pytest.raises(UserError, match="mine"):
        resolve(config_with([], kind="mine", a=1))
