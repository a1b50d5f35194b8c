/* SPDX-License-Identifier: MIT
 *
 * observed.c: owns the memory of struct observed, and has the words for what is no file. Pure.
 */
#include "core/plan/observed.h"

#include "core/util/words.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void observed_free(struct observed *o)
{
        free(o->data);
        free(o->path);
        *o = (struct observed){ 0 };
}

/* The target as it is from the directory of the link on, by its words. */
bool observed_is_mask(const struct observed *o, const char *path)
{
        char full[8192];
        const char *at = full;
        size_t n = 0;

        if (o->type != OBSERVED_LINK)
                return o->type == OBSERVED_FILE && o->len == 0;
        (void)snprintf(full, sizeof(full), "%.*s/%s",
                       o->data[0] == '/' ? 0 : (int)(basename(path) - path), path, o->data);
        for (struct word w; word_next(&at, '/', &w);) {
                if (word_is(&w, "..")) {
                        while (n > 0 && full[--n] != '/')
                                ;
                } else if (w.len > 0 && !word_is(&w, ".")) {
                        full[n++] = '/';
                        memmove(full + n, w.text, w.len);
                        n += w.len;
                }
        }
        return n == strlen("/dev/null") && memcmp(full, "/dev/null", n) == 0;
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
