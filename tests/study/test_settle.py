"""Studies that end with their last claim's verdict, with a Snakemake that trains nothing: what it is called with, and what follows."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from hardpair.comparison import registration
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.study import find
from hardpair.study import settle as settle_module
from hardpair.study.settle import settle
from workspace import PROJECT, TINY, environment

CHANGES = """
variants: [{name: ce}, {name: dfl, loss: {kind: focal, gamma: 2, scale: dynamic}}]
claims:
  - {name: confusion, sentence: It confuses less., contrasts: [{better: dfl, than: ce, measures: [confusion]}]}
  - {name: accuracy, sentence: It classifies better., contrasts: [{better: dfl, than: ce, measures: [accuracy]}]}
  - {name: against, sentence: A control., control: true, contrasts: [{better: ce, than: dfl}]}
seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
looks: [6, 8, 10]
search: {enabled: false}
"""


def write_overlay(folder, **changes):
    """Write study.yaml."""
    (folder / "study.yaml").write_text(yaml.safe_dump(yaml.safe_load(TINY) | yaml.safe_load(CHANGES) | changes))


class Snakemake:
    """In place of the command: leaves evaluations and a table of claims.

    Args:
        settled: the number of seeds at which each claim gets its verdict.
        fails: the number of seeds at which it ends with an error.
        before: the verdict on a claim that is not settled.
    """

    def __init__(self, settled, fails=None, before="not settled"):
        self.settled, self.fails, self.before, self.seeds, self.commands = settled, fails, before, [], []

    def run(self, command):
        self.commands.append(command)
        seeds = json.loads(command[-1].removeprefix("seeds="))
        self.seeds.append(len(seeds))
        if len(seeds) == self.fails:
            return 1
        for variant in ("ce", "dfl"):
            for seed in seeds:
                file = paths.RESULTS / "tiny" / paths.RUN.format(variant=variant, seed=seed) / "metrics.json"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        with open(paths.RESULTS / "tiny/claims.csv", "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["name", "control", "verdict"])
            rows.writerows([name, False, "refuted" if len(seeds) >= count else self.before] for name, count in self.settled.items())
            rows.writerow(["against", True, "not settled"])
        return 0


class Due:
    """In place of what knows which jobs are due: evaluations and a table that are missing, and evaluations of changed variants."""

    changed = frozenset()

    @classmethod
    def of(cls, config):
        return cls()

    def job(self, rule, variant=None, seed=None):
        if rule == "compare":
            return variant, paths.RESULTS / "tiny/claims.csv"
        assert rule == "evaluate"
        return variant, paths.RESULTS / "tiny" / paths.RUN.format(variant=variant, seed=seed) / "metrics.json"

    def reason(self, job):
        variant, file = job
        return "settings" if variant in self.changed else None if file.exists() else "missing"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Runs ``settle`` in a folder of its own with a given Snakemake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settle_module, "Due", Due)

    def run(snakemake, max_seeds=None, options="--cores 2", **changes):
        write_overlay(tmp_path, **changes)
        monkeypatch.setattr(settle_module, "run_to_its_end", snakemake.run)
        settle(["study.yaml"], max_seeds, options.split())
        return snakemake

    return run


@pytest.mark.parametrize(
    ("settled", "max_seeds", "taken", "last"),
    [
        ({"confusion": 6, "accuracy": 6}, None, [6], "all claims are settled with 6 seeds: see results/tiny/comparison.md"),
        ({"confusion": 6, "accuracy": 8}, None, [6, 8], "all claims are settled with 8 seeds: see results/tiny/comparison.md"),
        (
            {"confusion": 6, "accuracy": 99},
            None,
            [6, 8, 10],
            "1 claim without a verdict after 10 seeds, the last look of this command: accuracy",
        ),
        (
            {"confusion": 99, "accuracy": 99},
            9,
            [6, 8],
            "2 claims without a verdict after 8 seeds, the last look of this command: confusion, accuracy",
        ),
    ],
)
def test_looks_are_taken_until_all_claims_are_settled(study, capsys, settled, max_seeds, taken, last):
    snakemake = study(Snakemake(settled), max_seeds)
    assert snakemake.seeds == taken
    snakefile, of_config = str(PROJECT / "Snakefile"), ["--configfile", "study.yaml", "--config", "seeds=[0,1,2,3,4,5]"]
    assert snakemake.commands[0][1:] == ["-m", "snakemake", "--snakefile", snakefile, "--cores", "2", *of_config]
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_study_that_stopped_continues_at_its_last_look(study, capsys):
    with pytest.raises(UserError, match=r"^the look at 8 seeds was not reached, because snakemake ended with exit code 1: see above$"):
        study(Snakemake({"confusion": 10, "accuracy": 6}, fails=8))
    snakemake = study(Snakemake({"confusion": 10, "accuracy": 6}))
    assert snakemake.seeds == [6, 8, 10]  # the look at 6 is complete: its table is made again, without training
    assert study(Snakemake({"confusion": 10, "accuracy": 6})).seeds == [10]


def test_after_a_change_the_first_look_is_taken_again(study, monkeypatch):
    study(Snakemake({"confusion": 10, "accuracy": 6}))
    monkeypatch.setattr(Due, "changed", {"dfl"})
    with pytest.raises(UserError, match="the look at 6 seeds"):
        study(Snakemake({"confusion": 10, "accuracy": 6}, fails=6))


def test_a_claim_whose_variants_did_not_differ_yet_is_not_settled(study):
    assert study(Snakemake({"confusion": 8, "accuracy": 6}, before="not tested")).seeds == [6, 8]


def test_all_seeds_are_registered_before_the_first_run(study):
    study(Snakemake({"confusion": 6, "accuracy": 6}))
    kept = registration.read(paths.RESULTS / "tiny" / paths.REGISTRATION)
    assert kept.entries[0]["declared"]["seeds"] == list(range(10))
    assert kept.entries[0]["finished_runs"] == 0
    declared = registration.declared(find.overlay(["study.yaml"]))
    for seeds, changed in ((range(6), False), (range(8), False), (range(7), False), ([0, 1, 2, 3, 4, 9], True)):
        said = registration.said(kept, declared | {"seeds": list(seeds)})
        assert [text != registration.BEFORE for text in said] == [changed] * 3


@pytest.mark.parametrize("options", ["--dry-run", "--dryrun --cores 2", "--cores 2 -n", "-np", "--unlock"])
def test_a_dry_run_registers_nothing(study, tmp_path, monkeypatch, options):
    snakemake = Snakemake({})
    monkeypatch.setattr(snakemake, "run", lambda command: snakemake.commands.append(command))
    assert study(snakemake, options=options).commands
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize(
    ("options", "compared", "settled", "last"),
    [
        ("-n", True, 6, "all claims are settled with 6 seeds: see results/tiny/comparison.md"),
        ("-n", True, 8, "look at 8 of 10 seeds"),  # which it plans, with nothing evaluated
        ("-n", False, 6, "look at 6 of 10 seeds"),
        ("--unlock", True, 6, "look at 6 of 10 seeds"),
        ("--unlock", False, 6, "look at 6 of 10 seeds"),
    ],
)
def test_a_dry_run_of_a_complete_look_judges_its_table_if_that_is_the_present_one(
    study, capsys, monkeypatch, options, compared, settled, last
):
    snakemake = study(Snakemake({"confusion": settled, "accuracy": 6}), max_seeds=6)
    if not compared:
        (paths.RESULTS / "tiny/claims.csv").unlink()
    capsys.readouterr()

    def planned(command):
        snakemake.commands.append(command)
        if "seeds=[0,1,2,3,4,5]" not in command:
            (paths.RESULTS / "tiny/claims.csv").unlink()  # of fewer seeds: due

    monkeypatch.setattr(snakemake, "run", planned)
    study(snakemake, options=options)
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_options_that_end_before_the_comparison_judge_nothing(study, capsys):
    snakemake = Snakemake({"confusion": 6, "accuracy": 6})

    def until_evaluate(command):
        code = Snakemake.run(snakemake, command)
        (paths.RESULTS / "tiny/claims.csv").unlink()
        return code

    snakemake.run = until_evaluate
    study(snakemake, options="--until evaluate")
    assert capsys.readouterr().out == "look at 6 of 10 seeds\n"


@pytest.mark.parametrize("options", ["-Rtrain", "-qnone", "--cores 2 -k"])
def test_options_that_only_look_like_a_dry_run_register_all_seeds(study, tmp_path, options):
    study(Snakemake({"confusion": 6, "accuracy": 6}), options=options)
    assert (tmp_path / "results/tiny/registration.json").exists()


@pytest.mark.parametrize(
    ("looks", "refusal"),
    [
        ([], "looks is empty: declare the numbers of seeds at which claims are judged, such as looks: [6, 8, 10]"),
        ([6, 12], "seeds has 10 seeds, but the last look is at 12: list at least 12 seeds"),
        ([8, 10], "--max-seeds is 7, below the first look, 8: allow at least 8"),
    ],
)
def test_what_cannot_be_settled_is_refused_before_anything_starts(study, looks, refusal):
    snakemake = Snakemake({})
    with pytest.raises(UserError) as error:
        study(snakemake, 7, looks=looks)
    assert str(error.value) == refusal
    assert not snakemake.commands


@pytest.mark.parametrize(
    ("options", "others", "changes"),
    [
        ("--cores 2 --config looks=[7,9] claims=[]", "--cores 2", "looks=[7,9] claims=[]"),
        ("--config a=1 --cores 2 -Cb=2 -n --config=c=3 d", "--cores 2 -n d", "a=1 b=2 c=3"),
        ("-C a=1 --resources gpu=4 -- results/a.csv", "--resources gpu=4 -- results/a.csv", "a=1"),
        ("--conda-frontend conda -c 2 -R train --debug --rerun-triggers mtime", None, ""),
    ],
)
def test_changes_of_keys_are_taken_out_of_the_options(options, others, changes):
    expected = changes.split(), (options if others is None else others).split()
    assert settle_module.split_changes(options.split()) == expected


def test_changes_of_keys_behind_the_dashes_count_for_all_looks(study):
    snakemake = study(Snakemake({"confusion": 9, "accuracy": 7}), options="--config looks=[7,9] -Cbaseline=dfl --cores 2")
    assert snakemake.seeds == [7, 9]
    for command, seeds in zip(snakemake.commands, ("seeds=[0,1,2,3,4,5,6]", "seeds=[0,1,2,3,4,5,6,7,8]"), strict=True):
        end = ["--configfile", "study.yaml", "--config", "looks=[7,9]", "baseline=dfl", seeds]
        assert command[4:] == [str(PROJECT / "Snakefile"), "--cores", "2", *end]


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ("--configfile other.yaml", "settle does not take --configfile behind `--`: write it before `--`"),
        ("--cores 2 --configfiles=a.yaml", "settle does not take --configfile behind `--`: write it before `--`"),
        ("-d elsewhere", "settle does not take --directory behind `--`: call settle in that folder"),
        (
            "--replace-workflow-config",
            "settle does not take --replace-workflow-config behind `--`: leave it out, and write all changes into an overlay",
        ),
        (
            "-s Snakefile",
            "settle does not take --snakefile behind `--`: leave it out, since settle runs the workflow that it comes with",
        ),
        (
            "-Cseeds=[0,1]",
            "--config sets seeds, but settle takes the first ones of the config at each look: write them into an overlay",
        ),
        ("--config looks=[6] --config looks=[8]", "--config sets looks twice: write it once"),
    ],
)
def test_options_that_settle_sets_itself_are_refused_with_where_to_write_them(study, options, refusal):
    snakemake = Snakemake({})
    with pytest.raises(UserError) as error:
        study(snakemake, options=options)
    assert str(error.value) == refusal
    assert not snakemake.commands


SLOW = """
import signal, sys, time
from pathlib import Path

signal.signal(signal.SIGINT, lambda *_: (time.sleep(1), Path("locks removed").touch(), sys.exit(1)))
Path("ready").touch()
while True:
    signal.pause()
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_lets_snakemake_end_by_itself(tmp_path, times):
    """In place of Snakemake, a module that needs a second to remove its locks, as it waits for its jobs."""
    write_overlay(tmp_path)
    (tmp_path / "snakemake.py").write_text(SLOW)
    command = [sys.executable, PROJECT / "workflow/scripts/study.py", "settle", "--configfile", "study.yaml"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        time.sleep(0.02)
    for _ in range(times):  # a second one is impatience
        os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
        time.sleep(0.4)
    assert (process.communicate()[1], process.returncode) == ("study.py: interrupted\n", 130)
    assert (tmp_path / "locks removed").exists()


def test_a_dry_run_from_another_folder_plans_the_first_look(tmp_path):
    """By the real command, with the workflow found beside the script."""
    write_overlay(tmp_path)
    command = [
        sys.executable,
        PROJECT / "workflow/scripts/study.py",
        "settle",
        "--configfile",
        "study.yaml",
        "--",
        "--cores",
        "1",
        "--dry-run",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "look at 6 of 10 seeds")
    assert done.stdout.count("Train ") == 12
    assert "Traceback" not in done.stderr
