"""The error of a training that diverges, in words."""

from hardpair.errors import UserError

AFFECTS_RESULTS = False
LOWER_RATE = "use a lower recipe.learning_rate or, after a search, a lower upper bound of search.space.learning_rate"


class Diverged(UserError):
    """The loss, the weights or the logits of a run became NaN or infinite."""


def diverged(what: str, when: str, rate: float, scale: float | None) -> Diverged:
    """The error of a run in which ``what`` became NaN or infinite.

    Args:
        what, when: such as ``the loss`` and ``step 3 of epoch 1``.
        rate: the learning rate.
        scale: of the loss, where an option could cap it.
    """
    cap = f", or cap the scale of the loss, now {scale:.3g}, with loss.scale_max" if scale is not None and scale > 1 else ""
    return Diverged(f"{what} became NaN or infinite in {when} at learning rate {rate:g}: {LOWER_RATE}{cap}")


def wrong_from_the_start(what: str, when: str = "in the first step", cause: str = "the loss") -> UserError:
    """The error of a run with NaN or infinity in or before its first step; no ``Diverged``, since no learning rate of a search can help."""
    return UserError(f"the {what} is NaN or infinite {when}, before any weight has changed: check {cause}")


def wrong_logits(model: str, part: str) -> Diverged:
    """The error of a finished run whose logits are NaN or infinite.

    Args:
        model: file of the weights.
        part: of the images, ``test`` or ``validation``.
    """
    return Diverged(f"{model} gives logits that are NaN or infinite for {part} images, as of a run that diverged: {LOWER_RATE}")
