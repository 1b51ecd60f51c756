"""Configs and settings of any content: they are taken, or refused in one line that names the key."""

import argparse
import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import estimate_study
import fuzzing
from hardpair.cli import command
from hardpair.config.resolve import canonical, resolve, resolve_part
from hardpair.errors import UserError

PROJECT = Path(__file__).parents[2]
STUDY = yaml.safe_load((PROJECT / "config" / "config.yaml").read_text())
WHOLE = resolve(STUDY)
TEXT = yaml.safe_dump(STUDY, sort_keys=False)
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
YAMLS = [
    LAUGHS,
    LAUGHS + "study: s\nseeds: *a11\n",
    "a: &a [*a]",
    "seeds: &a [*a]\nstudy: s",
    "<<: &a {b: 1, c: *a}",
    "- " * 3000 + "x",
    "[" * 5000,
    "{a: " * 3000,
    "epochs: " + "9" * 6000,
    "epochs: 2001-99-99",
    "epochs: 0001-01-01 00:00:00 +23:59",
    "? [a]\n: b",
    "!!python/object/apply:os.system ['touch sprung']",
    "!!python/name:os.system",
    "!!int ''",
    "!!bool x",
    "!!timestamp x",
    "!!float x",
    "!!binary x",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "a: 1\na: 2",
    "\ufeffepochs: 1",
    "epochs: !!binary aGk=",
    "---\na: 1\n---\nb: 2",
    "%YAML 9.9\n---\na: 1",
    "a: 'x",
    "epochs: 1:99999999999:59",
    "\tepochs: 1",
    "epochs: .nan",
    'epochs: "\\uD800"',
]
TEXTS = ["", "auto", "../x", "\0", "\ud800", "a\nb", "x" * 5000, "2001-99-99", "9" * 5000, "[" * 5000, "&a [*a]", "!!int ''"]
NUMBERS = [None, True, -1, 0, 10**30, 10**400, 16**5000, 1e308, float("nan"), float("inf")]
OTHERS = [[], {}, [[]], [None], {"kind": []}, {"kind": "focal", "gamma": "x"}, {"a": {"a": {}}}, b"x", {1, 2}]
VALUES = st.sampled_from([*TEXTS, *NUMBERS, *OTHERS])


def refusal(function, *arguments: object) -> str | None:
    """The message of a function that refuses its arguments: one line."""
    try:
        function(*arguments)
    except (UserError, argparse.ArgumentTypeError) as error:
        message = str(error)
    else:
        return None
    assert message.isprintable()
    assert len(message) < 800
    return message


@st.composite
def changed(draw) -> dict:
    config = copy.deepcopy(draw(st.sampled_from([STUDY, WHOLE])))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in fuzzing.steps_of(config) if path]))
        inner = config
        for step in path[:-1]:
            inner = inner[step]
        if draw(st.booleans()):
            inner[path[-1]] = copy.deepcopy(draw(VALUES))
        elif isinstance(inner, dict):
            inner[draw(st.sampled_from(["x", "", "kind", "name", "seeds"]))] = inner.pop(path[-1])
        else:
            inner.append(copy.deepcopy(inner[path[-1]]))
    return config


@fuzzing.fuzzed(few=40, many=600)
@given(changed())
def test_a_changed_config_is_resolved_or_refused_in_one_line(config):
    if refusal(resolve, config) is None:
        resolved = resolve(config)
        assert canonical(resolve(resolved)) == canonical(resolved)


@fuzzing.fuzzed(few=40, many=400)
@given(st.sampled_from(YAMLS) | fuzzing.damaged(TEXT.encode()))
def test_a_settings_file_of_any_content_is_read_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "settings.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with fuzzing.Watch() as watch:
        refused = refusal(command.json_or_file, str(path))
    assert watch.noted == []
    for part in ("recipe", "train", "variant", "data") if refused is None else ():
        refusal(resolve_part, part, command.json_or_file(str(path)))


@pytest.mark.parametrize("text", ["[" * 9999, '{"a": ' + "9" * 5000 + "}", '{"a": ' * 500 + "1" + "}" * 500, '{"a": "\\ud800"', '{"a\\n'])
def test_settings_on_the_command_line_are_read_or_refused_in_one_line(text):
    assert refusal(command.json_or_file, text) is not None


@fuzzing.fuzzed(few=5, many=60)
@given(fuzzing.damaged_json(WHOLE))
def test_a_study_of_a_damaged_config_is_estimated_or_refused_in_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("estimate")
    (folder / "config.json").write_bytes(content)
    # Of no runs: nothing is measured.
    fuzzing.run(estimate_study, "--config", folder / "config.json", "--runs", 0, "--trials", 0, writes=folder)
