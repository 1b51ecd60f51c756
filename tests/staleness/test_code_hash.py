import ast
import functools
import json
import modulefinder
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.config.resolve import resolve
from hardpair.data import sources
from hardpair.figures import catalogue
from hardpair.staleness import code_hash, plan
from moved_modules import move
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
FIGURES = {f"plot_figure: {name}": ("plot_figure.py", f"hardpair/figures/{name}.py") for name in catalogue.FIGURES if name != "final"}
FIGURES |= {"assemble_figure": ("assemble_figure.py", "hardpair/figures/final.py")}
SOURCES = {f"prepare_data: {kind}": ("prepare_data.py", f"hardpair/data/sources/{kind}.py") for kind in sources.kinds()}
OTHERS = ("choose_pairs", "split_data", "propose_trials", "select_recipe", "evaluate", "compare")
JOBS = VARIANTS | FIGURES | SOURCES | {name: (f"{name}.py",) for name in OTHERS}
JOBS |= {"write_report": ("write_report.py", *plan.report_parts())}


# Edits of these train nothing again: to add one is to claim that it decides no result.
CHECKS = {"errors", "cli/command", "cli/inputs", "config/consistency", "config/read", "config/resolve", "config/schema"}
CHECKS |= {"config/sentences", "figures/catalogue", "files/formats", "files/paths", "files/shapes", "jobs/gpu", "jobs/locks"}
CHECKS |= {"jobs/progress", "jobs/stopping", "staleness/code_hash"}


def imported_by(script):
    """Files that Python would read for a script, within functions too, but for those that check and what they import."""
    finder = modulefinder.ModuleFinder([str(code_hash.SCRIPTS)], excludes=[f"hardpair.{name.replace('/', '.')}" for name in CHECKS])
    finder.run_script(str(code_hash.SCRIPTS / script))
    return sorted(os.path.relpath(module.__file__, code_hash.SCRIPTS) for module in finder.modules.values() if module.__file__)


def forget():
    for function in (code_hash.code_hash, code_hash._digest, code_hash._module_files):
        function.cache_clear()


def hashes(jobs=JOBS):
    forget()
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
            self.memory.clear()  # it has the files of imports
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
        forget()


@pytest.fixture(scope="module")
def original():
    return hashes()


@pytest.fixture(scope="module")
def copied(tmp_path_factory, original):
    folder = tmp_path_factory.mktemp("elsewhere") / "scripts"
    shutil.copytree(code_hash.SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_hash, "SCRIPTS", folder)
        memory = {}
        patch.setattr(code_hash, "_parsed", functools.partial(_by_content, memory, code_hash._parsed.__wrapped__))
        yield Tree(folder, original, memory)
    hashes({})


@pytest.fixture
def moving(copied, tmp_path):
    """A copy of its own, whose modules may move."""
    shutil.copytree(copied.folder, tmp_path / "scripts")
    copied.memory.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_hash, "SCRIPTS", tmp_path / "scripts")
        yield Tree(tmp_path / "scripts", copied.original, copied.memory)
    copied.memory.clear()


@pytest.fixture
def tree(copied):
    yield copied
    copied.restore()


def test_the_jobs_are_the_rules_that_hash_their_code(monkeypatch):
    rules = {}
    for path in (PROJECT / "workflow/rules").glob("*.smk"):
        for block in re.split(r"^ *rule (?=\w+:)", path.read_text(), flags=re.M)[1:]:
            rules[block.partition(":")[0]] = re.findall(r"^ *code=(.+),$", block, re.M)
    assert [name for name, given in rules.items() if len(given) != 1] == ["download_data"], "its archive is known by its hash"
    assert rules.keys() - {"download_data"} == {name.partition(":")[0] for name in JOBS}
    monkeypatch.setattr(catalogue, "code_hash", lambda *files: files)
    names = {"code_hash": lambda *files: files, "plan": plan, "catalogue": catalogue}
    for name in JOBS.keys() - VARIANTS.keys() - SOURCES.keys():
        rule, _, figure = name.partition(": ")
        code = eval(rules[rule][0], names)
        assert (code(SimpleNamespace(figure=figure)) if figure else code) == JOBS[name]
    assert (rules["train"], rules["run_trial"], rules["prepare_data"]) == (
        ["lambda wildcards: plan.train_code(config, wildcards.variant)"],
        ["plan.trial_code(config)"],
        ["plan.prepare_code(config)"],
    ), "other tests have these"


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
    tree.edit("hardpair/figures/drawing/style.py", "def plain(text: str) -> str:\n", "def plain(text: str) -> str:  # one line\n\n")
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
SHOW = {*FIGURES, "write_report"}
OF_RUNS = SHOW - {"plot_figure: search"} | {"evaluate", "compare", "choose_pairs"}
COUNTED = {
    ("hardpair/figures/drawing/style.py", "WIDTH = 7.2", "WIDTH = 7.3"): SHOW,
    ("hardpair/figures/curves.py", "ZOOM_FROM = 10", "ZOOM_FROM = 12"): {"plot_figure: curves", "assemble_figure"},
    ("hardpair/measures/metrics.py", "BINS = 15", "BINS = 10"): OF_RUNS,
    ("hardpair/measures/confusion.py", "k=1)", "k=2)"): OF_RUNS | set(VARIANTS),
    ("hardpair/training/loop.py", "training_losses(0,", "training_losses(1,"): set(VARIANTS),
    ("hardpair/training/job.py", "unit / 2**20", "unit / 10**6"): set(VARIANTS),
    ("hardpair/training/step.py", "mean.backward()", "pass"): set(VARIANTS),
    ("hardpair/training/augment.py", "size // 8", "size / 8"): set(VARIANTS) | {"evaluate"},
    ("hardpair/training/saved_model.py", ".eval()", ".train()"): {"evaluate"},
    ("hardpair/search.py", "{value:.5g}", "{value:.6g}"): {"propose_trials", "select_recipe"},
    ("hardpair/measures/intervals.py", "ddof=1", "ddof=0"): {
        "compare",
        "plot_figure: variants",
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
    ("hardpair/data/pictures/tree.py", "LARGEST = 2**28", "LARGEST = 2**20"): {"prepare_data: folder"},
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
    ("hardpair/measures/significance.py", "EXACT = 40", "EXACT = 30"): {"compare"},
    ("hardpair/comparison/verdicts.py", "ALPHA = 0.05", "ALPHA = 0.01"): {"compare"},
    ("hardpair/measures/looks.py", "RULE = 32", "RULE = 16"): {"compare"},
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


def test_a_new_loss_source_or_module_that_nobody_imports_changes_nothing(tree):
    for name in ("losses/new.py", "samplers/new.py", "data/sources/new.py", "figures/new.py", "new.py"):
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
    assert {name for name in JOBS if edited[name] != imported[name]} == {"split_data", "prepare_data: folder"}
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


def test_the_plan_hashes_the_source_of_the_configs_kind(tree):
    for kind in sources.kinds():
        assert plan.prepare_code({"data": {"kind": kind}}) == tree.before[f"prepare_data: {kind}"]


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
    dynamic_imports = {"hardpair/plugins.py", "hardpair/figures/plot.py", "hardpair/data/sources/__init__.py"}
    assert found == dynamic_imports, "of whose modules jobs count the file as well"


def test_no_import_binds_a_path_that_a_move_would_change():
    for path in code_hash.SCRIPTS.rglob("*.py"):
        statements = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import))
        names = {alias.name.partition(".")[0] for statement in statements for alias in statement.names}
        assert not names & {"hardpair", *(script.stem for script in code_hash.SCRIPTS.glob("*.py"))}, f"{path}: write from ... import"


MOVES = {
    "a function's": {"hardpair.training.augment": "hardpair.data.augment"},
    "from the root": {"hardpair.focal_weight": "hardpair.deep.er.focal_weight"},
    "to the root": {"hardpair.measures.confusion": "hardpair.confusion"},
    "imported as a module": {"hardpair.figures.drawing.style": "hardpair.files.style"},
    "imported by packages": {"hardpair.plugins": "hardpair.zoo.plugins"},
    "left out": {"hardpair.errors": "hardpair.cli.errors", "hardpair.jobs.stopping": "hardpair.training.stopping"},
}


@pytest.mark.parametrize("places", MOVES.values(), ids=MOVES)
def test_a_module_that_moves_changes_nothing(moving, places):
    move(moving.folder, places)
    assert moving.changed() == set()


def test_a_module_that_has_moved_still_counts(moving):
    move(moving.folder, MOVES["a function's"])
    moving.edit("hardpair/data/augment.py", "size // 8", "size / 8")
    assert moving.changed() == set(VARIANTS) | {"evaluate"}


def test_all_modules_together_may_move(moving):
    # Some are imported by name, and a package that holds code stays with what it holds.
    names = [path.relative_to(moving.folder).with_suffix("") for path in (moving.folder / "hardpair").rglob("*.py")]
    by_name = ("losses", "samplers", "sources", "figures")
    modules = [".".join(name.parts) for name in names if name.name != "__init__" and name.parent.name not in by_name]
    move(moving.folder, {name: f"hardpair.of{-i % 10}.within{i}.{name.rpartition('.')[2]}" for i, name in enumerate(modules)})
    assert moving.changed() == set()


@pytest.mark.parametrize("file", ["hardpair/losses/focal.py", "hardpair/report/page.css"])
def test_a_named_file_is_the_same_wherever_it_lies_but_not_under_another_name(tmp_path, file):
    (tmp_path / "moved").mkdir()
    moved, renamed = tmp_path / "moved" / Path(file).name, tmp_path / f"other{Path(file).suffix}"
    for copy in (moved, renamed):
        shutil.copy(code_hash.SCRIPTS / file, copy)
    assert code_hash.code_hash("train.py", file) == code_hash.code_hash("train.py", str(moved))
    assert code_hash.code_hash("train.py", file) != code_hash.code_hash("train.py", str(renamed))


def text_of(source):
    """What of a source counts: its code and its imports."""
    runs = []
    return code_hash._text(ast.parse(source), runs), [sorted(run) for run in runs]


SAME = [
    ("import os\nimport re", "import re, os"),
    ("from math import log, exp", "from math import exp\nfrom math import log"),
    ("import os\nfrom hardpair.files.atomic import write_json", "from hardpair.files.atomic import write_json\nimport os"),
    (
        "from hardpair.figures.drawing import style, lines",
        "from hardpair.figures.drawing import lines\nfrom hardpair.figures.drawing import style as style",
    ),
    ("from hardpair.figures.drawing import style", "import hardpair.figures.drawing.style as style"),
    ("x = 1", "x = 1\nif TYPE_CHECKING:\n    from hardpair.figures.drawing import style"),
    ("def f():\n    pass", "def f():\n    ..."),
    ("x = 'ab' 'c'", "x = u'abc'"),
    ("x = 0x10, 1_0.0, 'é'", "x = 16, 1e1, '\\xe9'"),
    ("with (open(a) as b): pass", "with open(a) as b: ..."),
]
DIFFERENT = [
    ("from math import log", "from math import log1p as log"),
    ("import math", "import cmath as math"),
    ("from hardpair.files.atomic import write_json", "from hardpair.files.atomic import read_json as write_json"),
    ("from hardpair.figures.drawing import style", "from hardpair.figures.drawing import lines as style"),
    ("from hardpair.figures.drawing.style import wrapped", "from hardpair.figures.drawing.lines import wrapped"),
    ("import os\nf()\nimport re", "import re\nf()\nimport os"),
    ("def f():\n    import a\ndef g():\n    import b", "def f():\n    import b\ndef g():\n    import a"),
    ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", ""),
    ("x = 1", "x = 1.0"),
    ("x = 1", "x = True"),
    ("x = 1", "x = '1'"),
    ("x = 'a'", "x = b'a'"),
    ("x = None", "x = 'None'"),
    ("x = None", "x = ..."),
    ("x = []", "x = ()"),
    ("{**a}", "{None: a}"),
    ("f'{x}'", "f'{x!s}'"),
    ("f'{x:{y}}'", "f'{x:y}'"),
    ("f'{x}'", "f'{x}' ' '"),
    ("def f(a, /): return a", "def f(a): return a"),
    ("def f(*, a, b=None): return a", "def f(*, a=None, b): return a"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_code_that_does_the_same_in_other_words_is_the_same(one, other):
    assert text_of(one) == text_of(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_code_that_may_do_something_else_differs(one, other):
    assert text_of(one) != text_of(other)


@given(
    st.permutations(
        ["import os", "import numpy as np", "from math import exp", "from hardpair.figures.drawing import style", "import re as r"]
    )
)
def test_the_order_of_consecutive_imports_does_not_count(statements):
    assert text_of("\n".join(statements)) == text_of("\n".join(sorted(statements)))


def test_layout_counts_in_no_file_and_each_part_of_an_expression_in_all():
    expressions = {}
    for path in code_hash.SCRIPTS.rglob("*.py"):
        tree = ast.parse(path.read_text())
        assert text_of(ast.unparse(tree)) == text_of(path.read_text())
        expressions |= {ast.dump(node): node for node in ast.walk(tree) if isinstance(node, ast.expr)}
    assert len({code_hash._text(node, []) for node in expressions.values()}) == len(expressions) > 10000


def test_modules_that_import_each_other_count_both(tree):
    tree.write("hardpair/left.py", "def f():\n    from hardpair.right import g\n    return g\n")
    tree.write("hardpair/right.py", "from hardpair.left import f\n\ndef g(): return f\n")
    for entry in ("left", "right"):
        tree.write("hardpair/data/split.py", f"from hardpair import {entry} as entry\n")
        seen = [hashes()["split_data"]]
        for edited in ("left", "right"):
            tree.write(f"hardpair/{edited}.py", f"{tree.read(f'hardpair/{edited}.py')}\nADDED = 1\n")
            seen.append(hashes()["split_data"])
        assert len(set(seen)) == 3


def test_modules_that_swap_what_they_pass_on_differ(tree):
    """Their own code is the same, and so are the names that others import from them."""
    first, second = "from hardpair.measures.confusion import x\n", "from hardpair.measures.metrics import x\n"
    tree.write("hardpair/left.py", first)
    tree.write("hardpair/right.py", second)
    tree.write("hardpair/data/split.py", "from hardpair.left import x\n\nfrom hardpair.right import x as y\n")
    before = hashes()["split_data"]
    tree.write("hardpair/left.py", second)
    tree.write("hardpair/right.py", first)
    assert hashes()["split_data"] != before


# Many forms of syntax, so that every Python on which these tests run is held to the same value.
SYNTAX = (Path(__file__).parent / "syntax.txt").read_text().replace("HUGE", f"0x{'f' * 5000}")


@pytest.fixture
def syntax(tmp_path):
    (tmp_path / "syntax.py").write_text(SYNTAX)
    return str(tmp_path / "syntax.py")


def test_a_hash_is_the_same_under_every_python(syntax):
    assert code_hash.code_hash(syntax) == "87eb6f2282ef1614"


def interpreter(minor):
    """The command of Python 3.minor, on the path or where pyenv and uv install; None if there is none."""
    places = (".pyenv/versions", ".local/share/uv/python")
    folders = [str(folder) for place in places for folder in Path.home().glob(f"{place}/*3.{minor}.*/bin")]
    return shutil.which(f"python3.{minor}", path=os.pathsep.join([*folders, os.environ["PATH"]]))


@pytest.mark.parametrize("minor", range(11, 15))
def test_hashes_are_the_same_under_another_python(syntax, minor):
    python = interpreter(minor)
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"no Python 3.{minor} here")
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from hardpair.staleness.code_hash import code_hash\n"
        "print(json.dumps({name: code_hash(*files) for name, files in json.loads(sys.argv[2]).items()}))"
    )
    jobs = JOBS | {"syntax": (syntax,)}
    command = [python, "-IB", "-W", "ignore", "-c", program, code_hash.SCRIPTS, json.dumps(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout or "null") == hashes(jobs), done.stderr
