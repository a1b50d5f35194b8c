/* SPDX-License-Identifier: MIT
 *
 * desired-rivals.c: the part of the desired state that is about other units on our port (rivals.h).
 * A copy comes before what it is a copy of goes, and goes after that came back. Reads nothing.
 */
#include "core/plan/desired-list.h"

#include <stdio.h>
#include <string.h>

static void add_saved(struct maker *m, enum phase phase, const char *path)
{
        char copy[512];

        (void)snprintf(copy, sizeof(copy), "%s" SAVED_SUFFIX, path);
        (void)desired_add(m, ITEM_SAVED, phase, ITEM_RIVAL, copy);
}

static void differ(struct maker *m, const struct rival *r)
{
        if (m->error == 0 && r->different.len > 0)
                m->d.items[m->d.n - 1].different = buf_str(&r->different);
}

static void add_mask(struct maker *m, const struct rival *r)
{
        const enum phase phase = m->c ? PHASE_OPEN : PHASE_CLOSE;
        char path[256];

        if (m->c && r->different.len == 0)
                desired_add_record(m, phase, 0, r->name, true);
        if (!m->c && r->recorded)
                desired_add_record(m, phase, ITEM_LATE, r->name, false);
        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s", r->name);
        if (m->c && r->own)
                add_saved(m, phase, path);
        desired_add_link(m, phase, ITEM_UNIT | ITEM_RIVAL, path, "/dev/null", m->c);
        differ(m, r);
        if (!m->c && r->own)
                add_saved(m, phase, path);
}

static void add_file(struct maker *m, const struct rival *rival, const struct rival_file *file)
{
        const enum phase phase = m->c ? PHASE_OPEN : PHASE_CLOSE;
        AUTO_BUF b = BUF_INIT;
        struct item *i;
        int r = m->c ? rival_strip(file, m->c->port, &b) : file->saved;

        if (r < 0)
                m->error = r;
        if (r <= 0)
                return;
        if (m->c)
                add_saved(m, phase, file->path);
        i = desired_add(m, ITEM_FILE, phase, ITEM_UNIT | ITEM_RIVAL, file->path);
        if (m->c) {
                desired_want(m, i, &b);
                differ(m, rival);
        } else {
                add_saved(m, phase, file->path);
        }
}

void desired_add_rivals(struct maker *m, enum rival_kind kind)
{
        for (size_t k = 0; k < m->f->n_rivals; k++) {
                const struct rival *r = &m->f->rivals[k];

                if (r->kind != kind)
                        continue;
                if (kind == RIVAL_WHOLE)
                        add_mask(m, r);
                for (size_t i = 0; kind == RIVAL_STREAM && i < r->n_files; i++)
                        if (!r->files[i].foreign)
                                add_file(m, r, &r->files[i]);
        }
}

void desired_add_left_masks(struct maker *m)
{
        for (size_t k = 0; k < m->f->recorded.n; k++) {
                const char *name = m->f->recorded.list[k];
                const struct rival *r = rival_find(m->f, name);
                char path[256];

                if ((r && r->kind != RIVAL_ASIDE) || distro_is_tcp_unit(name))
                        continue;
                (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s", name);
                desired_add_link(m, PHASE_CLOSE, ITEM_UNIT | ITEM_RIVAL, path, "/dev/null", false);
                add_saved(m, PHASE_CLOSE, path);
                desired_add_record(m, PHASE_CLOSE, ITEM_LATE, name, false);
        }
}
