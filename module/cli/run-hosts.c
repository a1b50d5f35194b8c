/* SPDX-License-Identifier: MIT
 *
 * run-hosts.c: the part of run.h that is about the hosts entry: who UNKNOWN is in /etc/hosts, and
 * whether the C library asks that before DNS. Asks no name service: an answer of DNS takes as long
 * as a login that waits for it. Reads; changes nothing.
 */
#include "cli/run.h"

#include "core/format/nsswitch.h"

#include <errno.h>
#include <gnu/libc-version.h>

#define NSSWITCH_MAX ((size_t)64 << 10)

/* openSUSE's glibc takes the second where there is no first. Of an image the C library is not
 * known. */
static bool is_bypassed(const struct rootfs *root)
{
        static const char *const files[] = { "/etc/nsswitch.conf", "/usr/etc/nsswitch.conf" };
        enum nsswitch_hosts said = NSSWITCH_SILENT;
        int rc = -ENOENT;

        for (size_t i = 0; rc == -ENOENT && i < ELEMENTSOF(files); i++) {
                AUTO_FREE char *text = NULL;
                size_t len = 0;

                rc = rootfs_read(root, files[i], NSSWITCH_MAX, &text, &len, NULL);
                if (rc == 0)
                        said = nsswitch_hosts(text, len);
        }
        if (said == NSSWITCH_SILENT && !root->image)
                said = nsswitch_default(gnu_get_libc_version());
        return said == NSSWITCH_OTHERS;
}

void run_find_hosts(struct run *r)
{
        AUTO_FREE char *text = NULL;
        size_t len = 0;

        r->hosts.known =
                rootfs_read(&r->root, PATH_HOSTS, ROOTFS_FILE_MAX, &text, &len, NULL) < 0 ||
                hosts_file_inspect(text, len, &r->hosts.state, &r->hosts.address) == 0;
        r->hosts.bypassed = is_bypassed(&r->root);
}
