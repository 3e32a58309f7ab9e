"""ai-edge-quantizer, a quantizer of its own, beside TensorFlow's converter.

`conversion` quantizes, `versions` and `ends` make its graph what a runtime and this project expect,
`layers` and `difference` lay two quantized graphs of one model side by side.
"""
