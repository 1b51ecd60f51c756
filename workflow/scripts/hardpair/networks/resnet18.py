"""ResNet-18 for small pictures (He et al. 2016, arXiv:1512.03385)."""

from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet


class Network(ResNet):
    """torchvision's ResNet-18 with a 3×3 convolution of stride 1 in place of the 7×7 one of stride 2 and the pooling after it.

    11,173,962 parameters for ten classes.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=classes)
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")  # as the other convolutions
        self.maxpool = nn.Identity()
