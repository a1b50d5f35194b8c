/* SPDX-License-Identifier: MIT
 *
 * unit-streams.h: what the files of a socket unit say of where it listens: which TCP ports, and
 * what else, so that a drop-in can narrow the addresses and keep all the rest. Pure.
 */
#pragma once

#include "core/util/buf.h"

struct unit_streams {
        uint16_t ports[16]; /* of its TCP streams, each once */
        size_t n_ports;
        size_t n_others;   /* lines of the files that are not TCP, since the last that took all away
                            */
        bool outside;      /* one of these is on more than loopback */
        struct buf others; /* all that is not TCP, as lines for [Socket]: "ListenStream=/run/x" */
};

/* One more of the unit's files, in the order in which systemd reads them. 0, -ENOMEM, or -E2BIG: it
 * listens in more places than any unit does. */
int unit_streams_read(struct unit_streams *s, const char *text, size_t len) MUST_CHECK;

/* Whether it is one of the Listen…= settings of [Socket]. */
bool unit_setting_listens(const char *key);

/* Whether an address of ListenStream= is on that vsock port, for any CID or for a certain one. */
bool unit_stream_is_vsock(const char *address, unsigned port);

void unit_streams_free(struct unit_streams *s);
