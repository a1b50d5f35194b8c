/* SPDX-License-Identifier: MIT
 *
 * passwd.h: the users of a system, from the bytes of its own passwd file; NSS is never asked, since
 * under --root it would answer for the wrong system. Pure.
 */
#pragma once

#include "core/util/base.h"

struct user {
        char *name;
        uint32_t uid;
        uint32_t gid;
        char *home;  /* absolute path, or "": has none, and logs in all the same */
        char *shell; /* may be empty: /bin/sh */
};

struct users {
        struct user *list;
        size_t n;
        const struct user **by_name; /* the same, sorted */
};

/* Reads passwd(5) bytes. Malformed lines (too few fields, non-numeric ids, a home that is
 * neither absolute nor empty, a name with characters outside [A-Za-z0-9._-] or a leading '-', NIS
 * "+" lines) are skipped: they are the system's business. So are lines that hold a NUL. Colons
 * after the sixth are the shell's, as in glibc. 0 or -ENOMEM. */
int users_parse(const char *text, size_t len, struct users *ret) MUST_CHECK;

/* NULL when there is none of that name. The first of several wins, as in getpwnam(3). */
const struct user *users_find(const struct users *u, const char *name);

/* One who can log in: shell is not nologin, false, sync, shutdown, halt or /dev/null; uid is 0,
 * 1000…60000 or above 65535 (systemd's UIDS-GIDS.md: between the two lie homed's users, whose homes
 * are not there at boot, users of containers and of dynamic services, nobody, and the 16-bit -1);
 * home is empty, or not "/", and not /nonexistent, /proc, /run or /dev or inside of them. */
bool user_can_login(const struct user *u);

void users_free(struct users *u);
