"""Stand-ins for NVIDIA's libraries, just enough to load ONNX Runtime's TensorRT provider without a
GPU: its parser of options is then the true one. Nothing computes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

OBJECT = """
static long zero(void) { return 0; }
static void* table[400];
static struct { void** methods; void* members[64]; } object;
__attribute__((constructor)) static void fill(void) {
    for (int i = 0; i < 400; i++) table[i] = (void*)zero;
    object.methods = table;
    for (int i = 0; i < 64; i++) object.members[i] = &object;
}
"""
"""A C++ object all of whose methods return 0."""
KNOWN = {
    "cudaRuntimeGetVersion": "int cudaRuntimeGetVersion(int* v) { *v = 13000; return 0; }",
    "cudaGetDeviceCount": "int cudaGetDeviceCount(int* v) { *v = 1; return 0; }",
    "cudaGetDevice": "int cudaGetDevice(int* v) { *v = 0; return 0; }",
    "getInferLibVersion": "int getInferLibVersion(void) { return 101600; }",
}


def write(provider: Path, folder: Path, compiler: str) -> None:
    """Write a library for each one of NVIDIA's that the provider needs into ``folder``."""
    needed = _told("readelf", "-d", provider)
    wanted = re.findall(r"\[(lib(?:cublas|cudart|cudnn|nvinfer|nvonnxparser)\.so\.\d+)\]", needed)
    symbols = re.findall(r" U (\w+)(?:@(\S+))?$", _told("nm", "-D", "-u", provider), re.MULTILINE)
    for library in wanted:
        versioned = [name for name, version in symbols if version == library]
        # TensorRT's own symbols have no version, and no other library's but glibc's lack one.
        plain = [n for n, v in symbols if not v and n != "Provider_GetHost"]
        mine = versioned or (plain if library.startswith("libnvinfer") else [])
        code = OBJECT + "\n".join(
            KNOWN.get(name, f"void* {name}() {{ return &object; }}" if not versioned
                      else f"long {name}(void) {{ return 0; }}")
            for name in mine
        )  # fmt: skip
        (folder / "code.c").write_text(code)
        script = []
        if versioned:
            (folder / "names").write_text(
                f"{library} {{ global: {' '.join(f'{n};' for n in mine)} local: *; }};"
            )
            script = [f"-Wl,--version-script={folder / 'names'}"]
        subprocess.run(
            [compiler, "-w", "-shared", "-fPIC", folder / "code.c", *script,
             f"-Wl,-soname,{library}", "-o", folder / library],
            check=True,
        )  # fmt: skip


def _told(*command: str | Path) -> str:
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout
