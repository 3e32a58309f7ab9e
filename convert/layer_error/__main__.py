"""Show where an int8 model loses: every operator against the float model, on the same pictures.

MODEL is a float `.keras` file, converted here with the options of `convert.quantize`, or a compiled
`.tflite` file; that one is compared with the float by-product beside it, or with --float. Without
MODEL: the bundled float model. Validation pictures are looked at, nothing is written but --html.

Exit codes: 0 done; 2 bad usage or bad input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from convert.atomic import write_output
from convert.command import EXIT_DONE, run_command
from convert.layer_error.options import parse_options
from convert.options import check_folder_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = parse_options(__doc__, arguments)
    check_folder_options(options)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Here and not above: TensorFlow takes seconds, `--help` and a misspelt option must not.
    from convert.layer_error.advice import advise
    from convert.layer_error.analysis import analyse
    from convert.layer_error.loading import load
    from convert.progress import shown_progress
    from convert.report.layer_error import layer_error_page, layer_error_text

    loaded = load(options)
    for note in loaded.notes:
        print(note, file=sys.stderr)
    models = loaded.models
    with shown_progress("Operators", quiet=options.json) as advance:
        analysis = analyse(models.reference, models.target, loaded.images, advance=advance)
    advice = advise(analysis, method=models.method, search=loaded.search)
    if options.html is not None:
        page = layer_error_page(analysis, advice, name=loaded.name, source=loaded.source)
        write_output(options.html, page.encode(), force=options.force)
    if options.json:
        document = {"name": loaded.name, "source": loaded.source, "advice": advice.sentence}
        print(json.dumps(document | analysis.to_json(), indent=2, ensure_ascii=False))
    else:
        print(layer_error_text(analysis, advice, source=loaded.source))
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(run_command(main))
