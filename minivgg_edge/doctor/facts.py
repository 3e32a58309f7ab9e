"""Everything that the checks know about a machine; nothing here reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class System:
    """The machine and its operating system.

    Attributes:
        name: As Python has it: "Linux", "Darwin", "Windows".
        machine: The processor's architecture as the kernel names it.
        bits: Size of Python's pointers, 32 or 64; a 64-bit kernel runs 32-bit programs too.
        kernel: The kernel's release.
        libc: "glibc", "musl" or "" where neither is used or known.
        libc_version: Its version; () if it is not known.
        hard_float: Whether 32-bit ARM programs pass floats in registers (armhf); None elsewhere.
        glibcxx: The newest symbol version GLIBCXX of the C++ library; None if none was found.
        os_name: Name and version for people.
        os_ids: Short names of the distribution and of those that it descends from.
        board: The board's own name.
        cpu: Name of the processor or of its cores.
        cpu_features: Instruction sets for which the runtimes have kernels.
    """

    name: str
    machine: str
    bits: int
    kernel: str
    libc: str
    libc_version: tuple[int, ...]
    hard_float: bool | None
    glibcxx: tuple[int, ...] | None
    os_name: str | None
    os_ids: tuple[str, ...]
    board: str | None
    cpu: str | None
    cpu_features: tuple[str, ...]

    @property
    def is_debian(self) -> bool:
        """Whether packages come with apt."""
        return "debian" in self.os_ids


@dataclass(frozen=True, slots=True)
class Python:
    """The Python that runs, and what its environment lets one do.

    Attributes:
        version: Major, minor, micro.
        implementation: "CPython" or another.
        free_threaded: Whether it is the build without the global lock, which needs own wheels.
        executable: Path of the program; "" if Python does not know it.
        base_executable: Of the Python that a virtual environment was made from.
        prefix: Folder of the environment.
        in_environment: Whether that is a virtual environment.
        sees_system: Whether packages outside of the virtual environment are found.
        externally_managed: Whether pip refuses to install here (PEP 668).
        has_pip: Whether pip can be imported.
        has_ensurepip: Whether virtual environments with pip can be made.
        writable: Whether the folder for packages can be written to.
    """

    version: tuple[int, int, int]
    implementation: str
    free_threaded: bool
    executable: str
    base_executable: str
    prefix: str
    in_environment: bool
    sees_system: bool
    externally_managed: bool
    has_pip: bool
    has_ensurepip: bool
    writable: bool


@dataclass(frozen=True, slots=True)
class Distribution:
    """One copy of an installed package.

    Attributes:
        name: Normalized, such as "ai-edge-litert".
        version: As its metadata has it.
        folder: The entry of `sys.path` that it was found in.
        from_system: Whether the system's package manager (apt) put it there.
        tags: Tags of its wheel, such as "cp311-cp311-manylinux_2_27_aarch64"; () if unknown.
        library_machine: What its native code was compiled for; None without or if unknown.
        module_folder: Folder of its Python files; None if there is none.
        sources: Number of Python files that are likely to be imported.
        uncompiled: How many of these have no `.pyc`.
        writable: Whether `module_folder` can be written to.
    """

    name: str
    version: str
    folder: str
    from_system: bool
    tags: tuple[str, ...]
    library_machine: str | None
    module_folder: str | None
    sources: int
    uncompiled: int
    writable: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """How the import of a module ended, in a process of its own.

    Attributes:
        module: Its name.
        version: What it says; None if nothing or if it failed.
        missing: Name of the module that was not found: itself or one that it needs.
        error: The exception, or how the process ended; None if all went well.
    """

    module: str
    version: str | None
    missing: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Inference:
    """How loading the bundled model and running it once ended, in a process of its own.

    Attributes:
        runtime: Distribution that ran it; None if it failed before.
        version: Version of the runtime.
        operators: Operators of the model; None if the runtime does not tell.
        delegated: How many of these a delegate runs; None if the runtime does not tell.
        partitions: In how many pieces; None if the runtime does not tell.
        delegate: Its name; None if there is none or it is not known.
        error: What failed; None if it ran.
    """

    runtime: str | None
    version: str | None
    operators: int | None
    delegated: int | None
    partitions: int | None
    delegate: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Camera:
    """Whether Raspberry Pi's camera packages are found.

    Attributes:
        picamera2: Whether this Python finds picamera2.
        libcamera: Whether this Python finds libcamera's bindings, which only apt installs.
        system_libcamera: Whether they are installed for the system's Python.
    """

    picamera2: bool
    libcamera: bool
    system_libcamera: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it.

    Attributes:
        package_version: Version of this package.
        package_folder: Where it lies.
        system: The machine.
        python: The Python.
        distributions: Installed packages that matter, in the order in which Python finds them.
        trials: Imports that were tried.
        inference: The first inference; None if an import that it needs failed.
        camera: The camera packages.
        unreadable: What could not be read, and why.
    """

    package_version: str
    package_folder: str
    system: System
    python: Python
    distributions: tuple[Distribution, ...]
    trials: tuple[Trial, ...]
    inference: Inference | None
    camera: Camera
    unreadable: tuple[str, ...]

    def copies(self, name: str) -> tuple[Distribution, ...]:
        """Return the installed copies of a package; the first is the one that is imported."""
        return tuple(copy for copy in self.distributions if copy.name == name)

    def installed(self, name: str) -> Distribution | None:
        """Return the copy that is imported; None if there is none."""
        return next(iter(self.copies(name)), None)

    def trial(self, module: str) -> Trial | None:
        """Return how the import of a module ended; None if it was not tried."""
        return next((trial for trial in self.trials if trial.module == module), None)

    @property
    def runs(self) -> bool:
        """Whether the bundled model ran."""
        return self.inference is not None and self.inference.error is None
