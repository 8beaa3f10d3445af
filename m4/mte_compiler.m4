# SPDX-License-Identifier: MIT
# What we ask of the compiler: language and warnings, hardening, and the --enable-… instruments.

AC_DEFUN([MTE_WARNINGS], [
    MTE_CFLAGS([-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
        -Wwrite-strings -Wcast-qual -Wvla -Wformat=2 -Wmissing-format-attribute])
])

# _FORTIFY_SOURCE acts only with optimisation, hides errors from the sanitizers, and is left to
# the user (or to the distribution) where CPPFLAGS has it already.
AC_DEFUN([MTE_HARDENING], [
    MTE_CFLAGS([-fstack-protector-strong -fPIE -ftrivial-auto-var-init=zero])
    MTE_LDFLAGS([-pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed])
    AC_CACHE_CHECK([whether to define _FORTIFY_SOURCE], [mte_cv_fortify], [
        AC_COMPILE_IFELSE([AC_LANG_SOURCE([
            #if !defined __OPTIMIZE__ || defined _FORTIFY_SOURCE
            #error no
            #endif
        ])], [mte_cv_fortify=yes], [mte_cv_fortify=no])
        AS_IF([test "$mte_sanitizer" = yes], [mte_cv_fortify=no])
    ])
    AS_IF([test "$mte_cv_fortify" = yes], [AS_VAR_APPEND([AM_CFLAGS], [" -D_FORTIFY_SOURCE=2"])])
])

# Last of all: the probes of configure must not see it.
AC_DEFUN([MTE_WERROR], [
    _MTE_ENABLE([werror], [take every warning for an error])
    AS_IF([test "$enable_werror" = yes], [MTE_CFLAGS([-Werror])])
])

AC_DEFUN([MTE_INSTRUMENTS], [
    _MTE_ENABLE([asan], [build with AddressSanitizer])
    _MTE_ENABLE([ubsan], [build with UndefinedBehaviorSanitizer])
    _MTE_ENABLE([fuzz], [link the fuzz targets with libFuzzer (clang)])
    _MTE_ENABLE([coverage], [count executed lines for gcov])

    mte_sanitizer=no
    AS_IF([test "$enable_asan" = yes], [
        _MTE_INSTRUMENT([-fsanitize=address])
        AC_DEFINE([WITH_ASAN], [1], [Define to 1 when built with AddressSanitizer.])
        MTE_CFLAGS([-fno-omit-frame-pointer])
        mte_sanitizer=yes])
    AS_IF([test "$enable_ubsan" = yes], [
        _MTE_INSTRUMENT([-fsanitize=undefined])
        MTE_CFLAGS([-fno-sanitize-recover=all])
        mte_sanitizer=yes])
    AS_IF([test "$enable_fuzz" = yes], [
        _MTE_INSTRUMENT([-fsanitize=fuzzer-no-link])
        AC_SUBST([LIBFUZZER], [-fsanitize=fuzzer])])
    AS_IF([test "$enable_coverage" = yes], [_MTE_INSTRUMENT([--coverage])])
    AM_CONDITIONAL([FUZZ], [test "$enable_fuzz" = yes])
])

# _MTE_ENABLE(NAME, WHAT)
AC_DEFUN([_MTE_ENABLE], [
    AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [enable_$1=no])
])

# _MTE_INSTRUMENT(FLAG): compiler and linker must both take what was asked for.
AC_DEFUN([_MTE_INSTRUMENT], [
    MTE_LDFLAGS([$1])
    AS_CASE([" $AM_LDFLAGS "], [*" $1 "*], [AS_VAR_APPEND([AM_CFLAGS], [" $1"])],
        [AC_MSG_ERROR([$CC cannot build with $1])])
])
