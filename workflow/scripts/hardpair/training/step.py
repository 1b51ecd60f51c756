"""One step of training."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.sgd import sgd

from hardpair.training.batches import Batches
from hardpair.training.contract import check_losses
from hardpair.training.precision import autocast


class SGD:
    """Stochastic gradient descent with momentum and weight decay, as ``torch.optim.SGD``, whose fused kernel it calls.

    The class in torch loads torch's compiler (two seconds of a job's start) only to switch it off.
    """

    def __init__(self, network: nn.Module, learning_rate: float, momentum: float, weight_decay: float) -> None:
        self.parameters = list(network.parameters())
        self.buffers = [torch.zeros_like(parameter) for parameter in self.parameters]  # the first step then adds to nothing
        self.momentum, self.weight_decay = momentum, weight_decay
        # A captured step reads the rate where it lies; on the CPU a float keeps its digits.
        self._on_device = torch.zeros((), device=device) if (device := self.parameters[0].device).type == "cuda" else None
        self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> float:
        """Of the next step; may be set between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = value
        if self._on_device is not None:
            self._on_device.fill_(value)

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters by their gradients, and forget these."""
        sgd(
            self.parameters,
            [parameter.grad for parameter in self.parameters],
            self.buffers,
            lr=self._learning_rate if self._on_device is None else self._on_device,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            fused=True,
        )
        self.forget()

    def forget(self) -> None:
        """Clear the gradients."""
        for parameter in self.parameters:
            parameter.grad = None


@dataclass(frozen=True)
class Learner:
    """What a step of training changes: the ``network``, in ``precision`` (``fp32`` or ``bf16``), by the gradient of the ``loss``."""

    network: nn.Module
    loss: nn.Module
    optimiser: SGD
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
