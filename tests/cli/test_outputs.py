"""No command overwrites a file that it reads."""

import os
from pathlib import Path

import pytest

from hardpair.cli import command
from hardpair.cli.outputs import refuse_overwriting
from hardpair.errors import UserError


@pytest.fixture
def parse(tmp_path, monkeypatch):
    """Parses words in an empty folder with options that scripts have."""
    monkeypatch.chdir(tmp_path)

    def call(words: str):
        cli = command.parser("Words.")
        cli.add_argument("inputs", nargs="*", type=Path)
        cli.add_argument("--settings", type=command.json_or_file)
        cli.add_argument("--kind", choices=["cifar10", "folder"])
        for name in ("jobs", "runs", "study-dir", "source", "output", "output-recipe", "output-trials", "output-dir"):
            cli.add_argument(f"--{name}", type=Path)
        return cli.parse_args(words.split())

    return call


@pytest.mark.parametrize(
    "words",
    [
        "--jobs a.mmd --output a.mmd",
        "--jobs a.mmd --output ./b/../a.mmd",
        "--jobs link --output a.mmd",
        "b.csv a.mmd --output a.mmd",
        "--settings s.json --output s.json",
        "--settings=s.json --output=s.json",
        "--settings s.json --output-recipe r.yaml --output-trials s.json",
        "--runs runs --output runs/ce/seed0/run.json",
        "--study-dir study --output study/runs.csv",
        "--study-dir study --output study/search/recipe.yaml",
    ],
)
def test_an_output_that_is_read_is_refused(parse, words):
    Path("a.mmd").write_text("graph")
    Path("link").symlink_to("a.mmd")
    Path("s.json").write_text('{"a": 1}')
    with pytest.raises(UserError, match=r"^\S+ is read, and would be overwritten: choose another output$"):
        parse(words)
    assert Path("a.mmd").read_text() == "graph"


@pytest.mark.parametrize(
    "words",
    [
        "--jobs a.mmd --output a.dot",
        "--kind cifar10 --output cifar10",
        "--settings s.json --output t.json",
        "--runs study/runs --output study/pairs.json",
        "--study-dir study --output study/report.html",
        "--runs run --output-dir run",
        "--source pictures --output-dir prepared",
        "--source prepared/pictures.zip --output-dir prepared",
    ],
)
def test_other_outputs_are_accepted(parse, words):
    Path("s.json").write_text('{"a": 1}')
    for name in ("cifar10", "a.dot", "t.json"):
        Path(name).write_text("an earlier result")
    parse(words)


def test_two_outputs_are_two_files(parse):
    with pytest.raises(UserError, match=r"^x\.csv would be written twice: name two files$"):
        parse("--output-recipe x.csv --output-trials ./x.csv")


@pytest.mark.parametrize("folder", ["pictures", "pictures/prepared", ".", "link"])
def test_images_are_not_prepared_in_the_folder_that_they_come_from(parse, folder):
    os.makedirs("pictures")
    Path("link").symlink_to("pictures")
    with pytest.raises(UserError, match=r"but images are read from \S+: choose a folder outside it$"):
        parse(f"--source {'train' if folder == '.' else 'pictures'} --output-dir {folder}")


def test_files_that_no_option_names(tmp_path):
    refuse_overwriting([tmp_path / "a"], [tmp_path / "b"])
    with pytest.raises(UserError, match="a is read, and would be overwritten"):
        refuse_overwriting([tmp_path / "c", tmp_path / "x" / ".." / "a"], [tmp_path / "a"])
