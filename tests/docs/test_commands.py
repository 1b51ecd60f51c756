"""Every command that README and docs give: it exists, takes these arguments, and is about a config and files that the workflow has.

Those of Snakemake that stand in a block are run, as dry runs. Others that take seconds are run as they stand by other tests (test_readme,
test_pictures, test_plugins, test_adoption), and `make demo` by .ci/run.
"""

import argparse
import re
import runpy
import shlex
import subprocess
import sys
from functools import reduce
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.study.find import changes_of
from workspace import PROJECT, Workspace

PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *(PROJECT / name / "README.md" for name in ("config", "results"))]
# Overlays that readers write; test_pictures has the second, and the third is of pictures that are not here.
OWN = {"my-study.yaml": "study: my-study", "fruit.yaml": "study: fruit", "animals.yaml": "study: animals"}
START = r"(?:[A-Z_]+=\S+ )?(?:(?:snakemake|make|python|pytest)\b|hardpair (?:snakemake|study|compare_runs)\b)"


def in_blocks(text: str) -> list[str]:
    """Lines of a page's blocks of commands, and the commands that overlays name in their first line."""
    blocks = re.findall(r"^ *```(?:bash)?\n(.*?)^ *```$", text, re.M | re.S)
    overlays = re.findall(r"^```yaml\n# \S+: (.*)$", text, re.M)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()] + overlays


def commands() -> list[tuple[str, str]]:
    """(page, command) of each command in a block of its own or in a line."""
    result = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
        lines = in_blocks(text)
        lines += [" ".join(code.split()).replace("\\|", "|") for code in re.findall(r"`([^`]+)`", prose)]
        for line in lines:
            if re.match(rf"{START} ?[^(]*$", line.strip()) and "{" not in re.sub(r"'[^']*'|seed\{[\d,]+\}", "", line):
                result[line.strip()] = page.relative_to(PROJECT).as_posix()
    return [(page, command) for command, page in result.items()]


def words(command: str) -> list[str]:
    """Arguments of a command: no comment, no pipe, braces as bash opens them."""
    opened = []
    for word in shlex.split(command, comments=True):
        several = re.fullmatch(r"(.*)\{([\d,]+)\}(.*)", word)
        opened += [several[1] + part + several[3] for part in several[2].split(",")] if several else [word]
    return list(takewhile(lambda word: word not in ("|", ">", "&&"), opened))


def shown(language: str) -> dict[str, str]:
    """Files that pages show, by the name in their first line."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    blocks = [block for text in texts for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)]
    return {named[1]: block for block in blocks if (named := re.match(r"# ([\w-]+\.\w+)\b", block))}


def overlay(name: str) -> dict:
    """A config file that a command names: of the project, one that a page shows, or the reader's own."""
    if (PROJECT / name).exists():
        return yaml.safe_load((PROJECT / name).read_text())
    texts = OWN | shown("yaml")
    assert name in texts, f"there is no {name}"
    return yaml.safe_load(texts[name])


def of_snakemake(arguments: list[str]) -> None:
    from snakemake.cli import parse_args

    _, options = parse_args(arguments)
    files = [str(file) for file in options.configfile or []]
    config = reduce(overlaid, map(overlay, files), yaml.safe_load((PROJECT / "config/config.yaml").read_text()))
    config = overlaid(config, changes_of(options.config or []))
    if config["data"].get("kind") != "folder" and not config.get("plugins"):
        config = resolve(config)
    for target in options.targets:
        if "/" in target and "PATH" not in target:
            assert target.startswith(f"results/{config['study']}/"), target


def of_make(arguments: list[str]) -> None:
    """Check that the Makefile has the variables, and that there are the files of ``CONFIG``."""
    makefile = (PROJECT / "Makefile").read_text()
    for name, value in (word.split("=", 1) for word in arguments if "=" in word):
        assert f"$({name})" in makefile or f",{name})" in makefile, f"the Makefile has no {name}"
        if name == "CONFIG":
            for file in re.findall(r"\S+\.yaml", value):
                overlay(file)


class Parsed(Exception):
    """The arguments were understood; what the script would do is left out."""


def of_script(arguments: list[str], monkeypatch) -> None:
    path, parse = PROJECT / arguments[0], argparse.ArgumentParser.parse_args

    def only_parse(*parsed, **more):
        parse(*parsed, **more)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    monkeypatch.setattr(sys, "argv", [str(path), *arguments[1:]])
    monkeypatch.syspath_prepend(str(path.parent))
    with pytest.raises(SystemExit if "--help" in arguments else Parsed):
        runpy.run_path(str(path), run_name="__main__")


@pytest.fixture
def shown_files(tmp_path, monkeypatch):
    """A folder that has the files which commands name."""
    monkeypatch.chdir(tmp_path)
    for name in ("results/cifar10/search/recipe.yaml", "recipe.yaml", "settings.json", "many.yaml", "my-site/config.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("{}")
    for name in ("config", "docs", "profiles"):
        Path(name).symlink_to(PROJECT / name)


def test_there_are_commands():
    assert len(commands()) > 30


@pytest.mark.parametrize("name", ["config/gone.yaml", "gone.yaml"])
def test_a_command_about_a_config_that_is_not_there_is_noticed(name):
    with pytest.raises(AssertionError, match=f"there is no {name}"):
        of_snakemake(["--cores", "2", "--configfile", name])


@pytest.mark.parametrize("argument", ["CONFIG=config/gone.yaml", "FOLOW=1"])
def test_a_wrong_argument_of_make_is_noticed(argument):
    with pytest.raises(AssertionError, match=r"there is no config/gone\.yaml|the Makefile has no FOLOW"):
        of_make(["status", argument])


@pytest.mark.parametrize(("page", "command"), commands(), ids=[command[:60] for _, command in commands()])
def test_a_command_of_the_docs_can_be_given(page, command, shown_files, monkeypatch):
    program, *arguments = [word for word in words(command) if not re.match(r"[A-Z_]+=", word) or not command.startswith(word)]
    if program == "snakemake":
        of_snakemake(arguments)
    elif program == "make":
        of_make(arguments)
        done = subprocess.run(["make", "-n", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or f"make {arguments[0]} " in done.stderr, f"{page}: {done.stderr}"  # it names what else it requires
    elif program == "hardpair":  # as it is installed
        name, *rest = arguments
        of_snakemake(rest) if name == "snakemake" else of_script([f"workflow/scripts/{name}.py", *rest], monkeypatch)
    elif program == "pytest":
        assert all((PROJECT / file).exists() for file in arguments if file.endswith(".py"))
    elif "snakemake" in arguments:  # what a script is to run
        of_snakemake(arguments[arguments.index("snakemake") + 1 :])
    elif arguments and arguments[0].endswith(".py"):
        of_script(arguments, monkeypatch)


@pytest.mark.parametrize("script", sorted({command.split()[1] for _, command in commands() if command.startswith("python benchmarks/")}))
def test_a_benchmark_starts_outside_of_the_tests(script):
    assert Workspace(PROJECT).run("python", script, "--help").stdout.startswith("usage: ")


def beyond_a_config(command: str) -> bool:
    """Whether there is more to it than ``of_snakemake`` looks at: targets, a profile or plugins."""
    arguments = words(command)
    return bool({"--", "--profile"} & set(arguments)) or any("plugins" in overlay(word) for word in arguments if word.endswith(".yaml"))


DRY = [
    command
    for page, command in commands()
    if command.startswith("snakemake --")
    and command in map(str.strip, in_blocks((PROJECT / page).read_text(encoding="utf-8")))
    and beyond_a_config(command)
]


@pytest.fixture(scope="module")
def as_shown(tmp_path_factory):
    """The project with the files that the pages show."""
    study = Workspace.fresh(tmp_path_factory.mktemp("shown"))
    (study.folder / "docs").symlink_to(PROJECT / "docs")
    for name, content in (OWN | shown("yaml") | shown("python")).items():
        (study.folder / name).write_text(content)
    return study


@pytest.mark.parametrize("command", DRY)
def test_a_command_of_snakemake_has_jobs(command, as_shown):
    done = as_shown.run("bash", "-euc", command.replace("snakemake", "snakemake --dry-run", 1))
    assert re.search(r"^total +\d+$", done.stdout + done.stderr, re.M), done.stderr
