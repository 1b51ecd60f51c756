"""The record of what a job's files were made of: hashes of its settings and code, and of the content of its inputs and outputs."""

import hashlib
from collections.abc import Callable

from hardpair.files.atomic import file_sha256, write_json
from hardpair.staleness.code_hash import of_now

AFFECTS_RESULTS = False


def groups(made: dict) -> dict[str, list[str]]:
    """The inputs of a job as lists of files: each file by its own name, those of all runs by the path that they share.

    Args:
        made: ``settings`` (hash), ``files`` of the code and ``code`` (``code_hash.planned`` of them), ``inputs`` (files), perhaps
            ``outputs`` (files), ``images`` (as in ``Job``) and ``each`` (``path`` of a file of every run, with lists ``variant`` and
            ``seed``).
    """
    files = {path: [path] for path in made["inputs"]}
    if each := made.get("each"):
        files[each["path"]] = [each["path"].format(variant=variant, seed=seed) for variant in each["variant"] for seed in each["seed"]]
    return files


def contents(made: dict, sha256: Callable[[str], str] = file_sha256) -> dict:
    """The record of a job: ``made`` (as for ``groups``) with a SHA-256 for each group of inputs and each output as they are now.

    Raises:
        OSError: one is missing.
        UserError: the code has changed since the job was planned.
    """
    code = of_now(*made["files"], planned=made["code"])
    digests = {name: together([sha256(file) for file in files]) for name, files in groups(made).items()}
    outputs = {file: sha256(file) for file in made.get("outputs", ())}
    found = {"settings": made["settings"], "code": code, "inputs": digests, "outputs": outputs}
    return found | {"images": made["images"]} if "images" in made else found


def write(path: str, made: dict) -> None:
    """Write the record of a job that has just ended; raises what ``contents`` raises."""
    write_json(path, contents(made))


def together(digests: list[str]) -> str:
    """One digest of several; of one, itself."""
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()
