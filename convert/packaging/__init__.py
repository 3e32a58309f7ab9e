"""Model wheels: a compiled model that `pip install`s on a board and answers by its name."""
