/* SPDX-License-Identifier: MIT
 *
 * authorized-keys.h: where sshd looks for an account's keys, and which ones stand there; whether a
 * password is set. Reads bytes that users wrote, and takes no more from them than keys. Pure.
 */
#pragma once

#include "core/format/passwd.h"
#include "core/util/buf.h"

/* One key of an authorized_keys file; points into its text. */
struct key_line {
        const char *type; /* "ssh-ed25519" */
        size_t type_len;
        const char *blob; /* base64 */
        size_t blob_len;
        bool authority; /* cert-authority: vouches for other keys, and is none itself */
        bool forced;    /* command=: it runs that, whatever a login asks for */
};

/* The next key of the text; false at its end. `*at` begins at the text's start. */
bool authorized_keys_next(const char **at, struct key_line *ret);

/* One argument of AuthorizedKeysFile as the path it means for the user: %h, %u, %U and %% are
 * expanded, what is not absolute is in his home. False for other % letters, which sshd refuses. */
bool authorized_keys_path(const char *pattern, size_t len, const struct user *u, struct buf *out);

/* Whether shadow(5) holds a password for the user that some input can match: not locked, not empty.
 */
bool shadow_has_password(const char *text, size_t len, const char *user);
