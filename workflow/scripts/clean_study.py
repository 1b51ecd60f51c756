"""Remove a study, or only what removed seeds and variants left in it, after saying what and asking.

It removes nothing outside results/{study}/, nothing that is no study's, and nothing while a job is at work in it. Images in resources/
stay. Example:

  python workflow/scripts/clean_study.py --study demo --leftovers
"""

import argparse
import shutil
import sys
from pathlib import Path

from hardpair.cli.command import parser, run


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--study", required=True, metavar="NAME", help="name of the study: its folder in results/")
    cli.add_argument("--leftovers", action="store_true", help="only runs of seeds and variants that its config does not declare any more")
    cli.add_argument(
        "--configfile", nargs="+", default=[], metavar="FILE", help="its overlays, where it cannot be known what it was started with"
    )
    cli.add_argument("--yes", action="store_true", help="do not ask")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.study.find import chosen, folder_of

    folder = folder_of(options.study)
    targets = leftover(folder, chosen(options.study, options.configfile)) if options.leftovers else whole(folder)
    if not targets:
        print(f"nothing is left over in {folder}")
        return
    refuse(targets, folder)
    if not options.yes and not agreed():
        print("nothing was removed")
        return
    refuse(targets, folder)  # a job may have begun meanwhile
    for path in targets:
        remove(path, folder)
    print(f"removed from {folder}" if options.leftovers else f"removed {folder}")


def whole(folder: Path) -> list[Path]:
    """The study's folder, after saying what it holds."""
    from hardpair.study.clean import count
    from hardpair.wording import counted

    runs, trials = len(list(folder.glob("runs/*/seed*/run.json"))), len(list(folder.glob("search/round*/trial*.json")))
    print(f"{folder}: all of the study, {counted(runs, 'run')} and {counted(trials, 'trial')}; {told(*count([folder]))}")
    return [folder]


def leftover(folder: Path, config: dict) -> list[Path]:
    """What removed seeds and variants left, after saying what."""
    from hardpair.study.clean import count, leftovers
    from hardpair.wording import counted

    found = leftovers(folder, config)
    for (variant, seed), paths in found.items():
        print(f"{folder}: {variant} {seed}, {told(*count(paths))}")
    paths = [path for each in found.values() for path in each]
    if len(found) > 1:
        print(f"{folder}: {counted(len(found), 'run')} in all, {told(*count(paths))}")
    return paths


def told(files: int, count: int) -> str:
    """``12 files, 36 MB``."""
    from hardpair.study.estimate import size
    from hardpair.wording import counted

    return f"{counted(files, 'file')}, {size(count)}"


def refuse(targets: list[Path], folder: Path) -> None:
    """Let nothing be removed that is in use or lies elsewhere.

    Raises:
        UserError: a job is at work in the study, or a folder of it is a link to another place.
    """
    from hardpair.errors import UserError
    from hardpair.jobs import locks
    from hardpair.jobs.logs import at_work_elsewhere

    if locks.snakemake_at_work(folder):
        raise UserError(f"snakemake is at work in {folder}: wait for its end, or run `snakemake --unlock` if it was killed")
    if busy := locks.held(folder.glob("checkpoints/*/.*.lock")):
        raise UserError(f"a job is at work in {folder}: it holds {min(busy)}; wait for its end")
    if busy := [log for log in folder.glob("logs/*/*.log") if at_work_elsewhere(log)]:
        raise UserError(f"a job seems to be at work on another machine: {min(busy)} was written to just now; wait for its end")
    for path in targets:
        if not path.parent.resolve().is_relative_to(folder.parent.resolve()):
            raise UserError(f"{path} lies elsewhere, at {path.resolve()}: remove it there by hand")


def agreed() -> bool:
    """Whether the user says yes.

    Raises:
        UserError: nobody can be asked.
    """
    from hardpair.errors import UserError

    if not sys.stdin.isatty():
        raise UserError("nobody can be asked here, so nothing was removed: add --yes (with make: YES=1) to remove it")
    return input("remove this for good? [y/N] ").strip().lower() in ("y", "yes")


def remove(path: Path, folder: Path) -> None:
    """Remove a file or folder and the folders of variants that it leaves empty; a link goes, what it leads to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if path != folder and path.parent.name not in ("train", "evaluate") and not any(path.parent.iterdir()):
        path.parent.rmdir()


if __name__ == "__main__":
    run(main)
