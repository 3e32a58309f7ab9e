"""A system's files, unpacked from Debian packages and wheels into a folder that QEMU runs from.

apt works on a state of its own below the lane's work folder; nothing of the machine changes and no
rights are needed. The mirror is the one the machine uses.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.arm.boards import System
from benchmarks.arm.errors import LaneError
from benchmarks.arm.process import run
from convert.folder_lock import locked

_KEYRINGS = Path("/usr/share/keyrings")
# Never run on a board, and half of the time of compiling.
_UNCOMPILED = r"/(tests?|idlelib|lib2to3|testing|f2py|distutils|ensurepip|tkinter|turtledemo)/"


@dataclass(frozen=True, slots=True)
class Sysroot:
    """Unpacked files of a system.

    Attributes:
        system: Which one.
        root: Folder with `usr`, `lib` and so on.
        python: Its Python.
        digest: SHA-256 over the names, versions and hashes of all packages and wheels.
        versions: Version of each package and wheel.
    """

    system: System
    root: Path
    python: Path
    digest: str
    versions: dict[str, str]


def build_sysroot(system: System, *, work: Path, mirror: str | None = None) -> Sysroot:
    """Return the sysroot of a system, from `work` if an earlier run built it.

    Args:
        system: What to unpack.
        work: Folder of the lane; the sysroot goes to ``work/sysroots/NAME``.
        mirror: Address of a Debian mirror; None is the one this machine's apt uses.

    Raises:
        LaneError: A package or wheel cannot be had, or there is no mirror.
    """
    home = work / "sysroots" / system.name
    home.parent.mkdir(parents=True, exist_ok=True)
    # Two commands that need it at the same time would each remove what the other unpacks.
    with locked(home.parent, wait=True):
        return _built(system, home, mirror)


def _built(system: System, home: Path, mirror: str | None) -> Sysroot:
    stamp = home / "sysroot.json"
    # With what unpacks it: a sysroot of an earlier version of this file may lack a file.
    builder = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    wanted = {
        "packages": system.packages,
        "requirements": system.requirements,
        "builder": builder,
    }
    if stamp.is_file():
        found = json.loads(stamp.read_text(encoding="utf-8"))
        if found["wanted"] == json.loads(json.dumps(wanted)):
            return _sysroot(system, home, found["versions"], found["digest"])
    shutil.rmtree(home, ignore_errors=True)
    archives = _download_packages(system, home / "apt", mirror or machine_mirror())
    _unpack(archives, home / "root")
    wheels = _install_wheels(system, home)
    versions, digest = _inventory([*archives, *wheels])
    sysroot = _sysroot(system, home, versions, digest)
    compile_python(sysroot, Path(f"usr/lib/python{system.python}"), Path("usr/lib/python3"))
    compile_python(sysroot, _site(system))
    shutil.rmtree(home / "apt")
    shutil.rmtree(home / "wheels")
    stamp.write_text(
        json.dumps({"wanted": wanted, "versions": versions, "digest": digest}, indent=1) + "\n",
        encoding="utf-8",
    )
    return sysroot


def compile_python(sysroot: Sysroot, *folders: Path) -> None:
    """Compile the Python files below folders with the sysroot's own Python, in the emulator.

    Without `.pyc` files every start would compile every module: several times the instructions.

    Args:
        sysroot: Whose Python compiles; the code is for it alone.
        folders: Absolute, or relative to the root. One that does not exist is left out.
    """
    paths = [str(path) for folder in folders if (path := sysroot.root / folder).is_dir()]
    command = [qemu(sysroot.system), "-L", str(sysroot.root), str(sysroot.python), "-m"]
    if paths:
        run([*command, "compileall", "-q", "-x", _UNCOMPILED, *paths])


def qemu(system: System) -> str:
    """Return the name of QEMU's program for the machine of a system."""
    return "qemu-aarch64" if system.machine == "aarch64" else "qemu-arm"


def machine_mirror() -> str:
    """Return the Debian mirror that this machine's apt uses.

    Raises:
        LaneError: apt is missing or knows no Debian mirror.
    """
    lines = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"]).splitlines()
    for line in lines:
        address, _, release = line.partition(" ")
        path = urlsplit(address).path.rstrip("/")
        if path.endswith("/debian") and "-" not in release:
            return address
    raise LaneError(
        "expected a Debian mirror in this machine's apt configuration, got none; "
        "pass one with --mirror"
    )


def _sysroot(system: System, home: Path, versions: dict[str, str], digest: str) -> Sysroot:
    root = home.resolve() / "root"
    python = root / "usr" / "bin" / f"python{system.python}"
    return Sysroot(system=system, root=root, python=python, digest=digest, versions=versions)


def _site(system: System) -> Path:
    return Path(f"usr/local/lib/python{system.python}/dist-packages")


def _download_packages(system: System, state: Path, mirror: str) -> list[Path]:
    """Download the packages of a system with their dependencies; return the archives."""
    state = state.resolve()
    for folder in ("lists/partial", "archives/partial", "etc"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    keyring = _KEYRINGS / f"debian-archive-{system.suite}-automatic.gpg"
    stable = _KEYRINGS / f"debian-archive-{system.suite}-stable.gpg"
    signed_by = keyring if keyring.is_file() else _KEYRINGS / "debian-archive-keyring.gpg"
    if not signed_by.is_file():
        raise LaneError(f"expected {signed_by}; install the package debian-archive-keyring")
    keys = f"{signed_by},{stable}" if stable.is_file() else str(signed_by)
    sources = f"deb [arch={system.architecture} signed-by={keys}] {mirror} {system.suite} main\n"
    (state / "etc" / "sources.list").write_text(sources, encoding="utf-8")
    settings = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Dir::Etc::sourcelist": state / "etc" / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-",
        "APT::Architecture": system.architecture,
        "APT::Architectures": system.architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    run(["apt-get", *options, "--quiet", "update"])
    run(["apt-get", *options, "--quiet", "--yes", "--download-only", "install", *system.packages])
    archives = sorted((state / "archives").glob("*.deb"))
    if not archives:
        raise LaneError(f"{system.name}: expected packages of {mirror}, got none")
    return archives


def _unpack(archives: list[Path], root: Path) -> None:
    for folder in ("bin", "lib", "sbin"):
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    for archive in archives:
        with subprocess.Popen(  # noqa: S603
            ["dpkg-deb", "--fsys-tarfile", archive],  # noqa: S607
            stdout=subprocess.PIPE,
        ) as package:
            # Older packages have files below /lib, newer ones below /usr/lib: one folder in both.
            tar = ["tar", "--extract", "--keep-directory-symlink", "--directory", str(root)]
            run(tar, stdin=package.stdout)
        if package.returncode:
            raise LaneError(f"{archive.name}: dpkg-deb ended with {package.returncode}")
    # Debian's maintainer scripts choose between linear algebra libraries; none has run here.
    for library in (root / "usr" / "lib").glob("*/*/lib*.so.3"):
        if library.parent.name in ("blas", "lapack"):
            (library.parents[1] / library.name).symlink_to(f"{library.parent.name}/{library.name}")


def pip_target(system: System) -> list[str]:
    """Return the options of pip that make it choose wheels for a system, not for this machine."""
    options = ["--only-binary=:all:", "--implementation", "cp", "--python-version", system.python]
    options += [word for tag in system.platforms for word in ("--platform", tag)]
    return options


def _install_wheels(system: System, home: Path) -> list[Path]:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels, target = home / "wheels", home / "root" / _site(system)
    # pip evaluates markers for the Python it runs in, so what the runtime needs is named there.
    where = [*pip_target(system), "--no-deps"]
    run([*pip, "download", *where, "--dest", str(wheels), *system.requirements])
    found = sorted(wheels.glob("*.whl"))
    run([*pip, "install", *where, "--no-compile", "--target", str(target), *map(str, found)])
    return found


def _inventory(files: list[Path]) -> tuple[dict[str, str], str]:
    """Return the version of each package, and the hash over all of them."""
    versions, digest = {}, hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        name, version = path.name.split("_" if path.suffix == ".deb" else "-")[:2]
        versions[name.replace("_", "-")] = version.replace("%3a", ":")
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return versions, digest.hexdigest()
