"""Steady `invoke` of several models in one process; two marks around the calls of each.

Arguments: warm-up calls, measured calls, flatbuffers. The input is random, from a fixed seed: zeros
would let a kernel skip work that a picture makes.
"""

import os
import sys

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter

warmup, calls = int(sys.argv[1]), int(sys.argv[2])
for path in sys.argv[3:]:
    with open(path, "rb") as file:
        interpreter = Interpreter(model_content=file.read(), num_threads=1)
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    picture = np.random.default_rng(0).integers(0, 256, source["shape"], dtype=np.uint8)
    if source["dtype"] == np.int8:
        tensor = (picture.astype(np.int16) - 128).astype(np.int8)
    else:
        tensor = picture.astype(source["dtype"])
    interpreter.set_tensor(source["index"], tensor)
    for _ in range(warmup):
        interpreter.invoke()
    os.getppid()
    for _ in range(calls):
        interpreter.invoke()
    os.getppid()
