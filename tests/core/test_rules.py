"""Every word of the language of rules can be imported, and means what it means to compilers."""

import builtins

import numpy as np
import pytest

import fastlr
from fastlr.kernels.language import check, tables
from fastlr.optimizers import Optimizer
from fastlr.rules import sign, sqrt

WORDS = {
    *check.UPDATE_FUNCTIONS,
    *check.LOSS_FUNCTIONS,
    *check.SCHEDULE_FUNCTIONS - tables.FUNCTIONS,  # which look tables up, in rules of fastlr alone
}


@pytest.mark.parametrize("word", sorted(WORDS))
def test_a_word_of_rules_is_there(word):
    assert hasattr(builtins, word) or word in fastlr.rules.__all__


def test_no_name_is_offered_that_rules_do_not_know():
    assert set(fastlr.rules.__all__) <= WORDS


class Rooted(Optimizer):
    lr: float = 0.25

    def coefficients(self, t, lr):
        return {"rate": lr}

    @staticmethod
    def update(p, g, rate):
        return p - rate * sign(g) * sqrt(abs(g))


def test_a_rule_runs_as_python_as_it_does_compiled():
    w, g = np.arange(3.0), np.array([4.0, 0.0, -9.0])
    expected = Rooted.update(w, g, 0.25)
    Rooted().bind(w).step(g)
    np.testing.assert_array_equal(w, expected)
