"""Python to the first answer through the package, then steady calls; a mark behind each phase.

Arguments: the model file, a picture (.npy, uint8 (H, W, 3) of the model's size), warm-up calls,
measured calls. Phases: python, numpy, runtime, package, load, first, warm-up, steady.
"""

import os

os.getppid()
import sys  # noqa: E402

import numpy as np  # noqa: E402

os.getppid()
try:
    import ai_edge_litert.interpreter  # noqa: F401
except ModuleNotFoundError:
    import tflite_runtime.interpreter  # noqa: F401
os.getppid()
from minivgg_edge import Classifier  # noqa: E402

os.getppid()
model, picture_file, warmup, calls = sys.argv[1:]
classifier = Classifier(model)
os.getppid()
# Not of the start: a program has its picture from a camera.
picture = np.load(picture_file)
os.getppid()
classifier.classify(picture)
os.getppid()
for _ in range(int(warmup)):
    classifier.classify(picture)
os.getppid()
for _ in range(int(calls)):
    classifier.classify(picture)
os.getppid()
