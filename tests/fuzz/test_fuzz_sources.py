"""Archives from anywhere: nothing of them is run, unpacked elsewhere or left half prepared."""

import contextlib
import io
import json
import pickle
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fake_cifar
import fuzzing
import picture_tree
import prepare_data
from hardpair.config.resolve import resolve_part
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.files.atomic import write_json
from hardpair.files.json_text import read_json
from hardpair.staleness import plan
from hostile_pickle import Trap

SOUND = {
    f"{part}/{name}/{n}.png": picture_tree.png(n + len(name) * 9) for part in ("train", "test") for name in ("cat", "dog") for n in (1, 2)
}
REPORTS = ("skipped.csv", "duplicates.csv")
NAMES = [
    "../out.png",
    "train/cat/../../../out.png",
    "/tmp/out.png",
    "train/cat/",
    "",
    ".",
    "..",
    "train/cat/a\0b.png",
    "train/cat/\x1b[2J.png",
]
NAMES += [
    "train/$(touch sprung)/1.png",
    "train/;touch sprung/1.png",
    "test/<script>/1.png",
    "train/cat/" + "x" * 300,
    "a/" * 200 + "x.png",
    "C:\\x.png",
]
NAMES += [
    "train/cat/數.png",
    "train/cat/\udcff.png",
    "train//cat//9.png",
    "./train/cat/8.png",
    "train/cat/1.png",
    "train\\cat\\1.png",
    "\n",
    "train/-rf/1.png",
]
KINDS = [
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
    tarfile.CONTTYPE,
]
TARGETS = ["/etc/passwd", "../../../out", "train/cat/1.png", "/dev/zero", ""]
PICTURES = [
    b"",
    b"no picture",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a" + b"\xff" * 40,
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) print",
    bytes(5000),
]


@st.composite
def members(draw) -> list[tuple]:
    """Members beside the sound ones: name, kind, target of the link, content."""
    content = st.sampled_from([*PICTURES, SOUND["train/cat/1.png"]]) | fuzzing.damaged(SOUND["train/dog/2.png"])
    return draw(
        st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(KINDS), st.sampled_from(TARGETS), content), min_size=1, max_size=4)
    )


def pack(path: Path, more: list[tuple]) -> bytes:
    """A zip or tar of the sound pictures and these members."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in SOUND.items():
                archive.writestr(name, content)
            for name, kind, target, content in more:
                member = zipfile.ZipInfo(name.encode("utf-8", "backslashreplace").decode() or "x")
                linked = kind == tarfile.SYMTYPE
                member.external_attr = (
                    (stat.S_IFLNK if linked else stat.S_IFIFO if kind == tarfile.FIFOTYPE else stat.S_IFREG) | 0o777
                ) << 16
                archive.writestr(member, target if linked else content)
    else:
        with tarfile.open(path, "w" + (":" + path.suffix[1:] if path.suffix != ".tar" else "")) as archive:
            for name, kind, target, content in [*((n, tarfile.REGTYPE, "", c) for n, c in SOUND.items()), *more]:
                member = tarfile.TarInfo(name)
                member.type, member.linkname = kind, target
                member.size = len(content) if member.isreg() else 0
                archive.addfile(member, io.BytesIO(content))
    return path.read_bytes()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz"])
@fuzzing.fuzzed(few=6, many=120)
@given(more=members(), damage=st.booleans(), skip=st.sampled_from(["refuse", "skip"]), drawn=st.data())
def test_pictures_of_any_archive_are_prepared_or_refused(tmp_path_factory, kind, more, damage, skip, drawn):
    folder = tmp_path_factory.mktemp("source")
    source, out = folder / f"pictures.{kind}", folder / "out"
    intact = pack(source, more)
    if damage:
        source.write_bytes(drawn.draw(fuzzing.damaged(intact)))
    arguments = ["--kind", "folder", "--name", "p", f"--source={source}", "--settings", '{"size": 8}', "--output-dir", out]
    before = {path: path.read_bytes() for path in fuzzing.files_below(folder)}
    message = fuzzing.run(prepare_data, *arguments, "--on-bad-image", skip, "--min-images", 1, writes=out, leaves=REPORTS)
    assert {path: path.read_bytes() for path in fuzzing.files_below(folder) if out not in path.parents} == before
    if message is None:
        assert set(read_json(out / "dataset.json")) >= {"classes", "sha256"}


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """A folder for each small release, which counts as the official one."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("cifar10", "cifar100")}
    with pytest.MonkeyPatch.context() as patch:
        for kind, folder in folders.items():
            fake_cifar.write_release(folder, kind, patch)
        yield folders


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
@fuzzing.fuzzed(few=5, many=80)
@given(how=st.sampled_from(["archive", "member", "trap", "trap in archive", "missing", "no archive"]), drawn=st.data())
def test_an_official_archive_that_is_none_is_refused_and_nothing_of_it_is_run(tmp_path_factory, releases, kind, how, drawn):
    folder = tmp_path_factory.mktemp("cifar") / kind
    shutil.copytree(releases[kind], folder)
    archive, inner = folder / f"{kind}.tar.gz", folder / sources.get(kind).unpacked
    path = drawn.draw(st.sampled_from(sorted(inner.iterdir())))
    source, intact = (archive if how == "archive" else folder), path.read_bytes()
    if how == "archive":
        changed = drawn.draw(fuzzing.damaged(intact := archive.read_bytes()))
        archive.write_bytes(changed)
        assume(changed != intact)
    elif how == "member":
        changed = drawn.draw(fuzzing.damaged(intact))
        assume(changed != intact)
        path.write_bytes(changed)
    elif how == "missing":
        path.unlink()
    elif how == "no archive":
        source = path
    else:
        path.write_bytes(pickle.dumps(Trap(folder / "sprung")))
    if how == "trap in archive":
        with tarfile.open(archive, "w:gz") as file:
            file.add(inner, sources.get(kind).unpacked)
        source = archive
    out = folder / "out"
    message = fuzzing.run(prepare_data, "--kind", kind, "--name", "c", "--source", source, "--output-dir", out, writes=out)
    assert message is not None
    assert not (folder / "sprung").exists()
    assert not out.exists()


@fuzzing.fuzzed(few=5, many=60)
@given(st.data())
def test_a_damaged_record_of_prepared_pictures_is_refused(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("planned")
    counts = {name: {"train": 2, "test": 2} for name in ("cat", "dog")}
    record = {"source": "gone/pictures", "fingerprint": "f", "test_share": 0.2, "counts": counts, "skipped": 0}
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": "gone/pictures", "validation": 1})
    config = {"data": data, "pairs": [["cat", "dog"]]}
    write_json(folder / "pictures.json", record)
    assert plan.pictures(config, folder) == "f"
    (folder / "pictures.json").write_bytes(drawn.draw(fuzzing.damaged_json(record)))
    with contextlib.suppress(UserError):
        plan.pictures(config, folder)


BOMBS = {"zip": 300 * 2**20, "tar.gz": 300 * 2**20, "tar.xz": 300 * 2**20}


@pytest.mark.skipif(not fuzzing.FULL, reason="takes seconds: set FAULTS=full")
@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_not_read_into_memory(tmp_path, kind):
    import resource

    source, member = tmp_path / f"bomb.{kind}", tarfile.TarInfo("train/cat/9.png")
    zeros = open("/dev/zero", "rb")  # noqa: SIM115
    with zeros:
        if kind == "zip":
            with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("train/cat/9.png", "w") as file:
                for _ in range(300):
                    file.write(bytes(2**20))
        else:
            member.size = BOMBS[kind]
            with tarfile.open(source, f"w:{kind[4:]}") as archive:
                for name, content in SOUND.items():
                    sound = tarfile.TarInfo(name)
                    sound.size = len(content)
                    archive.addfile(sound, io.BytesIO(content))
                archive.addfile(member, zeros)
    if kind == "zip":
        with zipfile.ZipFile(source, "a") as archive:
            for name, content in SOUND.items():
                archive.writestr(name, content)
    assert source.stat().st_size < 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = tmp_path / "out"
    arguments = ["--kind", "folder", "--name", "p", "--source", source, "--settings", json.dumps({"size": 8}), "--output-dir", out]
    message = fuzzing.run(prepare_data, *arguments, writes=out, leaves=REPORTS)
    assert "has more than 268,435,456 bytes" in message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
