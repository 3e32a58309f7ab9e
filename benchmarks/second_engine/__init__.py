"""TensorFlow's converter and ai-edge-quantizer on the same model: `python -m ...second_engine`."""
