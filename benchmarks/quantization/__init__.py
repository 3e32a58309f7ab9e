"""Every quantization method on one model and its data: `python -m benchmarks.quantization`."""
