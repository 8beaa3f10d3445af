/* SPDX-License-Identifier: MIT */
/*
 * Why an exchange failed, in a word: each failure of an outward call, towards the peer relay and
 * towards UPSTREAM. Beside these: "client_gone", "broken_off" (by ourselves) and the names of ERR
 * frames. The words are API.
 */
#ifndef WHY_ROW
#error "define WHY_ROW(failure, peer, upstream) before including this table"
#endif

WHY_ROW(UPSTREAM_UNRESOLVED, "peer_unresolved", "upstream_unresolved")
WHY_ROW(UPSTREAM_NOT_ALLOWED, "peer_not_allowed", "upstream_not_allowed")
WHY_ROW(UPSTREAM_UNREACHABLE, "peer_unreachable", "upstream_unreachable")
WHY_ROW(UPSTREAM_CONNECT_TIMEOUT, "peer_connect_timeout", "upstream_connect_timeout")
WHY_ROW(UPSTREAM_TLS, "peer_tls", "upstream_tls")
WHY_ROW(UPSTREAM_OVERLOADED, "peer_queue_full", "upstream_queue_full")
WHY_ROW(UPSTREAM_LOST, "peer_reset", "upstream_reset")
WHY_ROW(UPSTREAM_SILENT, "peer_silent", "upstream_silent")
WHY_ROW(UPSTREAM_BAD_ANSWER, "peer_bad_answer", "upstream_bad_answer")
WHY_ROW(UPSTREAM_CUT, "peer_cut", "upstream_cut")
