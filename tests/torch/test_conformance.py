"""torch's own database of optimizers, run through fastlr.torch beside torch's loops."""

import tomllib
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
pytest.importorskip("expecttest", reason="torch's test tools need expecttest")
pytest.importorskip("hypothesis", reason="torch's test tools need hypothesis")

from torch.testing._internal.common_optimizers import (  # noqa: E402
    OptimizerErrorEnum,
    get_error_inputs_for_all_optims,
    optim_db,
)

import fastlr.torch as compiled  # noqa: E402

STEPS = 20
OUT_OF_SCOPE = tomllib.loads(Path(__file__).with_name("out_of_scope.toml").read_text())["case"]
SHARED = [info for info in optim_db if hasattr(compiled, info.optim_cls.__name__)]


def cases(kind):
    """Return (optimizer info, input) of the database for shared rules on the CPU."""
    return [
        pytest.param(info, given, id=f"{info.optim_cls.__name__}-{number}-{given_name(given)}")
        for info in SHARED
        for number, given in enumerate(kind(info))
    ]


def given_name(given):
    """Return a name for an input or an error input."""
    given = getattr(given, "optimizer_error_input", given)
    return str(given.desc or "").replace(" ", "_") or "unnamed"


def reason(info, given):
    """Return why a case is out of scope, None if it is not."""
    name = info.optim_cls.__name__
    for case in OUT_OF_SCOPE:
        if case["optimizer"] in ("*", name) and case["inputs"] in ("*", given_name(given)):
            return case["reason"]
    return None


@pytest.fixture
def double_scalars():
    """Have torch keep its scalars in double precision, for they are float32 by default."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def parameters(dtype):
    """Return parameters of several shapes; matrices alone where the rule takes no others."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(4, 3), (3, 5), (1, 7)]
    return [torch.randn(s, generator=generator, dtype=dtype).requires_grad_() for s in shapes]


def set_gradients(params, t):
    """Give parameters gradients that depend on them and on the step."""
    generator = torch.Generator().manual_seed(t)
    for p in params:
        noise = torch.randn(p.shape, generator=generator, dtype=p.dtype)
        p.grad = 0.5 * p.detach() + noise


def plain_settings(given):
    return {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in given.kwargs.items()}


def loop_of(info, settings):
    """Return settings that make torch take its plain loop."""
    return {**settings, **({"foreach": False} if "foreach" in info.supported_impls else {})}


def compare(optimizer, reference, ours, theirs, rtol):
    """Assert that parameters, step counts and states agree."""
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q, rtol=rtol, atol=rtol)
        mine, other = optimizer.state[p], reference.state[q]
        assert mine.keys() - {"rest"} == other.keys()  # which ASGD's mean needs in float32
        for key, value in other.items():
            torch.testing.assert_close(mine[key], value, rtol=rtol, atol=rtol)


def walk(info, given, dtype, rtol, schedulers=()):
    """Step both optimizers side by side over the same gradients."""
    name = info.optim_cls.__name__
    ours, theirs = parameters(dtype), parameters(dtype)
    optimizer = getattr(compiled, name)(ours, **plain_settings(given))
    reference = info.optim_cls(theirs, **loop_of(info, plain_settings(given)))
    follow = [[make(o) for make in schedulers] for o in (optimizer, reference)]
    for t in range(STEPS):
        set_gradients(theirs, t)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad.clone()
        optimizer.step()
        reference.step()
        compare(optimizer, reference, ours, theirs, rtol)
        for each in (*follow[0], *follow[1]):
            plateau = isinstance(each, torch.optim.lr_scheduler.ReduceLROnPlateau)
            each.step(1.0) if plateau else each.step()


CONFIGURATIONS = cases(lambda info: info.optim_inputs_func(device="cpu"))


@pytest.mark.parametrize(("info", "given"), CONFIGURATIONS)
def test_each_configuration_walks_as_torchs_loop_does_in_float32(info, given):
    why = reason(info, given)
    if why:
        pytest.skip(why)
    walk(info, given, torch.float32, 1e-5)


@pytest.mark.parametrize(("info", "given"), CONFIGURATIONS)
@pytest.mark.usefixtures("double_scalars")
def test_each_configuration_walks_as_torchs_loop_does_in_float64(info, given):
    why = reason(info, given)
    if why:
        pytest.skip(why)
    walk(info, given, torch.float64, 1e-10)


SCHEDULED = [
    pytest.param(info, makers, id=f"{info.optim_cls.__name__}-{number}")
    for info in SHARED
    for number, makers in enumerate(info.scheduler_inputs)
]


@pytest.mark.parametrize(("info", "makers"), SCHEDULED)
@pytest.mark.usefixtures("double_scalars")
def test_schedulers_of_torch_drive_each_rule_as_they_drive_torchs(info, makers):
    given = info.optim_inputs_func(device="cpu")[0]
    why = reason(info, given)
    if why:
        pytest.skip(why)
    walk(info, given, torch.float64, 1e-10, makers)


ERRORS = [
    pytest.param(info, error, id=f"{info.optim_cls.__name__}-{number}")
    for info in SHARED
    for number, error in enumerate(
        [
            *info.optim_error_inputs_func(device="cpu", dtype=torch.float32),
            *get_error_inputs_for_all_optims("cpu", torch.float32),
        ]
    )
]


@pytest.mark.parametrize(("info", "error"), ERRORS)
def test_error_inputs_raise_what_torch_raises(info, error):
    given = error.optimizer_error_input
    params = given.params
    if params is None:
        params = [torch.zeros(2, 2, requires_grad=True)]
    make = getattr(compiled, info.optim_cls.__name__)
    expected = pytest.warns if issubclass(error.error_type, Warning) else pytest.raises
    if error.error_on == OptimizerErrorEnum.CONSTRUCTION_ERROR:
        with expected(error.error_type, match=error.error_regex):
            make(params, **given.kwargs)
        return
    optimizer = make(params, **given.kwargs)
    if any(p.is_complex() for p in params):  # refused here in words of its own
        with pytest.raises(TypeError, match=r"parameter .* is torch\.complex64"):
            optimizer.step()
        return
    with expected(error.error_type, match=error.error_regex):
        optimizer.step()


def test_what_is_out_of_scope_is_refused_or_explained_and_nothing_more():
    known = {(name_of(c.values[0]), given_name(c.values[1])) for c in CONFIGURATIONS}
    for case in OUT_OF_SCOPE:
        assert len(case["reason"]) > 20
        assert any(
            case["optimizer"] in ("*", name) and case["inputs"] in ("*", given)
            for name, given in known
        )
    skipped = [c for c in CONFIGURATIONS if reason(*c.values)]
    assert {name_of(c.values[0]) for c in skipped} <= {"Muon"}


def name_of(info):
    return info.optim_cls.__name__
