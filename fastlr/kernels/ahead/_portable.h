/* FASTLR_PORTABLE_C: 1 builds everything in plain C99, without vectors, attributes, builtins,
   inline assembly and threads. It is set by the build (an environment variable of this name), and
   where the compiler is not GCC or Clang, or the system has no POSIX threads. */
#ifndef FASTLR_PORTABLE_H
#define FASTLR_PORTABLE_H

#ifndef FASTLR_PORTABLE_C
#if defined(__GNUC__) && !defined(_WIN32)
#define FASTLR_PORTABLE_C 0
#else
#define FASTLR_PORTABLE_C 1
#endif
#endif

#endif
