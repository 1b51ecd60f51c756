"""What a network must take and return: tried on a few images before anything is trained with it."""

import contextlib
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.parameter import is_lazy

from hardpair import networks, plugins
from hardpair.config.schema import CNN
from hardpair.errors import UserError, one_line
from hardpair.plugin_files import errors_of
from hardpair.training import reproducible
from hardpair.training.random_streams import generator

AFFECTS_RESULTS = False
IMAGES = 4


def try_network(settings: dict, classes: int, size: int, batch_size: int) -> None:
    """Call a network other than the study's as training and evaluation do; without memory or time for its weights, unless it is a plugin.

    Args:
        settings: ``kind`` and its options.
        size: height and width of the images.
        batch_size: images in a step.

    Raises:
        UserError: it does not take such images or so small batches; or a plugin's has an error, returns what it must not, or would not give
            the same results again, in a resumed run too.
    """
    if settings == CNN:
        return
    own = plugins.is_own(settings["kind"])
    with errors_of(plugins.file_of(settings["kind"]), "Network") if own else _refused(settings, size), torch.random.fork_rng(devices=[]):
        network = networks.build(settings, classes, size, dropout=0.0) if own else networks.outline(settings, classes, size)
        if not isinstance(network, nn.Module):
            raise UserError(f"{named(settings)} is not an nn.Module: make its class a subclass of torch.nn.Module")
        if any(map(is_lazy, network.parameters())):
            raise UserError(f"{named(settings)} has layers without sizes, such as LazyLinear: give them their sizes in the constructor")
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise UserError(
                f"{named(settings)} has no parameter to train: make its layers attributes of the module, and let them have gradients"
            )
        images = torch.zeros(2, 3, size, size, device="cpu" if own else "meta")
        for mode in (True, False):
            check_logits(settings, network.train(mode)(images), (2, classes))
        if own:
            random_numbers = "the global generator of torch, which belongs to the run's seed"
            reproducible.check(
                lambda _: named(settings),
                lambda: networks.build(settings, classes, size, dropout=0.0),
                lambda network, turn: _use(settings, network, classes, size),
                random_numbers,
                "parameters and buffers",
            )
    if batch_size == 1 and networks.normalises_batches(network):
        raise UserError(f"{named(settings)} has BatchNorm, which needs more than one image in a step: raise recipe.batch_size, now 1")


def named(settings: dict) -> str:
    """A network, for a message."""
    kind = settings["kind"]
    if plugins.is_own(kind):
        return f"the network of {plugins.origin(plugins.PREFIX + kind)}"
    return f"the network {settings.get('name', kind)}"


@contextlib.contextmanager
def _refused(settings: dict, size: int) -> Iterator[None]:
    """Turn what torch or torchvision raises into a sentence."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        why = one_line(error)
        raise UserError(f"{named(settings)} does not accept {size} × {size} pixels ({why}): use another network or data.size") from error


def check_logits(settings: dict, logits: object, shape: tuple[int, int]) -> None:
    """Refuse what a network returned unless it is logits of this shape (B, C).

    Raises:
        UserError: names what was returned and what must be.
    """
    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != shape or not logits.is_floating_point():
        came = f"{logits.dtype} of shape {tuple(logits.shape)}" if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise UserError(f"{named(settings)} returned {came.removeprefix('torch.')}: let forward() return logits, float of shape {shape}")


def _use(settings: dict, network: nn.Module, classes: int, size: int) -> list[torch.Tensor]:
    """Logits in training, gradients, and logits in evaluation, of generated images."""
    random = generator(0, "plugins")
    images = torch.randn(IMAGES, 3, size, size, generator=random).to(memory_format=torch.channels_last)
    labels = torch.randint(classes, (IMAGES,), generator=random)
    logits = network.train()(images)
    check_logits(settings, logits, (IMAGES, classes))
    F.cross_entropy(logits.float(), labels).backward()
    trained = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    if missing := [name for name, parameter in trained.items() if parameter.grad is None]:
        raise UserError(f"{named(settings)} does not use its parameter {missing[0]}: use it in forward(), or do not require its gradient")
    gradients = [parameter.grad for parameter in trained.values()]
    with torch.no_grad():
        evaluated = [network.eval()(images) for _ in range(2)]
    if not torch.equal(*evaluated):
        raise UserError(f"{named(settings)} gives different logits for the same images in evaluation: apply randomness only in training")
    for what, tensors in (("logits", [logits.detach(), evaluated[0]]), ("gradients", gradients)):
        if not all(tensor.isfinite().all() for tensor in tensors):
            raise UserError(f"{named(settings)} gave {what} that are NaN or infinite for images of mean 0 and variance 1: check forward()")
    network.zero_grad()
    return [logits.detach(), *gradients, evaluated[0]]
