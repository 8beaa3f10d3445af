/* SPDX-License-Identifier: MIT */
/*
 * Every refusal of our own: name, status, code, the sentence that the application reads. A code is
 * API. Each is counted under its code.
 */
#ifndef REFUSAL_ROW
#error "define REFUSAL_ROW(name, status, code, sentence) before including this table"
#endif

REFUSAL_ROW(REFUSAL_BAD_REQUEST, 400, "bad_request",
            "The request is not valid HTTP, or its method or content type does not fit the route.")
REFUSAL_ROW(REFUSAL_MISSING_UPSTREAM, 400, "missing_upstream",
            "Say which relay to send to: header x-mte-upstream, or the setting OUTBOUND_UPSTREAM.")
REFUSAL_ROW(REFUSAL_INVALID_OUTBOUND_TOKEN, 401, "invalid_outbound_token",
            "The x-mte-outbound-token is not this relay's OUTBOUND_TOKEN.")
REFUSAL_ROW(REFUSAL_ENCODING_REQUIRED, 403, "encoding_required",
            "Only sealed requests, outbound requests and pass-through routes are served here.")
REFUSAL_ROW(REFUSAL_PEER_NOT_ALLOWED, 403, "peer_not_allowed",
            "OUTBOUND_ALLOW does not permit this peer relay.")
REFUSAL_ROW(REFUSAL_SOURCE_NOT_ALLOWED, 403, "source_not_allowed",
            "OUTBOUND_FROM does not permit outbound requests from this address.")
REFUSAL_ROW(REFUSAL_ORIGIN_NOT_ALLOWED, 403, "origin_not_allowed",
            "CORS_ORIGINS does not list this origin.")
REFUSAL_ROW(REFUSAL_ROUTE_NOT_FOUND, 404, "route_not_found", "MTE_ROUTES has no such route.")
REFUSAL_ROW(REFUSAL_BODY_TOO_LARGE, 413, "body_too_large",
            "The request body is larger than MAX_REQUEST_BODY here or at the peer relay.")
REFUSAL_ROW(REFUSAL_HEADERS_TOO_LARGE, 431, "headers_too_large",
            "The header section is larger than this relay takes.")
REFUSAL_ROW(REFUSAL_PEER_UNREACHABLE, 502, "peer_unreachable", "The peer relay cannot be reached.")
REFUSAL_ROW(REFUSAL_PEER_TLS, 502, "peer_tls", "The TLS connection to the peer relay failed.")
REFUSAL_ROW(REFUSAL_PAIRING_REFUSED, 502, "pairing_refused",
            "The peer relay refused to pair: is SECRET the same on both sides?")
REFUSAL_ROW(REFUSAL_PEER_IS_SELF, 502, "peer_is_self",
            "The peer is this relay: both sides have the same CLIENT_ID_SECRET and UPSTREAM.")
REFUSAL_ROW(REFUSAL_PEER_NOT_A_RELAY, 502, "peer_not_a_relay",
            "What answers at the peer URL is not a relay.")
REFUSAL_ROW(REFUSAL_BAD_PEER_RESPONSE, 502, "bad_peer_response",
            "The peer relay's answer is not valid.")
REFUSAL_ROW(REFUSAL_PEER_LOST_ANSWER, 502, "peer_lost_answer",
            "The answer was lost: the request may have been executed.")
REFUSAL_ROW(REFUSAL_UPSTREAM_UNREACHABLE, 502, "upstream_unreachable", "The API cannot be reached.")
REFUSAL_ROW(REFUSAL_UPSTREAM_TLS, 502, "upstream_tls", "The TLS connection to the API failed.")
REFUSAL_ROW(REFUSAL_BAD_UPSTREAM_RESPONSE, 502, "bad_upstream_response",
            "The API's answer is not valid HTTP.")
REFUSAL_ROW(REFUSAL_OVERLOADED, 503, "overloaded", "This relay has no room for more requests now.")
REFUSAL_ROW(REFUSAL_PEER_BUSY, 503, "peer_busy", "The peer relay has no room now.")
REFUSAL_ROW(REFUSAL_DRAINING, 503, "draining", "This relay is shutting down.")
REFUSAL_ROW(REFUSAL_PEER_TIMEOUT, 504, "peer_timeout", "The peer relay did not answer in time.")
REFUSAL_ROW(REFUSAL_UPSTREAM_TIMEOUT, 504, "upstream_timeout", "The API did not answer in time.")
REFUSAL_ROW(REFUSAL_LOOP_DETECTED, 508, "loop_detected",
            "The request has already passed through this relay.")
