"""The desk side: train a MiniVGG, compile it to int8 and prove the result. Runs from a checkout.

Importing this package imports nothing heavy; each `python -m convert.X` loads what it needs.
"""
