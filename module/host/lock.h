/* SPDX-License-Identifier: MIT
 *
 * lock.h: one run at a time. On the running system the lock is a file that only root can open, for
 * whoever can open it can hold it; on an image it is the image's root directory, in which a run
 * leaves nothing behind.
 */
#pragma once

#include "host/rootfs.h"

#define LOCK_PATH "/run/sshd-vsock.lock"

/* How long to wait for another run. With the default verify_timeout the longest is two
 * verifications of 10 s, a search for who gets in of 60 s, and jobs; what takes longer hangs, and
 * has to be looked at. */
#define LOCK_SECONDS 120

struct lock {
        int fd;
        uint64_t device, inode; /* of what is locked */
        const struct rootfs *root;
};

#define LOCK_INIT                                                                                  \
        {                                                                                          \
                .fd = -1                                                                           \
        }

/* Once, or until it is free or `seconds` have passed. 0, -EWOULDBLOCK, -ETIMEDOUT or −errno. */
int lock_try(const struct rootfs *root, struct lock *l) MUST_CHECK;
int lock_wait(const struct rootfs *root, unsigned seconds, struct lock *l) MUST_CHECK;

/* In words, who holds what lock_try() could not get. */
void lock_holder(const struct lock *l, char *text, size_t size);

/* Gives it back, and leaves nothing in /run. */
void lock_release(struct lock *l);
