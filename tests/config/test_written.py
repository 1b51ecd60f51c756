"""Errors of a config name the file and line of the key that is wrong."""

import re
from collections import OrderedDict

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hardpair.config.sentences import dotted
from hardpair.config.written import Written, _steps
from hardpair.errors import UserError
from hardpair.files import yaml_text

BASE = """\
study: x
recipe:
  epochs: 3
  momentum: 0.9
variants:
  - name: ce
  - {name: dfl, recipe: {momentum: 0.5}}
baseline: ce
data: {name: x, kind: cifar10}
seeds: [0, 1]
"""


@pytest.mark.parametrize(
    ("overlay", "changes", "sentence"),
    [
        ("recipe:\n\n  momentum: 2\n", {}, "b.yaml, line 3: recipe.momentum is 2: it must be less than 1"),
        ("recipe: {momentom: 0.5}", {}, "b.yaml, line 1: recipe.momentom is not a key: did you mean momentum?"),
        ('\n{"seeds": [0,\n"a"]}', {}, 'b.yaml, line 3: seeds[1] is "a": it must be a whole number'),
        ("variants:\n- name: ce\n- name: dfl\n  los: 3\n", {}, "b.yaml, line 4: variants[1].los is not a key: did you mean loss?"),
        ("variants:\n- name: ce\n-\n  label: y\n", {}, "b.yaml, line 4: variants[1].name is missing: add it"),
        ("variants: [{name: dfl}]", {}, 'a.yaml, line 8: baseline names the variant "ce", which variants does not have'),
        ("study: y", {"baseline": "c"}, 'config: baseline names the variant "c", which variants does not have'),
        ("study: y", {"recipe": {"momentum": 2}}, "config: recipe.momentum is 2: it must be less than 1"),
        ("study: y\ndata:\n  kind: synthetic\n  validation: 9\n  source: y\n", {}, "b.yaml, line 5: data.source is set, but data.kind"),
        ("data: {size: 64}", {}, "b.yaml, line 1: data.size is 64, but images of data.kind cifar10 have no such key: remove it"),
        ('recipe: {"a b": 1}', {}, 'b.yaml, line 1: recipe."a b" is not a key'),
        ("plugins: [x.py]", {}, "b.yaml, line 1: plugins names x.py, which does not exist"),
        ("plugins: [a.yaml]", {}, "b.yaml, line 1: plugins names a.yaml: name a Python file like my_loss.py"),
        ("contrasts: [[ce,\n ce]]", {}, 'b.yaml, line 1: contrasts[0] compares "ce" with itself'),
        # As Snakemake reads the config of another workflow from JSON.
        ("study: y", {"variants": [OrderedDict(name="ce", los=3)]}, "config: variants[0].los is not a key: did you mean loss?"),
    ],
)
def test_an_error_names_the_last_file_that_has_the_key(tmp_path, monkeypatch, overlay, changes, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(BASE)
    (tmp_path / "b.yaml").write_text(overlay)
    with pytest.raises(UserError) as caught:
        Written.read(["a.yaml", "b.yaml"], changes).resolved()
    assert str(caught.value).startswith(sentence)


def test_a_key_of_the_first_file_that_an_overlay_does_not_fit_is_to_be_set_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(BASE + "pairs: [[cat, dog]]\nsearch: {variants: [ce]}\n")
    cases = {
        "data: {kind: cifar100, name: y}\nstudy: y": ("line 11: pairs[0]", "pairs"),
        "data: {validation: 0}": ("line 12: search.enabled", "search.enabled"),
        "search: {space: {momentum: [0.2, 0.5]}}": ("line 4: recipe.momentum", "recipe.momentum"),
        "variants: [{name: dfl}]": ("line 8: baseline", "baseline"),
    }
    for text, (place, key) in cases.items():
        (tmp_path / "b.yaml").write_text(text)
        remedy = f"(set {key} in b.yaml, which lacks it)"
        with pytest.raises(UserError, match=rf"^a\.yaml, {re.escape(place)} .* {re.escape(remedy)}$"):
            Written.read(["a.yaml", "b.yaml"], {}).resolved()
    with pytest.raises(UserError, match=r"^a\.yaml, line 12: search\.enabled .* \(set search\.enabled in --config, which lacks it\)$"):
        Written.read(["a.yaml"], {"data": {"validation": 0}}).resolved()
    (tmp_path / "a.yaml").write_text(BASE.replace("0.9", "2"))  # wrong by itself
    with pytest.raises(UserError, match=r"^a\.yaml, line 4: recipe\.momentum is 2: it must be less than 1$"):
        Written.read(["a.yaml", "b.yaml"], {}).resolved()


def test_other_images_need_a_study_of_their_own(tmp_path, monkeypatch):
    """Else its results would be in the place of those of the study in config.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(BASE)
    (tmp_path / "b.yaml").write_text("seeds: [0]\ndata:\n  name: y\n")
    advice = "but the study is still x, whose results would be replaced: add the key study with a name of its own"
    with pytest.raises(UserError, match=f"^b.yaml, line 3: data.name is y, {advice}$"):
        Written.read(["a.yaml", "b.yaml"], {})
    with pytest.raises(UserError, match=f"^config: data.kind is folder, {advice}$"):
        Written.read(["a.yaml"], {"data": {"kind": "folder"}})
    (tmp_path / "c.yaml").write_text("study: y")
    for files, changes in (
        (["a.yaml", "b.yaml", "c.yaml"], {}),
        (["a.yaml", "b.yaml"], {"study": "y"}),
        (["a.yaml"], {"data": {"size": 3}}),
    ):
        assert Written.read(files, changes).merged["seeds"]


def test_errors_of_other_checks_of_the_config_are_placed_too(tmp_path):
    (tmp_path / "a.yaml").write_text(BASE)
    written = Written.read([tmp_path / "a.yaml"], {})
    cases = {
        "config: data.kind is odd": f"{tmp_path}/a.yaml, line 9: data.kind is odd",
        "data.kind x does not exist": f"{tmp_path}/a.yaml, line 9: data.kind x does not exist",
        "config: the settings are too long": "config: the settings are too long",
        "study.py, line 3: SyntaxError": "study.py, line 3: SyntaxError",
        "study x is odd": "study x is odd",
        r'config: "\x" is odd': r'config: "\x" is odd',
    }
    for said, sentence in cases.items():
        with pytest.raises(UserError) as caught, written.placed():
            raise UserError(said)
        assert str(caught.value) == sentence


def test_json_that_is_no_yaml_has_no_line(tmp_path):
    (tmp_path / "a.yaml").write_text(BASE)
    (tmp_path / "b.json").write_text('{"recipe": {\n\t"momentum":\t2}}')
    with pytest.raises(UserError, match=r"a\.yaml, line 4: recipe\.momentum is 2|^config: recipe\.momentum is 2"):
        Written.read([tmp_path / "a.yaml", tmp_path / "b.json"], {}).resolved()


def test_a_default_that_does_not_fit_has_the_place_of_no_file(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "variants: [{name: ce}]\nbaseline: ce\nstudy: x\ndata: {name: x, kind: cifar10}\nseeds: [0]\ndifficulty: {hard: 1}\n"
    )
    with pytest.raises(UserError, match=r"a\.yaml, line 6: difficulty\.hard is 1, above difficulty\.easy"):
        Written.read([tmp_path / "a.yaml"], {}).resolved()
    with pytest.raises(UserError, match=r"^config: study is missing"):
        Written.read([], {}).resolved()


keys = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=6)
values = st.recursive(st.integers(), lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8)


def leaves(value, path=()):
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from leaves(item, (*path, key))
    if path and not isinstance(value, dict | list):
        yield list(path)


@given(st.dictionaries(keys, values, min_size=1, max_size=4), st.booleans())
def test_the_line_is_that_of_the_value(document, flow):
    """Against a search for the one value that was changed to a mark."""
    for path in leaves(document):
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        kept, holder[path[-1]] = holder[path[-1]], "MARK"
        text = yaml.safe_dump(document, default_flow_style=flow or None, allow_unicode=True, width=20)
        holder[path[-1]] = kept
        line, depth, is_last = yaml_text.place(text, [str(step) for step in path])
        assert (depth, is_last) == (len(path), True)
        assert "MARK" in "".join(text.splitlines()[line - 1 : line + 1]), "its key may be too long for its line"
        assert _steps(f"{dotted(path)} is wrong") == [str(step) for step in path]
