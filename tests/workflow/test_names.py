import argparse
import importlib
import re
import shlex
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from hardpair.staleness import code_hash
from local_imports import local_files, modules

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "workflow" / "rules"
SCRIPTS = sorted(path.stem for path in code_hash.SCRIPTS.glob("*.py"))
SOURCES = list((code_hash.SCRIPTS / "hardpair/data/sources").glob("*.py"))  # imported by name
WITH_TORCH = {"train", "run_trial", "evaluate", "predict", "try_plugins"}
MEASURES = {"estimate_study"}  # imports torch only to measure a rate that no finished run has


def commands() -> dict[str, str]:
    """The shell command of each rule, its texts joined."""
    result = {}
    for path in RULES.glob("*.smk"):
        for name, body in re.findall(r"^(?:rule|checkpoint) (\w+):\n((?:[ \t].*\n|\n)*)", path.read_text(), re.M):
            shell = body.partition("    shell:\n")[2]
            result[name] = re.sub(r"{+params.scripts:q}+", "workflow/scripts", "".join(re.findall(r'"(.*)"', shell)))
    return result


COMMANDS = commands()


def parser_of(script: str, monkeypatch) -> argparse.ArgumentParser:
    """The parser with which a script reads its command line."""

    class Parsed(Exception):
        pass

    def stop(parser, *_):
        raise Parsed(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(Parsed) as caught:
        importlib.import_module(script).main()
    return caught.value.args[0]


def options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {option: action for action in parser._actions for option in action.option_strings}


@pytest.mark.parametrize("folder", ["workflow/scripts", "tests/helpers"])
def test_nothing_beside_a_script_is_named_like_a_module_of_python_or_of_a_package(folder):
    names = {path.stem for path in (PROJECT / folder).iterdir() if path.suffix == ".py" or path.is_dir()} - {"__pycache__"}
    assert len(names) > 5
    assert names.isdisjoint(sys.stdlib_module_names)
    assert names.isdisjoint(packages_distributions())


def test_test_files_have_names_of_their_own():
    names = [path.name for path in (PROJECT / "tests").rglob("*.py") if path.name != "conftest.py"]  # pytest looks for one in each folder
    assert len(names) == len(set(names))
    assert "__init__.py" not in names


def test_each_rule_runs_the_script_of_its_name():
    assert len(COMMANDS) > 10
    for rule, command in COMMANDS.items():
        assert command.startswith(f"python workflow/scripts/{rule}.py "), rule
        assert rule in SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_explains_the_script_its_options_and_an_example(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{script}.py", "--help"])
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(script).main()
    assert caught.value.code in (None, 0)
    text, module = capsys.readouterr().out, importlib.import_module(script)
    assert module.__doc__.strip().splitlines()[0] in text
    assert f"python workflow/scripts/{script}.py " in text
    for option, action in options(parser_of(script, monkeypatch)).items():
        assert option in text or action.help == argparse.SUPPRESS, option


def check_examples(script: str, text: str, parser: argparse.ArgumentParser) -> None:
    """Parse the examples of a help text, of which there is at least one; files that they name need not be there."""
    examples = re.findall(rf"^  python workflow/scripts/{script}\.py .*(?:\n {{4,}}.*)*", text, re.M)
    assert examples
    for action in parser._actions:
        action.type = None if action.type not in (int, float) else action.type
    for example in examples:
        argparse.ArgumentParser.parse_args(parser, shlex.split(example.replace("\\\n", " "))[2:])


@pytest.mark.parametrize("script", SCRIPTS)
def test_its_example_is_a_command_that_the_script_takes(script, monkeypatch):
    parser = parser_of(script, monkeypatch)
    monkeypatch.undo()
    check_examples(script, importlib.import_module(script).__doc__, parser)


def test_each_command_of_study_has_a_line_an_explanation_and_an_example(monkeypatch, capsys):
    parser = parser_of("study", monkeypatch)
    monkeypatch.undo()
    monkeypatch.setenv("COLUMNS", "80")
    [commands] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    assert list(commands.choices) == ["status", "runs", "clean", "adopt", "keep", "settle", "events"]
    lines = parser.format_help().splitlines()
    for name, sub in commands.choices.items():
        first, *explanation = sub.description.splitlines()
        assert [name, *first.split()] in [line.split() for line in lines], "on one line of a narrow terminal"
        assert len(" ".join(explanation)) > 100
        check_examples("study", sub.description, parser)
        for option, action in options(sub).items():
            assert action.help, option


@pytest.mark.parametrize("rule", COMMANDS)
def test_a_rule_passes_only_options_that_its_script_has_and_all_that_it_needs(rule, monkeypatch):
    own, *more = COMMANDS[rule].split(" && ")
    record = [command for command in more if not command.startswith("{params.rm} ")]
    assert len(record) <= 1
    for script, command in ((rule, own), *(("record_inputs", command) for command in record)):
        known = options(parser_of(script, monkeypatch))
        passed = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", command))
        assert passed <= set(known)
        required = {option for option, action in known.items() if action.required}
        assert required <= passed | ({"--source"} if script == "prepare_data" else set())


@pytest.mark.parametrize("script", sorted(set(SCRIPTS) - WITH_TORCH - MEASURES))
def test_what_needs_no_torch_never_imports_it(script):
    by_name = {"plot_figure": "figures", "prepare_data": "data/sources"}
    folder = code_hash.SCRIPTS / "hardpair" / by_name[script] if script in by_name else None
    paths = local_files(code_hash.SCRIPTS / f"{script}.py", *(folder.glob("*.py") if folder else ()))
    importers = {path.relative_to(code_hash.SCRIPTS).as_posix() for path in paths for name in modules(path) if "torch" in name.split(".")}
    assert not importers
    vision = {path.name for path in paths for name in modules(path) if name.startswith("torchvision")}
    assert vision <= ({"cifar10.py"} if script == "prepare_data" else set()), "torchvision brings torch along"


def test_what_needs_torch_is_seen_to_import_it():
    for script in WITH_TORCH:
        files = local_files(code_hash.SCRIPTS / f"{script}.py")
        assert any("torch" in name.split(".") for path in files for name in modules(path)), script


def test_a_script_loads_no_large_package_before_it_has_read_its_arguments():
    """So that --help takes a twentieth of a second."""
    program = f"import sys, importlib; [importlib.import_module(name) for name in {SCRIPTS}]; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=code_hash.SCRIPTS, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "numpy", "pandas", "scipy", "matplotlib", "optuna", "jsonschema", "PIL", "requests", "yaml"} & set(loaded)
