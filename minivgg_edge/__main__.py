"""Lets ``python -m minivgg_edge`` do what ``minivgg-edge`` does."""

from minivgg_edge.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
