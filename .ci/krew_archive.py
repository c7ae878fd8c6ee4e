"""Build the archive that krew installs on machines like this one: `make krew`.

    python .ci/krew_archive.py [DIRECTORY]

A directory (`dist`) gets `kubectl-gitops-vX.Y.Z-OS-ARCH.tar.gz` and its line of `SHA256SUMS`. The
program brings its own Python (PyInstaller, one directory). Built twice of one commit with the same
tools, the archive is the same, byte for byte.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from kubectl_gitops import __version__

ROOT = Path(__file__).parents[1]
NAME = "kubectl-gitops"
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

# Loaded by name at run time, where PyInstaller does not see it.
COLLECTED = ("kubectl_gitops", "kubernetes.client", "kubernetes.config", "rich._unicode_data")
# readline would bring libreadline, which is GPL; the rest is not used. pydoc has to stay, for
# kubernetes.watch imports it.
LEFT_OUT = (
    *("readline", "curses", "_curses", "sqlite3", "tkinter", "test", "idlelib", "ensurepip"),
    *("kubernetes.aio", "kubernetes.test", "setuptools", "pip", "wheel", "pygments", "numpy"),
)

# Libraries of the building machine that Python's own modules need: under which license each is.
SYSTEM_LIBRARIES = {
    "libbz2": "bzip2, https://sourceware.org/bzip2: bzip2-1.0.6",
    "libcrypto": "OpenSSL, https://openssl-library.org: Apache-2.0",
    "libexpat": "Expat, https://libexpat.github.io: MIT",
    "libffi": "libffi, https://sourceware.org/libffi: MIT",
    "libgcc_s": "GCC, https://gcc.gnu.org: GPL-3.0-or-later WITH GCC-exception-3.1",
    "liblzma": "XZ Utils, https://tukaani.org/xz: 0BSD",
    "libpython": "Python, https://www.python.org: PSF-2.0 (above)",
    "python3": "Python, https://www.python.org: PSF-2.0 (above)",
    "vcruntime": "Microsoft Visual C++ Runtime: Microsoft's terms for redistributable code",
    "libstdc++": "GCC, https://gcc.gnu.org: GPL-3.0-or-later WITH GCC-exception-3.1",
    "libssl": "OpenSSL, https://openssl-library.org: Apache-2.0",
    "libuuid": "util-linux, https://github.com/util-linux/util-linux: BSD-3-Clause",
    "libz": "zlib, https://zlib.net: Zlib",
    "libzstd": "Zstandard, https://facebook.github.io/zstd: BSD-3-Clause",
}

_SHARED = re.compile(r"\.(so|dylib|dll)(\.|$)")
_BROUGHT = ("lib", "python3", "vcruntime")
"""How their names begin; the others of that directory are modules of Python's own."""


def main(arguments: list[str]) -> None:
    """Build, pack and sum up."""
    target = Path(arguments[0] if arguments else ROOT / "dist").absolute()
    target.mkdir(parents=True, exist_ok=True)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _commit_time())
    with tempfile.TemporaryDirectory(prefix="krew-") as scratch:
        program = build(Path(scratch), epoch)
        shutil.copy(ROOT / "LICENSE", program)
        (program / "THIRD-PARTY-NOTICES").write_text(notices(program), "utf-8")
        archive = target / f"{NAME}-v{__version__}-{system()}-{architecture()}.tar.gz"
        pack(program, archive, epoch)
    note_digest(archive, target / "SHA256SUMS")
    print(archive)


def system() -> str:
    """What krew calls this operating system."""
    return {"win32": "windows"}.get(sys.platform, sys.platform)


def architecture() -> str:
    """What krew calls this machine."""
    return ARCHITECTURES[platform.machine().lower()]


def _commit_time() -> str:
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def build(scratch: Path, epoch: int) -> Path:
    """The directory of the program, below `scratch`."""
    command = [
        *(sys.executable, "-m", "PyInstaller", "--onedir", "--name", NAME, "--noconfirm"),
        *("--log-level", "WARN", "--console", "--noupx"),
        *(("--strip",) if sys.platform == "linux" else ()),
        *("--distpath", str(scratch / "made"), "--workpath", str(scratch / "work")),
        *("--specpath", str(scratch)),
        *(word for module in COLLECTED for word in ("--collect-submodules", module)),
        *(word for module in LEFT_OUT for word in ("--exclude-module", module)),
        str(ROOT / "kubectl_gitops" / "__main__.py"),
    ]
    fixed = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run(command, check=True, env={**os.environ, **fixed}, cwd=scratch)
    return scratch / "made" / NAME


def notices(program: Path) -> str:
    """Whose work is inside, and on which terms."""
    parts = [f"{NAME} contains the work of others, on the terms below.\n"]
    python = Path(sysconfig.get_path("stdlib"), "LICENSE.txt")
    parts.append(_notice("Python", platform.python_version(), [python.read_text("utf-8")]))
    for found in bundled():
        parts.append(_notice(found.name, found.version, _licenses(found)))
    shared = (path for path in program.rglob("*") if _SHARED.search(path.name))
    libraries = sorted({_library(path) for path in shared} - {""})
    return "\n".join([*parts, _rule("Libraries of the system"), *libraries, ""])


def _notice(name: str, version: str, texts: Iterable[str]) -> str:
    return "\n".join([_rule(f"{name} {version}"), *(text.strip() + "\n" for text in texts)])


def _rule(title: str) -> str:
    return f"{'=' * 78}\n{title}\n{'=' * 78}\n"


def _library(path: Path) -> str:
    """The line of a system library; those of a package stand in a directory of its own."""
    if path.parent.name != "_internal" or not path.name.startswith(_BROUGHT):
        return ""
    for name, license in SYSTEM_LIBRARIES.items():
        if path.name.startswith(name):
            return license
    raise SystemExit(f"{path.name} would be handed out without a word on its license")


def bundled() -> list[Distribution]:
    """What the program depends on, by name, and PyInstaller, whose bootloader starts it."""
    found: dict[str, Distribution] = {}
    waiting = [*(distribution(NAME).requires or ()), "pyinstaller"]
    while waiting:
        name = re.split(r"[^\w.-]", waiting.pop())[0].lower()
        if name not in found:
            found[name] = distribution(name)
            if name != "pyinstaller":
                waiting += _required(found[name])
    return [found[name] for name in sorted(found)]


def _required(found: Distribution) -> Iterator[str]:
    """What it needs here, extras and other systems left out."""
    for line in found.requires or ():
        requirement, _, marker = line.partition(";")
        if not marker or _holds(marker):
            yield requirement


def _holds(marker: str) -> bool:
    from packaging.markers import Marker

    return Marker(marker).evaluate({"extra": ""})


def _licenses(found: Distribution) -> list[str]:
    """The texts of its license files; `SystemExit` for a package that has none."""
    word = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", re.IGNORECASE)
    files = [file for file in found.files or () if ".dist-info" in str(file)]
    texts = [file.read_text("utf-8") for file in sorted(files) if word.search(file.name)]
    stated = found.metadata.get("License-Expression") or found.metadata.get("License") or ""
    if not texts and not stated:
        raise SystemExit(f"{found.name} would be handed out without a word on its license")
    return texts or [f"License: {stated}", f"{found.metadata.get('Home-page') or ''}"]


def pack(program: Path, archive: Path, epoch: int) -> None:
    """A gzipped tar without links, for krew refuses those; nothing in it tells who built it."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in sorted(program.rglob("*")):
            if path.is_file():
                entry = tarfile.TarInfo(path.relative_to(program.parent).as_posix())
                entry.size, entry.mtime = path.stat().st_size, epoch
                entry.mode = 0o755 if os.access(path, os.X_OK) else 0o644
                with path.open("rb") as content:
                    tar.addfile(entry, content)


def note_digest(archive: Path, sums: Path) -> None:
    """The archive's line in SHA256SUMS, in the place of a former one."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    lines = sums.read_text("utf-8").splitlines() if sums.exists() else []
    kept = [line for line in lines if line.split()[1] != archive.name]
    sums.write_text("".join(f"{line}\n" for line in sorted([*kept, f"{digest}  {archive.name}"])))


if __name__ == "__main__":
    main(sys.argv[1:])
