/* SPDX-License-Identifier: MIT
 *
 * user-file.h: reads one file the way sshd does it, with the rights of the user it is about. Live
 * systems only; changes nothing.
 */
#pragma once

#include "core/format/passwd.h"

/* The bytes of a regular file, at most `max` of them, read by a child that has the user's ids and
 * groups and is killed after `timeout` seconds: a home on a dead file system or a FIFO costs no
 * more than that. *ret is NUL-terminated; the caller frees. −errno as the child met it, -ETIMEDOUT,
 * -EFBIG for a longer file, -EBADF for what is no file. */
int user_file_read(const struct user *u, const char *path, unsigned timeout, size_t max, char **ret,
                   size_t *ret_len) MUST_CHECK;
