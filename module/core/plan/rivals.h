/* SPDX-License-Identifier: MIT
 *
 * rivals.h: socket units of other names that listen on the vsock port that is to be ours: whether
 * one is masked as a whole, or only its vsock stream is taken out of its files. Pure.
 */
#pragma once

#include "core/util/buf.h"

struct facts;

enum rival_kind {
        RIVAL_ASIDE,  /* it is not in the way, or it is left as it is */
        RIVAL_STREAM, /* it listens on something else, too: its vsock stream goes */
        RIVAL_WHOLE,  /* it listens on nothing else: it is masked */
};

/* A file of it that names vsock, or that has a copy kept beside. */
struct rival_file {
        char *path;
        char *text; /* NULL: it is not there */
        size_t len;
        bool saved;
        bool foreign; /* not ours to write: not in /etc/systemd/system, or a link */
};

struct rival {
        char *name;          /* "ssh.socket" */
        char *service;       /* "ssh.service", which has its sockets where there is no Accept=yes */
        bool enabled;        /* a link in a .wants or .requires directory pulls it in */
        bool own;            /* its unit file is one of /etc, or was before it was masked */
        bool linked;         /* … and is a link to another file */
        bool recorded;       /* our presets say that we masked it, once */
        bool masked;         /* … and masked it still is */
        bool active;         /* live: it listens now */
        bool accepts;        /* Accept=yes: no service has its sockets; by rivals_decide() */
        bool failed;         /* live: on a port that somebody else has, say */
        bool serves;         /* live: its service runs; false where it accepts */
        bool needs_reload;   /* live: systemd has not read its files as they are */
        struct buf text;     /* what its files say, in systemd's order, ours left out */
        struct buf instance; /* … and those of its template */
        struct rival_file *files;
        size_t n_files;
        /* by rivals_decide(): */
        enum rival_kind kind;
        struct buf different; /* what it does that ours does not; empty: nothing */
        const char *obstacle; /* a foreign file with a stream on our port, beside others; NULL: none
                               */
};

/* What is wanted of them. */
struct rivals_wish {
        unsigned port; /* 0: everything of ours goes */
        bool served;   /* live: our own socket unit listens */
        bool takeover; /* those go, too, that do something else than ours */
};

/* Decides about each. 0 or -ENOMEM. */
int rivals_decide(struct facts *f, const struct rivals_wish *wish) MUST_CHECK;

/* The same file without its streams on that vsock port, ours by its marker. 1; 0 where it has none;
 * -ENOMEM. */
int rival_strip(const struct rival_file *file, unsigned port, struct buf *out) MUST_CHECK;

/* The one of that name; NULL: there is none. */
const struct rival *rival_find(const struct facts *f, const char *unit);

/* Whether the unit is down, all its other streams too, and its vsock stream is to go: ours had the
 * port when it was started. */
bool rivals_fail(const struct facts *f, const char *unit);

/* Whether the unit is one that is, was or is to be masked as a whole. */
bool rivals_mask(const struct facts *f, const char *unit);

void rival_free(struct rival *r);
