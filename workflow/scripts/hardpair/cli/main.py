"""The command `hardpair` of an installed workflow: `hardpair snakemake …` runs the workflow in this folder, `hardpair NAME …` a script."""

import os
import sys
from pathlib import Path

from hardpair.files.visible import visible_files
from hardpair.study.find import SCRIPTS, SHIPPED, here_or_shipped

WORKFLOW = "snakemake"


def main() -> None:
    """Replace this process by the command that the arguments name."""
    names = [path.stem for path in visible_files(SCRIPTS.glob("*.py"))]
    name, *words = sys.argv[1:] or [""]
    if name not in (WORKFLOW, *names):
        asked = name in ("-h", "--help")
        print(_usage(names), file=sys.stdout if asked else sys.stderr)
        sys.exit(0 if asked else 2)
    # Commands of rules are of the Python that comes first.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.execv(sys.executable, [sys.executable, *_command(name, words)])


def _command(name: str, words: list[str]) -> list[str]:
    """Arguments of Python; overlays and profiles that come with the workflow are found by their short names."""
    if name == WORKFLOW:
        return ["-m", "snakemake", "--snakefile", str(SHIPPED / "Snakefile"), *map(_found, words)]
    return [str(SCRIPTS / f"{name}.py"), *words]


def _found(word: str) -> str:
    option, equals, file = word.partition("=") if word.startswith("-") else ("", "", word)
    return f"{option}{equals}{here_or_shipped(file)}" if file.startswith(("config/", "profiles/", "docs/study/")) else word


def _usage(names: list[str]) -> str:
    return (
        f"hardpair {WORKFLOW} …  the workflow in this folder, with the options of `snakemake`: --cores 2 --configfile config/demo.yaml\n"
        f"hardpair NAME …       one of its scripts, each with a --help: {', '.join(names)}"
    )
