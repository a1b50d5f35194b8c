/* SPDX-License-Identifier: MIT
 *
 * proc.h: the processes of this system, as /proc shows them. The only reader of other processes'
 * directories, but for process 1's environment (survey-machine.c) and root (run-root.c); what their
 * words mean is proc-text.c's business.
 */
#pragma once

#include "core/util/base.h"

#include <sys/types.h>

/* Calls `each` with every process's directory, open as long as the call lasts, and its id, in the
 * order of ids; stops at the first non-zero. */
int proc_each(int (*each)(int process, pid_t pid, void *userdata), void *userdata) MUST_CHECK;

/* The directory of that process, which the caller closes; or −errno. */
int proc_open(pid_t pid) MUST_CHECK;

/* Calls `each` with the inode of each socket among the process's descriptors; stops at the first
 * non-zero. 0 too for a process that has ended meanwhile; -EACCES where they are not to be seen, by
 * root either (CAP_SYS_PTRACE). */
int proc_each_socket(int process, int (*each)(unsigned inode, void *userdata),
                     void *userdata) MUST_CHECK;

/* The beginning of one of its files (comm, cmdline, cgroup), and where the link exe leads; "" for
 * what cannot be read. */
void proc_read(int process, const char *file, char *text, size_t size);
void proc_exe(int process, char *path, size_t size);

/* Who holds the flock(2) lock on that inode, and the beginning of the name of his program; 0 where
 * /proc/locks does not tell. */
pid_t proc_lock_holder(uint64_t device, uint64_t inode, char *name, size_t size);
