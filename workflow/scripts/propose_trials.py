"""Propose the next round of recipes, given the trials of earlier rounds.

Example:

  python workflow/scripts/propose_trials.py --round 0 --search-dir results/cifar10/search --settings settings.json --output round0.json
"""

from pathlib import Path

from hardpair.cli.command import count, parser, run, settings_with


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--round", type=count, required=True, help="number of the round, from 0")
    cli.add_argument("--search-dir", type=Path, required=True, help="folder of round{r}/trial{t}.json of earlier rounds")
    read_settings = settings_with("study", "batch", "space", "recipe")
    cli.add_argument("--settings", type=read_settings, required=True, help="JSON or file with the keys study, batch, space, recipe")
    cli.add_argument("--output", type=Path, required=True)
    options = cli.parse_args()

    from hardpair.files.atomic import write_json
    from hardpair.search.finished_trials import read_trials
    from hardpair.search.proposals import propose

    settings = options.settings
    finished = read_trials(options.search_dir, options.round, settings["batch"])
    recipes = propose(finished, options.round, settings["batch"], settings["space"], settings["recipe"], settings["study"])
    trials = [{"trial": trial, "recipe": recipe} for trial, recipe in enumerate(recipes, start=options.round * settings["batch"])]
    write_json(options.output, {"round": options.round, "trials": trials})


if __name__ == "__main__":
    run(main)
