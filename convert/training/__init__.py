"""What a training run is made of: augmentation, schedule, averaging, checkpoints, the loop."""
