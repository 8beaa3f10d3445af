/* SPDX-License-Identifier: MIT */
/*
 * Every metric, one row each: field, kind (COUNTER or GAUGE), name as Prometheus has it, help text.
 * A name is API. Refusals are counted beside these, by their code.
 */
#ifndef METRIC_ROW
#error "define METRIC_ROW(field, kind, name, help) before including this table"
#endif

METRIC_ROW(requests_outbound, COUNTER, "mte_relay_requests_outbound_total",
           "Requests taken from applications to be sealed")
METRIC_ROW(requests_inbound, COUNTER, "mte_relay_requests_inbound_total",
           "Sealed requests taken from peer relays")
METRIC_ROW(requests_plain, COUNTER, "mte_relay_requests_plain_total",
           "Requests passed through without encoding")
METRIC_ROW(requests_in_flight, GAUGE, "mte_relay_requests_in_flight", "Requests being relayed now")
METRIC_ROW(request_bytes, COUNTER, "mte_relay_request_bytes_total",
           "Bytes of request bodies as they came")
METRIC_ROW(answer_bytes, COUNTER, "mte_relay_answer_bytes_total",
           "Bytes of bodies of answers as they went")
METRIC_ROW(connections, GAUGE, "mte_relay_connections", "Accepted connections open now")
METRIC_ROW(connections_turned_away, COUNTER, "mte_relay_connections_turned_away_total",
           "Connections refused because there were MAX_CONNECTIONS")
METRIC_ROW(connections_calmed, COUNTER, "mte_relay_connections_calmed_total",
           "HTTP/2 connections ended because they only made work")
METRIC_ROW(timeouts_head, COUNTER, "mte_relay_timeouts_head_total",
           "Connections closed because no request head was complete in HEADER_TIMEOUT")
METRIC_ROW(timeouts_body, COUNTER, "mte_relay_timeouts_body_total",
           "Connections, or streams, closed because a request body stood still for BODY_TIMEOUT")
METRIC_ROW(timeouts_idle, COUNTER, "mte_relay_timeouts_idle_total",
           "Connections closed because they were idle for IDLE_TIMEOUT")
METRIC_ROW(timeouts_send, COUNTER, "mte_relay_timeouts_send_total",
           "Connections closed because an answer stood still for SEND_TIMEOUT")
METRIC_ROW(body_bytes_held, GAUGE, "mte_relay_body_bytes_held",
           "Bytes of request bodies held now; MAX_BUFFERED bounds them")
METRIC_ROW(workers_accepting, GAUGE, "mte_relay_workers_accepting", "Workers that take connections")
METRIC_ROW(answers_aborted, COUNTER, "mte_relay_answers_aborted_total",
           "Answers that were visibly broken off")
METRIC_ROW(pairings_made, COUNTER, "mte_relay_pairings_made_total", "Pairs made with peer relays")
METRIC_ROW(pairings_answered, COUNTER, "mte_relay_pairings_answered_total",
           "Pairs answered for peer relays")
METRIC_ROW(pairings_refused, COUNTER, "mte_relay_pairings_refused_total",
           "Pairing requests that were refused")
METRIC_ROW(replays_refused, COUNTER, "mte_relay_replays_refused_total",
           "Sealed requests refused because their counter was claimed before")
METRIC_ROW(unknown_pairs, COUNTER, "mte_relay_unknown_pairs_total",
           "Sealed requests refused because their pair is not known here")
METRIC_ROW(clocks_refused, COUNTER, "mte_relay_clocks_refused_total",
           "Sealed requests refused because the sender's clock differs too much")
METRIC_ROW(busy_refused, COUNTER, "mte_relay_busy_refused_total",
           "Sealed requests refused because there was no room for their claim")
METRIC_ROW(messages_rejected, COUNTER, "mte_relay_messages_rejected_total",
           "Sealed requests that were malformed or not authentic")
METRIC_ROW(resends, COUNTER, "mte_relay_resends_total",
           "Requests sealed anew after a verified promise")
METRIC_ROW(log_lines_dropped, COUNTER, "mte_relay_log_lines_dropped_total",
           "Log lines lost because their reader was slow")
METRIC_ROW(worker_starts, COUNTER, "mte_relay_worker_starts_total", "Worker processes started")
METRIC_ROW(worker_deaths, COUNTER, "mte_relay_worker_deaths_total",
           "Worker processes that ended without being told to")
