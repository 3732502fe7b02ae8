"""Writes the Cython text of every rule and builds it, once for each instruction set.

The rules are read, not imported, so nothing of the package is needed to build it. Every
extension is optional: where a compiler is missing the install succeeds and Numba serves.

FASTLR_PORTABLE_C=1 in the environment builds everything in plain C99, for the base instruction set
and without threads, as is done on Windows.

FASTLR_SANITIZE=address,undefined builds with those checks of GCC or Clang (CONTRIBUTING.md has the
command); the objects are larger and slower, and need the sanitizer's library loaded before Python.
"""

import importlib
import os
import platform
import sys
import types
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "fastlr"
GENERATED = Path("build") / "generated"
# Headers and Cython text that several folders include.
SHARED = [
    str(Path("fastlr") / "kernels" / "ahead"),
    str(Path("fastlr") / "training" / "c"),
    str(Path("fastlr") / "training" / "linear"),
    str(Path("fastlr") / "updater" / "steppers"),
    str(GENERATED / "fastlr" / "updater" / "steppers"),
]

WINDOWS = sys.platform == "win32"
MSVC = WINDOWS and not any("mingw" in argument for argument in sys.argv)
PORTABLE = WINDOWS or os.environ.get("FASTLR_PORTABLE_C") == "1"
X86 = platform.machine().lower() in {"x86_64", "amd64", "i686"}

# Contraction stays off: with it, instruction sets with and without FMA would differ in the last
# bit. Errno and traps are what keeps loops with sqrt from using vectors. Never -ffast-math: linked
# into a library it makes the whole process flush denormals.
FLAGS = (
    ["/O2"]
    if MSVC
    else [
        "-O3",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-fvisibility=hidden",
        "-g0",
        "-Wno-unused-function",
    ]
)
THREADS = [] if PORTABLE else ["-pthread"]
SANITIZERS = os.environ.get("FASTLR_SANITIZE", "")
SANITIZE = (
    [
        "-O1",
        "-g1",
        "-fno-omit-frame-pointer",
        f"-fsanitize={SANITIZERS}",
        "-fno-sanitize-recover=undefined",
    ]
    if SANITIZERS
    else []
)
EXACT = ["/fp:precise"] if MSVC else ["-ffp-contract=off"]
CONTRACT = [] if MSVC else ["-ffp-contract=fast"]
ISA_FLAGS = {
    "base": [],
    "avx2": ["/arch:AVX2"] if MSVC else ["-mavx2", "-mfma", "-mbmi2"],
    "avx512": ["/arch:AVX512"]
    if MSVC
    else [
        "-mavx512f",
        "-mavx512bw",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx512cd",
        "-mavx2",
        "-mfma",
        "-mbmi2",
        "-mprefer-vector-width=512",
    ],
}


def load_emitter():
    """Import the emitter's files under another name, so that fastlr itself is not imported."""
    package = types.ModuleType("fastlr_build")
    package.__path__ = [str(PACKAGE / "kernels")]
    sys.modules["fastlr_build"] = package
    names = (
        *("ahead.built", "loops.update", "ahead.update", "ahead.schedule"),
        *("loops.loss", "ahead.loss", "language.terms"),
    )
    return [importlib.import_module(f"fastlr_build.{name}") for name in names]


def write(path, text):
    """Write generated text, leaving an equal file alone so that builds stay incremental."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return str(path)


def emitted_sources():
    """Write the .pyx text of the rules; return module names and paths."""
    built, emit, cython_cpu, cython_schedules, emit_losses, cython_losses, terms = load_emitter()
    updates = [
        r for f in sorted((PACKAGE / "optimizers").glob("*.py")) for r in emit.rules_in_file(f)
    ]
    schedules = [
        r
        for f in sorted((PACKAGE / "schedules").glob("*.py"))
        for r in emit.schedule_rules_in_file(f)
    ]
    losses = [
        r
        for f in sorted((PACKAGE / "losses").glob("*.py"))
        for r in emit_losses.loss_rules_in_file(f)
    ]
    body = cython_cpu.update_body(updates)
    folder = GENERATED / "fastlr" / "kernels" / "ahead"
    sources = {}
    for kind, text in (("updates", body), ("losses", cython_losses.losses_body(losses))):
        write(folder / f"_{kind}_body.pxi", text)
        for isa in built.ISAS:
            stub = f'include "_{kind}_body.pxi"\nISA = "{isa}"\n'
            name = f"_{kind}_{isa}"
            sources[f"fastlr.kernels.ahead.{name}"] = write(folder / f"{name}.pyx", stub)
    sources["fastlr.kernels.ahead._schedules"] = write(
        folder / "_schedules.pyx", cython_schedules.schedule_body(schedules)
    )
    columns = "".join(
        f"    {name.rstrip('_').upper()} = {k}\n" for k, name in enumerate(terms.COMMON)
    )
    write(
        GENERATED / "fastlr" / "updater" / "steppers" / "_columns.pxi",
        f"# Where a coefficient row holds what; written by setup.py.\ncdef enum:\n{columns}",
    )
    # A module of its own, so that a comment that changes is no reason to compile kernels again.
    known = {
        rule.name: (built.checksum(Path(rule.file).read_bytes()), rule.digest)
        for rule in (*updates, *schedules, *losses)
    }
    sources["fastlr.kernels.ahead._sources"] = write(
        folder / "_sources.pyx", f"SOURCES = {known!r}\n"
    )
    return sources


def extension(module, source):
    isa = module.rpartition("_")[2]
    isa = isa if isa in ISA_FLAGS else "base"
    if isa != "base" and (PORTABLE or not X86):
        return None
    text = Path(source).read_text(encoding="utf-8")
    folders = [str(Path(source).parent), *SHARED]
    contract = "# fastlr: contract" in text.splitlines()[:3]
    return Extension(
        module,
        [source],
        include_dirs=[np.get_include(), *folders],
        depends=sorted(
            str(h) for f in folders for h in Path(f).glob("_*.[hp]*") if h.suffix in {".h", ".pxi"}
        ),
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            *([("FASTLR_PORTABLE_C", "1")] if PORTABLE else []),
        ],
        extra_link_args=THREADS + SANITIZE,
        extra_compile_args=[
            *FLAGS,
            *THREADS,
            *(CONTRACT if contract else EXACT),
            *ISA_FLAGS[isa],
            *SANITIZE,
        ],
    )


def extensions():
    sources = emitted_sources()
    for path in sorted(PACKAGE.rglob("*.pyx")):
        relative = path.relative_to(HERE)
        sources[".".join(relative.with_suffix("").parts)] = str(relative)
    built = cythonize(
        [e for e in (extension(m, s) for m, s in sources.items()) if e is not None],
        build_dir=str(GENERATED / "c"),
        include_path=[str(GENERATED / "fastlr" / "kernels" / "ahead"), *SHARED],
        compiler_directives={
            "language_level": "3",
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
        },
        quiet=True,
    )
    for each in built:
        each.optional = True  # cythonize drops it when it is given earlier
    return built


class BuildWithStubs(build_py):
    """Adds stubs to the copy that is installed; a working tree is read as it stands."""

    def run(self):
        super().run()
        if not self.editable_mode:
            sys.path.insert(0, str(HERE))
            importlib.import_module("setup_stubs").write_stubs(Path(self.build_lib) / "fastlr")


os.chdir(HERE)
setup(
    ext_modules=extensions(),
    cmdclass={"build_py": BuildWithStubs},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
