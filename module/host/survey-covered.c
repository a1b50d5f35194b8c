/* SPDX-License-Identifier: MIT
 *
 * survey-covered.c: see survey-covered.h. Who follows the recipe may keep the units in
 * /usr/local/lib, and an image in /usr/lib: ours in /etc go before them by their directory alone.
 */
#include "host/survey-covered.h"

#include "host/survey-streams.h"

#include <errno.h>
#include <string.h>

/* As survey_covered_file() calls it; an empty file is a mask. */
static int take(void *userdata, const char *path, const char *text, size_t len)
{
        struct covered *c = userdata;

        if (len == 0)
                return 0;
        c->path = strdup(path);
        c->text = malloc(len + 1); /* all of it: a file may hold NUL */
        if (!c->path || !c->text)
                return -ENOMEM;
        memcpy(c->text, text, len);
        c->text[len] = '\0';
        c->len = len;
        return 0;
}

int survey_covered(struct survey *s)
{
        int r = survey_covered_file(s, UNIT_SOCKET, take, &s->facts->covered_socket);

        return r < 0 ? r : survey_covered_file(s, UNIT_TEMPLATE, take, &s->facts->covered_template);
}
