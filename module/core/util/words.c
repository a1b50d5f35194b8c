/* SPDX-License-Identifier: MIT
 *
 * words.c: see words.h. Allocates and copies; it does nothing else.
 */
#include "core/util/words.h"

#include <errno.h>
#include <string.h>

int words_add(struct words *w, const char *text, size_t len)
{
        char *copy = strndup(text, len);
        char **list = copy ? reallocarray(w->list, w->n + 2, sizeof(*list)) : NULL;

        if (!list) {
                free(copy);
                return -ENOMEM;
        }
        w->list = list;
        list[w->n++] = copy;
        list[w->n] = NULL;
        return 0;
}

int words_adds(struct words *w, const char *text)
{
        return words_add(w, text, strlen(text));
}

bool words_has(const struct words *w, const char *text)
{
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->list[i], text) == 0)
                        return true;
        return false;
}

void words_free(struct words *w)
{
        for (size_t i = 0; i < w->n; i++)
                free(w->list[i]);
        free(w->list);
        *w = (struct words){ 0 };
}
