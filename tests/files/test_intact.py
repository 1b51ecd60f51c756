"""Files that were cut short or zeroed are told from complete ones, without a digest."""

import hashlib
import os
import random

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file

from hardpair.config.resolve import resolve_part
from hardpair.files import intact, json_text, run_digests
from hardpair.files.atomic import write_arrays, write_json, write_rows, write_text
from hardpair.files.yaml_text import dump


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file of each type that the workflow writes, as it writes it."""
    folder = tmp_path_factory.mktemp("written")
    draw = np.random.default_rng(0)
    write_json(folder / "run.json", {"variant": "é", "values": draw.random(900).tolist()})
    write_rows(folder / "epochs.csv", [{"epoch": epoch, "loss": draw.random()} for epoch in range(400)], ("epoch", "loss"))
    write_text(folder / "comparison.md", "# A\n\n" + "line\n" * 2000)
    write_text(folder / "recipe.yaml", "# Of trial 3.\n" + dump(resolve_part("recipe", {})))
    write_text(folder / "report.html", f"<html>{'x' * 9000}</html>\n")
    write_arrays(folder / "history.npz", {"a": draw.random((40, 50)), "b": np.arange(3)})
    np.save(folder / "images.npy", draw.integers(0, 256, (20, 3, 8, 8), dtype=np.uint8))
    np.save(folder / "labels.npy", np.arange(700, dtype=np.int64))
    save_file({"w": torch.randn(70, 40), "b": torch.randn(5)}, folder / "last.safetensors")
    figure = Figure()
    figure.subplots().plot(draw.random(99))
    for suffix in ("png", "svg"):
        figure.savefig(folder / f"curves.{suffix}")
    return sorted(folder.iterdir())


def test_complete_files_are_intact(written):
    assert {path.suffix for path in written} == set(intact.CHECKS)
    assert [path.name for path in written if not intact.is_intact(path)] == []


@pytest.mark.parametrize("share", [0, 0.0001, 0.2, 0.5, 0.9, 0.999])
def test_files_that_are_cut_short_or_end_in_zeros_are_not(written, share, tmp_path):
    """As after a crash of the machine: a page is there or not."""
    draw = random.Random(share)
    for path in written:
        content = path.read_bytes()
        kept = max(0, min(int(share * len(content)) + draw.randrange(3), len(content) - 2))
        for name, broken in (("cut", content[:kept]), ("zeroed", content[: kept // 4096 * 4096].ljust(len(content), b"\0"))):
            if name == "zeroed" and (path.suffix == ".npy" or kept // 4096 == len(content) // 4096) and kept >= 4096:
                continue  # pixels may be 0, and dataset.json has their digest; or only the last, short page was lost
            copy = tmp_path / f"{name}-{path.name}"
            copy.write_bytes(broken)
            copy = copy.rename(tmp_path / path.name)
            assert not intact.is_intact(copy), f"{path.name} {name} after {kept} of {len(content)} bytes"


@pytest.mark.parametrize("text", ["[1]\n", '{"a": 1', "{]\n", "nul\n", "\n", '{"a":' * 100_000 + "\n"])
def test_what_is_no_record_is_not_intact(text, tmp_path):
    path = tmp_path / "run.json"
    path.write_text(text)
    assert not intact.is_intact(path)


def test_files_of_a_wrong_kind_are_not_read(tmp_path, monkeypatch):
    """Neither a pipe, which would wait for a writer, nor a folder, nor a text larger than any that is written."""
    os.mkfifo(tmp_path / "run.json")
    (tmp_path / "metrics.json").mkdir()
    large = tmp_path / "split.json"
    write_json(large, {"a": [0] * 50})
    monkeypatch.setattr(intact, "MAX_BYTES", 60)
    assert [intact.is_intact(tmp_path / name) for name in ("run.json", "metrics.json", "split.json")] == [False] * 3
    assert intact.is_intact(tmp_path / "missing.json")
    (tmp_path / "mine.txt").write_text("")
    assert intact.is_intact(tmp_path / "mine.txt")


def test_a_record_is_intact_up_to_the_size_at_which_it_is_read(tmp_path):
    """As the split of seven million images."""
    path = tmp_path / "split.json"
    path.write_text('{"training": [' + "9999999, " * 7_500_000 + "0]}\n")
    assert 2**26 < path.stat().st_size < json_text.MAX_BYTES
    assert intact.is_intact(path)


def test_a_recipe_without_all_keys_is_not_intact_and_is_no_recipe_to_train_with(written, tmp_path):
    """Defaults are for people's files."""
    from hardpair.cli.command import json_or_file

    [whole] = [path for path in written if path.name == "recipe.yaml"]
    lines = whole.read_text().splitlines(keepends=True)
    path = tmp_path / "search/recipe.yaml"
    path.parent.mkdir()
    for count in range(1, len(lines)):
        path.write_text("".join(lines[:count]))
        assert intact.is_intact(path) == ("".join(lines[:count]).count(":") >= 9)
    path.write_text("".join(lines[:3]))
    with pytest.raises(Exception, match=r"search/recipe\.yaml lacks .*refresh_every.*: delete it and run the step that makes it again"):
        json_or_file(str(path))
    mine = tmp_path / "mine.yaml"
    mine.write_text("epochs: 3\n")
    assert json_or_file(str(mine)) == {"epochs": 3}


def test_what_is_broken_or_set_aside_is_found_until_it_is_made_again(tmp_path):
    for name in ("runs/ce/seed0/run.json", "logs/compare.json", ".hidden.json", "split.json", "mine.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")
    split, record = tmp_path / "split.json", tmp_path / "runs/ce/seed0/run.json"

    def is_made(path):
        return path.name != "mine.json"

    def broken():
        return set(intact.broken([tmp_path, tmp_path / "none"], is_made))

    before = sorted(tmp_path.rglob("*"))
    assert broken() == {split, record}
    assert sorted(tmp_path.rglob("*")) == before, "to look changes nothing"
    intact.set_aside(split)
    intact.set_aside(record)
    assert (tmp_path / "split.json.unreadable").read_text() == "{"
    assert broken() == {split, record}, "missing since"
    split.write_text("{}\n")
    intact.remove_replaced([tmp_path], is_made)
    assert broken() == {record}
    assert not (tmp_path / "split.json.unreadable").exists()
    assert (tmp_path / "runs/ce/seed0/run.json.unreadable").exists()


@pytest.mark.parametrize("name", sorted(intact.OUTSIDE))
def test_a_variant_may_have_the_name_of_a_folder_without_results(tmp_path, name):
    for path in (tmp_path / name / "made.json", tmp_path / "runs" / name / "seed0/run.json"):
        path.parent.mkdir(parents=True)
        path.write_text("{")
    assert intact.broken([tmp_path], lambda path: True) == [tmp_path / "runs" / name / "seed0/run.json"]


def test_the_record_of_a_run_goes_with_a_broken_file(tmp_path):
    """A job that needs the run looks for run.json alone."""
    for name in ("run.json", "metrics.json"):
        write_json(tmp_path / name, {})
    (tmp_path / "last.safetensors").write_bytes(bytes(5000))
    broken = intact.broken([tmp_path], lambda path: True)
    assert sorted(path.name for path in broken) == ["last.safetensors", "run.json"]


def test_weights_that_end_in_zeros_are_intact_if_the_record_of_their_run_has_their_digest(tmp_path):
    """A network may have a buffer of zeros, or a mask whose last rows are False."""
    mask = torch.ones(96, 96, dtype=torch.bool).triu(1)
    save_file({"layer": torch.randn(300), "zeros": torch.zeros(2000)}, tmp_path / "last.safetensors")
    save_file({"mask": torch.cat([mask, torch.zeros(50, 96, dtype=torch.bool)])}, tmp_path / "best.safetensors")
    names = ("last", "best")
    digests = {name: hashlib.sha256((tmp_path / f"{name}.safetensors").read_bytes()).hexdigest() for name in names}
    write_json(tmp_path / "run.json", {"weights": digests})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert intact.broken([tmp_path], lambda path: True) == []
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    last = tmp_path / "last.safetensors"
    content = last.read_bytes()
    for record in ({"weights": digests | {"last": digests["best"]}}, {"weights": {}}, {"weights": 3}, {}, None):
        if record is None:
            (tmp_path / "run.json").unlink()
        else:
            write_json(tmp_path / "run.json", record)
        assert not intact.is_intact(last)
    write_json(tmp_path / "run.json", {"weights": digests})
    for broken in (content[:-4096], bytes(len(content)), b""):
        last.write_bytes(broken)
        assert not intact.is_intact(last)


def test_a_digest_is_computed_of_nothing_but_files_that_look_broken(written, tmp_path, monkeypatch):
    """Each start looks at all files, and weights may have gigabytes."""
    hashed = []
    monkeypatch.setattr(run_digests, "file_sha256", lambda path: hashed.append(path.name) or "of it")
    write_json(tmp_path / "run.json", {"weights": {"last": "of it", "best": "of it"}})
    for path in written:
        if path.name != "run.json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "best.safetensors").write_bytes(b"")
    assert all(map(intact.is_intact, sorted(tmp_path.iterdir())))
    assert hashed == ["best.safetensors"]


def test_in_a_folder_whose_broken_files_stay_what_was_replaced_is_removed(tmp_path):
    for name, content in {"labels.npy": None, "dataset.json": "{}\n", "mine.json": "{}\n", "images.npy": "cut"}.items():
        (tmp_path / f"{name}.unreadable").touch()
        if content:
            (tmp_path / name).write_text(content)
    intact.remove_replaced([tmp_path], lambda path: path.name != "mine.json")
    left = {"labels.npy.unreadable", "dataset.json", "mine.json", "mine.json.unreadable", "images.npy", "images.npy.unreadable"}
    assert {path.name for path in tmp_path.iterdir()} == left
