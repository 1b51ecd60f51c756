"""What a run was made of: fingerprint and versions. Imports no torch."""

import hashlib
import platform
from importlib import metadata
from pathlib import Path

from hardpair.config.resolve import canonical, merged_recipe
from hardpair.files.atomic import file_sha256

PACKAGES = ("torch", "numpy", "safetensors")


def fingerprint(settings: dict, recipe: dict, seed: int, split: Path, code: str) -> str:
    """Hash of all that decides a run's result on one type of machine; runs of equal fingerprint are the same run.

    Args:
        settings: of the job, complete (loss, sampler, precision); a variant's own keys of the recipe, ``recipe``, replace those below.
        recipe: complete.
        split: the file of indices; it names the hash of the images too.
        code: hash of the code that trains (``hardpair.staleness.code_hash``).
    """
    settings = dict(settings)
    recipe = merged_recipe(recipe, settings.pop("recipe", {}))
    parts = {"settings": settings, "recipe": recipe, "seed": seed, "split": file_sha256(split), "code": code}
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:16]


def versions(*more: str) -> dict[str, str]:
    """Version of Python, of the packages that training depends on, and of ``more``."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in (*PACKAGES, *more)}
