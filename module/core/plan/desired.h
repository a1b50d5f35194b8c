/* SPDX-License-Identifier: MIT
 *
 * desired.h: the state that a configuration asks for on a system of these facts: one item per path,
 * in the order in which they may safely come to be. Pure.
 */
#pragma once

#include "core/plan/facts.h"

#include <sys/types.h>

enum item_kind {
        ITEM_FILE,  /* the whole file is ours: FILE_MARKER opens it */
        ITEM_FLAG,  /* that a file is there is all that counts; ours when FILE_MARKER opens it */
        ITEM_SAVED, /* a copy of the administrator's own unit of that name without SAVED_SUFFIX */
        ITEM_LINK,  /* a symlink; content is its target */
        ITEM_HOSTS, /* the UNKNOWN entry of a hosts file; content is the address */
        ITEM_SSHD_CONFIG, /* sshd_config or what it includes: our block at the top (content is its
                             body, "" for none), everybody else's ListenAddress commented out */
};

/* The order of work: doc/DESIGN.md. */
enum phase {
        PHASE_OPEN,     /* files that cannot lock anyone out */
        PHASE_ACTIVATE, /* modules, daemon-reload, the socket */
        PHASE_CLOSE,    /* only after VERIFY */
        PHASE_EXTRAS,   /* users' homes, slow or hostile as they may be: when all else is done */
};

enum {
        ITEM_UNIT = 1 << 0,       /* systemd must reload to see a change */
        ITEM_SOCKET = 1 << 1,     /* the socket must restart to see a change */
        ITEM_SSHD = 1 << 2,       /* sshd's TCP listener must reload to see a change */
        ITEM_ALIAS = 1 << 3,      /* a link that is right whatever directory its target is in */
        ITEM_TCP_SOCKET = 1 << 5, /* a TCP socket unit must restart to see a change */
        ITEM_DIRECTORY =
                1 << 4, /* the directory may be our making: it goes once nothing is left in it */
        ITEM_LATE = 1 << 6,     /* in PHASE_CLOSE: after what is started and stopped there */
        ITEM_MASK = 1 << 7,     /* the mask of a TCP unit */
        ITEM_HANDMADE = 1 << 8, /* may take the place of one that does the same; see ITEM_SAVED */
        ITEM_RIVAL = 1 << 9,    /* a file, or the mask, of another unit that has our port */
        ITEM_RECORD = 1 << 10,  /* the record of a mask */
        ITEM_TCP = ITEM_SSHD | ITEM_TCP_SOCKET | ITEM_MASK, /* any of these */
};

struct item {
        enum item_kind kind;
        enum phase phase; /* in PHASE_ACTIVATE: after what is started there */
        unsigned flags;
        bool wanted; /* false: gone, if it is ours */
        mode_t mode;
        uint32_t uid, gid;
        char *path;
        char *content; /* NULL where not wanted */
        size_t len;
        const char *different; /* ITEM_RIVAL: why it is not taken, by the facts; NULL: it is */
};

/* What the vsock listener does without: failing there is said, and ends no run. */
static inline bool item_is_extra(const struct item *i)
{
        return i->kind == ITEM_HOSTS || i->kind == ITEM_FLAG;
}

struct desired {
        /* of different paths, but for the mask of a TCP unit of the administrator's own whose vsock
         * stream goes: while it is there the mask is in its way */
        struct item *items;
        size_t n;
        unsigned port; /* of the vsock listener; 0 where all goes */
        bool takeover; /* ITEM_HANDMADE takes the place of one that does something else, too */
};

/* 0 or -ENOMEM. */
int desired_make(const struct config *c, const struct facts *f, struct desired *ret) MUST_CHECK;

/* Everything gone: what `remove` asks for. */
int desired_none(const struct facts *f, struct desired *ret) MUST_CHECK;

/* The TCP units, as bits of distro_tcp_units, that `disable_tcp` masks on this system. */
unsigned desired_masks(const struct facts *f);

void desired_free(struct desired *d);
