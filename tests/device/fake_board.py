"""A board's `/proc` and `/sys` as files, so that a test can move what a run must not."""

from __future__ import annotations

from pathlib import Path

CPUFREQ = "sys/devices/system/cpu/cpu{core}/cpufreq/{name}"
THERMAL = "sys/class/thermal/thermal_zone{zone}/{name}"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


class FakeBoard:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for core in range(4):
            self.write(CPUFREQ.format(core=core, name="scaling_governor"), "ondemand\n")
        self.set_frequency_mhz(2400)
        self.write(THERMAL.format(zone=0, name="type"), "gpu-thermal\n")
        self.write(THERMAL.format(zone=0, name="temp"), "99000\n")
        self.write(THERMAL.format(zone=1, name="type"), "cpu-thermal\n")
        self.write(THERMAL.format(zone=1, name="temp"), "51250\n")
        self.write(THROTTLED, "0\n")
        self.write("proc/loadavg", "0.25 0.40 0.30 1/123 4567\n")
        self.write("proc/meminfo", "MemTotal:        8000000 kB\nMemFree: 1 kB\n")
        self.write("etc/os-release", 'NAME="X"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
        self.write("proc/cpuinfo", "CPU implementer : 0x41\nCPU part : 0xd0b\n")
        self.write("proc/device-tree/model", "Raspberry Pi 5 Model B\0")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def remove(self, name: str) -> None:
        (self.root / name).unlink()

    def set_frequency_mhz(self, mhz: int) -> None:
        for core in range(4):
            self.write(CPUFREQ.format(core=core, name="scaling_cur_freq"), f"{1000 * mhz}\n")

    def set_temperature_c(self, degrees: float) -> None:
        self.write(THERMAL.format(zone=1, name="temp"), f"{1000 * degrees:.0f}\n")
