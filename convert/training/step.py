"""One training step as a traced graph: forward pass, gradients, update and weight average."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from convert.training.averaging import WeightAverage
from convert.training.distillation import distillation_loss, softened
from convert.training.recipe import Recipe
from convert.training.smaller import smaller

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def build_optimizer(model: keras.Model, recipe: Recipe) -> keras.optimizers.Optimizer:
    """Build Nesterov SGD with decoupled weight decay that spares biases and normalization."""
    import keras

    optimizer = keras.optimizers.SGD(
        recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay or None,
    )
    if recipe.weight_decay:
        # Biases and normalization parameters are one-dimensional; kernels are not.
        spared = [weight for weight in model.trainable_variables if len(weight.shape) == 1]
        optimizer.exclude_from_weight_decay(var_list=spared)
    optimizer.build(model.trainable_variables)
    return optimizer


def traced_step(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    average: WeightAverage,
    recipe: Recipe,
    *,
    teacher: keras.Model | None = None,
    small: bool = False,
) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """Trace forward pass, gradients, update and average into one graph.

    Args:
        model: the one that is trained.
        optimizer: built for its variables.
        average: of its weights.
        recipe: how the run trains.
        teacher: answers each batch inside the step; None: its answers come with the batch.
        small: whether the model (not the teacher) sees the pictures smaller.

    Returns:
        A function of images uint8 (n, height, width, 3), what the teacher is shown of them,
        targets float32 (n, classes), the teacher's softened answers float32 (n, classes) or an
        empty tensor, the learning rate and the decay of the average. It returns the mean loss
        and the number of pictures whose likeliest class is that of their target.
    """
    import keras
    import tensorflow as tf

    # The softmax is the model's last layer; the loss takes its input, which is better conditioned.
    logits_model = keras.Model(model.input, model.layers[-1].input)
    cross_entropy = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )
    distillation = recipe.distillation

    def weights_of(targets: tf.Tensor) -> tf.Tensor | None:
        """Weight of each picture: that of its class, of a mixture the mean by its shares."""
        if not recipe.class_weights:
            return None
        return tf.linalg.matvec(targets, tf.constant(recipe.class_weights, tf.float32))

    def loss_of(logits: tf.Tensor, targets: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
        weights = weights_of(targets)
        true = cross_entropy(targets, logits, sample_weight=weights)
        if distillation is None:
            return true
        followed = distillation_loss(
            logits, answers, distillation.temperature, sample_weight=weights
        )
        weight = distillation.weight
        return (1.0 - weight) * true + weight * followed

    def step(  # type: ignore[no-untyped-def]
        images: tf.Tensor,
        shown: tf.Tensor,
        targets: tf.Tensor,
        answers: tf.Tensor,
        rate: tf.Tensor,
        decay: tf.Tensor,
    ):
        pixels = tf.cast(images, tf.float32)
        if distillation is not None and teacher is not None:
            scores = teacher(tf.cast(shown, tf.float32), training=False)
            answers = softened(scores, distillation.temperature)
        if small:
            pixels = smaller(pixels)
        with tf.GradientTape() as tape:
            logits = logits_model(pixels, training=True)
            loss = loss_of(logits, targets, answers)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.learning_rate.assign(rate)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        average.update(decay)
        hits = tf.argmax(logits, axis=1) == tf.argmax(targets, axis=1)
        return loss, tf.reduce_sum(tf.cast(hits, tf.int32))

    # No XLA: it made the step 2.8 times slower on these CPUs.
    return tf.function(step, autograph=False, jit_compile=False, reduce_retracing=True)
