"""Kawaguchi (2022), two convolutional autoencoders on CIFAR-10: the whole experiment."""
