import ast
import functools
import modulefinder
import os
import re
import shutil

import pytest

from hardpair.config.resolve import resolve
from hardpair.staleness import code_hash, plan
from workspace import PROJECT

LOSSES, SAMPLERS = "hardpair/losses", "hardpair/samplers"
# As the rules hash them; training adds the variant's loss and sampler.
VARIANTS = {
    "train: ce": ("train.py", f"{LOSSES}/cross_entropy.py", f"{SAMPLERS}/uniform.py"),
    "train: dfl": ("train.py", f"{LOSSES}/focal.py", f"{SAMPLERS}/uniform.py"),
    "train: ce_sampler": ("train.py", f"{LOSSES}/cross_entropy.py", f"{SAMPLERS}/focal.py"),
    "train: dfl_sampler": ("train.py", f"{LOSSES}/focal.py", f"{SAMPLERS}/focal.py"),
    "run_trial": ("run_trial.py", f"{LOSSES}/cross_entropy.py", f"{SAMPLERS}/uniform.py"),
}
PLOTS = {
    "plot_variants",
    "plot_curves",
    "plot_plane",
    "plot_classes",
    "plot_confusion",
    "plot_reliability",
    "plot_weights",
    "plot_difficulty",
    "plot_search",
    "plot_hardest",
}
FIGURES = PLOTS | {"assemble_figure"}
OTHERS = {"choose_pairs", "prepare_data", "split_data", "propose_trials", "select_recipe", "evaluate", "compare"} | FIGURES
JOBS = VARIANTS | {name: (f"{name}.py",) for name in sorted(OTHERS)} | {"write_report": ("write_report.py", *plan.report_parts())}


# Edits of these train nothing again: to add one is to claim that it decides no result.
CHECKS = {"errors", "cli/command", "cli/inputs", "config/consistency", "config/resolve", "config/schema", "config/sentences"}
CHECKS |= {"files/paths", "files/shapes", "jobs/gpu", "jobs/progress", "jobs/stopping", "staleness/code_hash"}


def imported_by(script):
    """Files that Python would read for a script, within functions too, but for those that check and what they import."""
    finder = modulefinder.ModuleFinder([str(code_hash.SCRIPTS)], excludes=[f"hardpair.{name.replace('/', '.')}" for name in CHECKS])
    finder.run_script(str(code_hash.SCRIPTS / script))
    return sorted(os.path.relpath(module.__file__, code_hash.SCRIPTS) for module in finder.modules.values() if module.__file__)


def hashes(jobs=JOBS):
    code_hash.code_hash.cache_clear()
    return {name: code_hash.code_hash(*jobs[name]) for name in jobs}


def _by_content(memory, function, path):
    """Stands for functools.cache, which would not see an edit."""
    key = (function, path, path.read_bytes())
    if key not in memory:
        memory[key] = function(path)
    return memory[key]


class Tree:
    """A copy of the scripts that may be edited, and the hashes of jobs before."""

    def __init__(self, folder, original, memory):
        self.folder, self.original, self.memory, self.old = folder, original, memory, {}
        self.before = hashes()

    def read(self, file):
        return (self.folder / file).read_text()

    def write(self, file, text):
        path = self.folder / file
        if not path.exists():
            self.memory.clear()
        self.old.setdefault(path, path.read_text() if path.exists() else None)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def edit(self, file, old, new):
        text = self.read(file)
        assert old in text, f"{file} has no {old!r}"
        self.write(file, text.replace(old, new, 1))

    def changed(self, jobs=JOBS):
        """Jobs whose hash is another than at first."""
        return {name for name, digest in hashes(jobs).items() if digest != self.before[name]}

    def restore(self):
        for path, text in self.old.items():
            path.unlink() if text is None else path.write_text(text)
        self.old.clear()


@pytest.fixture(scope="module")
def original():
    return hashes()


@pytest.fixture(scope="module")
def copied(tmp_path_factory, original):
    folder = tmp_path_factory.mktemp("elsewhere") / "scripts"
    shutil.copytree(code_hash.SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_hash, "UNCOUNTED", {folder / path.relative_to(code_hash.SCRIPTS) for path in code_hash.UNCOUNTED})
        patch.setattr(code_hash, "SCRIPTS", folder)
        memory = {}
        for name in ("_essence", "_local_imports"):
            patch.setattr(code_hash, name, functools.partial(_by_content, memory, getattr(code_hash, name).__wrapped__))
        yield Tree(folder, original, memory)
    code_hash.code_hash.cache_clear()


@pytest.fixture
def tree(copied):
    yield copied
    copied.restore()


def test_the_jobs_are_the_rules_that_hash_their_code():
    rules = {}
    for path in (PROJECT / "workflow/rules").glob("*.smk"):
        for block in re.split(r"^ *rule (?=\w+:)", path.read_text(), flags=re.M)[1:]:
            rules[block.partition(":")[0]] = re.findall(r"^ *code=(.+),$", block, re.M)
    assert [name for name, given in rules.items() if len(given) != 1] == ["download_data"], "its archive is known by its hash"
    assert rules.keys() - {"download_data"} == {name.partition(":")[0] for name in JOBS}
    for name in JOBS.keys() - VARIANTS.keys():
        assert eval(rules[name][0], {"code_hash": lambda *files: files, "plan": plan}) == JOBS[name]
    assert (rules["train"], rules["run_trial"]) == (
        ["lambda wildcards: plan.train_code(config, wildcards.variant)"],
        ["plan.trial_code(config)"],
    ), "another test has these"


def test_a_copy_elsewhere_has_the_same_hashes(tree):
    assert tree.before == tree.original


def test_comments_docstrings_layout_and_times_change_nothing(tree):
    tree.edit("hardpair/training/loop.py", '"""Epochs: ', '"""All epochs: ')
    tree.edit(
        "hardpair/training/loop.py",
        "        share = accuracy(confusion)\n",
        "        # Its share.\n\n\n        share = (\n            accuracy(confusion)\n        )\n",
    )
    tree.edit("hardpair/training/loop.py", '    """The loss of a run became NaN or infinite."""', "    '''Other words.'''")
    tree.edit("hardpair/training/step.py", '    """Move the network\'s weights', '    """Moves the weights')
    tree.edit("hardpair/training/step.py", '    """Stochastic gradient descent', '    """Plain gradient descent')
    tree.edit("hardpair/figures/style.py", "def plain(text: str) -> str:\n", "def plain(text: str) -> str:  # one line\n\n")
    tree.edit("hardpair/__init__.py", '"""', '"""Also: ')
    for path in tree.folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert tree.changed() == set()


def test_a_function_of_nothing_but_a_docstring_is_one_that_passes(tree):
    text = tree.read("hardpair/focal_weight.py")
    kinds = [
        "def f():\n    pass\n",
        'def f():\n    """Words."""\n',
        'async def f():\n    """Words."""\n',
        'class f:\n    "Words."\n    x = 1\n',
    ]
    found = []
    for kind in kinds:
        tree.write("hardpair/focal_weight.py", f"{text}\n\n{kind}")
        found.append(hashes()["train: ce"])
    assert found[0] == found[1]
    assert len(set(found)) == 3
    tree.write("hardpair/focal_weight.py", f"{text}\n\n" + kinds[3].replace("Words", "Other words"))
    assert hashes()["train: ce"] == found[3]


@pytest.mark.parametrize(("script", "file"), [(script, file) for script in ("train.py", "run_trial.py") for file in imported_by(script)])
def test_whatever_a_trained_job_computes_with_counts(tree, script, file):
    tree.write(file, f"{tree.read(file)}\n\nADDED = 1\n")
    assert {name for name, files in VARIANTS.items() if files[0] == script} <= tree.changed(VARIANTS)


def test_what_a_trained_job_computes_with_is_found():
    assert {"train.py", "hardpair/training/loop.py", "hardpair/losses/__init__.py", "hardpair/focal_weight.py"} <= set(
        imported_by("train.py")
    )


# Worked out by hand from the imports of each script.
SHOW = FIGURES | {"write_report"}
COUNTED = {
    ("hardpair/figures/style.py", "WIDTH = 7.2", "WIDTH = 7.3"): SHOW,
    ("hardpair/figures/curves.py", "ZOOM_FROM = 10", "ZOOM_FROM = 12"): {"plot_curves", "assemble_figure"},
    ("hardpair/measures/metrics.py", "BINS = 15", "BINS = 10"): SHOW - {"plot_search"} | {"evaluate", "compare", "choose_pairs"},
    ("hardpair/measures/confusion.py", "k=1)", "k=2)"): SHOW - {"plot_search"} | set(VARIANTS) | {"evaluate", "compare", "choose_pairs"},
    ("hardpair/training/loop.py", "_look(0,", "_look(1,"): set(VARIANTS),
    ("hardpair/training/job.py", "unit / 2**20", "unit / 10**6"): set(VARIANTS),
    ("hardpair/training/step.py", "mean.backward()", "pass"): set(VARIANTS),
    ("hardpair/training/augment.py", "size // 8", "size / 8"): set(VARIANTS) | {"evaluate"},
    ("hardpair/training/saved_model.py", ".eval()", ".train()"): {"evaluate"},
    ("hardpair/search.py", "{value:.5g}", "{value:.6g}"): {"propose_trials", "select_recipe"},
    ("hardpair/measures/intervals.py", "ddof=1", "ddof=0"): {
        "compare",
        "plot_variants",
        "plot_plane",
        "plot_reliability",
        "assemble_figure",
    },
    ("hardpair/comparison/new_images.py", "(seeds - 1)", "seeds"): {"compare"},
    ("hardpair/figures/reliability.py", "FEWEST = 10", "FEWEST = 20"): {"plot_reliability"},
    ("hardpair/data/split.py", "20170808", "20170809"): {"split_data", "prepare_data"},  # a tree of pictures without parts is split too
    ("hardpair/data/picture.py", "BICUBIC", "LANCZOS"): {"prepare_data"},
    ("hardpair/data/sources/tree.py", "LARGEST = 2**28", "LARGEST = 2**20"): {"prepare_data"},
    ("hardpair/data/sources/classes.py", '"airplane"', '"aeroplane"'): {"prepare_data"},
    ("hardpair/data/sources/synthetic.py", "NOISE = 28.0", "NOISE = 29.0"): {"prepare_data"},
    ("hardpair/report/page.html.jinja", "\n", "\n\n"): {"write_report"},
    ("hardpair/report/explorer_data.js", "// ", "//  "): {"write_report"},
    ("hardpair/report/tables.py", "MOST = 1000", "MOST = 2000"): {"write_report"},
    ("evaluate.py", '"images": len(labels)', '"images": len(labels) + 0'): {"evaluate"},
    ("hardpair/losses/focal.py", "min(1 / seen", "min(2 / seen"): {"train: dfl", "train: dfl_sampler"},
    ("hardpair/losses/cross_entropy.py", '"none"', '"sum"'): {"train: ce", "train: ce_sampler", "run_trial"},
    ("hardpair/samplers/focal.py", "replacement=True", "replacement=False"): {"train: ce_sampler", "train: dfl_sampler"},
    ("hardpair/measures/significance.py", "EXACT = 40", "EXACT = 30"): {"compare"},
    ("hardpair/comparison/claims.py", "ALPHA = 0.05", "ALPHA = 0.01"): {"compare"},
    ("hardpair/training/checkpoint.py", '"best."', '"finest."'): set(VARIANTS),
}


@pytest.mark.parametrize("edit", COUNTED, ids=[file for file, _, _ in COUNTED])
def test_an_edit_changes_exactly_the_jobs_that_import_it(tree, edit):
    tree.edit(*edit)
    assert tree.changed() == COUNTED[edit]


def test_checks_and_messages_do_not_count(tree):
    assert set(code_hash.CHECKS) == CHECKS
    for name in CHECKS:
        tree.write(f"hardpair/{name}.py", tree.read(f"hardpair/{name}.py") + "\n\nADDED = 1\n")
    assert tree.changed() == set()


def test_a_new_loss_or_module_that_nobody_imports_changes_nothing(tree):
    for name in ("losses/new.py", "samplers/new.py", "figures/new.py", "new.py"):
        tree.write(f"hardpair/{name}", "ANSWER = 42\n")
    assert tree.changed() == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import hardpair.added.deep as deep",
        "from hardpair import added",
        "from hardpair.added import deep",
        "from hardpair.added.deep import f",
        "def lazily():\n    from hardpair.added import *",
        "class A:\n    if True:\n        import hardpair.added",
    ],
)
def test_every_way_to_import_a_local_module_counts(tree, statement):
    tree.write("hardpair/added/__init__.py", "A = 1\n")
    tree.write("hardpair/added/deep.py", "def f(): ...\n")
    tree.write("hardpair/data/split.py", f"{tree.read('hardpair/data/split.py')}\n\n{statement}\n")
    imported = hashes()
    tree.write("hardpair/added/__init__.py", "A = 2\n")
    edited = hashes()
    assert {name for name in JOBS if edited[name] != imported[name]} == {"split_data", "prepare_data"}
    tree.write("hardpair/added/deep.py", "def f(): return 1\n")
    assert (hashes() != edited) == ("deep" in statement)


def test_the_order_in_which_files_are_named_does_not_count(tree):
    script, loss, sampler = VARIANTS["train: dfl_sampler"]
    assert code_hash.code_hash(script, sampler, loss) == tree.before["train: dfl_sampler"]


def test_the_plan_hashes_a_variants_own_loss_and_sampler(tree):
    variants = [{"name": "ce"}, {"name": "dfl", "loss": {"kind": "focal"}}, {"name": "ce_sampler", "sampler": {"kind": "focal"}}]
    config = resolve(
        {"study": "s", "data": {"kind": "synthetic", "name": "d", "validation": 100}, "seeds": [0], "baseline": "ce"}
        | {"variants": variants}
    )
    for name in ("ce", "dfl", "ce_sampler"):
        assert plan.train_code(config, name) == tree.before[f"train: {name}"]
    assert plan.trial_code(config) == tree.before["run_trial"]


def test_no_code_is_imported_in_a_way_that_the_hash_would_miss():
    dynamic = {"importlib", "imp", "runpy", "pkgutil", "__import__", "exec", "eval", "compile"}
    found = set()
    for path in code_hash.SCRIPTS.rglob("*.py"):
        name = str(path.relative_to(code_hash.SCRIPTS))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}, line {node.lineno}: a relative import"
                names = {f"{node.module}.{alias.name}" for alias in node.names} - {"importlib.metadata"}
            else:
                names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else {getattr(node, "id", "")}
            if {each.partition(".")[0] for each in names} & dynamic:
                found.add(name)
    assert found == {"hardpair/plugins.py"}
