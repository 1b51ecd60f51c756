"""What is known of your own pictures before they are prepared. Imports nothing heavy: the workflow reads this each time that it starts."""

from pathlib import Path

from hardpair.data.pictures import tree
from hardpair.data.pictures.labels import PARTS, label_files, number_to_test
from hardpair.errors import UserError
from hardpair.files import formats, paths, shapes


def planned(data: dict, folder: Path) -> tuple[str, dict[str, dict[str, int]]]:
    """Fingerprint of the pictures that ``data`` of a config names, and their number by class and part.

    The record of what was prepared in ``folder`` stands for a source that is no longer there. Its counts, which hold for its own share of
    test images, leave out files that turned out to be no pictures. A damaged record counts as none while the source is there.

    Raises:
        UserError: the source is missing or cannot be used.
    """
    source, share = Path(data["source"]), data["test_share"]
    prepared = {"source": None, "fingerprint": None}
    try:
        prepared = shapes.read(folder / paths.PICTURES, formats.PICTURES)
    except UserError as error:
        if (folder / paths.PICTURES).exists() and not source.exists():
            raise UserError(f"data.source {source} does not exist, and {error}") from None
    fingerprint = tree.fingerprint(source) if source.exists() or prepared["source"] != str(source) else prepared["fingerprint"]
    if prepared["fingerprint"] == fingerprint and prepared.get("test_share") == share:
        return fingerprint, prepared["counts"]
    entries, empty = tree.files_and_empty_folders(source)
    files = label_files(entries, source, empty)
    counts = {name: dict.fromkeys(PARTS, 0) for name in files.classes}
    for _, part, label in files.pictures:
        counts[files.classes[label]][part or "train"] += 1
    if not files.parted:
        import numpy as np

        from hardpair.data.split import quotas

        sizes = np.array([count["train"] for count in counts.values()])
        for count, test in zip(counts.values(), quotas(sizes, number_to_test(int(sizes.sum()), share)).tolist(), strict=True):
            count["test"] = test
            count["train"] -= test
    return fingerprint, counts
