"""Attacks on the device package and the desk's commands, and what came of them."""
