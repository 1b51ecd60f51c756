"""Which source texts are the same code, under every Python."""

import ast
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edited_scripts import JOBS, hashes
from hardpair.staleness import code_hash


def test_a_function_of_nothing_but_a_docstring_is_one_that_passes(tree):
    text = tree.read("hardpair/training/weight_refresh.py")
    kinds = [
        "def f():\n    pass\n",
        'def f():\n    """Words."""\n',
        'async def f():\n    """Words."""\n',
        'class f:\n    "Words."\n    x = 1\n',
    ]
    seen_hashes = []
    for kind in kinds:
        tree.write("hardpair/training/weight_refresh.py", f"{text}\n\n{kind}")
        seen_hashes.append(hashes()["train: ce"])
    assert seen_hashes[0] == seen_hashes[1]
    assert len(set(seen_hashes)) == 3
    tree.write("hardpair/training/weight_refresh.py", f"{text}\n\n" + kinds[3].replace("Words", "Other words"))
    assert hashes()["train: ce"] == seen_hashes[3]


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
