# fastlr: contract
include "_sparse.pxi"
