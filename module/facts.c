/* SPDX-License-Identifier: MIT
 *
 * facts.c: owns the memory of struct facts, nothing else.
 */
#include "facts.h"

void facts_free(struct facts *f)
{
        free(f->sshd);
        free(f->program);
        free(f->embedded);
        for (size_t i = 0; i < f->n_sshd_files; i++)
                free(f->sshd_files[i]);
        free(f->sshd_files);
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                unit_streams_free(&f->tcp[i].streams);
        users_free(&f->users);
        *f = (struct facts){ 0 };
}
