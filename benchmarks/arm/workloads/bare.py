"""Python to the first answer of the bare runtime, then steady inferences; a mark behind each phase.

Arguments: the flatbuffer, a picture (.npy, uint8 (H, W, 3)), warm-up calls, measured calls. Phases:
python, numpy, runtime, load, picture, first, warm-up, steady (set_tensor, invoke, get_tensor), and
invoke alone.
"""

import os

os.getppid()
import sys  # noqa: E402

import numpy as np  # noqa: E402

os.getppid()
try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter
os.getppid()
model, picture_file, warmup, calls = sys.argv[1:]
with open(model, "rb") as file:
    interpreter = Interpreter(model_content=file.read(), num_threads=1)
interpreter.allocate_tensors()
source = interpreter.get_input_details()[0]
input_index = source["index"]
output_index = interpreter.get_output_details()[0]["index"]
os.getppid()
picture = np.load(picture_file)[np.newaxis]
if source["dtype"] == np.int8:
    picture = (picture.astype(np.int16) - 128).astype(np.int8)
picture = picture.astype(source["dtype"])
os.getppid()
interpreter.set_tensor(input_index, picture)
interpreter.invoke()
interpreter.get_tensor(output_index)
os.getppid()
for _ in range(int(warmup)):
    interpreter.set_tensor(input_index, picture)
    interpreter.invoke()
    interpreter.get_tensor(output_index)
os.getppid()
for _ in range(int(calls)):
    interpreter.set_tensor(input_index, picture)
    interpreter.invoke()
    interpreter.get_tensor(output_index)
os.getppid()
for _ in range(int(calls)):
    interpreter.invoke()
os.getppid()
