"""One steady inference of a network between the first mark and the second.

Arguments: the engine (ai-edge-litert, tflite-runtime or ncnn), the network's file, a file with
weights (ncnn alone; "-" otherwise), the input's edge in pixels.
"""

import os
import sys

import numpy as np

engine, network, weights, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
if engine == "ncnn":
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    if net.load_param(network) != 0 or net.load_model(weights) != 0:
        sys.exit(f"ncnn cannot load {network}")
    picture = ncnn.Mat(np.full((3, size, size), 0.01, np.float32))
    (name_in,), (name_out,) = net.input_names(), net.output_names()

    def infer():
        """Answer the picture."""
        extractor = net.create_extractor()
        extractor.input(name_in, picture)
        extractor.extract(name_out)

else:
    if engine == "ai-edge-litert":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=network, num_threads=1)
    else:
        # Its own kernels: what is published of this engine was measured before XNNPACK had int8.
        from tflite_runtime.interpreter import Interpreter, OpResolverType

        interpreter = Interpreter(
            model_path=network,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    interpreter.allocate_tensors()
    (details,) = interpreter.get_input_details()
    pixels = np.random.default_rng(1).integers(0, 255, details["shape"]).astype(details["dtype"])

    def infer():
        """Answer the picture."""
        interpreter.set_tensor(details["index"], pixels)
        interpreter.invoke()


infer()
infer()
os.getppid()
infer()
os.getppid()
