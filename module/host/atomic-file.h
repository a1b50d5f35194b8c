/* SPDX-License-Identifier: MIT
 *
 * atomic-file.h: replaces one file, makes one link, takes one name away, each so that a crash at
 * any moment leaves the old or the new state and, at worst, a temporary file that the next run
 * sweeps. The only renamer; works on open directories and never resolves a path.
 */
#pragma once

#include "core/util/base.h"

#include <sys/types.h>

struct content {
        const char *data;
        size_t len;
        mode_t mode;
        uint32_t uid, gid;
};

/* All return 0 or −errno. The file itself is durable then; its name is once the directory is
 * synced, which is the caller's to do, since several names may be in one directory. Extended
 * attributes (SELinux's label among them) of a file that is replaced are kept. */
int atomic_write(int dir, const char *name, const struct content *c) MUST_CHECK;
int atomic_link(int dir, const char *name, const char *target) MUST_CHECK;
int atomic_unlink(int dir, const char *name) MUST_CHECK;

/* fsync(2), made again after a signal. */
int atomic_sync(int fd) MUST_CHECK;

/* Whether a name is a temporary file of ours, left by a run that was killed. */
bool atomic_is_temporary(const char *name);
