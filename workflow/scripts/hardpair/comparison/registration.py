"""What a study declared, and when: registration.json as it is read. ``study.register`` writes it. Imports nothing heavy.

The file is a list of entries, each with what was declared then, the time, and how many runs had finished. An entry is never changed: what
is declared later is a further one. Each has the SHA-256 of its own canonical text, which holds that of the entry before.

A claim is what it compares, not its words: loss, sampler, network and own keys of the recipe of both sides, the measures with their margins
and the pair, on which images, at which looks, and whether it is a control. Its name, its sentence and the names of variants may change.
"""

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hardpair.config.resolve import canonical
from hardpair.config.schema import TRAINED
from hardpair.errors import one_line
from hardpair.files import formats, paths, shapes
from hardpair.files.json_text import MAX_BYTES, load
from hardpair.files.regular import check_regular
from hardpair.wording import counted

BEFORE = "declared before the first run had finished"
NOT_KEPT = "not registered: no registration was kept when these runs began"


@dataclass(frozen=True)
class Registration:
    """The entries of a registration.json, oldest first; none where there is no such file, or where it has a ``problem``."""

    entries: tuple[dict, ...] = ()
    problem: str = ""


def declared(config: dict) -> dict:
    """What a resolved config declares of its claims, as an entry holds it."""
    variants = {variant["name"]: {key: variant[key] for key in TRAINED if key in variant} for variant in config["variants"]}
    kept = {key: config[key] for key in ("claims", "contrasts", "looks", "seeds")}
    kept["pairs"] = "auto" if isinstance(config["pairs"], dict) else config["pairs"]
    return kept | {"margins": config["compare"]["margins"], "images": config["evaluate"]["images"], "variants": variants}


def read(path: Path) -> Registration:
    """The registration in a file, which may be missing; what cannot be trusted is a problem of it, in words."""
    try:
        check_regular(path, MAX_BYTES)
        value = load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Registration()
    except (ValueError, OSError) as error:  # also where it is no UTF-8
        return Registration(problem=f"it cannot be read ({one_line(error, 100)})")
    if problem := shapes.difference(value, formats.REGISTRATION):
        return Registration(problem=problem)
    if not value["entries"]:
        return Registration(problem="it has no entry")
    before = None
    for place, entry in enumerate(value["entries"], 1):
        if entry["sha256"] != digest(entry) or entry["previous"] not in (before, formats.DAMAGED if before is None else before):
            return Registration(problem=f"the SHA-256 of entry {place} is wrong")
        before = entry["sha256"]
    try:
        for entry in value["entries"]:
            keys(entry["declared"])
    except (LookupError, TypeError) as error:
        return Registration(problem=f"a claim of it cannot be read ({one_line(error, 100)})")
    return Registration(tuple(value["entries"]))


def digest(entry: dict) -> str:
    """SHA-256 of the canonical text of an entry without it."""
    return _sha256({key: value for key, value in entry.items() if key != "sha256"})


def keys(declared: dict) -> list[str]:
    """SHA-256 of each claim: equal ones are the same claim."""
    return [_sha256(_compared(claim, declared)) for claim in declared["claims"]]


def _compared(claim: dict, declared: dict) -> dict:
    """A claim without its words."""
    parts = []
    for contrast in claim["contrasts"]:
        sides = {side: declared["variants"][contrast[side]] for side in ("better", "than")}
        for measure in contrast["measures"]:
            pairs = declared["pairs"]  # of which claims are about the first; one chosen from runs is not known beforehand
            of_pair = {"pair": pairs if pairs == "auto" else sorted(pairs[0])} if measure == "confusion" else {}
            parts.append(canonical({"measure": measure, "margin": declared["margins"][measure]} | sides | of_pair))
    return {"parts": sorted(parts), **{key: declared[key] for key in ("looks", "images")}, "control": claim["control"]}


def said(registration: Registration, present: dict) -> list[str]:
    """Of each claim that is declared at present, when it was declared, in words.

    Args:
        present: of ``declared``.
    """
    if registration.problem:
        return [f"not known to be registered: {paths.REGISTRATION} is damaged, {registration.problem}"] * len(present["claims"])
    return [_said(key, registration.entries, present) for key in keys(present)]


def _said(key: str, entries: tuple[dict, ...], present: dict) -> str:
    place = next((place for place, entry in enumerate(entries) if key in keys(entry["declared"])), None)
    if place is None:
        return "not registered: exploratory" if entries else NOT_KEPT
    entry = entries[place]
    return _when(entry) + _imported_later(entries, place) + _other_seeds(entries, place, present) + _removed(entries[place:], present)


def _when(entry: dict) -> str:
    if not entry["finished_runs"]:
        return BEFORE
    after = f"after {counted(entry['finished_runs'], 'finished run')}"
    if entry["previous"] is None:
        return f"first recorded {after}: no registration was kept before"
    if entry["previous"] == formats.DAMAGED:
        return f"recorded again {after}: the registration before was damaged"
    return f"declared {after}: exploratory"


def _imported_later(entries: tuple[dict, ...], place: int) -> str:
    """Imported runs say nothing of when they were trained."""
    later = {run for entry in entries[place + 1 :] for run in entry["imported"]}
    later -= {run for entry in entries[: place + 1] for run in entry["imported"]}
    return f"; {counted(len(later), 'run')} imported since then may be older" if later else ""


def _other_seeds(entries: tuple[dict, ...], place: int, present: dict) -> str:
    """Whether the seeds, on which a verdict depends too, are others than those declared with the claim, of those that a look uses."""
    seeds = _seeds(present)
    used = max((look for look in present["looks"] if look <= len(seeds)), default=len(seeds))

    def same(entry: dict) -> bool:
        declared = _seeds(entry["declared"])
        return declared[:used] == seeds[:used] and bool(present["looks"] or len(declared) == len(seeds))

    if same(entries[place]):
        return ""
    since = next(filter(same, entries[place + 1 :]), None)
    when = f"after {counted(since['finished_runs'], 'finished run')}" if since else "later"
    return "" if since and not since["finished_runs"] else f"; the seeds were changed {when}"


def _removed(entries: tuple[dict, ...], present: dict) -> str:
    """Claims by which fewer are declared than with a claim before further runs had finished: p is adjusted for those that are left.

    Args:
        entries: from that on which the claim is in.
    """
    together = [entry for entry in entries if entry["finished_runs"] == entries[0]["finished_runs"]]
    left = _counted(present)
    gone: dict[str, int | None] = {}
    for entry, later in pairwise([*entries, {"declared": present, "finished_runs": None}]):
        gone |= dict.fromkeys(_counted(entry["declared"]) - _counted(later["declared"]), later["finished_runs"])
    planned = {key for entry in together for key in _counted(entry["declared"]) if key in left or gone[key] != 0}
    seen = [gone[key] for key in planned - left]
    fewer = len(planned) - len(left)  # a claim that was only changed is still one of those for which p is adjusted
    count = min(len(seen), fewer)
    if count <= 0:
        return ""
    when = "later" if None in seen else f"after {counted(max(seen), 'finished run')}"
    return f"; {counted(count, 'claim')} beside it {'was' if count == 1 else 'were'} removed {when}"


def _counted(declared: dict) -> set[str]:
    """``keys`` of the claims that are no controls."""
    return {key for key, claim in zip(keys(declared), declared["claims"], strict=True) if not claim["control"]}


def _seeds(declared: dict) -> list[int]:
    """Seeds, in their order where looks depend on it."""
    return declared["seeds"] if declared["looks"] else sorted(declared["seeds"])


def _sha256(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
