"""From a float Keras model to a verified int8 model file: one subject per module.

`float_model` loads, `freeze` folds, `calibration` chooses pictures, `conversion` calls the
TensorFlow Lite converter, `audit` and `compare` prove the result, `gate` decides.
"""
