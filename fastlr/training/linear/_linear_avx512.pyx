# fastlr: contract
include "_linear.pxi"
