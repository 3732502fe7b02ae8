# fastlr: contract
include "_mlp.pxi"
