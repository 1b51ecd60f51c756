"""Show a study's status or its finished runs, train it until its claims are settled, remove it, import runs into it, or write its events.

Each command has its own help: `study.py status --help`. Example:

  python workflow/scripts/study.py status --configfile config/demo.yaml --follow
"""

import argparse
import inspect
from pathlib import Path

from hardpair.cli.command import parser, run
from hardpair.study.find import chosen, chosen_folder, folder_of


def status(study: str | None, configfile: list[str], follow: bool) -> None:
    """Show how far a study is.

    Shows what is done, running, failed, stale or left over, and when it should be done; changes nothing. A run is stale if its settings,
    recipe, images, split or code are not the present ones; `snakemake --dry-run` lists all outdated steps. Example:

      python workflow/scripts/study.py status --configfile config/demo.yaml --follow
    """
    from hardpair.study.status_live import show

    show(chosen(study, configfile), follow)


def runs(study: str | None, configfile: list[str], model: str, columns: list[str], sort: str | None, reverse: bool) -> None:
    """List the finished runs of a study.

    Settings, measures, device and time of each run that is evaluated, also while the study is running. Any column of runs.csv can be shown
    and sorted by; a first word (`confusion`) stands for the first of several columns (`confusion:cat-dog`). With --sort, the
    highest accuracy or speed comes first, and of any other column the lowest value. Example:

      python workflow/scripts/study.py runs --study demo --sort accuracy --columns loss.gamma sampler.gamma accuracy confusion
    """
    from hardpair.study.listing import print_runs

    print_runs(chosen_folder(study, configfile), model, columns, sort, reverse)


def clean(study: str, leftovers: bool, configfile: list[str], yes: bool) -> None:
    """Remove a study, or only its leftovers.

    Shows what will be removed and asks first. Removes nothing outside results/{study}/, and nothing while a job is running in it.
    Images in resources/ stay. Example:

      python workflow/scripts/study.py clean --study demo --leftovers
    """
    from hardpair.study.clean import clean_study

    clean_study(folder_of(study), chosen(study, configfile) if leftovers else None, ask=not yes)


def adopt(runs: Path, configfile: list[str], code: str | None) -> None:
    """Import runs that were trained elsewhere.

    A run is imported if the study would train the same: its variant and seed are declared, its settings, recipe, images, split and code
    are the present ones, and its files are complete. Runs are recognised by their run.json, anywhere below the folder, and copied. The
    study's recipe and split must exist. A run without weights is imported as a record if its evaluations lie beside it
    (metrics_test.json and predictions_test.npz, or the same of validation): it counts for comparison and figures. Example:

      python workflow/scripts/study.py adopt --runs /mnt/node7/runs --configfile config/published.yaml
    """
    from hardpair.study.adoption import adopt_runs

    adopt_runs(runs, configfile, code)


def keep(study: str | None, configfile: list[str]) -> None:
    """Keep the results of a study of an earlier version.

    Records images, split, search and evaluations as made by the present config and code, if all runs and trials have their fingerprint.
    Example:

      python workflow/scripts/study.py keep --study cifar10
    """
    from hardpair.study.keep import keep_study

    keep_study(chosen(study, configfile))


def settle(configfile: list[str], max_seeds: int | None, options: list[str]) -> None:
    """Train a study until its claims are settled.

    Trains and compares the first seeds of the config, as many as the first of its `looks` names, then as many as the next one names, until
    every claim has its verdict or no look is left. The same command continues what was interrupted. Options behind `--` are Snakemake's;
    `--config` there changes keys for all looks. Example:

      python workflow/scripts/study.py settle --configfile my.yaml --max-seeds 20 -- --cores 4 --resources gpu=4
    """
    from hardpair.study.settle import settle

    settle(configfile, max_seeds, options or ["--cores", "all"])


def events(study: str | None, configfile: list[str], follow: bool) -> None:
    """Write the progress of runs as TensorBoard event files.

    Reads progress/{variant}/seed{seed}.csv and, of finished runs, runs/{variant}/seed{seed}/refreshes.csv in the study's folder; writes
    events/{variant}/seed{seed}/. Works for running and for finished runs. Example:

      python workflow/scripts/study.py events --study cifar10 --follow
      tensorboard --logdir results/cifar10/events
    """
    from hardpair.study.tensorboard_events import write_events

    write_events(chosen_folder(study, configfile), follow)


def main() -> None:
    cli = parser(__doc__)
    commands = cli.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parsers = {}
    for command in (status, runs, clean, adopt, keep, settle, events):
        text, layout = inspect.getdoc(command) or "", argparse.RawDescriptionHelpFormatter
        subparser = commands.add_parser(command.__name__, help=text.partition("\n")[0], description=text, formatter_class=layout)
        subparser.set_defaults(command=command)
        if command in (status, runs, keep, events):
            add = subparser.add_argument
            add("--study", metavar="NAME", help="a study that was started here; default: the one that was started last")
            add("--configfile", nargs="+", default=[], metavar="FILE", help="or its overlays of config/config.yaml, as for snakemake")
        parsers[command] = subparser
    parsers[status].add_argument("--follow", action="store_true", help="refresh until the study is finished; q or Ctrl-C ends it")
    add = parsers[runs].add_argument
    add("--model", choices=("last", "best", "both"), default="last", help="model of each run (default %(default)s)")
    default = ["accuracy", "confusion:*", "best_epoch", "device", "seconds", "images_per_second"]
    add("--columns", nargs="+", default=default, metavar="COLUMN", help=f"beside variant and seed (default {' '.join(default)})")
    add("--sort", metavar="COLUMN", help="default: by variant and seed")
    add("--reverse", action="store_true", help="reverse the order")
    add = parsers[clean].add_argument
    add("--study", required=True, metavar="NAME", help="name of the study: its folder in results/")
    add("--leftovers", action="store_true", help="only runs and searches of seeds and variants that are no longer in its config")
    add("--configfile", nargs="+", default=[], metavar="FILE", help="its overlays, if the study has no record of them")
    add("--yes", action="store_true", help="do not ask")
    add = parsers[adopt].add_argument
    add("--runs", type=Path, required=True, help="folder that holds the runs, at any depth")
    add("--configfile", nargs="*", default=[], metavar="FILE", help="overlays of config/config.yaml, as for snakemake")
    add("--code", metavar="COMMIT", help="also import runs trained by the code of this commit, which gives the same results")
    add = parsers[settle].add_argument
    add("--configfile", nargs="*", default=[], metavar="FILE", help="overlays of config/config.yaml, as for snakemake")
    add("--max-seeds", type=int, help="take no look of more seeds; default: all looks")
    add("options", nargs="*", metavar="-- OPTION", help="of snakemake; default: --cores all")
    parsers[events].add_argument("--follow", action="store_true", help="add new rows until Ctrl-C")

    options = vars(cli.parse_args())
    options.pop("command")(**options)


if __name__ == "__main__":
    run(main)
