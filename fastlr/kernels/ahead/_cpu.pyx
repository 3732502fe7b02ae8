"""What this processor can do, asked of the processor: the build machine may differ."""

cdef extern from *:
    """
    #include "_portable.h"
    #if !FASTLR_PORTABLE_C && (defined(__x86_64__) || defined(__i386__))
    static int fastlr_has_avx2(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
            && __builtin_cpu_supports("bmi2");
    }
    static int fastlr_has_avx512(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("avx512cd");
    }
    #else
    static int fastlr_has_avx2(void) { return 0; }
    static int fastlr_has_avx512(void) { return 0; }
    #endif
    """
    enum: FASTLR_PORTABLE_C
    int fastlr_has_avx2()
    int fastlr_has_avx512()


PORTABLE = bool(FASTLR_PORTABLE_C)  # built in plain C, without vectors and threads


def supported():
    """Return the instruction sets that this processor and operating system support, best first."""
    names = ["base"]
    if fastlr_has_avx2():
        names.insert(0, "avx2")
        if fastlr_has_avx512():
            names.insert(0, "avx512")
    return names
