"""Your own pictures: a folder, zip or tar of them."""

from pathlib import Path

from hardpair.data.pictures.planned import planned
from hardpair.data.sources import Arrays, Inventory, Source
from hardpair.errors import UserError, say
from hardpair.files import paths
from hardpair.files.atomic import write_json


class Folder(Source):
    """Pictures of any format, resized to one size; which class each shows is the name of its folder."""

    local = "the folder, zip or tar of your pictures"
    settings = ("size", "test_share")
    checks = ("on_bad_image", "min_images")
    threads = 4

    def inventory(self, data: dict, folder: Path | None = None) -> Inventory:
        """As ``Source.inventory``; until the pictures have been prepared, counts include files that turn out to be none."""
        try:
            fingerprint, counts = planned(data, folder)
        except OSError as error:
            raise UserError(f"data.source {data['source']} cannot be read ({error.strerror}): make it readable, or name another") from None
        train, test = (sum(count[part] for count in counts.values()) for part in ("train", "test"))
        return Inventory(train, test, tuple(counts), data["size"], fingerprint)

    def read(self, data: dict, folder: Path, threads: int) -> tuple[dict, Arrays]:
        """As ``Source.read``; prints a report, and writes skipped.csv, duplicates.csv and pictures.json into ``folder``."""
        from hardpair.data.pictures import archives, decoded, tree

        source, size = Path(data["source"]), data["size"]
        fingerprint = tree.fingerprint(source)
        pictures = decoded.read(source, size, data["test_share"], threads)
        groups = pictures.duplicates()
        remarks = archives.remarks(source) + decoded.report(pictures, groups, folder)
        decoded.refuse(pictures, data, folder)
        record = {"source": str(source), "fingerprint": fingerprint, "test_share": data["test_share"]}
        found = {"counts": pictures.counts(), "skipped": len(pictures.bad), "leaked": pictures.leaked(groups)}
        write_json(folder / paths.PICTURES, record | found)
        train, test = ((pictures.parts == part).sum() for part in ("train", "test"))
        counts = f"{len(pictures.classes)} classes, {train:,} training and {test:,} test pictures of {size} × {size} pixels"
        say(*remarks, counts)
        return {"classes": pictures.classes}, pictures.arrays()


SOURCE = Folder()
