/* SPDX-License-Identifier: MIT
 *
 * object.c: owns the memory of struct object, and has the words for what is no file. Pure.
 */
#include "core/plan/object.h"

#include <sys/stat.h>

void object_free(struct object *o)
{
        free(o->data);
        free(o->path);
        *o = (struct object){ 0 };
}

const char *object_kind(mode_t mode)
{
        switch (mode & S_IFMT) {
        case S_IFDIR:
                return "a folder";
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
