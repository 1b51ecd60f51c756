"""Any classifier of torchvision, by its name there, with weights drawn anew."""

import torch
from torch import nn
from torchvision import models

from hardpair.config.sentences import advice, shown
from hardpair.errors import UserError


class Network(nn.Module):
    """``torchvision.models.get_model(name)`` for so many classes.

    Raises:
        UserError: torchvision has no classifier of that name.
    """

    def __init__(self, classes: int, size: int, name: str) -> None:
        super().__init__()
        known = models.list_models(module=models)
        if name not in known:
            raise UserError(f"network.name is {shown(name)}, which torchvision has no classifier of: {advice(name, known)}")
        options = {}
        if name.startswith("vit_"):
            options["image_size"] = size
        elif name.startswith("maxvit_"):
            options["input_size"] = (size, size)
        elif name in ("googlenet", "inception_v3"):  # in training they would return the logits of other layers too
            options |= {"aux_logits": False, "init_weights": True}
        self.network = models.get_model(name, weights=None, num_classes=classes, **options)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float (B, 3, S, S) to logits (B, classes)."""
        return self.network(images)
