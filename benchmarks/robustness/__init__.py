"""How much of its accuracy a model keeps on pictures that a camera or a program has changed."""
