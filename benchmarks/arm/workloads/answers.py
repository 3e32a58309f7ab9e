"""The raw outputs of a model for many pictures.

Arguments: a compiled model or flatbuffer, pictures (.npy, uint8 (n, H, W, 3)), where to write the
outputs (.npy, (n, classes), of the output's type).
"""

import sys

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter

model, pictures_file, outputs_file = sys.argv[1:]
with open(model, "rb") as file:
    interpreter = Interpreter(model_content=file.read(), num_threads=1)
interpreter.allocate_tensors()
(source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
outputs = []
for picture in np.load(pictures_file):
    interpreter.set_tensor(source["index"], picture[np.newaxis].astype(source["dtype"]))
    interpreter.invoke()
    outputs.append(interpreter.get_tensor(target["index"])[0])
np.save(outputs_file, np.array(outputs))
