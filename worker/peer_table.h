/* SPDX-License-Identifier: MIT */
/*
 * What a peer does: a row a state, a column an event. The actions are functions of peer.c.
 *
 *      WANTED  a request waits for a lease          REFUSED  a try at pairing failed for good
 *      WORN    the pair nears its end               DUE      the time waited for has come
 *      MADE    a try at pairing succeeded           LOST     the pair is over, or the peer
 *      MISSED  it failed, another may succeed                does not know it
 */
#ifndef PEER_ROW
#error "define PEER_ROW(state, wanted, worn, made, missed, refused, due, lost) before including"
#endif

/* clang-format off */
/*       state        WANTED    WORN   MADE   MISSED   REFUSED  DUE     LOST */
PEER_ROW(EMPTY,       begin,    never, never, never,   never,   never,  never)  /* no pair, nothing under way */
PEER_ROW(PAIRING,     stay,     never, adopt, retry,   give_up, never,  never)  /* no pair, a try is under way */
PEER_ROW(RETRYING,    stay,     never, never, never,   never,   attempt, never) /* no pair, the next try has its time */
PEER_ROW(DOWN,        refuse,   never, never, never,   never,   forget, never)  /* tried in vain; not again just yet */
PEER_ROW(READY,       serve,    renew, never, never,   never,   never,  drop)   /* a pair */
PEER_ROW(RENEWING,    serve,    stay,  adopt, later,   later,   never,  drop_one) /* a pair, a try for the next is under way */
PEER_ROW(RENEW_LATER, serve,    stay,  never, never,   never,   renew,  drop)   /* a pair, the next try has its time */
/* clang-format on */
