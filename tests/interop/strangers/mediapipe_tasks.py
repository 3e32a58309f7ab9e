"""Classify with MediaPipe Tasks: MODEL.tflite PICTURES.npy, JSON on stdout."""

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import ImageClassifier, ImageClassifierOptions


def main() -> None:
    model, pictures = sys.argv[1:]
    options = ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model))
    answers = []
    with ImageClassifier.create_from_options(options) as classifier:
        for picture in np.load(pictures):
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
            (found,) = classifier.classify(image).classifications
            answers.append([[c.category_name, c.score] for c in found.categories])
    print(json.dumps(answers))


main()
