"""A shell in which `python3` is an emulated board's, so that a guide's lines run as they stand.

The kernel cannot start a program of another machine, but it starts a script, and QEMU hands the
start of a child on to it. So `python3` is a script that starts QEMU, virtual environments link to
it, and what Python calls `sys.executable` works there as on the board.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arm.boards import Board
from benchmarks.arm.emulator import lay_root
from benchmarks.arm.sysroot import Sysroot, qemu

TIMEOUT_S = 1500.0

# `-0` makes Python take the script for its own program, and so an environment's for an
# environment's: `pyvenv.cfg` is looked for beside it.
_PYTHON = """\
#!/bin/sh
exec {qemu} -0 "$0" {python} "$@"
"""

# Debian's ensurepip would unpack and compile pip for minutes. The new environment gets this
# machine's pip in its place: the code is the same everywhere, and it runs in the board's Python,
# so the markers and wheel tags that it sees are the board's.
_SYSTEM_PYTHON = """\
#!/bin/sh
if [ "$1 $2" != "-m venv" ]; then exec {python} "$@"; fi
shift 2
{python} -m venv --without-pip "$@" || exit
for folder; do :; done
cat > "$folder/bin/pip" <<END
#!/bin/sh
exec "$folder/bin/python" {pip} "\\$@"
END
chmod +x "$folder/bin/pip"
"""

# pip asks the file of its Python whether it is a 32-bit ARM program with hardware floats; a script
# cannot tell, so it is shown the program behind the script.
_PIP = """\
import sys

from pip._vendor.packaging import _manylinux


class System:
    executable = {python!r}

    def __getattr__(self, name):
        return getattr(sys, name)


_manylinux.sys = System()

from pip._internal.cli.main import main

sys.exit(main())
"""

# Nothing is installed on this machine; what was asked for stays on record.
_SUDO = """\
#!/bin/sh
echo "$*" >> {record}
"""


@dataclass(frozen=True)
class Ran:
    """How a script ended, and what it printed."""

    code: int
    out: str
    err: str


class BoardShell:
    """A home folder of a board, and a shell in it.

    Attributes:
        home: The folder; `~` in scripts.
        sysroot: What the board runs.
    """

    def __init__(self, board: Board, sysroot: Sysroot, folder: Path) -> None:
        """Lay the programs and an empty home folder below `folder`."""
        self.home = folder / "home"
        self.sysroot = sysroot
        self._programs = folder / "system" / "bin"
        self._record = folder / "sudo"
        self.home.mkdir(parents=True)
        self._programs.mkdir(parents=True)
        self._lay_system(board, sysroot)

    def _lay_system(self, board: Board, sysroot: Sysroot) -> None:
        root = self._programs.parents[1] / "root"
        lay_root(board, sysroot, root)
        # Python looks for its library beside its program; packages in /usr/local are left out,
        # so that what the guide does not install is missing.
        (self._programs.parent / "lib").symlink_to(sysroot.root / "usr" / "lib")
        pip = self._record.with_name("pip") / "run.py"
        shutil.copytree(Path(sysconfig.get_path("purelib")) / "pip", pip.parent / "pip")
        self._write(pip, _PIP.format(python=str(sysroot.python)))
        python = self._programs / f"python{sysroot.system.python}"
        program = shutil.which(qemu(board.system))
        assert program is not None  # benchmarks.arm.programs.check_programs looks for it
        words = [program, "-L", str(root), "-cpu", board.qemu_cpu]
        real = shlex.quote(str(sysroot.python))
        self._write(python, _PYTHON.format(qemu=shlex.join(words), python=real))
        self._write(
            self._programs / "python3",
            _SYSTEM_PYTHON.format(python=shlex.quote(str(python)), pip=shlex.quote(str(pip))),
        )
        self._write(self._programs / "sudo", _SUDO.format(record=shlex.quote(str(self._record))))

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    @property
    def asked_of_root(self) -> list[list[str]]:
        """The commands that `sudo` was asked to run, in order, as words."""
        if not self._record.is_file():
            return []
        return [line.split() for line in self._record.read_text(encoding="utf-8").splitlines()]

    def run(self, script: str) -> Ran:
        """Run lines of a shell in the home folder; the first that fails ends them."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
        }
        environment |= {
            "HOME": str(self.home),
            "PATH": f"{self._programs}:/usr/bin:/bin",
            "PIP_NO_COMPILE": "1",  # to compile takes the emulator minutes
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        # From a file: programs that read standard input would swallow its lines.
        path = self._record.with_name("script.sh")
        path.write_text(script, encoding="utf-8")
        done = subprocess.run(
            ["sh", "-e", path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.home,
            env=environment,
            timeout=TIMEOUT_S,
        )
        return Ran(done.returncode, done.stdout, done.stderr)
