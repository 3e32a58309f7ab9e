"""Make a wheel of a compiled model, which `pip install`s on a board and answers by its name.

`pip install --no-deps my_parts-1.0-py3-none-any.whl` there, then `Classifier("my-parts")` or
`minivgg-edge classify --model my-parts`. The same model gives the same bytes.

With `--adopt`, the model is a foreign `.tflite`, an image classifier from another tool: it is
checked, run in a child process, made to take pixels, and gets labels, golden vectors and a
manifest; the compiled `.tflite` is written beside the wheel.

With `--board`, a tar with everything that a board without a network needs is written too.

Exit codes: 0 done; 2 bad usage or bad input, nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from convert.atomic import write_and_tell
from convert.command import EXIT_DONE, run_command
from convert.packaging.adoption_options import add_adoption_options, check_adoption_options
from convert.packaging.boards import BOARDS

if TYPE_CHECKING:
    from convert.packaging.wheel import WheelSpec
    from minivgg_edge.model_file import ModelFile

DEFAULT_OUTPUT = Path("dist")


@dataclass(frozen=True, slots=True)
class _Model:
    data: bytes
    file: ModelFile


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    check_adoption_options(parser, options)
    say: Callable[[str], None] = _silent if options.quiet else _say
    from convert.packaging.instructions import bundle_folder, install_lines
    from convert.packaging.names import wheel_names, wheel_version
    from convert.packaging.wheel import WheelSpec, build_wheel, check_spec, read_model
    from convert.report.model_card import model_card

    version = wheel_version(options.version)
    read = None if options.adopt else read_model(options.model)
    name = options.name or (read[1].manifest.name if read else options.model.stem)
    spec = WheelSpec(
        wheel_names(name),
        version,
        summary=options.description,
        author=options.author,
        license=options.license,
    )
    check_spec(spec)  # before the work, not behind it
    _check_card(options, spec)
    if read is None:
        model = _adopted(options, name, say)
    else:
        model = _named(read[0], name, source=str(options.model))
    summary = options.description or " ".join(model.file.manifest.description.split())
    spec = replace(spec, summary=summary)
    card = model_card(
        model.file,
        install=f"pip install --no-deps {spec.file_name}",
        description=options.description,
    )
    wheel = build_wheel(model.data, spec, card=card)
    files = {options.out / spec.file_name: wheel}
    if options.adopt:
        files[options.out / _model_name(spec)] = model.data
    if options.card is not None:
        files[options.card] = card.encode("utf-8")
    if options.board is not None:
        tar = options.out / f"{bundle_folder(spec, options.board)}.tar"
        files[tar] = _bundle(options.board, spec, wheel, say)
    write_and_tell(files, force=options.force, say=say)
    if options.board is not None:
        for line in ("", *install_lines(spec, options.out, board=options.board)):
            say(line)
    else:
        say(f"On the board: pip install --no-deps {spec.file_name}")
        say(f"              minivgg-edge classify --model {name} photo.jpg")
    return EXIT_DONE


def _check_card(options: argparse.Namespace, spec: WheelSpec) -> None:
    """Check that the card is not to be written over what is written beside it.

    Raises:
        PackagingError: it is.
    """
    from convert.packaging.errors import PackagingError
    from convert.packaging.instructions import bundle_folder

    names = [spec.file_name]
    if options.adopt:
        names.append(_model_name(spec))
    if options.board is not None:
        names.append(f"{bundle_folder(spec, options.board)}.tar")
    others = [options.model, *(options.out / name for name in names)]
    if options.card is not None and options.card.resolve() in [path.resolve() for path in others]:
        raise PackagingError(f"--card: expected a file of its own, got {options.card}")


def _model_name(spec: WheelSpec) -> str:
    return f"{spec.names.model}.tflite"


def _named(data: bytes, name: str, *, source: str) -> _Model:
    from convert.packaging.wheel import renamed
    from minivgg_edge.model_file import parse_model_file

    data = renamed(data, name, source=source)
    return _Model(data, parse_model_file(data, source=source))


def _adopted(options: argparse.Namespace, name: str, say: Callable[[str], None]) -> _Model:
    from convert.packaging.adoption_options import adopt_file
    from minivgg_edge.model_file import parse_model_file

    adopted = adopt_file(options, name=name, say=say)
    for note in adopted.notes:
        print(f"note: {note}", file=sys.stderr)
    return _Model(adopted.data, parse_model_file(adopted.data, source=str(options.model)))


def _bundle(board_name: str, spec: WheelSpec, wheel: bytes, say: Callable[[str], None]) -> bytes:
    """Return the bytes of the tar for a board without a network."""
    from convert.packaging.bundle import board_wheels, install_text, pack_bundle
    from convert.packaging.instructions import bundle_folder

    board = BOARDS[board_name]
    say(f"Downloading the wheels for {board.title}")
    folder = bundle_folder(spec, board_name)
    install = install_text(
        board, folder, distribution=spec.names.distribution, model=spec.names.model
    )
    wheels = {**board_wheels(board), spec.file_name: wheel}
    return pack_bundle(folder, wheels, install)


def _say(text: str) -> None:
    print(text, flush=True)


def _silent(text: str) -> None:
    pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.package",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "model",
        type=Path,
        metavar="MODEL.tflite",
        help="what convert.quantize wrote; with --adopt a foreign model",
    )
    add("--name", help="name of the model on the board; default: its own")
    add("--version", required=True, help="of this model, for example 1.0 (PEP 440)")
    add("-o", "--out", type=Path, default=DEFAULT_OUTPUT, metavar="DIR", help="default: dist")
    add("--description", default="", help="one line, for pip and the model card")
    add("--author", default="", help="one line, for pip")
    add("--license", default="", help='an SPDX expression, such as "CC-BY-4.0"')
    add("--card", type=Path, metavar="FILE.md", help="write the model card there too")
    add("--board", choices=BOARDS, help="write a tar for this board without a network")
    add("--force", action="store_true", help="replace existing files")
    add("--quiet", action="store_true", help="print problems only")
    add_adoption_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
