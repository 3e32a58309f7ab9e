"""Scores that mean what they say: how well calibrated, made so by a temperature, and a threshold.

Everything is chosen on validation pictures; what stands beside it about test pictures is only
reported.
"""
