"""CIFAR-100 (Krizhevsky 2009) with its fine labels, read like CIFAR-10."""

from hardpair.data.sources import Release
from hardpair.data.sources.cifar10 import Cifar

CLASSES = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle
    chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house
    kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
    otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark
    shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
    """.split()
)
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
RELEASE = Release("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", SHA256)
SOURCE = Cifar(CLASSES, RELEASE, unpacked="cifar-100-python", reader="CIFAR100")
