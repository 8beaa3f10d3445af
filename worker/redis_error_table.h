/* SPDX-License-Identifier: MIT */
/*
 * The errors that Redis answers with, by their first word: what a call then brings, and (unless
 * REDIS_OK) what it says about the server, whose connection is then of no use to us.
 */
#ifndef REDIS_ERROR_ROW
#error "define REDIS_ERROR_ROW(word, result, failure) before including this table"
#endif

REDIS_ERROR_ROW("NOSCRIPT", ERR_UNKNOWN, REDIS_OK)
REDIS_ERROR_ROW("OOM", ERR_FULL, REDIS_OK)
REDIS_ERROR_ROW("BUSY", ERR_BUSY, REDIS_OK) /* with a script of somebody else's */
REDIS_ERROR_ROW("TRYAGAIN", ERR_BUSY, REDIS_OK)
REDIS_ERROR_ROW("CLUSTERDOWN", ERR_BUSY, REDIS_OK)
REDIS_ERROR_ROW("MISCONF", ERR_BUSY, REDIS_OK)    /* it cannot write its files */
REDIS_ERROR_ROW("NOREPLICAS", ERR_BUSY, REDIS_OK) /* min-replicas-to-write */
REDIS_ERROR_ROW("LOADING", ERR_BUSY, REDIS_LOADING)
REDIS_ERROR_ROW("READONLY", ERR_BUSY, REDIS_NOT_PRIMARY)
REDIS_ERROR_ROW("MASTERDOWN", ERR_BUSY, REDIS_NOT_PRIMARY)
REDIS_ERROR_ROW("DENIED", ERR_REFUSED, REDIS_DENIED)
REDIS_ERROR_ROW("NOAUTH", ERR_REFUSED, REDIS_NO_LOGIN)
REDIS_ERROR_ROW("WRONGPASS", ERR_REFUSED, REDIS_LOGIN)
REDIS_ERROR_ROW("NOPERM", ERR_REFUSED, REDIS_OK)
