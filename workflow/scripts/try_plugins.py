"""Try losses, samplers and networks on a small generated batch, as a study does before its first job: those of your own, and any network
that settings name.

Without --settings each of your own is tried with the defaults of its options. Example:

  python workflow/scripts/try_plugins.py forget_easy.py pair_first.py --classes 10
"""

from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.cli.command import json_or_file, parser, positive, run, settings_with
from hardpair.files.formats import variants_by_name

if TYPE_CHECKING:
    import torch

    from hardpair.training.recipe import RunSettings

IMAGES = 20  # of each class


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("plugins", nargs="*", type=Path, metavar="FILE", help="Python files of your own losses, samplers and networks")
    keys = "the key variants (by name, settings as for train.py)"
    read_settings = settings_with("variants", variants=variants_by_name)
    cli.add_argument("--settings", type=read_settings, help=f"JSON or file with {keys}")
    cli.add_argument("--classes", type=positive, default=10, help="number of classes (default %(default)s)")
    cli.add_argument("--size", type=positive, default=32, help="height and width of the images (default %(default)s)")
    cli.add_argument("--recipe", type=json_or_file, default={}, help="recipe as JSON or file; default: the published recipe")
    options = cli.parse_args()

    import torch

    from hardpair import plugins
    from hardpair.errors import UserError
    from hardpair.training.contract import try_out
    from hardpair.training.network_contract import try_network
    from hardpair.training.recipe import Recipe, RunSettings

    plugins.use(options.plugins)
    torch.set_num_threads(1)
    labels = torch.arange(IMAGES * options.classes) % options.classes
    variants = options.settings["variants"] if options.settings else {path.stem: kinds(path.stem) for path in options.plugins}
    for name, keys in variants.items():
        try:
            settings = RunSettings.checked(keys, Recipe.checked(options.recipe))
            try_out(settings.loss, settings.sampler, labels, options.classes)
            try_network(settings.network, options.classes, options.size, settings.recipe.batch_size)
            check_cosines(settings, labels, options.classes, options.size)
        except UserError as error:
            raise UserError(f"{name}: {error}") from None
        print(f"{name}: ready for training")


def check_cosines(settings: "RunSettings", labels: "torch.Tensor", classes: int, size: int) -> None:
    """Refuse a network that the loss cannot have cosines of."""
    from hardpair import losses, networks
    from hardpair.training.model import with_cosines

    scale = losses.build(settings.loss, labels.bincount(minlength=classes)).cosine_scale
    if scale is not None:
        with_cosines(networks.outline(settings.network, classes, size), classes, scale)


def kinds(kind: str) -> dict:
    """The loss, the sampler and the network of a plugin as settings of a variant."""
    from hardpair import plugins

    return {part: {"kind": kind} for part, package in plugins.PARTS.items() if kind in plugins.options(package)}


if __name__ == "__main__":
    run(main)
