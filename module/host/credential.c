/* SPDX-License-Identifier: MIT
 *
 * credential.c: see credential.h. Looks, and reads nothing. Encrypted ones are not looked for: they
 * need systemd-creds, and no verb but the boot's own would see them.
 */
#include "host/credential.h"

#include <errno.h>
#include <stdio.h>

/* Where PID 1 puts them (systemd, import-creds.c), and where nspawn does, to which not every
 * version has a link from there. */
static const char *const directories[] = { "/run/credentials/@system", "/run/host/credentials" };

int credential_find(const struct rootfs *root, const char *name, char **ret)
{
        int denied = 0;

        for (size_t i = 0; !root->image && i < ELEMENTSOF(directories); i++) {
                AUTO_FREE char *path = NULL;
                int r;

                if (asprintf(&path, "%s/%s", directories[i], name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = rootfs_exists(root, path);
                if (r > 0) {
                        *ret = TAKE_PTR(path);
                        return 1;
                }
                denied = r == -EACCES ? r : denied;
        }
        return denied;
}
