/* SPDX-License-Identifier: MIT
 *
 * spawn.h: runs one program of this system to its end: sshd, ssh, ssh-keygen, modprobe, restorecon,
 * systemd-detect-virt. The only starter of programs; never a shell, never on an image.
 */
#pragma once

#include "core/util/buf.h"

/* Runs argv[0] (a path) with standard input from `in` (-1: /dev/null), standard output to `out`
 * (-1: captured), and captures what it prints (of much the first and the last 512 KiB) on `*text`
 * (stderr, and stdout where captured; may be NULL). Killed after `timeout` seconds (-ETIMEDOUT).
 * Returns the exit status 0…255, 128+N for a signal, or −errno when it could not be run. */
int spawn_wait(const char *const argv[], int in, int out, unsigned timeout,
               struct buf *text) MUST_CHECK;

/* Starts argv with `fd` as standard input and output, stderr to /dev/null; the caller reaps the
 * child with spawn_end(). */
int spawn_on(const char *const argv[], int fd, pid_t *ret) MUST_CHECK;
void spawn_end(pid_t pid);
