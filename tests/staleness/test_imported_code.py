"""That the code hash follows every import, and no module's place."""

import ast
import shutil
from pathlib import Path

import pytest

from edited_scripts import JOBS, VARIANTS, hashes
from hardpair.staleness import code_hash
from moved_modules import move


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


def test_no_code_is_imported_in_a_way_that_the_hash_would_miss():
    dynamic = {"importlib", "imp", "runpy", "pkgutil", "__import__", "exec", "eval", "compile"}
    importing = set()
    for path in code_hash.SCRIPTS.rglob("*.py"):
        name = str(path.relative_to(code_hash.SCRIPTS))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}, line {node.lineno}: a relative import"
                names = {f"{node.module}.{alias.name}" for alias in node.names} - {"importlib.metadata"}
            else:
                names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else {getattr(node, "id", "")}
            if {module.partition(".")[0] for module in names} & dynamic:
                importing.add(name)
    dynamic_imports = {"hardpair/plugins.py", "hardpair/figures/plot.py", "hardpair/data/sources/__init__.py"}
    assert importing == dynamic_imports, "of whose modules jobs count the file as well"


def test_modules_that_import_each_other_count_both(tree):
    tree.write("hardpair/left.py", "def f():\n    from hardpair.right import g\n    return g\n")
    tree.write("hardpair/right.py", "from hardpair.left import f\n\ndef g(): return f\n")
    for entry in ("left", "right"):
        tree.write("hardpair/data/split.py", f"from hardpair import {entry} as entry\n")
        seen_hashes = [hashes()["split_data"]]
        for edited in ("left", "right"):
            tree.write(f"hardpair/{edited}.py", f"{tree.read(f'hardpair/{edited}.py')}\nADDED = 1\n")
            seen_hashes.append(hashes()["split_data"])
        assert len(set(seen_hashes)) == 3


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
    by_name = ("losses", "samplers", "networks", "sources", "figures")
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
