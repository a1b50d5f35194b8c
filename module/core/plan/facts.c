/* SPDX-License-Identifier: MIT
 *
 * facts.c: owns the memory of struct facts, and says what follows from what stands in it.
 */
#include "core/plan/facts.h"

static void covered_free(struct covered *c)
{
        free(c->path);
        free(c->text);
}

void facts_free(struct facts *f)
{
        free(f->sshd);
        free(f->program);
        free(f->embedded);
        argv_free(&f->sshd_files);
        sshd_settings_free(&f->sshd_settings);
        argv_free(&f->sshd_options);
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                unit_streams_free(&f->tcp[i].streams);
        argv_free(&f->sockets);
        argv_free(&f->sshd_left);
        argv_free(&f->sshd_listen);
        argv_free(&f->own_tcp);
        argv_free(&f->late_tcp);
        argv_free(&f->recorded);
        covered_free(&f->covered_socket);
        covered_free(&f->covered_template);
        for (size_t i = 0; i < f->n_rivals; i++)
                rival_free(&f->rivals[i]);
        free(f->rivals);
        users_free(&f->users);
        *f = (struct facts){ 0 };
}

const char *facts_host_key(const struct facts *f, size_t i)
{
        const struct argv *keys = &f->sshd_settings.host_keys;

        if (keys->n > 0)
                return i < keys->n ? keys->list[i] : NULL;
        return distro_host_keys[i];
}

bool facts_has_unit(const struct tcp_unit *t)
{
        return t->vendor || t->foreign;
}
