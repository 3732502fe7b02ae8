"""Adding an optimizer, and changing one, in a copy of the package."""

import os
import shutil
from pathlib import Path

import pytest

import fastlr
from fastlr.core.discover import discover
from fastlr.kernels.ahead import frame
from fastlr.kernels.ahead import update as cython_cpu
from fastlr.kernels.loops import update as emit
from tests.support.engines import needs_compiled, output_of, run_python

FRESH = '''\
"""An optimizer that nobody knew before."""

from .optimizer import Optimizer


class Fresh(Optimizer):
    lr: float = 0.5
    turned: bool = False

    state = ("last",)
    flags = ("turned",)
    choices = {"turned": (False, True)}

    def coefficients(self, t, lr):
        return {"rate": lr}

    @staticmethod
    def update(p, g, last, rate, turned):
        if turned:
            p = p + rate * g
        else:
            p = p - rate * (g + last)
            last = g
        return p, last
'''


@pytest.fixture
def copied(tmp_path):
    """The package, compiled modules included, in a folder of its own."""
    source = Path(fastlr.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__", "cli", "estimators", "training")
    shutil.copytree(source, tmp_path / "fastlr", ignore=ignore)
    return tmp_path


def in_copy(copied, code, check=True):
    return (output_of if check else run_python)(code, env={"PYTHONPATH": str(copied)}, cwd=copied)


def test_a_file_dropped_into_the_folder_is_an_optimizer(copied):
    (copied / "fastlr" / "optimizers" / "fresh.py").write_text(FRESH)
    said = in_copy(
        copied,
        """
        import numpy as np
        import fastlr
        from fastlr.optimizers import OPTIMIZERS, get_optimizer
        assert fastlr.__file__.startswith(__import__("os").getcwd())
        assert OPTIMIZERS["fresh"] is fastlr.Fresh is fastlr.optimizers.Fresh
        assert get_optimizer("Fresh") == fastlr.Fresh() and "Fresh" in dir(fastlr)
        w = np.ones(2)
        updater = fastlr.Fresh().bind(w)
        for _ in range(2):
            updater.step(np.array([0.25, 0.5]))
        print(updater.backend, w.tolist(), fastlr.SGD().bind(w).backend)
        """,
    )
    built_in = "cython" if fastlr.backend_info()["cython"] else "numba"
    assert said == f"numba [0.625, 0.25] {built_in}"


def test_a_dropped_file_is_in_what_the_next_build_compiles(copied):
    path = copied / "fastlr" / "optimizers" / "fresh.py"
    path.write_text(FRESH)
    rules = [r for f in sorted(path.parent.glob("*.py")) for r in emit.rules_in_file(f)]
    text = cython_cpu.update_body(rules)
    for name in (
        "fresh_f32",
        "fresh_avg_f64",
        "fresh_turned_f32",
        "fresh_turned_avg_f64",
        "sgd_f32",
    ):
        assert f'KERNELS["{name}"] = ' in text
    fresh = frame.describe(next(r for r in rules if r.name == "Fresh"))
    assert f"RULES['Fresh'] = {fresh!r}" in text
    assert fresh["variants"] == {
        (False,): ("fresh", ("last",), ("rate",)),
        (True,): ("fresh_turned", (), ("rate",)),
    }


def test_two_files_may_not_define_one_name(copied):
    (copied / "fastlr" / "optimizers" / "fresh.py").write_text(FRESH.replace("Fresh(", "SGD("))
    done = in_copy(copied, "import fastlr.optimizers as o; o.__all__", check=False)
    assert done.returncode == 1
    assert (
        "ImportError: fastlr.optimizers: SGD is defined in fastlr.optimizers.fresh and in "
        "fastlr.optimizers.sgd; rename one of them"
    ) in done.stderr


def test_discovery_takes_public_classes_that_a_module_defines_itself(tmp_path, monkeypatch):
    folder = tmp_path / "found_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "b.py").write_text(
        "from found_package.a import A\nclass B(A): pass\nclass _C(A): pass\n"
    )
    (folder / "a.py").write_text("class A(dict): pass\nclass Other: pass\n")
    (folder / "_c.py").write_text("raise ImportError\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = discover("found_package", [str(folder)], dict)
    assert list(found) == ["A", "B"]


# A rule that has changed since the build


STEP = """
    import warnings
    import numpy as np
    from fastlr import SGD
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        w = np.ones(1)
        updater = SGD(lr=0.5).bind(w)
        updater.step(np.ones(1))
        SGD(lr=0.5).bind(w)
    print(updater.backend, w[0], [str(c.message) for c in caught])
"""


@needs_compiled
@pytest.mark.parametrize("dated", [+1000, -1000])
def test_a_changed_rule_is_not_run_from_the_old_build(copied, dated):
    path = copied / "fastlr" / "optimizers" / "sgd.py"
    text = path.read_text()
    assert "p = p - rate * step" in text
    path.write_text(text.replace("p = p - rate * step", "p = p + rate * step"))
    built = [
        p.stat().st_mtime for p in (copied / "fastlr" / "kernels" / "ahead").glob("_updates_*")
    ]
    when = max(built) + dated if dated > 0 else min(built) + dated
    os.utime(path, (when, when))
    said = in_copy(copied, STEP)
    assert said.startswith("numba 1.5 ['")
    assert f"{path} has changed since fastlr was built, so SGD is compiled by Numba" in said
    assert said.count("has changed") == 1


@needs_compiled
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_file_that_is_as_it_was_is_not_parsed_however_new(copied, ends):
    """Installers write files by name, so that rules come out newer than what was built of them."""
    path = copied / "fastlr" / "optimizers" / "sgd.py"
    path.write_bytes(path.read_text().replace("\n", ends).encode())
    os.utime(path, (2e9, 2e9))
    code = STEP + "    import sys; print('fastlr.kernels.language.read' in sys.modules)\n"
    assert in_copy(copied, code).split("\n") == ["cython 0.5 []", "False"]


@needs_compiled
def test_a_rule_that_was_built_of_another_text_is_not_taken_by_the_file_alone(copied):
    """Where compiling the kernels failed, the table of what was read is newer than they are."""
    code = """
        from fastlr import SGD
        from fastlr.kernels.ahead import built
        def digest_of_now(owner):
            return type("Rule", (), {"digest": "new"})
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            print(built.is_current(SGD, "SGD", "old", digest_of_now))
    """
    assert in_copy(copied, code) == "False"


@needs_compiled
def test_a_file_that_is_newer_but_says_the_same_runs_from_the_build(copied):
    path = copied / "fastlr" / "optimizers" / "sgd.py"
    path.write_text(
        path.read_text().replace('"""Stochastic gradient', '"""\n\nStochastic gradient')
    )
    os.utime(path, (2e9, 2e9))
    assert in_copy(copied, STEP) == "cython 0.5 []"


@needs_compiled
def test_backend_cython_refuses_a_changed_rule(copied):
    path = copied / "fastlr" / "optimizers" / "sgd.py"
    path.write_text(path.read_text().replace("p = p - rate * step", "p = p + rate * step"))
    os.utime(path, (2e9, 2e9))
    code = "import numpy as np, fastlr\nfastlr.SGD().bind(np.ones(1), backend='cython')"
    done = in_copy(copied, code, check=False)
    assert (
        "ValueError: backend='cython': the rule of SGD has changed since the build" in done.stderr
    )
