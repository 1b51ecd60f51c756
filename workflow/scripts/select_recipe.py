"""Choose the recipe that every run of a study uses: that of the best trial, or the config's where there was no search.

Example:

  python workflow/scripts/select_recipe.py --search-dir results/cifar10/search --settings settings.json \\
      --output-recipe recipe.yaml --output-trials trials.csv
"""

from pathlib import Path

from hardpair.cli.command import parser, run, settings_with


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--search-dir", type=Path, help="folder of round{r}/trial{t}.json (not without a search)")
    read_settings = settings_with("enabled", "recipe")
    keys = "enabled, recipe, rounds, batch, searched (keys of the recipe that trials.csv has beside its usual ones)"
    cli.add_argument("--settings", type=read_settings, required=True, help=f"JSON or file with the keys {keys}")
    cli.add_argument("--output-recipe", type=Path, required=True)
    cli.add_argument("--output-trials", type=Path, required=True)
    options = cli.parse_args()

    import yaml

    from hardpair.errors import UserError
    from hardpair.files.atomic import write_rows, write_text
    from hardpair.search.finished_trials import columns, read_trials, table
    from hardpair.search.optimum import best_trial

    settings, more = options.settings, options.settings.get("searched", [])
    trials, recipe, origin = [], settings["recipe"], "Taken from config: the search is disabled."
    if settings["enabled"]:
        if options.search_dir is None or not {"rounds", "batch"} <= settings.keys():
            raise UserError("a search needs --search-dir and the settings rounds and batch: see --help")
        trials = read_trials(options.search_dir, settings["rounds"], settings["batch"])
        best = best_trial(trials)
        recipe |= best["recipe"]  # which has no epochs
        origin = f"Of trial {best['trial']}, the best of {len(trials)}: mean validation accuracy {best['value']:.4f}."
    write_rows(options.output_trials, table(trials, more), columns(more))
    write_text(options.output_recipe, f"# {origin}\n{yaml.safe_dump(in_order(recipe), sort_keys=False)}")


def in_order(recipe: dict) -> dict:
    """A recipe with its implied keys first: where the file is cut short, one of the others is missing too."""
    from hardpair.config.schema import schema

    known = schema()["$defs"]["recipe"]["properties"]
    return dict(sorted(recipe.items(), key=lambda item: not known[item[0]].get("implied")))


if __name__ == "__main__":
    run(main)
