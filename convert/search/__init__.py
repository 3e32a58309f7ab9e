"""Which ranges and which weight-side methods lose the least: measured, not guessed.

Works on the calibrated float32 flatbuffer between the two halves of the conversion; validation
pictures choose, calibration pictures are training pictures, test pictures are never seen here.
"""
