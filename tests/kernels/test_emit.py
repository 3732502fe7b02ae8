"""The rule language: what it refuses, where it says so, and what it compiles to."""

import ast
import ctypes
import math
import textwrap

import numpy as np
import pytest

from fastlr.kernels.ahead import update as cython_cpu
from fastlr.kernels.jit import update as numba_cpu
from fastlr.kernels.loops import update as emit
from fastlr.optimizers import OPTIMIZERS
from tests.support.cases import COMPILED

HEAD = '''\
"""A file with a rule."""


class Mine(Optimizer):
    state = {state!r}
    flags = {flags!r}

    @staticmethod
    def update({signature}):
'''
FIRST = len(HEAD.splitlines()) + 1  # line of the first statement of the rule


def write(tmp_path, body, signature="p, g, rate", state=(), flags=()):
    path = tmp_path / "mine.py"
    head = HEAD.format(signature=signature, state=state, flags=flags)
    path.write_text(head + textwrap.indent(textwrap.dedent(body), " " * 8))
    return path


def parse(tmp_path, body, **more):
    (rule,) = emit.rules_in_file(write(tmp_path, body, **more))
    return rule


# What is refused: the body, the line of it that is wrong, and what the message says
REFUSED = {
    "literal": ("p = p - 2 * g\nreturn p", 0, "literal 2 would be computed in double precision"),
    "text": ("x = 'a'\nreturn p", 0, "literal 'a'"),
    "unknown call": ("q = g\np = p - tanh(q)\nreturn p", 1, "call of `tanh` cannot be compiled"),
    "call of a module": ("p = p - np.sqrt(g)\nreturn p", 0, "call of `np.sqrt`"),
    "time functions": ("p = p - cos(g)\nreturn p", 0, "available: abs, cbrt, exp, log, max, min"),
    "too many arguments": ("p = max(p, g, rate)\nreturn p", 0, "`max` takes 2 plain"),
    "too few arguments": ("p = min(p)\nreturn p", 0, "`min` takes 2 plain"),
    "keyword": ("p = sqrt(x=p)\nreturn p", 0, "`sqrt` takes 1 plain"),
    "power": ("p = p - g ** rate\nreturn p", 0, "`**` is not available; write x * x"),
    "power in place": ("p **= rate\nreturn p", 0, "`**` is not available; write x * x"),
    "floor division": ("p = p // rate\nreturn p", 0, "operator FloorDiv is not available"),
    "undefined": ("p = p - rat * g\nreturn p", 0, "name 'rat' is not set on every path"),
    "on one path": ("if g > p:\n    q = g\np = p - q\nreturn p", 2, "'q' is not set on every"),
    "in place first": ("q += g\nreturn p", 0, "name 'q' is not set"),
    "no return": ("p = p - rate * g", 0, "must end in `return`"),
    "returns nothing": ("return", 0, "it must return p; it returns 0 values"),
    "one value too many": ("return p, g", 0, "it must return p; it returns 2 values"),
    "early return": ("if g > p:\n    return p\nreturn g", 1, "`return` is not part of the rule"),
    "while": ("while g > p:\n    g = g - p\nreturn p", 0, "`while` is not part of the rule"),
    "for": ("for k in g:\n    p = g\nreturn p", 0, "`for` is not part of the rule"),
    "import": ("import math\nreturn p", 0, "`import` is not part of the rule"),
    "function": ("def f(x):\n    return x\nreturn p", 0, "`functiondef` is not part of the rule"),
    "annotation": ("q: float = g\nreturn p", 0, "`annassign` is not part of the rule"),
    "two targets": ("p, q = g, g\nreturn p", 0, "assign to one plain name at a time"),
    "chain": ("p = q = g\nreturn p", 0, "assign to one plain name at a time"),
    "element": ("p = p - g[rate]\nreturn p", 0, "`g[rate]` is not part of the rule language"),
    "attribute": ("p = p - g.real\nreturn p", 0, "`g.real` is not part of the rule language"),
    "element set": ("p[g] += g\nreturn p", 0, "assign to one plain name at a time"),
    "lambda": ("p = (lambda x: x)(p)\nreturn p", 0, "cannot be compiled"),
    "comparison as value": ("p = g > p\nreturn p", 0, "`g > p` is not part of the rule language"),
    "coefficient set": ("rate = g\nreturn p", 0, "coefficient 'rate' may not be assigned"),
    "kept name": ("q_ = g\nreturn p", 0, "'q_' ends in '_', which is kept"),
    "function as name": ("abs = g\nreturn p", 0, "name 'abs' is a function of the rule language"),
    "bare condition": ("if rate:\n    p = g\nreturn p", 0, "condition `rate` must be a compar"),
    "membership": ("if g in p:\n    p = g\nreturn p", 0, "condition `g in p` must be a compar"),
    "bitwise not": ("p = ~g\nreturn p", 0, "`~g` is not part of the rule language"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_rule_names_file_line_and_reason(tmp_path, what):
    body, line, said = REFUSED[what]
    path = write(tmp_path, body)
    with pytest.raises(emit.RuleError) as caught:
        emit.rules_in_file(path)
    # Where nothing in the body is to blame, it is the rule as a whole.
    where = {f"{path}:{FIRST + line}: Mine: ", f"{path}:{FIRST - 1}: Mine: "}
    assert any(str(caught.value).startswith(w) for w in where), caught.value
    assert said in str(caught.value)


SIGNATURES = {
    "g, p, rate": "its parameters must begin with (p, g, m), got (g, p, rate)",
    "p, g, rate, m": "its parameters must begin with (p, g, m), got (p, g, rate, m)",
    "p, g, m, rate=0.1": "plain positional parameters without defaults",
    "p, g, m, *more": "plain positional parameters without defaults",
    "p, g, m, **more": "plain positional parameters without defaults",
    "p, g, m, *, rate": "plain positional parameters without defaults",
    "p, g, m, rate_": "name 'rate_' ends in '_'",
    "p, g, m, sqrt": "name 'sqrt' is a function of the rule language",
}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_refused_signature_names_file_line_and_reason(tmp_path, signature):
    path = write(tmp_path, "return p, m", signature=signature, state=("m",))
    with pytest.raises(emit.RuleError) as caught:
        emit.rules_in_file(path)
    assert str(caught.value).startswith(f"{path}:{FIRST - 1}: Mine: ")
    assert SIGNATURES[signature] in str(caught.value)


def test_state_may_not_take_the_name_of_the_average(tmp_path):
    with pytest.raises(emit.RuleError, match="state may not be called 'average'"):
        parse(tmp_path, "return p, average", signature="p, g, average", state=("average",))


def test_every_setting_of_the_switches_must_be_sound(tmp_path):
    with pytest.raises(emit.RuleError, match=r"mine.py:14: Mine: name 'q' is not set"):
        parse(
            tmp_path,
            "if fast:\n    q = g\np = p - rate\np = p - rate * g\np = p - q\nreturn p",
            signature="p, g, rate, fast",
            flags=("fast",),
        )


# What is compiled


BOTH = """
    '''What it does.'''
    if heavy:
        m = m + g
        if not twice:
            step = m
        else:
            step = m + m
    else:
        step = g
    p = p - rate * step
    return p, m, w
"""
BOTH_HEAD = {
    "signature": "p, g, m, w, rate, spare, heavy, twice",
    "state": ("m", "w"),
    "flags": ("heavy", "twice"),
}


def test_switches_drop_branches_and_what_only_they_use(tmp_path):
    rule = parse(tmp_path, BOTH, **BOTH_HEAD)
    assert [(v.key, v.state, v.coefficients) for v in emit.variants(rule)] == [
        ("mine", (), ("rate",)),
        ("mine_heavy", ("m",), ("rate",)),
        ("mine_heavy_twice", ("m",), ("rate",)),
    ]
    plain, heavy, twice = (v.text() for v in emit.variants(rule))
    assert plain == "step = g\np = p - rate * step\n"
    assert heavy == "m = m + g\nstep = m\np = p - rate * step\n"
    assert twice == "m = m + g\nstep = m + m\np = p - rate * step\n"


def test_the_digest_follows_what_is_compiled_and_nothing_else(tmp_path):
    rule = parse(tmp_path, BOTH, **BOTH_HEAD)
    moved = parse(
        tmp_path, "# a remark\n" + BOTH.replace("What it does", "Other words"), **BOTH_HEAD
    )
    changed = parse(tmp_path, BOTH.replace("p - rate", "p + rate"), **BOTH_HEAD)
    assert moved.digest == rule.digest != changed.digest


def test_only_static_updates_of_classes_are_rules(tmp_path):
    path = tmp_path / "none.py"
    path.write_text(
        "class A:\n    def update(self, x):\n        return x ** 2\n\n\n"
        "def update(p, g):\n    return p ** 2\n\n\nclass B:\n    state = ('m',)\n"
    )
    assert emit.rules_in_file(path) == []


@pytest.mark.parametrize("name", COMPILED)
def test_no_built_in_rule_carries_a_number_into_the_kernel(name):
    for variant in emit.variants(emit.rule_of_class(COMPILED[name])):
        for average in (False, True):
            body = emit.fused_loop(variant, average, {}).body
            numbers = [n for n in ast.walk(ast.parse(body)) if isinstance(n, ast.Constant)]
            assert numbers == []


def test_cython_calls_functions_of_the_arrays_precision(tmp_path):
    rule = parse(tmp_path, "p = p - sqrt(abs(g)) * exp(log(rate))\nreturn p")
    text = cython_cpu.update_body([rule])
    single, double = text.split("cdef void mine_f64_loop")
    assert "p = p - sqrtf(fabsf(g)) * expf(logf(rate))" in single
    assert "p = p - sqrt(fabs(g)) * exp(log(rate))" in double
    assert "RULES['Mine'] = {'digest': " in text


# What it computes: run through Numba, beside the same rule in plain Python

_ONE = {"abs": abs, "sign": lambda x: (x > 0) - (x < 0), "min": min, "max": max}
_LANGUAGE = {**_ONE, "sqrt": math.sqrt, "exp": math.exp, "log": math.log}

COMPUTED = {
    "functions": "p = exp(-abs(g)) + log(sqrt(p * p) + rate) + sign(g) * min(g, half) - max(p, g)",
    "branches": """
        if g > p and not g == half or p < rate:
            q = g
        elif rate < g <= half:
            q = p
        else:
            q = -rate
        p = p + (q if q != half else +g)""",
    "in place": "p += g\np -= rate * g\np *= half\np /= rate",
    "words of the frames": """
        i = g + rate
        n = i * half
        np = n - g
        carray = np + n
        p = carray / rate""",
}


@pytest.mark.parametrize("what", COMPUTED)
def test_the_kernel_computes_what_the_rule_says(tmp_path, what):
    body = textwrap.dedent(COMPUTED[what])
    rule = parse(tmp_path, body + "\nreturn p", signature="p, g, rate, half")
    plain = dict(_LANGUAGE)
    source = f"def update(p, g, rate, half):\n{textwrap.indent(body, '    ')}\n    return p\n"
    exec(source, plain)
    p = np.array([-1.5, 0.25, 0.25, 1.0, 2.0, -0.25, 0.5, 0.0])
    g = np.array([0.5, -1.0, 0.25, 3.0, -2.0, 0.375, 0.0, -0.0])
    expected = [plain["update"](float(a), float(b), 0.25, 0.5) for a, b in zip(p, g, strict=True)]
    run(rule, p, g, [0.25, 0.5])
    assert p.tolist() == pytest.approx(expected, rel=1e-15)


def test_results_are_taken_at_once_not_one_after_the_other(tmp_path):
    rule = parse(
        tmp_path,
        "return p - m, m + p, -m",
        signature="p, g, m, w",
        state=("m", "w"),
    )
    p, g, m, w = np.array([1.0]), np.array([0.0]), np.array([10.0]), np.array([5.0])
    run(rule, p, g, [], m, w)
    assert (p[0], m[0], w[0]) == (-9.0, 11.0, -10.0)


def test_min_and_max_keep_the_first_operand_beside_nan(tmp_path):
    rule = parse(tmp_path, "return max(p, g)")
    p, g = np.array([1.0, math.nan, -1.0]), np.array([math.nan, 1.0, 2.0])
    run(rule, p, g, [])
    assert np.array_equal(p, [1.0, math.nan, 2.0], equal_nan=True)


@pytest.mark.parametrize("name", ["i", "n", "one", "clip", "avg", "l2", "p_new", "loop", "scalar"])
def test_state_may_have_any_name_beside_those_of_the_frames(tmp_path, name):
    body = f"{name} = {name} + g\nreturn p - rate * {name}, {name}"
    rule = parse(tmp_path, body, signature=f"p, g, {name}, rate", state=(name,))
    p, s, average = np.ones(3), np.full(3, 0.5), np.zeros(3)
    entry = numba_cpu.update_kernel(rule, {}, True, "f64")
    call(entry, p, np.ones(3), [s, average], [1.0, np.inf, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 2.0])
    assert p.tolist() == [-2.0] * 3
    assert s.tolist() == [1.5] * 3
    assert average.tolist() == [-0.5] * 3
    text = cython_cpu.update_body([rule])
    arguments = text.split(f"{emit.kernel_name(*emit.variants(rule), True, 'f64')}_loop(")[1]
    names = [a.split()[-1] for a in arguments.split(")")[0].split(",")]
    assert len(set(names)) == len(names)


def run(rule, p, g, coefficients, *state):
    entry = numba_cpu.update_kernel(rule, {}, False, "f64")
    call(entry, p, g, state, [1.0, np.inf, *[0.0] * (len(emit.COMMON) - 2), *coefficients])


def call(entry, p, g, state, row):
    pointers = (ctypes.c_void_p * max(len(state), 1))(*[a.ctypes.data for a in state])
    c = np.array(row)
    entry.ctypes(
        *(
            ctypes.cast(a.ctypes.data, t)
            for a, t in zip((p, g), entry.ctypes.argtypes, strict=False)
        ),
        ctypes.cast(pointers, entry.ctypes.argtypes[2]),
        ctypes.cast(c.ctypes.data, entry.ctypes.argtypes[3]),
        p.size,
    )


def test_state_that_is_only_read_is_not_written_back():
    for name, read, written in [
        ("madgrad", {"start", "s", "v"}, {"s", "v"}),
        ("dog", set(), set()),
        ("prodigy", {"m", "v", "s"}, {"m", "v", "s"}),
    ]:
        cls = OPTIMIZERS[name]
        variant = emit.specialise(emit.rule_of_class(cls), cls().switches())
        loop = emit.fused_loop(variant, True, {})
        assert set(loop.written) == {"p", "avg_", *written}, name
        assert set(variant.read) == read, name


def test_two_rules_that_would_make_one_kernel_are_refused_by_name(tmp_path):
    text = (
        "class {name}(Optimizer):\n    state = ()\n    flags = {flags}\n\n    @staticmethod\n"
        "    def update(p, g, rate, fast):\n        if fast:\n            p = p - rate * g\n"
        "        return p\n"
    )
    path = tmp_path / "pair.py"
    path.write_text(text.format(name="Step_Fast", flags="()").replace("        if fast:\n    ", ""))
    path.write_text(path.read_text() + text.format(name="Step", flags="('fast',)"))
    with pytest.raises(emit.RuleError, match=r"pair\.py.*Step and Step_Fast would both make"):
        cython_cpu.update_body(emit.rules_in_file(path))
