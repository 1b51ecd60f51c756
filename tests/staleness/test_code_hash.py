"""Which edits change the code hash of which jobs."""

import modulefinder
import os
import re

import pytest
import yaml

from edited_scripts import FIGURES, JOBS, SOURCES, VARIANTS, forget
from hardpair.config.resolve import resolve
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.staleness import code_hash, jobs, plan
from workspace import PROJECT

# Edits of these train nothing again: to add one is to claim that it decides no result.
CHECKS = {
    "errors",
    "cli/command",
    "cli/inputs",
    "cli/outputs",
    "config/consistency",
    "config/doubts",
    "config/read",
    "config/resolve",
    "config/schema",
    "config/written",
}
CHECKS |= {"config/sentences", "figures/catalogue", "files/formats", "files/paths", "files/shapes", "jobs/gpu", "jobs/locks"}
CHECKS |= {"jobs/progress", "jobs/stopping", "staleness/code_hash", "files/json_text", "files/yaml_text", "jobs/environment"}
CHECKS |= {"data/verified", "files/intact", "files/times", "files/visible"}
CHECKS |= {"files/run_digests", "staleness/jobs", "staleness/record", "staleness/due", "training/contract", "training/network_contract"}
CHECKS |= {"training/divergence", "training/hidden_state", "training/reproducible", "measures/contradiction"}
CHECKS |= {"device_in_words", "plugin_files", "files/regular", "files/own_folder", "files/own_digest"}


def imported_by(script):
    """Files that Python would read for a script, within functions too, but for those that check and what they import."""
    finder = modulefinder.ModuleFinder([str(code_hash.SCRIPTS)], excludes=[f"hardpair.{name.replace('/', '.')}" for name in CHECKS])
    finder.run_script(str(code_hash.SCRIPTS / script))
    return sorted(os.path.relpath(module.__file__, code_hash.SCRIPTS) for module in finder.modules.values() if module.__file__)


def test_every_rule_that_makes_results_is_a_job_with_the_code_of_its_script():
    written = yaml.safe_load((PROJECT / "config/config.yaml").read_text())
    codes = {}
    for kind in sources.kinds():
        data = {"kind": kind, "name": kind} | ({"source": "pictures"} if kind == "folder" else {})
        data |= {"training": 500, "validation": 500}
        config = resolve(written | {"data": written["data"] | data, "pairs": {"auto": 2}})
        for job in jobs.Jobs(config, ""):
            which = {"train": job.names.get("variant"), "plot_figure": job.names.get("figure"), "prepare_data": kind}.get(job.rule)
            codes[f"{job.rule}: {which}" if which else job.rule] = tuple(job.files)
    assert {name: JOBS[name] for name in codes} == codes
    rules = {rule for path in (PROJECT / "workflow/rules").glob("*.smk") for rule in re.findall(r"^ *rule (\w+):", path.read_text(), re.M)}
    assert rules - {"download_data"} == {name.partition(":")[0] for name in codes}, "an archive is known by its hash"


def test_a_copy_elsewhere_has_the_same_hashes(tree):
    assert tree.before == tree.original


def test_comments_docstrings_layout_and_times_change_nothing(tree):
    tree.edit("hardpair/training/loop.py", '"""Epochs: ', '"""All epochs: ')
    tree.edit(
        "hardpair/training/loop.py",
        "        share = accuracy(confusion)\n",
        "        # Its share.\n\n\n        share = (\n            accuracy(confusion)\n        )\n",
    )
    tree.edit("hardpair/training/loop.py", '    """A copy of the weights on the CPU in plain layout."""', "    '''Other words.'''")
    tree.edit("hardpair/training/step.py", '    """Move the network\'s weights', '    """Moves the weights')
    tree.edit("hardpair/training/optimiser.py", '    """Stochastic gradient descent', '    """Plain gradient descent')
    tree.edit("hardpair/figures/drawing/style.py", "def plain(text: str) -> str:\n", "def plain(text: str) -> str:  # one line\n\n")
    tree.edit("hardpair/__init__.py", '"""', '"""Also: ')
    for path in tree.folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert tree.changed() == set()


@pytest.mark.parametrize(("script", "file"), [(script, file) for script in ("train.py", "run_trial.py") for file in imported_by(script)])
def test_whatever_a_trained_job_computes_with_counts(tree, script, file):
    tree.write(file, f"{tree.read(file)}\n\nADDED = 1\n")
    assert {name for name, files in VARIANTS.items() if files[0] == script} <= tree.changed(VARIANTS)


def test_what_a_trained_job_computes_with_is_found():
    assert {"train.py", "hardpair/training/loop.py", "hardpair/losses/__init__.py", "hardpair/training/weight_refresh.py"} <= set(
        imported_by("train.py")
    )


# Worked out by hand from the imports of each script.
SHOW = {*FIGURES, "write_report"}
OF_RUNS = SHOW | {"evaluate", "compare", "choose_pairs"}
COUNTED = {
    ("hardpair/figures/drawing/style.py", "WIDTH = 7.2", "WIDTH = 7.3"): SHOW,
    ("hardpair/figures/curves.py", "ZOOM_FROM = 10", "ZOOM_FROM = 12"): {"plot_figure: curves", "plot_figure: training"},
    ("hardpair/measures/metrics.py", "BINS = 15", "BINS = 10"): OF_RUNS,
    ("hardpair/measures/confusion.py", "k=1)", "k=2)"): OF_RUNS | set(VARIANTS),
    ("hardpair/training/loop.py", "training_losses(0,", "training_losses(1,"): set(VARIANTS),
    ("hardpair/training/job.py", "unit / 2**20", "unit / 10**6"): set(VARIANTS),
    ("hardpair/training/step.py", "mean.backward()", "pass"): set(VARIANTS),
    ("hardpair/training/augment.py", "size // 8", "size / 8"): set(VARIANTS) | {"evaluate"},
    ("hardpair/training/saved_model.py", ".eval()", ".train()"): {"evaluate"},
    ("hardpair/search/proposals.py", "{value:.5g}", "{value:.6g}"): {"propose_trials"},
    ("hardpair/search/finished_trials.py", 'int(trial["diverged"])', 'trial["diverged"]'): {"propose_trials", "select_recipe", "run_trial"},
    ("hardpair/search/optimum.py", "EDGE = 0.05", "EDGE = 0.06"): {"select_recipe", "compare", "plot_figure: search", "write_report"},
    ("hardpair/search/trial.py", "sum(run", "sum(2 * run"): {"run_trial"},
    ("hardpair/focal_weight.py", "FLOOR = 1e-12", "FLOOR = 1e-11"): {"train: dfl", "train: dfl_sampler", "train: ce_sampler"},
    ("hardpair/measures/spread.py", "ddof=1", "ddof=0"): {
        "compare",
        "plot_figure: variants",
        "plot_figure: training",
        "plot_figure: plane",
        "plot_figure: reliability",
        "assemble_figure",
        "write_report",
    },
    ("hardpair/comparison/new_images.py", "(count - 1)", "count"): {"compare"},
    ("hardpair/figures/reliability.py", "FEWEST = 10", "FEWEST = 20"): {"plot_figure: reliability"},
    ("hardpair/data/split.py", "20170808", "20170809"): {
        "split_data",
        "prepare_data: folder",
    },  # pictures without train/ and test/ are split too
    ("hardpair/data/dataset.py", "minlength=256", "minlength=255"): set(SOURCES),
    ("hardpair/data/pictures/picture.py", "BICUBIC", "LANCZOS"): {"prepare_data: folder"},
    ("hardpair/data/pictures/entry.py", "LARGEST = 2**28", "LARGEST = 2**20"): {"prepare_data: folder"},
    ("hardpair/data/sources/cifar10.py", '"airplane"', '"aeroplane"'): set(SOURCES) - {"prepare_data: folder"},  # synthetic borrows it
    ("hardpair/data/sources/cifar100.py", "apple aquarium", "apples aquarium"): {"prepare_data: cifar100"},
    ("hardpair/data/sources/synthetic.py", "NOISE = 28.0", "NOISE = 29.0"): {"prepare_data: synthetic"},
    ("hardpair/report/page.html.jinja", "\n", "\n\n"): {"write_report"},
    ("hardpair/report/explorer_data.js", "// ", "//  "): {"write_report"},
    ("hardpair/report/tables.py", "MOST = 1000", "MOST = 2000"): {"write_report"},
    ("evaluate.py", '"images": len(labels)', '"images": len(labels) + 0'): {"evaluate"},
    ("hardpair/losses/focal.py", "min(1 / seen", "min(2 / seen"): {"train: dfl", "train: dfl_sampler"},
    ("hardpair/losses/cross_entropy.py", '"none"', '"sum"'): {"train: ce", "train: ce_sampler", "run_trial"},
    ("hardpair/samplers/focal.py", "replacement=True", "replacement=False"): {"train: ce_sampler", "train: dfl_sampler"},
    ("hardpair/measures/significance.py", "EXACT = 40", "EXACT = 30"): {"compare", "assemble_figure", "write_report"},
    ("hardpair/comparison/verdicts.py", "ALPHA = 0.05", "ALPHA = 0.01"): {"compare", "assemble_figure", "write_report"},
    ("hardpair/measures/looks.py", "RULE = 32", "RULE = 16"): {"compare", "assemble_figure", "write_report"},
    ("hardpair/training/checkpoint.py", '"best."', '"finest."'): set(VARIANTS),
}


@pytest.mark.parametrize("edit", COUNTED, ids=[file for file, _, _ in COUNTED])
def test_an_edit_changes_exactly_the_jobs_that_import_it(tree, edit):
    tree.edit(*edit)
    assert tree.changed() == COUNTED[edit]


def test_checks_and_messages_do_not_count(tree):
    modules = (tree.folder / "hardpair").rglob("*.py")
    marked = {path for path in modules if re.search("^AFFECTS_RESULTS = False$", path.read_text(), re.M)}
    assert marked == {tree.folder / "hardpair" / f"{name}.py" for name in CHECKS}
    for name in CHECKS:
        tree.write(f"hardpair/{name}.py", tree.read(f"hardpair/{name}.py") + "\n\nADDED = 1\n")
    assert tree.changed() == set()


def test_a_job_is_refused_if_what_it_computes_with_has_changed_since_it_was_planned(tree):
    files = VARIANTS["train: dfl"]
    present, planned = code_hash.code_hash(*files), code_hash.planned(*files)
    assert code_hash.of_now(*files, planned=planned) == present
    tree.edit("hardpair/training/loop.py", '"""Epochs: ', '"""All epochs: ')
    forget()
    assert code_hash.of_now(*files, planned=planned) == present, "a docstring"
    tree.write(files[1], tree.read(files[1]) + "\n\nADDED = 1\n")
    forget()
    with pytest.raises(UserError, match="the code of this job has changed since it was planned: end the study"):
        code_hash.of_now(*files, planned=planned)
    assert code_hash.of_now(*files, planned=None) == code_hash.code_hash(*files) != present


def test_an_edit_while_jobs_are_planned_is_found_whichever_of_them_was_planned_before_it(tree):
    first, second = VARIANTS["train: dfl"], VARIANTS["train: ce"]
    code_hash.code_hash(*second)
    code_hash.planned(*first)
    tree.edit("hardpair/training/step.py", "mean.backward()", "(2 * mean).backward()")
    planned = code_hash.planned(*second)
    forget()
    with pytest.raises(UserError, match="the code of this job has changed since it was planned"):
        code_hash.of_now(*second, planned=planned)


def test_a_new_loss_source_or_module_that_nobody_imports_changes_nothing(tree):
    for name in ("losses/new.py", "samplers/new.py", "data/sources/new.py", "figures/new.py", "new.py"):
        tree.write(f"hardpair/{name}", "ANSWER = 42\n")
    assert tree.changed() == set()


def test_the_order_in_which_files_are_named_does_not_count(tree):
    script, loss, sampler, network = VARIANTS["train: dfl_sampler"]
    assert code_hash.code_hash(script, network, sampler, loss) == tree.before["train: dfl_sampler"]


def test_the_plan_hashes_a_variants_own_loss_and_sampler(tree):
    variants = [{"name": "ce"}, {"name": "dfl", "loss": {"kind": "focal"}}, {"name": "ce_sampler", "sampler": {"kind": "focal"}}]
    config = resolve(
        {"study": "s", "data": {"kind": "synthetic", "name": "d", "validation": 100}, "seeds": [0], "baseline": "ce"}
        | {"variants": variants}
    )
    for name in ("ce", "dfl", "ce_sampler"):
        assert plan.train_code(config, name) == tree.before[f"train: {name}"]
    assert plan.trial_code(config) == tree.before["run_trial"]


def test_the_plan_hashes_the_source_of_the_configs_kind(tree):
    for kind in sources.kinds():
        assert code_hash.code_hash(*plan.prepare_files({"data": {"kind": kind}})) == tree.before[f"prepare_data: {kind}"]
