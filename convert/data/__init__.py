"""Pictures with labels: CIFAR-10, folders of photos, and the sample that comes with the project."""
