/* SPDX-License-Identifier: MIT
 *
 * other-access-condition.c: the part of other-access.h that is about files which keep an sshd from
 * starting: Debian's units have ConditionPathExists=!/etc/ssh/sshd_not_to_be_run. What is there now
 * says nothing of an sshd that runs, all of one that is to start. Looks; changes nothing.
 */
#include "cli/other-access-parts.h"

#include "core/format/unit-file.h"
#include "host/survey-streams.h"

#include <errno.h>
#include <string.h>

#define BARS_MAX 64

struct bars {
        const struct rootfs *root;
        struct argv paths; /* of one unit */
};

/* Of what a boot makes anew nothing is known; nor of what a specifier stands for. */
static bool is_there(const struct bars *b, const char *path)
{
        return path[0] == '/' && !strchr(path, '%') && strncmp(path, "/run/", 5) != 0 &&
               rootfs_exists(b->root, path) > 0;
}

/* As survey_unit_files() calls it. An empty condition takes back those before it. */
static int read_bars(void *userdata, const char *path, const char *text, size_t len)
{
        struct bars *b = userdata;
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        int r = 0;

        (void)path;
        for (struct unit_setting s; r == 0 && unit_file_next(&file, &s);) {
                if (!unit_setting_is(&s, "Unit", "ConditionPathExists"))
                        continue;
                if (!s.value[0])
                        argv_free(&b->paths);
                else if (s.value[0] == '!' && is_there(b, s.value + 1))
                        r = argv_add_once(&b->paths, s.value + 1, BARS_MAX);
        }
        return r < 0 ? r : file.error;
}

static int read_file(struct bars *b, const char *path)
{
        AUTO_FREE char *text = NULL;
        size_t len;

        if (!path[0] || !systemd_file_lasts(path) ||
            rootfs_read(b->root, path, ROOTFS_FILE_MAX, &text, &len, NULL) < 0)
                return 0;
        return read_bars(b, path, text, len);
}

static int read_live(const struct run *r, const char *unit, struct bars *b)
{
        AUTO_BUF files = BUF_INIT;
        int rc = systemd_unit_files(r->systemd, unit, &files, NULL) == -ENOMEM ? -ENOMEM : 0;

        for (char *path = files.data, *end; rc == 0 && path && (end = strchr(path, '\n'));
             path = end + 1) {
                *end = '\0';
                rc = read_file(b, path);
        }
        return rc;
}

/* What is behind a socket does not start either, and whoever connects is sent away. */
bool other_access_is_barred(const struct run *r, const char *unit, struct argv *ret_paths)
{
        const char *const units[] = { unit, distro_service_of(unit) };
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < ELEMENTSOF(units); i++) {
                struct facts facts = r->facts; /* to be read */
                struct error error = { 0 };
                struct survey s = { .root = &r->root, .facts = &facts, .error = &error };
                struct bars b = { .root = &r->root };

                if (!units[i])
                        continue;
                rc = r->root.image ? survey_unit_files(&s, units[i], read_bars, &b)
                                   : read_live(r, units[i], &b);
                for (size_t k = 0; k < b.paths.n; k++)
                        rc = argv_add_once(ret_paths, b.paths.list[k], BARS_MAX);
                argv_free(&b.paths);
        }
        return ret_paths->n > 0;
}
