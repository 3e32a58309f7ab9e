"""What a step computes, against numpy: loss, gradient, momentum, weight decay, average."""

from __future__ import annotations

import numpy as np
import pytest

from convert.quiet import quiet
from convert.training.averaging import WeightAverage
from convert.training.distillation import Distillation
from convert.training.recipe import Recipe
from convert.training.step import build_optimizer, traced_step

IMAGES = np.array([[[[0, 1, 2]]], [[[3, 1, 0]]]], dtype=np.uint8)
TARGETS = np.array([[0.75, 0.25, 0.0], [0.0, 0.0, 1.0]])  # the first is mixed of two pictures
ANSWERS = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])  # softened already
KERNEL = np.array([[0.1, -0.2, 0.3], [0.0, 0.2, -0.1], [0.05, 0.1, -0.3]])
RATE, DECAY_OF_AVERAGE = 0.5, 0.9


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


class Expected:
    """The same in float64, from the formulas."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.weights = [KERNEL.copy(), np.zeros(3)]
        self.velocities = [np.zeros_like(weight) for weight in self.weights]
        self.averages = [weight.copy() for weight in self.weights]

    def step(self):
        """Take a step; returns the loss."""
        recipe, distillation = self.recipe, self.recipe.distillation
        pixels = IMAGES.reshape(2, 3).astype(np.float64)
        logits = pixels @ self.weights[0] + self.weights[1]
        smoothed = TARGETS * (1 - recipe.label_smoothing) + recipe.label_smoothing / 3
        of_class = np.array(recipe.class_weights or (1.0, 1.0, 1.0))
        weight_of = TARGETS @ of_class
        loss = np.mean(weight_of * -(smoothed * np.log(softmax(logits))).sum(axis=1))
        slope = weight_of[:, None] * (softmax(logits) - smoothed) / 2
        if distillation is not None:
            t, share = distillation.temperature, distillation.weight
            student = softmax(logits / t)
            divergence = (weight_of * (ANSWERS * np.log(ANSWERS / student)).sum(axis=1)).mean()
            loss = (1 - share) * loss + share * t**2 * divergence
            followed = weight_of[:, None] * t * (student - ANSWERS) / 2
            slope = (1 - share) * slope + share * followed
        gradients = [pixels.T @ slope, slope.sum(axis=0)]
        for index, gradient in enumerate(gradients):
            weight = self.weights[index]
            if weight.ndim > 1:  # decoupled, kernels only
                weight = weight * (1 - RATE * recipe.weight_decay)
            velocity = recipe.momentum * self.velocities[index] - RATE * gradient
            weight = weight + recipe.momentum * velocity - RATE * gradient  # Nesterov's
            self.weights[index], self.velocities[index] = weight, velocity
            average = self.averages[index]
            self.averages[index] = DECAY_OF_AVERAGE * average + (1 - DECAY_OF_AVERAGE) * weight
        return loss


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"distillation": Distillation("ab", weight=0.7, temperature=2.0, views="cached")},
        {"class_weights": (0.5, 1.0, 2.0)},
        {
            "class_weights": (0.5, 1.0, 2.0),
            "distillation": Distillation("ab", weight=0.7, temperature=2.0, views="cached"),
        },
    ],
    ids=["labels", "teacher", "class weights", "class weights and teacher"],
)
def test_steps_by_hand(options):
    import keras
    import tensorflow as tf

    recipe = Recipe(label_smoothing=0.2, weight_decay=0.1, momentum=0.8, **options)
    with quiet():
        pixels = keras.Input((1, 1, 3))
        logits = keras.layers.Dense(3)(keras.layers.Flatten()(pixels))
        model = keras.Model(pixels, keras.layers.Softmax()(logits))
        model.layers[2].set_weights([KERNEL, np.zeros(3)])
        average = WeightAverage(model)
        step = traced_step(model, build_optimizer(model, recipe), average, recipe)
    expected = Expected(recipe)
    for _ in range(3):
        loss, hits = step(
            tf.constant(IMAGES),
            tf.constant(IMAGES),
            tf.constant(TARGETS, tf.float32),
            tf.constant(ANSWERS, tf.float32),
            tf.constant(RATE, tf.float32),
            tf.constant(DECAY_OF_AVERAGE, tf.float32),
        )
        right = (IMAGES.reshape(2, 3) @ expected.weights[0] + expected.weights[1]).argmax(axis=1)
        assert float(loss) == pytest.approx(expected.step(), rel=1e-5)
        assert int(hits) == (right == [0, 2]).sum()
        for got, wanted in zip(model.get_weights(), expected.weights, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)
        for got, wanted in zip(average.values().values(), expected.averages, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)
