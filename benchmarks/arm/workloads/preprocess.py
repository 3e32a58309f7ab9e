"""Steady preprocessing through the package; a mark before and behind each kind.

Arguments: a PNG file, the model's height and width, warm-up calls, measured calls. Kinds: an array
of the PNG's size to the model's size; the PNG's bytes to the model's size.
"""

import os
import sys

from minivgg_edge.decode import decode
from minivgg_edge.preprocess import preprocess

path, height, width, warmup, calls = sys.argv[1], *map(int, sys.argv[2:])
with open(path, "rb") as file:
    data = file.read()
picture = decode(data)
for _ in range(warmup):
    preprocess(picture, height=height, width=width, crop="none")
os.getppid()
for _ in range(calls):
    preprocess(picture, height=height, width=width, crop="none")
os.getppid()
for _ in range(warmup):
    preprocess(decode(data), height=height, width=width, crop="none")
os.getppid()
for _ in range(calls):
    preprocess(decode(data), height=height, width=width, crop="none")
os.getppid()
