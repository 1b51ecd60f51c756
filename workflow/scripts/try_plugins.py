"""Try losses and samplers of your own on a small generated batch, as a study does before its first job.

Without --settings each is tried with the defaults of its options. Example:

  python workflow/scripts/try_plugins.py forget_easy.py pair_first.py --classes 10
"""

from pathlib import Path

from hardpair.cli.command import parser, positive, run, settings_with

IMAGES = 20  # of each class


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("plugins", nargs="+", type=Path, metavar="FILE", help="Python files of your own losses and samplers")
    keys = "the key variants (by name, settings as for train.py)"
    cli.add_argument("--settings", type=settings_with("variants"), help=f"JSON or file with {keys}")
    cli.add_argument("--classes", type=positive, default=10, help="number of classes (default %(default)s)")
    options = cli.parse_args()

    import torch

    from hardpair import plugins
    from hardpair.errors import UserError
    from hardpair.training.contract import try_out
    from hardpair.training.recipe import Recipe, RunSettings

    plugins.use(options.plugins)
    torch.set_num_threads(1)
    labels = torch.arange(IMAGES * options.classes) % options.classes
    variants = options.settings["variants"] if options.settings else {path.stem: kinds(path.stem) for path in options.plugins}
    for name, keys in variants.items():
        try:
            settings = RunSettings.checked(keys, Recipe.checked({}))
            try_out(settings.loss, settings.sampler, labels, options.classes)
        except UserError as error:
            raise UserError(f"{name}: {error}") from None
        print(f"{name}: can be trained with")


def kinds(kind: str) -> dict:
    """The loss and the sampler of a plugin as settings of a variant."""
    from hardpair import plugins

    return {part: {"kind": kind} for package, part in (("losses", "loss"), ("samplers", "sampler")) if kind in plugins.options(package)}


if __name__ == "__main__":
    run(main)
