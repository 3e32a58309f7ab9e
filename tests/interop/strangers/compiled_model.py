"""Classify with LiteRT's CompiledModel: MODEL.tflite PICTURES.npy, JSON on stdout.

It tells no scale: the scores are the output's own numbers, here divided by 256.
"""

import json
import sys
import zipfile

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel


def main() -> None:
    path, pictures = sys.argv[1:]
    with zipfile.ZipFile(path) as archive:
        labels = archive.read("labels.txt").decode("utf-8").splitlines()
    model = CompiledModel.from_file(path)
    (source,) = model.create_input_buffers(0)
    (target,) = model.create_output_buffers(0)
    answers = []
    for picture in np.load(pictures):
        source.write(picture)
        model.run_by_index(0, [source], [target])
        values = target.read(len(labels), np.uint8).astype(np.int32)
        order = np.argsort(-values, kind="stable")
        answers.append([[labels[index], float(values[index] / 256)] for index in order])
    print(json.dumps(answers))


main()
