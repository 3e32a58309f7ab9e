"""Classify with a bare TFLite interpreter: MODULE MODEL.tflite PICTURES.npy, JSON on stdout.

Knows of the file what TFLite Metadata promises of every model: labels in a zip behind the graph,
scores by the output tensor's own scale.
"""

import importlib
import json
import sys
import zipfile

import numpy as np


def main() -> None:
    module, model, pictures = sys.argv[1:]
    with zipfile.ZipFile(model) as archive:
        labels = archive.read("labels.txt").decode("utf-8").splitlines()
    interpreter = importlib.import_module(module).Interpreter(model_path=model)
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    (target,) = interpreter.get_output_details()
    scale, zero_point = target["quantization"]
    answers = []
    for picture in np.load(pictures):
        interpreter.set_tensor(source["index"], picture[np.newaxis])
        interpreter.invoke()
        values = interpreter.get_tensor(target["index"])[0].astype(np.int32)
        scores = scale * (values - zero_point)
        order = np.argsort(-scores, kind="stable")
        answers.append([[labels[index], float(scores[index])] for index in order])
    print(json.dumps(answers))


main()
