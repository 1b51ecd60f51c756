"""Compare the declared runs of a study.

Writes runs.csv (a row per run and model), comparison.csv (each variant, with its difference to the baseline by seed), contrasts.csv (each
declared contrast, with tests and power), most_confused.csv (the pairs of classes confused most), claims.csv (a verdict for each declared
claim) and comparison.md. Refuses runs that were made with other settings or code than the present ones, or on different kinds of machine.
Example:

  python workflow/scripts/compare.py --runs results/cifar10/runs --recipe results/cifar10/search/recipe.yaml \\
      --split results/cifar10/split.json --settings settings.json --output-dir results/cifar10
"""

from pathlib import Path

from hardpair.cli.command import json_or_file, parser, run, settings_with
from hardpair.files.formats import compared_variants

KEYS = ("study", "variants", "seeds", "pairs", "references", "baseline", "contrasts", "claims", "looks", "evaluated_on")
KEYS += ("allow_mixed", "margins", "searches", "declared")


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--runs", type=Path, required=True, help="folder of runs: {variant}/seed{seed}/")
    cli.add_argument("--recipe", type=json_or_file, nargs="+", required=True, help="recipe of all runs, or of each variant in their order")
    cli.add_argument("--trials", type=Path, nargs="*", default=[], help="trials.csv of each of the settings' searches")
    cli.add_argument("--split", type=Path, required=True, help="split.json of the runs")
    read_settings = settings_with(*KEYS, variants=compared_variants)
    keys = f"{', '.join(KEYS)}; of each variant: name, label, published, train, code"
    cli.add_argument("--settings", type=read_settings, required=True, help=f"JSON or file with the keys {keys}")
    cli.add_argument("--registration", type=Path, help="registration.json of the study, with the times at which claims were declared")
    cli.add_argument("--output-dir", type=Path, required=True)
    options = cli.parse_args()

    from hardpair.comparison import claims, markdown, most_confused, new_images, recipes, registration, tables
    from hardpair.comparison.csv_table import csv_of
    from hardpair.comparison.runs import Runs
    from hardpair.comparison.warnings import warnings
    from hardpair.files import paths
    from hardpair.files.atomic import write_text

    settings = options.settings
    optima = recipes.read_optima(settings["searches"], options.trials)
    records = tables.read_records(options.runs, settings, recipes.by_variant(options.recipe, settings), options.split)
    runs = tables.runs_table(records, settings)
    resampled = new_images.of_runs(Runs.declared(options.runs, settings), settings, list(runs["model"].unique()))
    results = {
        "runs": runs,
        "comparison": tables.comparison_table(runs, settings),
        "contrasts": tables.contrasts_table(runs, settings, resampled),
        "most_confused": most_confused.most_confused_table(records, settings),
    }
    kept = registration.read(options.registration) if options.registration else registration.Registration()
    results["claims"] = claims.claims_table(runs, settings).assign(declared=registration.said(kept, settings["declared"]))
    text = markdown.markdown(results, settings, optima, list(warnings(runs, settings, None, tables.images_by_class(records))))
    for name, table in results.items():
        write_text(options.output_dir / f"{name}.csv", csv_of(table))
    write_text(options.output_dir / paths.COMPARISON, text)


if __name__ == "__main__":
    run(main)
