/* SPDX-License-Identifier: MIT
 *
 * observed.c: owns the memory of struct observed, and has the words for what is no file. Pure.
 */
#include "core/plan/observed.h"

#include <string.h>
#include <sys/stat.h>

void observed_free(struct observed *o)
{
        free(o->data);
        free(o->path);
        *o = (struct observed){ 0 };
}

bool observed_is_mask(const struct observed *o)
{
        return o->type == OBSERVED_LINK && strcmp(o->data, "/dev/null") == 0;
}

bool observed_enables(const struct observed *o, const char *unit)
{
        if (o->type != OBSERVED_LINK)
                return false;
        return strcmp(o->data, unit) == 0 ||
               (strncmp(o->data, "../", 3) == 0 && strcmp(o->data + 3, basename(unit)) == 0);
}

const char *observed_kind(mode_t mode)
{
        switch (mode & S_IFMT) {
        case S_IFDIR:
                return "a directory";
        case S_IFIFO:
                return "a FIFO";
        case S_IFCHR:
        case S_IFBLK:
                return "a device";
        case S_IFSOCK:
                return "a socket";
        case S_IFLNK:
                return "a link";
        }
        return "of an unknown kind";
}
