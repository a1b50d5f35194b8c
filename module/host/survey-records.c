/* SPDX-License-Identifier: MIT
 *
 * survey-records.c: see survey-records.h. Reads only.
 */
#include "host/survey-records.h"

#include "core/plan/render.h"
#include "core/util/words.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

bool survey_is_plain_socket(const char *name)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789:_.-\\";
        size_t n = strspn(name, plain);

        return !name[n] && n > strlen(".socket") && n < 128 && text_ends(name, ".socket");
}

static int note_recorded(void *userdata, const char *unit)
{
        struct facts *f = userdata;

        return survey_is_plain_socket(unit) ? argv_add_once(&f->recorded, unit, SOCKETS_MAX) : 0;
}

/* Of all of them, each line of which is compared with a thousand others: links may lead to one file
 * a thousand times. */
#define BYTES_MAX ((size_t)1 << 20)

struct records {
        struct survey *s;
        unsigned closed;
        size_t bytes;
};

/* Adds what a preset records, if there is one. 0 or −errno. */
static int read_preset(struct records *all, const char *path, unsigned *ret)
{
        struct survey *s = all->s;
        AUTO_FREE char *preset = NULL;
        size_t len;
        int r = all->bytes > BYTES_MAX ? 0 : survey_read(s, path, &preset, &len);

        if (r > 0)
                all->bytes += len;
        if (all->bytes > BYTES_MAX)
                return r < 0 ? r : 0;
        if (r > 0)
                *ret |= preset_closed(preset, len);
        return r > 0 ? preset_each_closed(preset, len, note_recorded, s->facts) : r;
}

static int look_at_record(const char *name, void *userdata)
{
        struct records *all = userdata;
        char path[512];

        if (fnmatch(RECORD_PREFIX "*" RECORD_SUFFIX, name, 0) != 0)
                return 0;
        (void)snprintf(path, sizeof(path), PRESET_DIR "/%.256s", name);
        return read_preset(all, path, &all->closed);
}

int survey_records(struct survey *s, unsigned *ret)
{
        struct records all = { .s = s };
        int r = read_preset(&all, PATH_PRESET, &s->facts->joint_preset);

        if (r >= 0)
                r = survey_list(s, PRESET_DIR, look_at_record, &all);
        *ret = all.closed | s->facts->joint_preset;
        return r;
}
