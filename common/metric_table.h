/* SPDX-License-Identifier: MIT */
/*
 * Every metric, one row each: field, kind (of enum metric_kind), its two labels (of
 * metric_label_table.h; no_label: none), name as Prometheus has it, help text. A name is API, and
 * times are in seconds there. Refusals are counted beside these, by their code. Workers of the
 * binary before and after an upgrade share the blocks: whoever changes this, the labels or the
 * buckets counts up SHM_VERSION.
 */
#ifndef METRIC_ROW
#error "define METRIC_ROW(field, kind, first, second, name, help) before including this table"
#endif

/* clang-format off */
/* Requests */
METRIC_ROW(requests, COUNTER, direction, status_class, "mte_relay_requests_total",
           "Requests that ended, by what became of them")
METRIC_ROW(requests_in_flight, GAUGE, no_label, no_label, "mte_relay_requests_in_flight",
           "Requests being relayed now")
METRIC_ROW(request_bytes, COUNTER, direction, no_label, "mte_relay_request_bytes_total",
           "Bytes of request bodies as they came")
METRIC_ROW(response_bytes, COUNTER, direction, no_label, "mte_relay_response_bytes_total",
           "Bytes of bodies of answers as they went")
METRIC_ROW(answers_aborted, COUNTER, no_label, no_label, "mte_relay_answers_aborted_total",
           "Answers that were visibly broken off")
METRIC_ROW(request_seconds, WAIT_TIME, direction, no_label, "mte_relay_request_seconds",
           "From the whole request at the door to the last byte of its answer")
METRIC_ROW(outbound_proxy_seconds, WAIT_TIME, no_label, no_label, "mte_relay_outbound_proxy_seconds",
           "From a sealed request's sending to the last byte of the peer relay's answer")
METRIC_ROW(upstream_proxy_seconds, WAIT_TIME, no_label, no_label, "mte_relay_upstream_proxy_seconds",
           "From a request's sending to UPSTREAM to the last byte of its answer")
METRIC_ROW(request_encode_seconds, WORK_TIME, no_label, no_label, "mte_relay_request_encode_seconds",
           "Sealing a request towards a peer relay")
METRIC_ROW(request_decode_seconds, WORK_TIME, no_label, no_label, "mte_relay_request_decode_seconds",
           "Opening a request of a peer relay")
METRIC_ROW(response_encode_seconds, WORK_TIME, no_label, no_label, "mte_relay_response_encode_seconds",
           "Sealing an answer to a peer relay, all its frames")
METRIC_ROW(response_decode_seconds, WORK_TIME, no_label, no_label, "mte_relay_response_decode_seconds",
           "Opening a peer relay's answer, all its frames")

/* Sealed messages */
METRIC_ROW(replays_refused, COUNTER, no_label, no_label, "mte_relay_replays_refused_total",
           "Sealed requests refused because their counter was claimed before")
METRIC_ROW(unknown_pairs, COUNTER, no_label, no_label, "mte_relay_unknown_pairs_total",
           "Sealed requests refused because their pair is not known here")
METRIC_ROW(clocks_refused, COUNTER, no_label, no_label, "mte_relay_clocks_refused_total",
           "Sealed requests refused because the sender's clock differs too much")
METRIC_ROW(busy_refused, COUNTER, no_label, no_label, "mte_relay_busy_refused_total",
           "Sealed requests refused because there was no room for their claim")
METRIC_ROW(messages_rejected, COUNTER, no_label, no_label, "mte_relay_messages_rejected_total",
           "Sealed requests that were malformed or not authentic")
METRIC_ROW(resends, COUNTER, no_label, no_label, "mte_relay_resends_total",
           "Requests sealed anew after a verified promise")

/* Pairs */
METRIC_ROW(pairs, FACT, no_label, no_label, "mte_relay_pairs",
           "Pairs in this instance's memory that peer relays send to us with")
METRIC_ROW(peer_pairs, GAUGE, no_label, no_label, "mte_relay_peer_pairs",
           "Pairs that workers hold to send to peer relays with")
METRIC_ROW(pairings_made, COUNTER, no_label, no_label, "mte_relay_pairings_made_total",
           "Pairs made with peer relays")
METRIC_ROW(renewals, COUNTER, no_label, no_label, "mte_relay_renewals_total",
           "Of these, in place of a pair that still served")
METRIC_ROW(pairings_failed, COUNTER, pairing_failure, no_label, "mte_relay_pairings_failed_total",
           "Tries at pairing with a peer relay that failed")
METRIC_ROW(pairings_answered, COUNTER, no_label, no_label, "mte_relay_pairings_answered_total",
           "Pairs answered for peer relays")
METRIC_ROW(pairings_refused, COUNTER, pairing_refusal, no_label, "mte_relay_pairings_refused_total",
           "Pairing requests that were refused")

METRIC_ROW(limits, COUNTER, limit, no_label, "mte_relay_limits_total",
           "Pairings and sealed requests that were BUSY because a limit was reached")

/* Redis */
METRIC_ROW(redis_up, GAUGE, no_label, no_label, "mte_relay_redis_up",
           "Workers whose Redis can be used")
METRIC_ROW(redis_away, GAUGE, no_label, no_label, "mte_relay_redis_away",
           "Workers that count Redis as away: with one of them REDIS_FAILURE acts")
METRIC_ROW(redis_reconnects, COUNTER, no_label, no_label, "mte_relay_redis_reconnects_total",
           "Connections to a server of Redis that took the place of a broken one")
METRIC_ROW(redis_errors, COUNTER, no_label, no_label, "mte_relay_redis_errors_total",
           "Questions to Redis that brought an error or no answer")
METRIC_ROW(redis_seconds, WAIT_TIME, no_label, no_label, "mte_relay_redis_seconds",
           "From a question to Redis to its answer")

/* Connections */
METRIC_ROW(connections, GAUGE, no_label, no_label, "mte_relay_connections",
           "Accepted connections open now")
METRIC_ROW(connections_accepted, COUNTER, no_label, no_label, "mte_relay_connections_accepted_total",
           "Connections that were accepted")
METRIC_ROW(connections_turned_away, COUNTER, no_label, no_label, "mte_relay_connections_turned_away_total",
           "Connections refused because there were MAX_CONNECTIONS")
METRIC_ROW(connections_calmed, COUNTER, no_label, no_label, "mte_relay_connections_calmed_total",
           "HTTP/2 connections ended because they only made work")
METRIC_ROW(outward_connections, GAUGE, outward_side, no_label, "mte_relay_outward_connections",
           "Connections of ours, kept ones among them; UPSTREAM_MAX_CONNECTIONS bounds them per worker and origin")
METRIC_ROW(calls_waiting, GAUGE, outward_side, no_label, "mte_relay_calls_waiting",
           "Requests that wait for one of these to be free")
METRIC_ROW(timeouts_head, COUNTER, no_label, no_label, "mte_relay_timeouts_head_total",
           "Connections closed because no request head was complete in HEADER_TIMEOUT")
METRIC_ROW(timeouts_body, COUNTER, no_label, no_label, "mte_relay_timeouts_body_total",
           "Connections, or streams, closed because a request body stood still for BODY_TIMEOUT")
METRIC_ROW(timeouts_idle, COUNTER, no_label, no_label, "mte_relay_timeouts_idle_total",
           "Connections closed because they were idle for IDLE_TIMEOUT")
METRIC_ROW(timeouts_send, COUNTER, no_label, no_label, "mte_relay_timeouts_send_total",
           "Connections closed because an answer stood still for SEND_TIMEOUT")
METRIC_ROW(body_bytes_held, GAUGE, no_label, no_label, "mte_relay_body_bytes_held",
           "Bytes of request bodies held now; MAX_BUFFERED bounds them")

/* Processes and settings */
METRIC_ROW(workers, GAUGE, worker_state, no_label, "mte_relay_workers", "Worker processes by state")
METRIC_ROW(workers_accepting, GAUGE, no_label, no_label, "mte_relay_workers_accepting",
           "Workers that take connections")
METRIC_ROW(worker_starts, COUNTER, no_label, no_label, "mte_relay_worker_starts_total",
           "Worker processes started")
METRIC_ROW(worker_deaths, COUNTER, no_label, no_label, "mte_relay_worker_deaths_total",
           "Worker processes that ended without being told to; each is started again")
METRIC_ROW(log_lines_dropped, COUNTER, no_label, no_label, "mte_relay_log_lines_dropped_total",
           "Log lines lost because their reader was slow")
METRIC_ROW(log_lines_held, COUNTER, no_label, no_label, "mte_relay_log_lines_held_total",
           "Log lines that anybody on the network can cause, held back after ten of a kind")
METRIC_ROW(generation, FACT, no_label, no_label, "mte_relay_generation",
           "How often settings were loaded, counting from 1")
METRIC_ROW(secret_strength, FACT, no_label, no_label, "mte_relay_secret_strength",
           "SECRET: 0 none, pairing is not authenticated; 1 shorter than 16 characters; 2 good")
METRIC_ROW(certificate_expiry, FACT, certificate, no_label, "mte_relay_certificate_expiry_timestamp_seconds",
           "When the certificates of a setting expire, in seconds since 1970")
METRIC_ROW(build_info, FACT, version, kem, "mte_relay_build_info",
           "1, by the version of this binary and who computes ML-KEM")
/* clang-format on */
