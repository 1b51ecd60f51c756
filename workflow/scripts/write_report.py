"""Write a study's report: one HTML file that opens offline, with its verdicts, tables, figures, the images that runs get wrong, search,
speed, provenance, config and commands.

Reads comparison.csv, contrasts.csv, most_confused.csv, claims.csv, runs.csv, runs/{variant}/seed{seed}/{run.json,predictions.npz},
figures/{name}.{svg,png} and of each search search/{recipe.yaml,trials.csv} or search/{variant}/{recipe.yaml,trials.csv} below the study's
folder. Settings: config (resolved), pairs, references (confusion rates from elsewhere), searches (list of own, label, space, images),
answer (settings of the final figure), figures (list of name, title, caption), commands (list of texts). Example:

  python workflow/scripts/write_report.py --study-dir results/demo --data resources/synthetic \\
      --settings report.json --output results/demo/report.html
"""

from pathlib import Path

from hardpair.cli.command import parser, positive, run, settings_with


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--study-dir", type=Path, required=True, help="folder results/{study} of the study")
    cli.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    keys = "config", "pairs", "references", "searches", "answer", "figures", "commands"
    cli.add_argument("--settings", required=True, type=settings_with(*keys), help=f"JSON or file with the keys {', '.join(keys)}")
    cli.add_argument("--explorer-mb", type=positive, help="most MB of the explorer's tables and pictures (default 9.5)")
    cli.add_argument("--output", required=True, help="HTML file to write")
    options = cli.parse_args()

    from hardpair.comparison.runs import Runs
    from hardpair.data.arrays import load_part
    from hardpair.files import paths
    from hardpair.files.atomic import write_text
    from hardpair.report import provenance
    from hardpair.report.page import render

    Runs.declared(options.study_dir / paths.RUNS, options.settings["config"]).refuse_other_data(options.data)
    room = {"room": 1_000_000 * options.explorer_mb} if options.explorer_mb else {}
    images, _ = load_part(options.data, "train" if options.settings["config"]["evaluate"]["images"] == "validation" else "test")
    page = render(options.study_dir, options.settings, images, about_pictures=provenance.about_pictures(options.data), **room)
    write_text(options.output, page)


if __name__ == "__main__":
    run(main)
