"""What a loss and a sampler must return: checked where they return it, and tried out on a small batch before a plugin is trained with."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from hardpair import losses, plugins, samplers
from hardpair.errors import UserError
from hardpair.plugin_files import errors_of
from hardpair.training import reproducible
from hardpair.training.random_streams import generator

AFFECTS_RESULTS = False
BATCH = 16  # images of the batch on which a loss is tried


def check_losses(loss: nn.Module, values: object, logits: torch.Tensor) -> None:
    """Refuse what a loss returned for ``logits`` (B, C) unless it is a loss of each image, float32 (B,), with a gradient.

    Raises:
        UserError: names the loss, what came and what must come.
    """
    wanted = (len(logits),)
    if _of(values) != (wanted, torch.float32, logits.device):
        raise UserError(
            f"{_name(loss)} returned {_words(values)}: let it return the loss of each image, float32 of shape {wanted} on {logits.device}"
        )
    if logits.requires_grad and not values.requires_grad:
        raise UserError(f"{_name(loss)} returned losses without a gradient: compute them from the logits, without detach() or no_grad()")


def check_drawn(sampler: nn.Module, drawn: object, count: int) -> None:
    """Refuse what a sampler drew unless it is ``count`` positions among as many training images, int64 (count,).

    Raises:
        UserError: names the sampler, what came and what must come.
    """
    wanted = f"positions of {count} images, int64 of shape {(count,)}, each from 0 to {count - 1}"
    if _of(drawn) != ((count,), torch.int64, torch.device("cpu")):
        raise UserError(f"{_name(sampler)} drew {_words(drawn)}: let draw() return {wanted}")
    if drawn.min() < 0 or drawn.max() >= count:
        wrong = drawn[(drawn < 0) | (drawn >= count)][0]
        raise UserError(f"{_name(sampler)} drew position {wrong}: let draw() return {wanted}")


def check_numbers(part: nn.Module, method: str, values: object, count: int) -> None:
    """Refuse what a method of a loss or sampler returned unless it is a finite number for each of ``count`` images, or a None that may be.

    Raises:
        UserError: names the plugin, what came and what must come.
    """
    if values is None and method != "emphasis":
        return
    wanted = f"let {method}() return one finite number for each training image, float of shape {(count,)}"
    if not (isinstance(values, torch.Tensor) and values.is_floating_point() and values.shape == (count,)):
        raise UserError(f"{_name(part)} returned {_words(values)} from {method}(): {wanted}")
    if not values.isfinite().all():
        raise UserError(f"{_name(part)} returned NaN or infinity from {method}(): {wanted}")


def check_factors(sampler: nn.Module, factors: torch.Tensor | None, count: int, weighted: bool) -> None:
    """Refuse factors that are no numbers, or None at one time and numbers at another; ``weighted`` is whether they were there at first.

    Raises:
        UserError: names the sampler.
    """
    check_numbers(sampler, "factors", factors, count)
    if (factors is not None) != weighted:
        raise UserError(f"{_name(sampler)} returned both None and numbers from factors(): return ones instead of None")


def check_loss(loss: nn.Module) -> None:
    """Refuse a loss that is none or has parameters, which no step trains and no checkpoint needs.

    Raises:
        UserError: names the loss.
    """
    if not isinstance(loss, losses.ImageLoss):
        raise UserError(f"{_name(loss)} is not an ImageLoss: make its class a subclass of hardpair.losses.ImageLoss")
    if names := [name for name, _ in loss.named_parameters()]:
        raise UserError(
            f"{_name(loss)} has the parameter {names[0]}, but only the network is trained: keep what the loss learns in a buffer, "
            "changed in place by refresh()"
        )


def check_sampler(sampler: nn.Module) -> None:
    """Refuse a sampler that is none.

    Raises:
        UserError: names the sampler.
    """
    if not isinstance(sampler, samplers.EpochSampler):
        raise UserError(f"{_name(sampler)} is not an EpochSampler: make its class a subclass of hardpair.samplers.EpochSampler")


def try_out(loss: dict, sampler: dict, labels: torch.Tensor, classes: int) -> None:
    """Call a variant's loss and sampler, if they are plugins, as a training on the CPU does, with generated logits.

    Args:
        loss, sampler: their settings.
        labels: of the training images, int64 (N,).

    Raises:
        UserError: a plugin has an error, returns what it must not, or would not give the same results again, in a resumed run too.
    """
    if plugins.is_own(loss["kind"]):
        with errors_of(plugins.file_of(loss["kind"]), "Loss"):
            counts = labels.bincount(minlength=classes)
            _try(lambda: losses.build(loss, counts), lambda part, turn: _use_loss(part, turn, labels, classes))
            _check_unchanged(f"the loss of {plugins.file_of(loss['kind'])}", "counts", counts, labels.bincount(minlength=classes))
    if plugins.is_own(sampler["kind"]):
        with errors_of(plugins.file_of(sampler["kind"]), "Sampler"):
            given = labels.clone()
            _try(lambda: samplers.build(sampler, given), lambda part, turn: _use_sampler(part, turn, labels))
            _check_unchanged(f"the sampler of {plugins.file_of(sampler['kind'])}", "labels", given, labels)


def _check_unchanged(name: str, argument: str, given: torch.Tensor, before: torch.Tensor) -> None:
    """Refuse a loss or sampler that has changed an argument, which others use too."""
    if not torch.equal(given, before):
        raise UserError(f"{name} changes {argument} in place: change a copy of them")


def _try(build: Callable[[], nn.Module], use: Callable[[nn.Module, int], reproducible.Results]) -> None:
    random_numbers = "the generator that draw() is given, or from the global ones of torch, NumPy or Python, which belong to the run's seed"
    reproducible.check(_name, build, use, random_numbers, "buffers", _resume)


def _resume(part: nn.Module) -> None:
    if isinstance(part, losses.ImageLoss):
        part.begin_epoch(0.5)


def _use_loss(loss: nn.Module, turn: int, labels: torch.Tensor, classes: int) -> reproducible.Results:
    """What a loss returns within an epoch, and in turn 0 at a refresh before and the beginning of two epochs."""
    check_loss(loss)
    random = generator(turn, "plugins")
    result = []
    if turn == 0:
        loss.begin_epoch(0)
        cross_entropy = -torch.rand(len(labels), generator=random).clamp_min(1e-3).log()
        result.append(loss.refresh(cross_entropy, torch.ones(len(labels), dtype=torch.float64)))
        check_numbers(loss, "refresh", result[0], len(labels))
        loss.begin_epoch(0.5)
    chosen = labels[torch.randint(len(labels), (BATCH,), generator=random)]
    logits = (3 * torch.randn(BATCH, classes, generator=random)).requires_grad_()
    given = chosen.clone()
    values = loss(logits, given)
    _check_unchanged(_name(loss), "labels", given, chosen)
    check_losses(loss, values, logits)
    values.mean().backward()
    if logits.grad is None:
        raise UserError(f"{_name(loss)} returned losses without a gradient to the logits: compute them from the logits")
    for what, numbers in (("losses", values), ("gradients", logits.grad)):
        if not numbers.isfinite().all():
            raise UserError(f"{_name(loss)} gave {what} that are NaN or infinite for logits of about ±3: check its formula")
    return [*result, values.detach(), logits.grad]


def _use_sampler(sampler: nn.Module, turn: int, labels: torch.Tensor) -> reproducible.Results:
    """What a sampler returns in two epochs, and in turn 0 at a refresh between them."""
    check_sampler(sampler)
    random, count = generator(turn, sampler.stream), len(labels)
    result = []
    for _ in range(2):
        result += [sampler.draw(random), sampler.factors(), sampler.emphasis()]
        check_drawn(sampler, result[-3], count)
        for method, values in zip(("factors", "emphasis"), result[-2:], strict=True):
            check_numbers(sampler, method, values, count)
        if turn == 0:
            result.append(sampler.refresh(F.softplus(torch.randn(count, generator=random))))
            check_numbers(sampler, "refresh", result[-1], count)
    return [value if value is None else value.clone() for value in result]


def _of(value: object) -> tuple | None:
    return (tuple(value.shape), value.dtype, value.device) if isinstance(value, torch.Tensor) else None


def _words(value: object) -> str:
    """A value's type, for a message."""
    if not isinstance(value, torch.Tensor):
        return type(value).__name__
    return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)} on {value.device}"


def _name(part: nn.Module) -> str:
    """A loss or sampler, for a message: by its plugin's file or its kind."""
    return f"the {'sampler' if type(part).__name__ == 'Sampler' else 'loss'} of {plugins.origin(type(part).__module__)}"
