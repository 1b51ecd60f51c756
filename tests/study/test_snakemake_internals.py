"""The command line of Snakemake, as the workflow reads it."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hardpair.config.read import read_map
from hardpair.errors import UserError
from hardpair.study import find, snakemake_internals
from hardpair.study.after_crash import tidy
from hardpair.study.marks import Marks
from workspace import PROJECT


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a small config/config.yaml, where Snakemake has just been called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/snakemake"])
    Path("config").mkdir()
    Path("config/config.yaml").write_text("study: base\nrecipe: {epochs: 1, dropout: 0}\nseeds: [0]\n")
    return tmp_path


def called(*configfiles, config=(), replace=False, module=None):
    """As much of Snakemake as is looked at."""
    settings = SimpleNamespace(
        configfiles=[Path(name).absolute() for name in configfiles], config_args=list(config), replace_workflow_config=replace
    )
    modifier = SimpleNamespace(skip_configfile=module is not None, globals={"config": module})
    return SimpleNamespace(config_settings=settings, modifier=modifier)


def test_files_and_changes_are_laid_over_one_another_in_their_order(here):
    Path("a.yaml").write_text("study: a\nrecipe: {epochs: 1e3}\nlabel: no\n")
    Path("b.json").write_text('{"study": "b"}')
    read = snakemake_internals.as_written(called("a.yaml", "b.json", config=["seeds=[0, 1]", "recipe={dropout: .5}"])).merged
    assert read == {"study": "b", "recipe": {"epochs": 1000, "dropout": 0.5}, "seeds": [0, 1], "label": "no"}


def test_the_config_of_the_workflow_can_be_replaced(here):
    Path("a.yaml").write_text("study: a\n")
    assert snakemake_internals.as_written(called("a.yaml", replace=True)).merged == {"study": "a"}


def test_a_folder_without_a_config_has_the_one_that_comes_with_the_workflow(here):
    Path("a.yaml").write_text("study: a\n")
    Path("config/config.yaml").unlink()
    shipped = read_map(PROJECT / "config/config.yaml")
    assert snakemake_internals.as_written(called()).merged == shipped
    assert snakemake_internals.as_written(called("a.yaml")).merged == shipped | {"study": "a"}


def test_the_config_that_another_workflow_gives_is_laid_over_the_one_that_comes_with_the_workflow(here):
    read = snakemake_internals.as_written(called("a.yaml", module={"study": "b", "recipe": {"epochs": 2}})).merged
    shipped = read_map(PROJECT / "config/config.yaml")
    assert read == shipped | {"study": "b", "recipe": shipped["recipe"] | {"epochs": 2}}


def test_files_that_come_with_the_workflow_are_found_from_elsewhere(here):
    assert find.here_or_shipped("config/demo.yaml") == str(PROJECT / "config/demo.yaml")
    Path("config/demo.yaml").write_text("study: mine\n")
    assert find.here_or_shipped("config/demo.yaml") == "config/demo.yaml"
    assert find.here_or_shipped("gone.yaml") == "gone.yaml"


def test_an_overlay_that_is_wrong_is_named_as_it_was_typed(here):
    Path("a.yaml").write_text("seeds: [0]\nseeds: [1]\n")
    with pytest.raises(UserError, match=r'^a\.yaml, line 2: the key "seeds" is there twice, first in line 1'):
        snakemake_internals.as_written(called("a.yaml"))


VALUES = {
    "seeds=[0,1]": [0, 1],
    "seeds=[0, 0x10, 1_000]": [0, 16, 1000],
    "recipe={epochs: 5, learning_rate: 1e-3}": {"epochs": 5, "learning_rate": 0.001},
    '{"x"}={"epochs": 5}': {"epochs": 5},
    "foo={'bar': 42, 'b': True}": {"bar": 42, "b": True},
    "study=no": "no",
    "study=2020-01-01": "2020-01-01",
    "study=1:30": "1:30",
    "study=010": 10,
    'study="010"': "010",
    "study=a=b": "a=b",
    "data={source: null}": {"source": None},
    "data={source: 'null'}": {"source": "null"},
    "x=": None,
    "x": None,
}


@pytest.mark.parametrize("argument", VALUES)
def test_a_value_of_the_command_line_is_read_as_in_a_file(argument):
    [value] = find.changes_of([argument]).values()
    assert (value, type(value)) == (VALUES[argument], type(VALUES[argument]))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["seeds=[0]", "seeds=[1]"], "--config sets seeds twice: write it once"),
        (["recipe={epochs: 1, epochs: 2}"], '--config recipe={epochs: 1, epochs: 2} is not YAML: line 1: the key "epochs" is there twice'),
        (["seeds=[0"], "--config seeds=[0 is not YAML: line 1: the [ is not closed"),
    ],
)
def test_changes_that_cannot_be_read_are_refused(arguments, problem):
    with pytest.raises(UserError, match=f"^{re.escape(problem)}"):
        find.changes_of(arguments)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("--configfile a.yaml --configfile b.yaml", "--configfile"),
        ("--configfile a.yaml --cores 2 --configfiles b.yaml", "--configfile"),
        ("--configfile=a.yaml --configfile=b.yaml", "--configfile"),
        ("--config a=1 --config b=2", "--config"),
        ("-C a=1 --config b=2", "--config"),
        ("-Cseeds=[0,1,2] -Cstudy=other", "--config"),
        ("-nC a=1 --cores 2 --config=b=2", "--config"),
        ("--resources gpu=4 --resources mem_mb=100", "--resources"),
        ("--resources gpu=4 --res gpu=2", "--resources"),
        ("--set-resources train:runtime=3 --set-resources evaluate:runtime=4", "--set-resources"),
        ("--set-threads train=1 --set-threads evaluate=1", "--set-threads"),
        ("--default-resources mem_mb=1 --default-resources runtime=2", "--default-resources"),
        ("-R train -R evaluate", "--forcerun"),
        ("--until train -Uevaluate", "--until"),
    ],
)
def test_an_option_of_which_snakemake_drops_the_first_is_refused(here, monkeypatch, words, option):
    monkeypatch.setattr(sys, "argv", ["snakemake", *words.split()])
    refusal = f"{option} is given twice, but Snakemake uses only the last: write it once, with all its values after it"
    with pytest.raises(UserError, match=f"^{refusal}$"):
        snakemake_internals.as_written(called())
    for program, refuses in (("/a/snakemake/__main__.py", True), ("/a/pytest/__main__.py", False), ("pytest", False)):
        monkeypatch.setattr(sys, "argv", [program, *words.split()])
        with pytest.raises(UserError, match=refusal) if refuses else contextlib.nullcontext():  # another program's are not looked at
            assert snakemake_internals.as_written(called()).merged["study"] == "base"


def test_one_value_instead_of_another_is_refused():
    with pytest.raises(UserError, match=r"^--cores is given twice, but Snakemake uses only the last: write it once$"):
        snakemake_internals.refuse_repeated("--cores 4 -n -c2".split())


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--configfile a.yaml b.yaml --config a=1 b=2 --cores 1 -- --configfile --configfile",
        "-n --dry-run -p --profile a --profile b --cores 2 --cores 2 --quiet host",
    ],
)
def test_options_of_which_snakemake_drops_nothing_are_accepted(words):
    snakemake_internals.refuse_repeated(words.split())


# ---------------------------------------------------------------------------------------------------------------- targets


class Rule(SimpleNamespace):
    def is_producer(self, target):
        return any(re.fullmatch(re.sub(r"{\w+,?([^}]*)}", r"(?:\1|[^/]+)", file), target) for file in self.output)


RULES = [
    Rule(name="train", output=["results/demo/runs/{variant}/seed{seed,\\d+}/run.json"]),
    Rule(name="plot_figure", output=["results/demo/figures/final.png", "results/demo/figures/curves.svg"]),
    Rule(name="write_report", output=["results/demo/report.html"]),
]
OF_RULES = SimpleNamespace(
    rules=RULES,
    is_rule=lambda name: name in [rule.name for rule in RULES],
    modifier=SimpleNamespace(is_main_snakefile=lambda: True),
)


@pytest.mark.parametrize(
    ("targets", "near"),
    [
        (["results/demo/figure/final.png"], "results/demo/figures/final.png"),
        (["results/demo/figures/finals.png"], "results/demo/figures/final.png"),
        (["results/dmo/figures/curves.png"], "results/demo/figures/curves.svg"),
        (["results/demo/run/dfl/seed1/run.json"], "results/demo/runs/dfl/seed1/run.json"),
        (["write_report", "results/demo/reports.html"], "results/demo/report.html"),
        (["write_reports"], "write_report"),
        (["results/demo/report.html", "all_of_it"], None),
        (["report/of/it"], None),
    ],
)
def test_a_target_that_no_rule_makes_is_answered_with_the_nearest(here, monkeypatch, targets, near):
    monkeypatch.setattr(sys, "argv", ["snakemake", "--cores", "2", "--configfile", "config/config.yaml", "--", *targets])
    with pytest.raises(UserError) as caught:
        snakemake_internals.refuse_unknown_targets(OF_RULES, variant=["ce", "dfl"], seed=[0, 1])
    answer = f"did you mean {near}?" if near else "`snakemake --list-rules` lists the rules, and results/README.md the files"
    assert str(caught.value) == f"the target {targets[-1]} is neither a rule nor a file that a rule makes: {answer}"


@pytest.mark.parametrize("words", ["-n {}", "{} --cores 2", "--configfile {} --cores 2 {}", "--configfile {} -- {}"])
def test_a_config_in_the_place_of_a_target_is_answered_with_its_option(here, monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["snakemake", *words.replace("{}", "config/config.yaml").split()])
    with pytest.raises(UserError) as caught:
        snakemake_internals.refuse_unknown_targets(OF_RULES)
    answer = "is a file that no rule makes: if it is a config, write --configfile before it"
    assert str(caught.value) == f"the target config/config.yaml {answer}"


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--cores 2 --resources gpu=4",
        "--configfile config/config.yaml config/config.yaml --cores 2 train",
        "--profile config",
        "train",
        "--cores 2 results/demo/report.html",
        "--executor slurm",
        "-n results/demo/runs/ce/seed7/run.json",
    ],
)
def test_targets_that_rules_make_and_values_of_options_are_accepted(here, monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["snakemake", *words.split()])
    snakemake_internals.refuse_unknown_targets(OF_RULES, variant=["ce", "dfl"], seed=[0, 1])


def test_resources_of_a_misspelt_rule_are_warned_of_and_those_of_other_workflows_are_not(here, capsys):
    given = {"overwrite_resources": {"trian": {"runtime": 3}, "train": {}, "align_reads": {}}, "overwrite_threads": {"plot_figures": 2}}
    OF_RULES.resource_settings = SimpleNamespace(**given)
    snakemake_internals.warn_of_unknown_rules(OF_RULES)
    assert capsys.readouterr().err.splitlines() == [
        "warning: set-resources names the rule trian, which does not exist: did you mean train?",
        "warning: set-threads names the rule plot_figures, which does not exist: did you mean plot_figure?",
    ]


# ----------------------------------------------------------------------------------------------------------- broken files


def test_marks_lie_where_other_machines_see_them_and_the_next_start_removes_those_of_a_killed_process(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    marks = Marks()
    mark = Path(marks.newer("missing", []))
    assert mark.exists()
    [folder] = (tmp_path / ".snakemake").iterdir()
    assert mark.parent == folder
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    left = folder.with_name(folder.name.replace(str(os.getpid()), str(process.pid)))
    left.mkdir()
    tidy([], os.scandir(".snakemake"))
    assert list((tmp_path / ".snakemake").iterdir()) == [folder]
    assert "removed unfinished files" in capsys.readouterr().err
