"""Pictures of any mode in folders and archives of any make: each is prepared with its tone or listed, and none is lost in silence."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from PIL import Image

import fuzzing
import prepare_data
from hardpair.data.arrays import load_part

REPORTS = ("skipped.csv", "duplicates.csv")
CLASSES = ["cat", "Äpfel", "1-2", "ไทย"]
PARTS = [None, ("train", "test"), ("Training", "Testing"), ("training_set", "test_set"), ("Train", "Val"), ("train", "validation")]
PAPERS = ["README.md", "LICENSE", "cat/labels.csv", "md5sums.txt"]
SYSTEM = ["cat/.DS_Store", "__MACOSX/cat/._1.png", "cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.png", "Thumbs.db", ".ipynb_checkpoints/1.png"]


def saved(picture: Image.Image | np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, kind, **options)
    return file.getvalue()


def flat(tone: int, kind: type, factor: float = 1) -> np.ndarray:
    return (np.full((9, 11), tone) * factor).astype(kind)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


# Pictures of one tone, by how they store it; then files that cannot be used.
GOOD = {
    "L": lambda tone: saved(flat(tone, np.uint8), "PNG"),
    "LA": lambda tone: saved(Image.fromarray(flat(tone, np.uint8)).convert("LA"), "PNG"),
    "P": lambda tone: saved(Image.fromarray(flat(tone, np.uint8)).convert("P"), "PNG"),
    "RGB": lambda tone: saved(Image.new("RGB", (11, 9), (tone,) * 3), "BMP"),
    "RGBA": lambda tone: saved(Image.new("RGBA", (11, 9), (tone,) * 3 + (255,)), "TIFF"),
    "CMYK": lambda tone: saved(Image.new("RGB", (11, 9), (tone,) * 3).convert("CMYK"), "TIFF"),
    "16 bits": lambda tone: saved(flat(tone, np.uint16, 257), "PNG"),
    "32 bits": lambda tone: saved(flat(tone, np.int32, 257), "TIFF"),
    "floats to 1": lambda tone: saved(flat(tone, np.float32, 1 / 255), "TIFF"),
    "floats to 255": lambda tone: saved(flat(tone, np.float32), "TIFF"),
    "broken EXIF": lambda tone: saved(flat(tone, np.uint8), "PNG", exif=b"Exif\0\0" + b"\xff" * 30),
}
BAD = {
    "no picture": lambda tone: b"no picture",
    "empty": lambda tone: b"",
    "cut short": lambda tone: saved(np.random.default_rng(tone).integers(0, 256, (9, 11, 3), dtype=np.uint8), "PNG")[:150],
    "12 bits in 16": lambda tone: saved(flat(tone, np.uint16, 16), "TIFF"),
    "floats to 65535": lambda tone: saved(flat(tone, np.float32, 257), "TIFF"),
    "EPS": lambda tone: saved(Image.new("L", (9, 9)), "EPS"),
    "transparent": lambda tone: saved(Image.new("RGBA", (11, 9), (tone,) * 3 + (0,)), "TGA"),
    "a flipped bit": lambda tone: flipped(saved(np.random.default_rng(tone).integers(0, 256, (9, 11), dtype=np.uint8), "PNG"), 60),
}


CHECKED = ("L", "LA", "P", "16 bits", "broken EXIF", "no picture", "empty", "cut short", "a flipped bit")  # those of PNG have a checksum


@st.composite
def trees(draw, choice=(*GOOD, *GOOD, *BAD)) -> tuple[dict[str, bytes], dict[str, int], set[str], bool]:
    """Files by path; the tone of each good picture and the paths of the others, and whether every class has two good ones a part."""
    parts, above = draw(st.sampled_from(PARTS)), draw(st.sampled_from(["", "data/", "a/b/"]))
    classes = draw(st.lists(st.sampled_from(CLASSES), min_size=2, max_size=3, unique=True))
    files, good, bad, full = {}, {}, set(), True
    for part in parts or ("",):
        for name in classes:
            kinds = draw(st.lists(st.sampled_from(choice), min_size=1, max_size=5))
            full = full and sum(kind in GOOD for kind in kinds) >= (2 if parts else 4)
            for kind in kinds:
                tone = 70 + 3 * (len(good) + len(bad)) % 180
                path = f"{above}{part}{'/' if part else ''}{name}/{len(files)}.{draw(st.sampled_from(['png', 'jpg', 'x']))}"
                files[path] = (GOOD | BAD)[kind](tone)
                if kind in GOOD:
                    good[path] = tone
                else:
                    bad.add(path)
    for path in draw(st.lists(st.sampled_from([*PAPERS, *SYSTEM]), max_size=3, unique=True)):
        if not path.startswith("cat/") or (not parts and "cat" in classes):  # alone in a folder, it is one of a class without pictures
            files[above + path] = b"x"
    return files, good, bad, full


def zipped(files: dict[str, bytes], draw) -> bytes:
    file, flag = io.BytesIO(), draw(st.booleans(), label="flag")
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]), label="method")
    with zipfile.ZipFile(file, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    content = bytearray(file.getvalue())
    for mark, place in () if flag else ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + place] &= ~8  # the flag that says that the name is UTF-8
    return bytes(content)


def tarred(files: dict[str, bytes], draw) -> bytes:
    file = io.BytesIO()
    kind = draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]), label="format")
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


PACKED = {
    "pictures in a zip": zipped,
    "pictures in a tar": tarred,
    "pictures in a packed tar": lambda files, draw: draw(st.sampled_from([gzip, bz2, lzma])).compress(tarred(files, draw)),
}


def prepared(source: Path, out: Path) -> tuple[str | None, list[int], list[str]]:
    """The sentence of the command, if it refused; tones of the prepared pictures; files that it skipped."""
    line = ["--kind", "folder", "--name", "p", "--source", source, "--settings", '{"size": 8, "test_share": 0.5}', "--output-dir", out]
    message = fuzzing.run(prepare_data, *line, "--on-bad-image", "skip", writes=out, leaves=REPORTS)
    if message is not None:
        return message, [], []
    images = np.concatenate([load_part(out, part)[0] for part in ("train", "test")])
    assert (images.max((1, 2, 3)) - images.min((1, 2, 3)) <= 1).all()
    with open(out / "skipped.csv", newline="", encoding="utf-8") as file:
        skipped = [row["file"] for row in csv.DictReader(file)]
    assert json.loads((out / "pictures.json").read_text())["skipped"] == len(skipped)
    return None, sorted(images.max((1, 2, 3)).tolist()), skipped


@pytest.mark.parametrize("kind", ["pictures in a folder", *PACKED])
@fuzzing.fuzzed(few=4, many=500)
@given(tree=trees(), drawn=st.data())
def test_each_picture_is_prepared_with_its_tone_or_listed(tmp_path_factory, kind, tree, drawn):
    files, good, bad, full = tree
    folder = tmp_path_factory.mktemp("pictures")
    source = folder / drawn.draw(st.sampled_from(["a", "a.zip", "a.tar.gz"]), label="name")
    if kind in PACKED:
        source.write_bytes(PACKED[kind](files, drawn.draw))
    else:
        for path, content in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
    message, tones, skipped = prepared(source, folder / "out")
    event("prepared" if message is None else "refused")
    if message is None:
        assert sorted(skipped) == sorted(bad)
        np.testing.assert_allclose(tones, sorted(good.values()), atol=1)
    else:
        assert not full, message
        assert any(words in message for words in ("has classes of fewer than 2 pictures", "holds no picture that can be read"))


@pytest.mark.parametrize("kind", PACKED)
@fuzzing.fuzzed(few=4, many=500)
@given(drawn=st.data())
def test_no_picture_of_a_damaged_archive_is_lost_in_silence(tmp_path_factory, kind, drawn):
    # Damage within a TIFF in a plain tar cannot be seen: neither has a checksum of its content.
    files, good, bad, _ = drawn.draw(trees(CHECKED) if kind == "pictures in a tar" else trees(), label="tree")
    folder = tmp_path_factory.mktemp("pictures")
    sound = PACKED[kind](files, drawn.draw)
    damage = fuzzing.damaged(sound) | st.sampled_from([sound + bytes(999), sound + b"x" * 999, sound + sound, sound[: len(sound) // 2]])
    (folder / "a").write_bytes(drawn.draw(damage, label="content"))
    message, tones, skipped = prepared(folder / "a", folder / "out")
    event("prepared" if message is None else "refused")
    if message is None:
        assert len(tones) + len(skipped) == len(good) + len(bad)
        left = sorted(good.values())
        for tone in tones:  # each one is that of a picture
            near = min(left, key=lambda other: abs(other - tone))
            assert abs(near - tone) <= 1
            left.remove(near)
