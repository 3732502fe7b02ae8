"""The text of a user's rule stays with its class, wherever the class goes."""

import ast
import importlib.util
import sys

import pytest

from fastlr.kernels.loops import update as emit
from tests.support.engines import output_of

RULES = '''
from fastlr import LinearRegressor, Optimizer, Schedule
from fastlr.losses import Loss


class Mine(Optimizer):
    """Plain descent."""

    lr: float = 0.1

    def coefficients(self, t, lr):
        return {"lr": lr}

    @staticmethod
    def update(p, g, lr):
        return p - lr * sign(g)


class Falls(Schedule):
    def coefficients(self, run):
        return {"one": 1.0, "slowness": 100.0}

    @staticmethod
    def factor(t, one, slowness):
        return one / (one + t / slowness)


class Own(Loss):
    task = "real"

    def coefficients(self):
        return {"half": 0.5}

    @staticmethod
    def loss(z, y, half):
        d = z - y
        return half * d * d, d
'''
PICKLED = """
import sys

try:
    import cloudpickle
except ImportError:  # older releases of joblib bring their own
    from joblib.externals import cloudpickle

model = LinearRegressor(Mine(lr=0.01), schedule=Falls(), loss=Own(), random_state=0)
sys.stdout.buffer.write(cloudpickle.dumps(model).hex().encode())
"""
READ = """
import ast
import pickle
from fastlr.kernels.loops import loss, update

model = pickle.loads(bytes.fromhex({text!r}))
rules = (
    update.rule_of_class(type(model.optimizer)),
    update.schedule_rule_of_class(type(model.schedule)),
    loss.loss_rule_of_class(type(model.loss)),
)
for rule in rules:
    print(ast.unparse(ast.Module(list(rule.body), [])).splitlines()[-1])
"""


@pytest.mark.parametrize("where", ["file", "command"])
def test_rules_of_a_main_program_go_to_other_processes(where, tmp_path):
    if where == "file":
        file = tmp_path / "program.py"
        file.write_text(RULES + PICKLED)
        code = f"import runpy; runpy.run_path({str(file)!r}, run_name='__main__')"
    else:
        code = RULES + PICKLED
    text = output_of(code)
    if where == "file":
        file.unlink()
    assert output_of(READ.format(text=text)).splitlines() == [
        "return p - lr * sign(g)",
        "return one / (one + t / slowness)",
        "return (half * d * d, d)",
    ]


def test_a_class_keeps_the_text_that_it_was_made_from(tmp_path):
    file = tmp_path / "edited_rules.py"
    file.write_text(RULES)
    spec = importlib.util.spec_from_file_location("edited_rules", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["edited_rules"] = module
    try:
        spec.loader.exec_module(module)
        file.write_text("# a line more\n" + RULES.replace("p - lr", "p + lr"))
        rule = emit.rule_of_class(module.Mine)
        assert "p - lr" in ast.unparse(ast.Module(list(rule.body), []))
    finally:
        del sys.modules["edited_rules"]


def test_a_string_executed_within_a_command_is_not_taken_for_the_command():
    own = "def update(p, g, lr):\n    return p + lr * g\n"
    code = f"""
    from fastlr.core import rule_source
    def update(p, g, lr):
        return p - lr * g
    space = {{}}
    exec({"chr(10)" + " + " + repr(own)}, space)
    assert rule_source._read(update).text.endswith("p - lr * g" + chr(10))
    try:
        rule_source._read(space["update"])
    except OSError:
        print("refused")
    """
    assert output_of(code) == "refused"
