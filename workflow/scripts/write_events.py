"""Write what a study's runs tell while they train as event files of TensorBoard.

Reads progress/{variant}/seed{seed}.csv and, of finished runs, runs/{variant}/seed{seed}/refreshes.csv below the study's folder; writes
events/{variant}/seed{seed}/. Training has no part in it, so events of runs that are long finished can be written too. Example:

  python workflow/scripts/write_events.py --study cifar10 --follow
  tensorboard --logdir results/cifar10/events
"""

import argparse
import time

from hardpair.cli.command import parser, run
from hardpair.study.find import study_arguments

EVERY = 5  # seconds between two looks


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    study_arguments(cli)
    cli.add_argument("--follow", action="store_true", help="go on writing while runs train, until Ctrl-C")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.errors import UserError
    from hardpair.study import find
    from hardpair.study.events import Events

    folder = find.chosen_folder(options.study, options.configfile)
    events = Events(folder)
    written = events.write()
    while options.follow:
        time.sleep(EVERY)
        events.write()
    if not written:
        raise UserError(f"{folder / 'progress'} tells of no run: train one first, or follow it with --follow")
    print(f"{written} rows of {len(events.runs)} runs written: tensorboard --logdir {folder / 'events'}")


if __name__ == "__main__":
    run(main)
