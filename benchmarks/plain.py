"""Training as one would write it first: the two ways that hardpair's is measured against."""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import models, transforms

BATCH = 128
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Pictures(Dataset):
    """PIL images with torchvision's transforms, as ``torchvision.datasets.CIFAR10`` gives them."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        self.pixels, self.labels = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), labels
        augment = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
        self.transform = transforms.Compose([*augment, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[at])), int(self.labels[at])


def network(name: str = "cnn") -> nn.Module:
    """The published network, layer by layer, ResNet-18 for small pictures, or torchvision's of that name, in PyTorch's default layout."""
    if name == "resnet18":
        net = models.resnet18(num_classes=10)
        net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
        return net
    if name != "cnn":
        return models.get_model(name, num_classes=10)
    layers = []
    for i, o in ((3, 64), (64, 128), (128, 256)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 10))


def stepper(device: torch.device, name: str = "cnn") -> Callable[[torch.Tensor, torch.Tensor], None]:
    """A function that takes one step of a network, eagerly and in fp32, over a batch."""
    net = network(name).to(device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimiser.step()

    return step


def loader_way(pixels: np.ndarray, labels: np.ndarray, device: torch.device, workers: int) -> Callable[[int], None]:
    """Steps over a DataLoader of PIL images with so many workers."""
    on_gpu = device.type == "cuda"
    loader = DataLoader(Pictures(pixels, labels), BATCH, shuffle=True, num_workers=workers, pin_memory=on_gpu, persistent_workers=True)
    step, epoch = stepper(device), iter(loader)

    def advance(steps: int) -> None:
        nonlocal epoch
        for _ in range(steps):
            if (batch := next(epoch, None)) is None:
                epoch = iter(loader)
                batch = next(epoch)
            step(*(part.to(device, non_blocking=True) for part in batch))

    return advance


def tensor_way(pixels: np.ndarray, labels: np.ndarray, device: torch.device, name: str = "cnn") -> Callable[[int], None]:
    """Steps over images that are tensors already, cut and flipped a batch at a time."""
    images, answers = torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device)
    mean, std = (torch.tensor(value, device=device).view(3, 1, 1) for value in (MEAN, STD))
    step = stepper(device, name)

    def advance(steps: int) -> None:
        for _ in range(steps):
            chosen = torch.randint(len(images), (BATCH,), device=device)
            windows = nn.functional.pad(images[chosen], [4] * 4).unfold(2, 32, 1).unfold(3, 32, 1)
            rows, columns = torch.randint(9, (2, BATCH), device=device)
            crops = windows[torch.arange(BATCH, device=device), :, rows, columns]
            flips = torch.randint(2, (BATCH, 1, 1, 1), device=device, dtype=torch.bool)
            step((torch.where(flips, crops.flip(-1), crops) / 255 - mean) / std, answers[chosen])

    return advance
