/* SPDX-License-Identifier: MIT
 *
 * observed.h: what was found at a path, and what systemd says of a unit: plain values that
 * survey.c and systemd.c fill and plan.c compares with what is desired. Pure.
 */
#pragma once

#include "core/util/base.h"

#include <sys/types.h>

enum observed_type {
        OBSERVED_NONE,
        OBSERVED_NO_DIRECTORY, /* not even the directory it would be in */
        OBSERVED_FILE,
        OBSERVED_LINK,
        OBSERVED_OTHER, /* a directory, FIFO, device, …; or a file too large to be ours */
};

struct observed {
        enum observed_type type;
        char *data; /* bytes, or the link's target; NUL-terminated beyond len */
        size_t len;
        mode_t mode; /* permission bits */
        uint32_t uid, gid;
        uint64_t device, inode; /* which file it is, whatever its path */
        uint64_t mtime;         /* realtime, in microseconds */
        char *path;             /* where it really is, when a link was followed to it; else NULL */
        bool mislabelled;       /* the policy of SELinux wants another label for it */
        bool unseen;            /* it could not be looked at: `what` says why */
        bool hidden;            /* ... by anybody but root, who did not ask */
        bool ours_behind; /* a hosts file that is a link out of /etc: a line of ours is there */
        bool maps_behind; /* ... or anybody's that maps UNKNOWN */
        const char
                *what; /* for OBSERVED_OTHER: "a directory", …; static. For OBSERVED_NO_DIRECTORY,
                          where the path is a user's: why, "its directory does not exist" */
};

void observed_free(struct observed *o);

/* Whether a unit is masked by what is at that path of it, as far as that alone tells: an empty
 * file, or a link to /dev/null however that is written (stat-util.c, null_or_empty()). */
bool observed_is_mask(const struct observed *o, const char *path);

/* A link that enables the unit file at that path of /etc: to it, or as "../NAME". */
bool observed_enables(const struct observed *o, const char *unit);

/* What kind of thing it is that is no file, for people. */
const char *observed_kind(mode_t mode);

/* For the addresses of a socket unit, by blanks: the 16 of listen_address with four ports each, as
 * long as they can be ("[", 45 bytes of IPv6, "]:65535" and a blank). More: not known. */
#define LISTEN_SIZE (16 * 4 * 54)

/* One unit, from the manager's point of view. */
struct unit_state {
        bool loaded;        /* LoadState=loaded */
        bool masked;        /* LoadState=masked */
        bool rejected;      /* LoadState=bad-setting or error: its files are there, and no good */
        bool active;        /* ActiveState is active, activating or reloading */
        bool starting;      /* active, but not yet done with starting */
        bool failed;        /* ActiveState=failed */
        bool needs_reload;  /* its files changed since systemd read them */
        char fragment[256]; /* FragmentPath */
        char dropins[512];  /* DropInPaths, by blanks */
        char mover[256];    /* our socket: the last of them that says where it listens */
        char enabled[32];   /* UnitFileState: "enabled", "disabled", "static", … */
        char result[32];    /* Result, of sockets and services: "success", "resources", … */
        uint64_t changed;   /* StateChangeTimestamp: realtime, in microseconds */
        uint32_t main_pid;  /* services: MainPID; 0: none runs */
        uint32_t accepted, connections, refused; /* sockets: NAccepted, NConnections, NRefused */
        bool dropin; /* sockets: systemd has read a drop-in of ours of a TCP socket */
        /* sockets: stream addresses as systemd has loaded them, by blanks; "": not known */
        char listen[LISTEN_SIZE];
};

struct units {
        struct unit_state socket, keygen, hostkeys, credential, provision;
        /* what runs and has the descriptors of the socket, which somebody else wrote: it can only
         * be bound anew while that is down; "": none */
        char server[256];
};
