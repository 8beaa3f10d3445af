# SPDX-License-Identifier: MIT
# Flags of ours go into AM_CFLAGS, AM_CPPFLAGS and AM_LDFLAGS; CFLAGS and LDFLAGS belong to the user.

# MTE_CFLAGS(FLAGS): adds to AM_CFLAGS each flag that the compiler takes.
AC_DEFUN([MTE_CFLAGS], [AC_REQUIRE([_MTE_FLAG_VARIABLES])dnl
m4_foreach_w([mte_flag], [$1], [_MTE_PROBE([CFLAGS], [COMPILE], m4_defn([mte_flag]))])])

# MTE_LDFLAGS(FLAGS): adds to AM_LDFLAGS each flag that the linker takes.
AC_DEFUN([MTE_LDFLAGS], [AC_REQUIRE([_MTE_FLAG_VARIABLES])dnl
m4_foreach_w([mte_flag], [$1], [_MTE_PROBE([LDFLAGS], [LINK], m4_defn([mte_flag]))])])

AC_DEFUN([_MTE_FLAG_VARIABLES], [
    AC_SUBST([AM_CFLAGS])
    AC_SUBST([AM_LDFLAGS])
])

# _MTE_PROBE(VARIABLE, COMPILE|LINK, FLAG)
# -Werror, because clang takes a flag that it does not know with a mere warning.
AC_DEFUN([_MTE_PROBE], [
    AS_VAR_PUSHDEF([mte_cache], [mte_cv_$1_$3])dnl
    AC_CACHE_CHECK([whether the m4_if([$2], [LINK], [linker], [compiler]) takes $3], [mte_cache], [
        mte_saved=$$1
        $1="$$1 -Werror $3"
        AC_$2_IFELSE([AC_LANG_PROGRAM()],
            [AS_VAR_SET([mte_cache], [yes])], [AS_VAR_SET([mte_cache], [no])])
        $1=$mte_saved
    ])
    AS_VAR_IF([mte_cache], [yes], [AS_VAR_APPEND([AM_$1], [" $3"])])
    AS_VAR_POPDEF([mte_cache])dnl
])
