/* SPDX-License-Identifier: MIT
 *
 * drop-ins.c: see drop-ins.h. Asks systemd which files are in force, and reads them; what their
 * settings mean is for people to judge.
 */
#include "cli/drop-ins.h"

#include "core/format/unit-file.h"
#include "core/util/words.h"

#include <errno.h>
#include <string.h>

static int list_settings(const char *text, size_t len, struct buf *b)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };

        for (struct unit_setting s; unit_file_next(&file, &s);)
                if (s.key[0] && !word_is_in(buf_str(b), s.key, strlen(s.key)))
                        buf_add_word(b, s.key, strlen(s.key));
        return file.error < 0 ? file.error : b->error;
}

static int add_file(struct run *r, const char *path)
{
        AUTO_FREE char *text = NULL;
        AUTO_BUF settings = BUF_INIT;
        size_t len = 0;
        int rc;

        if (argv_has(&r->drop_ins.paths, path))
                return 0;
        rc = rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, &len, NULL);
        if (rc == 0)
                rc = list_settings(text, len, &settings);
        if (rc == -ENOMEM)
                return rc;
        rc = argv_adds(&r->drop_ins.paths, path);
        return rc < 0 ? rc : argv_adds(&r->drop_ins.settings, buf_str(&settings));
}

static int add_unit(struct run *r, const char *unit)
{
        AUTO_BUF files = BUF_INIT;
        char *rest = NULL;
        int rc = 0;

        /* what cannot be asked is no failure: the verbs have more to say */
        if (!unit[0] || systemd_unit_files(r->systemd, unit, &files, NULL) < 0 || !files.data)
                return files.error;
        for (char *path = strtok_r(files.data, "\n", &rest); path && rc == 0;
             path = strtok_r(NULL, "\n", &rest))
                if (strstr(path, ".d/") && !distro_is_common_dropin(path))
                        rc = add_file(r, path);
        return rc;
}

int drop_ins_find(struct run *r)
{
        static const char *const ours[] = { UNIT_HOSTKEYS, UNIT_KEYGEN, UNIT_CREDENTIAL,
                                            UNIT_PROVISION };
        char service[256] = "";
        int rc;

        if (!r->systemd)
                return 0;
        if (systemd_socket_service(r->systemd, r->listener, service, sizeof(service), NULL) < 0)
                service[0] = '\0';
        rc = add_unit(r, r->listener);
        if (rc == 0)
                rc = add_unit(r, service);
        for (size_t i = 0; rc == 0 && i < ELEMENTSOF(ours); i++)
                rc = add_unit(r, ours[i]);
        r->drop_ins.known = rc == 0;
        return rc;
}
