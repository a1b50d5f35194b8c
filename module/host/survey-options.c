/* SPDX-License-Identifier: MIT
 *
 * survey-options.c: which options sshd's unit passes on, as far as environment files tell: those
 * that this distribution is known to have. Part of survey-sshd.h; reads only.
 */
#include "host/survey-sshd.h"

#include "core/format/exec-start.h"

#include <errno.h>
#include <string.h>

static bool assigns(const struct argv *env, const char *name)
{
        for (size_t i = 0; i < env->n; i++)
                if (strncmp(env->list[i], name, strlen(name)) == 0)
                        return true;
        return false;
}

/* Which of them the vendor's unit passes on, as our template does, and what that is. */
static int find_environment(struct survey *s, unsigned i)
{
        AUTO(argv_free) struct argv env = { 0 };
        AUTO(argv_free) struct argv word = { 0 };
        const struct sshd_environment *e = &distro_environments[i];
        AUTO_FREE char *text = NULL;
        size_t len;
        int r = survey_read_small(s, e->file, &text, &len);

        if (r > 0 && environment_parse(text, len, &env) < 0)
                return -ENOMEM;
        /* what cannot be read may well be what the unit passes on: it is no worse twice */
        if (r < 0 || (r > 0 && (strstr(text, e->must_contain) || assigns(&env, e->must_contain))))
                s->facts->environments |= 1u << i;
        if (r <= 0 || !(s->facts->environments & (1u << i)))
                return r < 0 ? r : 0;
        r = argv_adds(&word, e->variable);
        return r == 0 ? command_expand(&word, &env, &s->facts->sshd_options) : r;
}

int survey_sshd_options(struct survey *s)
{
        int first = 0;

        for (unsigned i = 0; i < N_SSHD_ENVIRONMENTS; i++) {
                int r = find_environment(s, i);

                first = first < 0 ? first : r;
        }
        return first;
}
