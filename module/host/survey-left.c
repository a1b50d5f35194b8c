/* SPDX-License-Identifier: MIT
 *
 * survey-left.c: see survey-left.h. Whoever takes an Include out leaves our prefix in the files
 * that it named. All that were included from elsewhere cannot be known: the usual places are looked
 * at. A file goes by its path without links, as survey-sshd.c has it: two names are one edit too
 * many.
 */
#include "host/survey-left.h"

#include "core/format/sshd-config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 1 where something is ours. */
static int has_ours(const char *text, size_t len)
{
        AUTO_BUF bare = BUF_INIT, plain = BUF_INIT;

        sshd_config_uncomment(text, len, &bare);
        sshd_config_set_block(buf_str(&bare), bare.len, NULL, &plain);
        if (bare.error < 0 || plain.error < 0)
                return -ENOMEM;
        return plain.len != len || memcmp(buf_str(&plain), text, len) != 0;
}

/* Of all of them: links may lead to one file a thousand times, and a file of holes costs an image
 * nothing. */
#define BYTES_MAX ((size_t)32 << 20)
/* Names looked at; and those with something of ours, each of which is compared with all others. */
#define NAMES_MAX 2048
#define LEFT_MAX  1024

struct left {
        struct survey *s;
        char *main; /* sshd_config, without links */
        size_t names, bytes;
};

static void left_free(struct left *all)
{
        free(all->main);
}

/* False when it is too much: the rest is left out, and the facts say so. */
static bool goes_on(const struct left *all)
{
        struct facts *f = all->s->facts;
        const bool beyond =
                all->names > NAMES_MAX || all->bytes > BYTES_MAX || f->sshd_left.n >= LEFT_MAX;

        f->sshd_beyond = f->sshd_beyond || beyond;
        return !beyond;
}

static int look_at(struct left *all, const char *path)
{
        struct survey *s = all->s;
        struct observed o = { 0 };
        int r = 0;

        if (argv_has(&s->facts->sshd_files, path) || argv_has(&s->facts->sshd_left, path) ||
            strcmp(path, PATH_SSHD_DROPIN) == 0)
                return 0;
        r = rootfs_look(s->root, path, ROOTFS_FILE_MAX, &o);
        if (r == 0 && o.type == OBSERVED_FILE) {
                all->bytes += o.len;
                r = has_ours(o.data, o.len);
        }
        observed_free(&o);
        if (r == -EACCES && s->facts->anybody)
                return 0; /* for root to see */
        if (r < 0)
                return error_set(s->error, r, "cannot look at %s%s", s->root->path, path);
        return r > 0 ? argv_adds(&s->facts->sshd_left, path) : 0;
}

static int look_at_name(const char *name, void *userdata)
{
        struct left *all = userdata;
        AUTO_FREE char *real = NULL;
        char path[512];
        int r;

        all->names++;
        if (!goes_on(all))
                return 0;
        (void)snprintf(path, sizeof(path), SSHD_DROPIN_DIR "/%.256s", name);
        r = rootfs_real_path(all->s->root, path, &real);
        if (r == -ENOMEM)
                return r;
        if (r == 0 && all->main && strcmp(real, all->main) == 0)
                return 0;
        return look_at(all, r == 0 ? real : path);
}

int survey_left(struct survey *s)
{
        AUTO(left_free) struct left all = { .s = s };
        int r = look_at(&all, PATH_SSHD_CONFIG);

        if (r == 0 && rootfs_real_path(s->root, PATH_SSHD_CONFIG, &all.main) == -ENOMEM)
                r = -ENOMEM;
        return r < 0 ? r : survey_list(s, SSHD_DROPIN_DIR, look_at_name, &all);
}
