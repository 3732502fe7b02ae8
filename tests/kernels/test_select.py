"""Which kernels are chosen, and what the installation says about itself."""

import importlib

import numpy as np
import pytest

import fastlr
from fastlr import SGD, AdamW
from fastlr.kernels.ahead import built
from fastlr.kernels.find import info, processor
from fastlr.kernels.find import update as select
from tests.support.engines import needs_compiled, output_of, run_python, use_engine

CHOSEN = """
    import sys
    import numpy as np
    import fastlr
    w = np.ones(3)
    fastlr.SGD(lr=0.5).bind(w).step(np.ones(3))
    assert w.tolist() == [0.5] * 3
    print(fastlr.backend_info()["isa"], *sorted(m for m in sys.modules if "._updates_" in m))
"""


def test_backend_info_is_of_one_piece():
    info = fastlr.backend_info()
    assert info["stepper"] in {"compiled", "python"}
    assert info["cython"] == bool(info["isas_built"])
    assert (info["isa"] is None) == (not info["cython"])
    assert set(info["isas_built"]) <= set(built.ISAS)
    assert set(info["isas_supported"]) <= set(built.ISAS)
    assert info["numba"] == importlib.import_module("numba").__version__
    assert all(isinstance(m, str) and m.endswith(".") for m in info["missing"])


@needs_compiled
def test_only_kernels_that_this_processor_can_run_are_loaded():
    """Loading code of another instruction set ends the process, not just the import."""
    info = fastlr.backend_info()
    chosen, *loaded = output_of(CHOSEN, env={"FASTLR_ISA": ""}).split()
    assert (
        chosen == info["isa"] == next(i for i in info["isas_supported"] if i in info["isas_built"])
    )
    assert {m.rpartition("_")[2] for m in loaded} <= set(info["isas_supported"])


@needs_compiled
@pytest.mark.parametrize("isa", built.ISAS)
def test_an_instruction_set_can_be_forced(isa):
    info = fastlr.backend_info()
    done = run_python(CHOSEN, env={"FASTLR_ISA": f" {isa.upper()} "})
    if isa in info["isas_supported"]:
        assert done.stdout.split()[0] == isa
    else:
        supported = ", ".join(info["isas_supported"])
        said = f"ValueError: FASTLR_ISA={isa}: this processor supports {supported} only"
        assert said in done.stderr


@pytest.mark.parametrize("value", ["sse2", "avx", "AVX-512", "none"])
def test_an_unknown_instruction_set_is_refused(monkeypatch, value):
    monkeypatch.setenv("FASTLR_ISA", value)
    with pytest.raises(ValueError, match=r"FASTLR_ISA must be one of .*'base', 'avx2', 'avx512'"):
        processor.instruction_set.__wrapped__()


@needs_compiled
def test_a_forced_instruction_set_that_was_not_built_is_refused(monkeypatch):
    monkeypatch.setenv("FASTLR_ISA", "base")
    monkeypatch.setattr(processor, "is_built", lambda isa: False)
    with pytest.raises(ValueError, match="FASTLR_ISA=base: these kernels were not built"):
        processor.instruction_set.__wrapped__()


@needs_compiled
def test_the_best_set_that_was_built_is_taken(monkeypatch):
    monkeypatch.delenv("FASTLR_ISA", raising=False)
    for sets in (["base"], ["base", "avx2"], []):
        monkeypatch.setattr(processor, "is_built", lambda isa, sets=sets: isa in sets)
        best = next((i for i in fastlr.backend_info()["isas_supported"] if i in sets), None)
        assert processor.instruction_set.__wrapped__() == best


def test_without_a_compiled_core_numba_serves_and_the_info_says_so(monkeypatch):
    def missing(isa):
        raise ImportError

    monkeypatch.setattr(built, "updates", missing)
    monkeypatch.setattr(processor, "compiled_stepper", lambda: None)
    monkeypatch.setattr(processor, "instruction_set", lambda: None)
    processor.is_built.cache_clear()
    try:
        updater = AdamW().bind(np.ones(3))
        updater.step(np.ones(3))
        assert updater.backend == "numba"
        with pytest.raises(ValueError, match="backend='cython': no Cython kernels were built"):
            AdamW().bind(np.ones(3), backend="cython")
        said = " ".join(info.backend_info()["missing"])
        assert info.backend_info()["stepper"] == "python"
        assert "The compiled core was not built" in said
        assert "Install a C compiler" in said
    finally:
        processor.is_built.cache_clear()


@needs_compiled
def test_auto_takes_cython_for_built_in_rules_and_numba_when_asked():
    assert SGD().bind(np.ones(3)).backend == "cython"
    assert SGD().bind(np.ones(3), backend="cython").backend == "cython"
    assert SGD().bind(np.ones(3), backend="numba").backend == "numba"


def test_a_kernel_is_described_by_what_it_reads():
    for engine in ("cython-base", "numba"):
        with use_engine(engine) as backend:
            kernel = select.cpu_kernel(SGD, SGD(momentum=0.9).switches(), True, "f32", backend)
            assert kernel.name == "sgd_momentum_avg_f32"
            assert kernel.backend == backend
            assert kernel.state == ("buf",)
            assert kernel.coefficients == ("momentum", "fresh", "rate")
            assert kernel.address > 0
