"""Streams of a context code of all lengths, for processes that compare them."""

import hashlib

import archives
import torch

SMALL = archives.context_code(archives.context_network(), (3, 4, 5))


def many():
    """Latents whose passes are long enough for lanes, and short ones."""
    return archives.numbers((60, 3, 24, 24), 6).to(torch.int32)


def digest():
    """Of streams of all lengths, which must come back."""
    found = hashlib.sha256()
    for count, size in ((60, 24), (60, 7), (1, 24), (2, 1)):
        code = SMALL.of_size(size, size)
        symbols = many()[:count, :, :size, :size].contiguous()
        stream = code.encode(code.values(symbols))
        assert torch.equal(code.decode(stream, count), code.values(symbols))
        found.update(stream)
    return found.hexdigest()


def predicted(code, symbols):
    """For each pass over symbols (N, C, H, W): tables, offsets, and what is coded under them."""
    found = []
    for index in range(code._passes):
        tables, offsets = code._predicted(symbols, index)
        found.append((tables, offsets, code._of_pass(symbols, index) - offsets))
    return found
