"""Rules that users write in their own scripts, modules and notebook cells."""

import os
import textwrap

import numpy as np
import pytest

from fastlr.kernels.loops.update import RuleError
from fastlr.optimizers import SGD, Optimizer
from tests.support.engines import PATHS, output_of, run_python

# A rule with everything: state, a flag, a branch, functions; and the same by NumPy.
SCRIPT = '''\
import numpy as np

from fastlr.optimizers import Optimizer


class Signed(Optimizer):
    """Steps by the sign of a running mean, or by its root."""

    lr: float = 0.1
    keep: float = 0.75
    rooted: bool = False

    state = ("mean",)
    flags = ("rooted",)
    ranges = {"keep": "[0, 1)"}
    choices = {"rooted": (False, True)}

    def coefficients(self, t, lr):
        return {"fresh": 1 - self.keep, "rate": lr / np.sqrt(t), "bound": 2.0}

    @staticmethod
    def update(p, g, mean, fresh, rate, bound, rooted):
        mean = mean + fresh * (g - mean)
        if rooted:
            step = sign(mean) * sqrt(abs(mean))
        else:
            step = sign(mean)
        if p > bound:
            step = step + step
        p = p - rate * step
        return p, mean


class Plain(Optimizer):
    lr: float = 0.5

    def coefficients(self, t, lr):
        return {"rate": lr}

    @staticmethod
    def update(p, g, rate):
        return p - rate * g


def by_hand(p, grads, rooted, lr=0.1):
    p, mean = p.copy(), np.zeros_like(p)
    for t, g in enumerate(grads, 1):
        mean = mean + 0.25 * (g - mean)
        step = np.sign(mean) * (np.sqrt(np.abs(mean)) if rooted else 1)
        p = p - lr / np.sqrt(t) * np.where(p > 2, 2 * step, step)
    return p
'''

CHECKS = """
import copy
import pickle
import sys

for dtype, close in ((np.float64, 1e-14), (np.float32, 1e-6)):
    start = np.linspace(-3, 3, 41).astype(dtype)
    grads = [np.cos(3 * start + t).astype(dtype) for t in range(20)]
    for rooted in (False, True):
        w = start.copy()
        updater = Signed(rooted=rooted, average="polyak", nonfinite="skip").bind(w)
        assert updater.backend == "numba"
        path = []
        for g in grads:
            updater.step(g)
            path.append(w.astype(float))
        np.testing.assert_allclose(w, by_hand(start, grads, rooted), rtol=close, atol=close)
        np.testing.assert_allclose(updater.averaged, np.mean(path, axis=0), atol=10 * close)
        other = copy.deepcopy(updater)
        other.step(g)
        updater.step(g)
        assert other.params.tobytes() == w.tobytes()
    w = np.ones(4, dtype)
    Plain().bind({"w": w}, groups=[{"match": "w", "lr": 0.5}]).step({"w": np.ones(4, dtype)})
    assert w.tolist() == [0.75] * 4
print("fine")
"""


def test_a_rule_in_a_script(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT + CHECKS)
    code = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
    assert output_of(code, args=[str(tmp_path / "script.py")]) == "fine"


def test_a_rule_in_a_script_that_python_runs_itself(tmp_path):
    """The kernels find its source although the class lives in __main__; it pickles by name."""
    (tmp_path / "script.py").write_text(SCRIPT + CHECKS)
    code = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, 'script.py']))"
    assert output_of(code, cwd=tmp_path) == "fine"


def test_a_rule_in_a_module_that_is_imported(tmp_path):
    (tmp_path / "mine.py").write_text(SCRIPT)
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *PATHS])}
    assert output_of(f"from mine import *\nimport numpy as np\n{CHECKS}", env=path) == "fine"


CELL = '''
import linecache, sys

def run_cell(source, number):
    """What IPython does: the text of a cell is filed under a name that is no file."""
    name = f"/tmp/ipykernel_1/{number}.py"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), globals())

assert not hasattr(sys.modules["__main__"], "__file__")
'''


def test_a_rule_in_a_notebook_cell(tmp_path):
    (tmp_path / "cell.txt").write_text(SCRIPT)
    code = CELL + f'run_cell(open("cell.txt").read(), 7)\n{CHECKS}'
    assert output_of(code, cwd=tmp_path) == "fine"


def test_a_cell_that_runs_again_is_not_compiled_again_and_a_changed_one_is(tmp_path):
    (tmp_path / "cell.txt").write_text(SCRIPT)
    code = CELL + textwrap.dedent(
        """
        import os
        from pathlib import Path
        source = open("cell.txt").read()

        def run():
            w = np.ones(1)
            Plain(lr=0.25).bind(w).step(np.ones(1))
            files = [p for p in Path(os.environ["FASTLR_CACHE_DIR"]).iterdir() if p.is_file()]
            return w[0], len(files)

        run_cell(source, 1)
        print(*run())
        run_cell("# a line more" + chr(10) + source, 2)
        print(*run())
        run_cell(source.replace("return p - rate * g", "return p + rate * g"), 3)
        print(*run())
        """
    )
    said = output_of(code, cwd=tmp_path, env={"FASTLR_CACHE_DIR": str(tmp_path / "cache")})
    assert said.splitlines() == ["0.75 1", "0.75 1", "1.25 2"]


def test_an_error_in_a_cell_names_the_cell_and_line(tmp_path):
    (tmp_path / "cell.txt").write_text(SCRIPT.replace("return p - rate * g", "return p - 2 * g"))
    code = CELL + 'run_cell(open("cell.txt").read(), 9)\nPlain().bind(np.ones(1))'
    done = run_python(code, cwd=tmp_path)
    line = SCRIPT.splitlines().index("        return p - rate * g") + 1
    assert done.returncode == 1
    assert f"RuleError: /tmp/ipykernel_1/9.py:{line}: Plain: literal 2 would be" in done.stderr


MISTAKES = {
    "literal": ("p - 2 * g", "literal 2 would be computed in double precision; add a parameter"),
    "unknown call": ("p - tanh(g)", "call of `tanh` cannot be compiled; available: abs, cbrt, exp"),
    "power": ("p - rate * g ** rate", "`**` is not available; write x * x, sqrt(x) or exp("),
    "undefined": ("p - rat * g", "name 'rat' is not set on every path; assign it first, or add"),
    "one too many": ("p, g", "it must return p; it returns 2 values"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_in_a_script_names_file_and_line(tmp_path, what):
    value, said = MISTAKES[what]
    text = SCRIPT.replace("return p - rate * g", f"return {value}")
    (tmp_path / "mine.py").write_text(text)
    line = text.splitlines().index(f"        return {value}") + 1
    done = run_python("import mine\nmine.Plain().bind(mine.np.ones(2))", cwd=tmp_path)
    assert done.returncode == 1
    assert f"RuleError: {tmp_path / 'mine.py'}:{line}: Plain: {said}" in done.stderr


# Mistakes around the rule, in classes of this file


class Mine(Optimizer):
    lr: float = 0.25

    def coefficients(self, t, lr):
        return {"rate": lr}

    @staticmethod
    def update(p, g, rate):
        return p - rate * g


def refused(cls, error, said):
    w = np.ones(3)
    with pytest.raises(error, match=said):
        cls().bind(w).step(np.ones(3))
    assert w.tolist() == [1.0] * 3


def test_coefficients_must_be_a_dict_of_what_the_rule_takes():
    class Nothing(Mine):
        def coefficients(self, t, lr):
            return None

    class Misspelt(Mine):
        def coefficients(self, t, lr):
            return {"rates": lr}

    class Text(Mine):
        def coefficients(self, t, lr):
            return {"rate": "fast"}

    class Long(Mine):
        def coefficients(self, t, lr):
            return {"rate": np.ones(7)}

    class More(Mine):
        def coefficients(self, t, lr):
            return {"rate": lr, "unused": "text"}

    refused(Nothing, TypeError, "Nothing.coefficients must return a dict, got NoneType")
    refused(Misspelt, ValueError, "Misspelt.coefficients must return rate, .* it returns rates")
    refused(Text, ValueError, "Text.coefficients: rate must be a number or an array")
    refused(Long, ValueError, "Long.coefficients: rate must be a number or an array with one value")
    w = np.ones(2)
    More().bind(w).step(np.ones(2))
    assert w.tolist() == [0.75] * 2


def test_a_class_needs_a_rule_a_rate_and_coefficients():
    class NoRule(Optimizer):
        lr: float = 0.1

    class NoCoefficients(Optimizer):
        lr: float = 0.1
        update = Mine.update

    class NoRate(Optimizer):
        coefficients = Mine.coefficients

        @staticmethod
        def update(p, g, rate):
            return p - rate * g

    refused(NoRule, RuleError, "NoRule states no rule: define a static method")
    refused(NoCoefficients, NotImplementedError, "NoCoefficients must define `coefficients`")
    refused(
        NoRate, ValueError, "NoRate has no learning rate; annotate it, as in `lr: float = 1e-3`"
    )


def test_a_flag_must_be_a_hyper_parameter():
    with pytest.raises(TypeError, match="Flagged: flags names 'heavy', which is none of its"):

        class Flagged(Mine):
            flags = ("heavy",)


def test_a_method_with_self_and_a_lambda_are_refused():
    class Method(Mine):
        def update(self, p, g, rate):
            return p - rate * g

    class Short(Mine):
        update = staticmethod(lambda p, g, rate: p - rate * g)

    refused(Method, RuleError, r"must begin with \(p, g\), got \(self, p, g, rate\)")
    refused(Short, RuleError, "Short.update must be a plain function")


def test_a_rule_whose_source_is_lost_is_refused():
    names = {"Mine": Mine}
    exec(
        "class Lost(Mine):\n"
        "    @staticmethod\n"
        "    def update(p, g, rate):\n"
        "        return p - rate * g\n",
        names,
    )
    refused(names["Lost"], RuleError, "Lost.update: its source cannot be read, .* not through exec")


def test_a_subclass_of_a_built_in_keeps_its_rule_and_changes_coefficients():
    class Halved(SGD):
        def coefficients(self, t, lr):
            return super().coefficients(t, lr / 2)

    w = np.ones(3)
    updater = Halved(lr=0.5).bind(w)
    updater.step(np.ones(3))
    assert w.tolist() == [0.75] * 3
    assert updater.backend == SGD().bind(np.ones(3)).backend


def test_asking_for_ahead_of_time_kernels_of_a_users_rule_says_why_there_are_none():
    with pytest.raises(ValueError, match=r"backend='cython': .*; use backend='numba' or 'auto'"):
        Mine().bind(np.ones(3), backend="cython")


def test_more_state_than_a_step_can_point_to_is_refused():
    class Nine(Optimizer):
        lr: float = 0.1
        state = tuple("abcdefhij")

        def coefficients(self, t, lr):
            return {"rate": lr}

        @staticmethod
        def update(p, g, a, b, c, d, e, f, h, i, j, rate):
            return p - rate * g, a + g, b + g, c + g, d + g, e + g, f + g, h + g, i + g, j + g

    refused(Nine, ValueError, "a rule may keep 8 state arrays, got 9")


@pytest.mark.parametrize("value", [None, float("nan"), np.array([1.0, np.nan])])
def test_a_coefficient_that_is_no_number_is_refused_at_bind(value):
    class Unfinished(Optimizer):
        lr: float = 0.1

        def coefficients(self, t, lr):
            return {"rate": value}

        @staticmethod
        def update(p, g, rate):
            p = p - rate * g
            return p

    with pytest.raises(ValueError, match=r"coefficients: rate must be a number"):
        Unfinished().bind(np.ones(2))
