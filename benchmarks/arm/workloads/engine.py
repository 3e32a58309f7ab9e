"""Another engine from Python to steady inferences; a mark behind each phase.

Arguments: the stand-alone module with the engines, an engine's name, a model file, a picture (.npy,
uint8 (H, W, 3)), warm-up calls, measured calls. Phases: python, numpy, preparation (of what a user
of the engine would not have: that module, and the picture), load (with the engine's import), first,
warm-up, steady.
"""

import os

os.getppid()
import sys  # noqa: E402

import numpy as np  # noqa: E402

os.getppid()
import importlib.util  # noqa: E402

engines_file, name, model, picture_file, warmup, calls = sys.argv[1:]
spec = importlib.util.spec_from_file_location("engines", engines_file)
engines = importlib.util.module_from_spec(spec)
sys.modules["engines"] = engines
spec.loader.exec_module(engines)
picture = np.load(picture_file)
os.getppid()
engine = engines.load(name, model, num_threads=1)
os.getppid()
engine.run(picture)
os.getppid()
for _ in range(int(warmup)):
    engine.invoke()
os.getppid()
for _ in range(int(calls)):
    engine.invoke()
os.getppid()
