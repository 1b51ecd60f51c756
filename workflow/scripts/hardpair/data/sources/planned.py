"""What can be told of your own pictures before they are prepared. Imports nothing heavy: the workflow asks each time that it starts."""

from dataclasses import dataclass
from pathlib import Path

from hardpair.data.sources import tree
from hardpair.data.sources.layout import PARTS, layout
from hardpair.files.atomic import read_json

RECORD = "pictures.json"  # beside dataset.json: what was prepared


@dataclass(frozen=True)
class Planned:
    """Pictures to prepare.

    Attributes:
        fingerprint: changes when the pictures do.
        counts: pictures by class and part, as far as names of files can tell.
    """

    fingerprint: str
    counts: dict[str, dict[str, int]]

    def total(self, part: str) -> int:
        """Pictures of ``train`` or ``test``."""
        return sum(count[part] for count in self.counts.values())


def planned(data: dict, folder: Path) -> Planned:
    """The pictures that ``data`` of a config names; what was prepared in ``folder`` stands for a source that is no longer there.

    Its counts leave out files that are no pictures, which names do not tell; they hold for its own share of test images alone.

    Raises:
        UserError: the source is missing or cannot be used.
    """
    source, record = Path(data["source"]), folder / RECORD
    known = read_json(record) if record.is_file() else {"source": None, "fingerprint": None}
    share = data["test_share"]
    fingerprint = tree.fingerprint(source) if source.exists() or known["source"] != str(source) else known["fingerprint"]
    if known["fingerprint"] == fingerprint and known.get("test_share") == share:
        return Planned(fingerprint, known["counts"])
    found = layout(tree.listing(source), source)
    counts = {name: dict.fromkeys(PARTS, 0) for name in found.classes}
    for _, part, label in found.pictures:
        counts[found.classes[label]][part or "train"] += 1
    if found.pictures[0][1] is None:
        import numpy as np

        from hardpair.data.split import quotas

        sizes = np.array([count["train"] for count in counts.values()])
        for count, test in zip(counts.values(), quotas(sizes, round(share * int(sizes.sum()))).tolist(), strict=True):
            count["test"] = test
            count["train"] -= test
    return Planned(fingerprint, counts)
