/* SPDX-License-Identifier: MIT */
/* Why a Redis server cannot be used, one row each: name, and what its log line says of it. */
#ifndef REDIS_FAILURE_ROW
#error "define REDIS_FAILURE_ROW(name, sentence) before including this table"
#endif

REDIS_FAILURE_ROW(REDIS_OK, "it can be used")
REDIS_FAILURE_ROW(REDIS_UNRESOLVED, "its name has no address")
REDIS_FAILURE_ROW(REDIS_UNREACHABLE, "it takes no connection (host and port?)")
REDIS_FAILURE_ROW(REDIS_CONNECT_TIMEOUT, "it took no connection in time (host, port, firewall?)")
REDIS_FAILURE_ROW(REDIS_TLS_TIMEOUT,
                  "no TLS connection came about in time (host, port, firewall? has it "
                  "TLS, or is redis:// meant?)")
REDIS_FAILURE_ROW(REDIS_TLS, "TLS with it fails")
REDIS_FAILURE_ROW(REDIS_NOT_REDIS, "what it says is not the protocol of Redis")
REDIS_FAILURE_ROW(REDIS_CLOSED, "it closed the connection")
REDIS_FAILURE_ROW(REDIS_CLOSED_AT_ONCE,
                  "it closed the connection before it said a word (is rediss:// meant?)")
REDIS_FAILURE_ROW(REDIS_SILENT, "it does not answer in time")
REDIS_FAILURE_ROW(REDIS_DENIED, "it is in protected mode and takes nobody from here")
REDIS_FAILURE_ROW(REDIS_NO_LOGIN, "it wants a password")
REDIS_FAILURE_ROW(REDIS_LOGIN, "it refuses user or password")
REDIS_FAILURE_ROW(REDIS_DB, "it has no database of that number (a cluster has 0 only)")
REDIS_FAILURE_ROW(REDIS_LOADING, "it is still loading its data")
REDIS_FAILURE_ROW(REDIS_NOT_PRIMARY, "it is not a primary")
REDIS_FAILURE_ROW(REDIS_NO_SLOTS, "it is of a cluster, but does not say which one serves what")
REDIS_FAILURE_ROW(REDIS_NO_MEMORY, "there is no memory here for a connection")
