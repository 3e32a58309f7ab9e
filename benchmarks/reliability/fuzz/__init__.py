"""Damaged models, pictures and manifests, thrown at the device package in child processes."""
