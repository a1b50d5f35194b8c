/* SPDX-License-Identifier: MIT
 *
 * child.h: what those have in common that start processes of this program's: what such a child
 * holds, what it says, and how its end is waited for. Starts none, and ends none.
 */
#pragma once

#include "core/util/base.h"

#include <sys/types.h>

/* In a child: closes all but these two descriptors (which may be one), and puts /dev/null in the
 * place of the first three. A child that the kernel does not let go of must not keep the lock, nor
 * the reader of a pipe; and no file of a user's becomes its stderr. */
void child_close_others(int keep, int to);

/* Some of what a child has written to its pipe by the deadline: how many bytes, 0 at the pipe's
 * end, -ETIMEDOUT or −errno. */
ssize_t child_read(int fd, void *data, size_t size, uint64_t deadline) MUST_CHECK;

/* The status of the child that ended, as waitpid(2) has it, in *ret. 0, or -ETIMEDOUT at the
 * deadline: it is still there. */
int child_wait(pid_t pid, uint64_t deadline, int *ret) MUST_CHECK;
