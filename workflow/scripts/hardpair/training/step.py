"""One step of training."""

from dataclasses import dataclass

from torch import nn

from hardpair.training.batches import Batches
from hardpair.training.contract import check_losses
from hardpair.training.optimiser import Optimiser
from hardpair.training.precision import autocast


@dataclass(frozen=True)
class Learner:
    """What a step of training changes: the ``network``, in ``precision`` (``fp32`` or ``bf16``), by the gradient of the ``loss``."""

    network: nn.Module
    loss: nn.Module
    optimiser: Optimiser
    precision: str


def train_step(learner: Learner, batches: Batches, size: int) -> None:
    """Move the network's weights one step down the mean loss of the next ``size`` images, computed in float32.

    The mean loss before the step and the number of images classified correctly are recorded in ``batches`` and stay on the device.
    """
    images, labels, factors = batches.next_batch(size)
    with autocast(images.device, learner.precision):
        logits = learner.network(images)
    logits = logits.float()
    losses = learner.loss(logits, labels)
    check_losses(learner.loss, losses, logits)
    mean = (losses if factors is None else factors * losses).mean()
    mean.backward()
    learner.optimiser.step()
    batches.record(mean.detach(), (logits.detach().argmax(1) == labels).sum(), size)
