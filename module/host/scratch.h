/* SPDX-License-Identifier: MIT
 *
 * scratch.h: a directory of root's own for one run: the key of a trial login and what goes with it.
 * In /run, so that no boot ever sees it again.
 */
#pragma once

#include "core/util/error.h"

struct scratch {
        char path[64]; /* "": there is none */
};

/* Makes it, empty, and takes away those of runs that were killed. Others may enter and read, but
 * for the files that are made private: sshd reads authorized keys with the user's rights. */
int scratch_make(struct scratch *ret, struct error *error) MUST_CHECK;

/* Writes a file in it, 0644. */
int scratch_write(const struct scratch *s, const char *name, const char *text,
                  size_t len) MUST_CHECK;

/* Lets everybody read a file in it that another program made. */
int scratch_publish(const struct scratch *s, const char *name) MUST_CHECK;

/* The directory and all that is in it are gone, whoever made it. */
void scratch_end(struct scratch *s);
