"""A dynamic-range model as ai-edge-quantizer writes it: its operators' versions promise too much.

No precision of `convert.quantize` is made so. It shows what a runtime does with a model that it has
no kernel for when nothing in the file says so.
"""

from __future__ import annotations

from convert.quiet import quiet

NAME = "dynamic, operators unmarked"


def unmarked_dynamic(float_model: bytes) -> bytes:
    """Quantize the weights of a float flatbuffer with the library's own recipe, nothing put right.

    Raises:
        ModuleNotFoundError: the library is not installed.
    """
    from ai_edge_quantizer import quantizer, recipe

    with quiet():
        engine = quantizer.Quantizer(bytearray(float_model))
        engine.load_quantization_recipe(recipe.dynamic_wi8_afp32())
        found = engine.quantize(enable_progress_bar=False, enable_progress_report=False)
    return bytes(found.quantized_model)
