"""Official archives of CIFAR-10 and CIFAR-100: what download_data fetches and cifar reads. Imports nothing heavy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """An official archive: address, hash, the folder within, and the class of torchvision that reads it."""

    url: str
    sha256: str
    folder: str
    reader: str


RELEASES = {
    "cifar10": Release(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        folder="cifar-10-batches-py",
        reader="CIFAR10",
    ),
    "cifar100": Release(
        url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        folder="cifar-100-python",
        reader="CIFAR100",
    ),
}
