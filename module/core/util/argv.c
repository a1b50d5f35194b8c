/* SPDX-License-Identifier: MIT
 *
 * argv.c: see argv.h. Allocates and copies; it does nothing else.
 */
#include "core/util/argv.h"

#include <errno.h>
#include <string.h>

int argv_add(struct argv *w, const char *text, size_t len)
{
        char *copy = strndup(text, len);
        char **list = copy ? list_room(w->list, w->n + 1, sizeof(*list)) : NULL;

        if (!list) {
                free(copy);
                return -ENOMEM;
        }
        w->list = list;
        list[w->n++] = copy;
        list[w->n] = NULL;
        return 0;
}

int argv_adds(struct argv *w, const char *text)
{
        return argv_add(w, text, strlen(text));
}

bool argv_has(const struct argv *w, const char *text)
{
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->list[i], text) == 0)
                        return true;
        return false;
}

int argv_add_once(struct argv *w, const char *text, size_t most)
{
        return w->n >= most || argv_has(w, text) ? 0 : argv_adds(w, text);
}

void argv_free(struct argv *w)
{
        for (size_t i = 0; i < w->n; i++)
                free(w->list[i]);
        free(w->list);
        *w = (struct argv){ 0 };
}
