"""One run: images, network, steps, epochs, checkpoints."""
