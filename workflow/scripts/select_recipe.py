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
    cli.add_argument("--settings", type=read_settings, required=True, help="JSON or file with the keys enabled, recipe, rounds, batch")
    cli.add_argument("--output-recipe", type=Path, required=True)
    cli.add_argument("--output-trials", type=Path, required=True)
    options = cli.parse_args()

    import yaml

    from hardpair import search
    from hardpair.files.atomic import write_rows, write_text

    settings = options.settings
    trials, recipe, origin = [], settings["recipe"], "Taken from config: the search is disabled."
    if settings["enabled"]:
        trials = search.read_trials(options.search_dir, settings["rounds"], settings["batch"])
        best = search.best_trial(trials)
        recipe = best["recipe"]
        origin = f"Of trial {best['trial']}, the best of {len(trials)}: mean validation accuracy {best['value']:.4f}."
    write_rows(options.output_trials, search.table(trials), search.COLUMNS)
    write_text(options.output_recipe, f"# {origin}\n{yaml.safe_dump(recipe, sort_keys=False)}")


if __name__ == "__main__":
    run(main)
