"""YAML 1.2, of which nothing is dropped or turned into another value. PyYAML, which parses it, takes texts for values as YAML 1.1 does.

The types are those of the core schema (YAML 1.2.2, section 10.3.2), and digits may be grouped as in ``1_000``: ``no``, ``1:30`` and
``2020-01-01`` are texts, ``1e-3`` and ``.5`` are numbers, ``010`` is ten. Anchors, aliases and merge keys (``<<``) are understood.
"""

import json
import re
from collections.abc import Sequence
from typing import ClassVar

import yaml

from hardpair.files import json_text
from hardpair.files.json_text import MAX_LEVELS, Repeated
from hardpair.files.shapes import LARGEST

AFFECTS_RESULTS = False
PREFIX, MERGE = "tag:yaml.org,2002:", "tag:yaml.org,2002:merge"
BREAKS = re.compile("[\x85\u2028\u2029]")  # of lines, beside the usual ones
DIGITS = "[0-9](?:_?[0-9])*"
# Patterns and first characters of plain scalars that are no texts; an empty one is null.
SCALARS = {
    "null": (r"null|Null|NULL|~|", "nN~"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (rf"[-+]?{DIGITS}|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        rf"[-+]?(?:\.{DIGITS}|{DIGITS}(?:\.(?:{DIGITS})?)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
MISTAKES = {
    "found character '\\t' that cannot start any token": "a tab stands where YAML takes only spaces: replace it",
    "found character '": "a text begins with a character that has a meaning of its own: put it in quotes",
    "found undefined alias": "an alias (*) has no anchor (&) before it: put it in quotes if it is a text",
    "found duplicate anchor": "an anchor (&) is there twice: give each a name of its own",
    "expected <block end>, but found '<scalar>'": "a text goes on after its closing quotation mark: write '' for a ' within it",
    "expected '<document start>'": "a key is not indented as those before it",
    "expected <block end>, but found ']'": "a ] closes no [: remove it",
    "expected <block end>, but found '}'": "a } closes no {: remove it",
    "could not find expected ':'": "a colon is missing after a key, and a space after the colon",
    "mapping values are not allowed here": "a colon stands where no key can be: indent the line as the others, or put the text in quotes",
    "found unexpected end of stream": "a quotation mark is not closed",
    "while parsing a flow sequence": "the [ is not closed, or a comma is missing",
    "while parsing a flow node": "the [ or { before it is not closed, or a comma has no entry beside it",
    "while parsing a flow mapping": "the { is not closed, or a comma is missing",
    "expected a single document in the stream": "a second document begins: give it a file of its own",
    "while parsing a block mapping": "a key is not indented as those around it",
    "while parsing a block collection": "an entry is not indented as those around it",
}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: ClassVar = {}


class _Dumper(yaml.SafeDumper):
    """Puts texts in quotes that are no texts in YAML 1.1 or in 1.2, and escapes ``BREAKS``, some of which PyYAML would fold into spaces."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar(f"{PREFIX}str", text, style='"' if BREAKS.search(text) else None)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_multi_representer(dict, _Dumper.represent_dict)  # such as the maps of a JSON config that Snakemake has read

for _name, (_pattern, _first) in SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(PREFIX + _name, re.compile(rf"(?:{_pattern})\Z"), [*_first, *([""] if _name == "null" else [])])
_Loader.add_implicit_resolver(MERGE, re.compile(r"<<\Z"), ["<"])


def load(text: str) -> object:
    """The value of a document: maps with texts as keys, lists, texts, numbers, booleans and None.

    Raises:
        ValueError: names the line and what is wrong.
    """
    try:
        node = yaml.compose(text, _Loader)
        return None if node is None else _value(node, {}, 1)
    except yaml.MarkedYAMLError as error:
        raise ValueError(_mistake(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ValueError(f"line {line}: remove the character {chr(error.character)!a}, which YAML does not allow") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError(f"it holds more than {MAX_LEVELS} levels: write it flatter") from None


def dump(value: object) -> str:
    """A value as a document that ``load`` and readers of YAML 1.1 read alike, keys in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def place(text: str, steps: Sequence[str]) -> tuple[int, int, bool]:
    """Where a document has the value at the end of a path of keys and places in lists, or as much of the path as it has.

    Returns:
        The line, how many steps lead there, and whether they are all or lead into a list. No step leads into JSON that is no YAML, as with
        tabs before a key.
    """
    try:
        node, line, depth, in_list = yaml.compose(text, _Loader), 1, 0, False
    except yaml.YAMLError:
        return 1, 0, False
    for step in steps:
        inner = _children(node).get(step)
        if inner is None:
            break
        in_list = in_list or isinstance(node, yaml.SequenceNode)
        line, depth, node = inner[0].start_mark.line + 1, depth + 1, inner[1]
    return line, depth, depth == len(steps) or in_list or isinstance(node, yaml.SequenceNode)


def _children(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """By key or place in a list the node at which each value of a map or list begins, and the value's own."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: (key, value) for key, value in node.value}
    return {str(place): (item, item) for place, item in enumerate(node.value)} if isinstance(node, yaml.SequenceNode) else {}


def _value(node: yaml.Node, known: dict[yaml.Node, object], level: int) -> object:
    """The value of a node; ``known`` are those of nodes before it, None of those that hold it. Aliases share a value."""
    if node in known and known[node] is None:
        raise _wrong(node, "an alias (*) stands within what it stands for: write it without")
    if level > MAX_LEVELS:
        raise _wrong(node, f"more than {MAX_LEVELS} levels: write it flatter")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if node not in known:
        known[node] = None
        if node.tag == f"{PREFIX}seq" and isinstance(node, yaml.SequenceNode):
            known[node] = [_value(item, known, level + 1) for item in node.value]
        elif node.tag == f"{PREFIX}map" and isinstance(node, yaml.MappingNode):
            known[node] = _map(node, known, level)
        else:
            raise _unknown_tag(node)
    return known[node]


def _map(node: yaml.MappingNode, known: dict[yaml.Node, object], level: int) -> dict:
    """A map; its own keys replace those that it merges, of which the first count."""
    own, lines, merged = {}, {}, {}
    for key, item in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _wrong(key, "a key is a list or a map: write a text")
        if key.tag != MERGE and key.tag.removeprefix(PREFIX) not in (*SCALARS, "str"):
            raise _unknown_tag(key)
        name = _text(key)
        if name in lines:
            place = f"line {key.start_mark.line + 1}: the key {_shown(name)}"
            raise Repeated(f"{place} is there twice, first in line {lines[name]}: remove one of them")
        lines[name], value = key.start_mark.line + 1, _value(item, known, level + 1)
        if key.tag != MERGE:
            own[name] = value
            continue
        maps = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in maps):
            raise _wrong(item, "<< takes a map or a list of maps: give it those of an anchor, or put it in quotes")
        merged = {inner: value for one in reversed(maps) for inner, value in one.items()}
    return merged | own


def _scalar(node: yaml.ScalarNode) -> object:
    text, kind = node.value, node.tag.removeprefix(PREFIX)
    if kind in ("str", "merge"):  # << stands for a merge only as a key
        return _text(node)
    if kind not in SCALARS:
        raise _unknown_tag(node)
    if not re.fullmatch(SCALARS[kind][0], text) and not (kind == "float" and re.fullmatch(SCALARS["int"][0], text)):
        raise _wrong(node, f"{_shown(text)} is not of the type {kind} of its tag")
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _integer(node, text.replace("_", ""))
    return _float(node, text.replace("_", ""))


def _text(node: yaml.ScalarNode) -> str:
    try:
        return node.value.encode("utf-16", "surrogatepass").decode("utf-16")  # JSON escapes the two halves of a character
    except UnicodeDecodeError:
        raise _wrong(node, "an unpaired surrogate is escaped: write the other one too") from None


def _integer(node: yaml.ScalarNode, text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    value = int(text, base) if len(text) < 100 else LARGEST
    if abs(value) >= LARGEST:
        raise _wrong(node, "a number has more than 18 digits: give a smaller one")
    return value


def _float(node: yaml.ScalarNode, text: str) -> float:
    if text.lower().endswith(("inf", "nan")):
        return float(text.lower().replace(".", ""))
    try:
        return json_text.read_float(text)
    except ValueError as error:
        raise _wrong(node, str(error)) from None


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= 40 else f"{text[:37]}...", ensure_ascii=False)


def _wrong(node: yaml.Node, problem: str) -> ValueError:
    return ValueError(f"line {node.start_mark.line + 1}: {problem}")


def _unknown_tag(node: yaml.Node) -> ValueError:
    return _wrong(node, f"{node.tag.replace(PREFIX, '!!')} is no type that a config has: remove it")


def _mistake(error: yaml.MarkedYAMLError) -> str:
    """A syntax error in words, with the line in which its cause is likely to be."""
    problem, context = error.problem or "", error.context or ""
    mark, first = error.problem_mark or error.context_mark, error.context_mark or error.problem_mark
    for start, words in MISTAKES.items():
        if problem.startswith(start):
            of_context = start.startswith(("could not find", "found unexpected end"))
            return f"line {(first if of_context else mark).line + 1}: {words}"
        if context.startswith(start):
            return f"line {(first if start.startswith('while parsing a flow') else mark).line + 1}: {words}"
    return f"line {mark.line + 1}: {' '.join(f'{context} {problem}'.split())}"
