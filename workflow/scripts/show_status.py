"""Tell how far a study is: what is done, running, failed, stale or left over, and when it should be done.

It looks at the study's files and locks, and starts, locks and writes nothing. A run is stale if its settings, recipe, images, split or code
are not the present ones; which other steps would run again, `snakemake --dry-run` tells. Exit code 0 whenever it could tell. Example:

  python workflow/scripts/show_status.py --configfile config/demo.yaml --follow
"""

import argparse
from pathlib import Path

from hardpair.cli.command import parser, run
from hardpair.study.find import study_arguments


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    study_arguments(cli)
    cli.add_argument("--follow", action="store_true", help="keep it on screen until all is done; q or Ctrl-C ends that, not the study")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from rich.console import Console

    from hardpair.errors import UserError
    from hardpair.study import find
    from hardpair.study.follow import follow
    from hardpair.study.status_view import WIDE, view
    from hardpair.study.watch import Watch

    config = find.chosen(options.study, options.configfile)
    watch = Watch(config, Path("results") / config["study"])
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = WIDE
    if options.follow:
        if not console.is_terminal:
            raise UserError("--follow draws on a terminal, and this is none: leave it out")
        standing = follow(watch, console)
    else:
        standing = watch.look()
    console.print(view(standing, console.size.width))


if __name__ == "__main__":
    run(main)
