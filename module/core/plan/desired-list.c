/* SPDX-License-Identifier: MIT
 *
 * desired-list.c: see desired-list.h. Appends and finds; of paths it knows those of records alone.
 */
#include "core/plan/desired-list.h"
#include "core/plan/render.h"

#include <errno.h>
#include <string.h>

struct item *desired_add(struct maker *m, enum item_kind kind, enum phase phase, unsigned flags,
                         const char *path)
{
        struct item *items = m->error < 0 ? NULL : list_room(m->d.items, m->d.n, sizeof(*items));
        char *copy = items ? strdup(path) : NULL;

        m->d.items = items ? items : m->d.items;
        if (!copy) {
                m->error = m->error < 0 ? m->error : -ENOMEM;
                return NULL;
        }
        items += m->d.n++;
        *items = (struct item){
                .kind = kind, .phase = phase, .flags = flags, .mode = 0644, .path = copy
        };
        return items;
}

void desired_want(struct maker *m, struct item *i, struct buf *b)
{
        if (!i || m->error < 0)
                return;
        m->error = buf_take(b, &i->content, &i->len);
        i->wanted = m->error == 0;
}

void desired_add_link(struct maker *m, enum phase phase, unsigned flags, const char *path,
                      const char *target, bool wanted)
{
        struct item *i = desired_add(m, ITEM_LINK, phase, flags, path);
        AUTO_BUF b = BUF_INIT;

        buf_adds(&b, target);
        desired_want(m, i, &b);
        if (i)
                i->wanted = wanted && m->error == 0;
}

void desired_add_record(struct maker *m, enum phase phase, unsigned flags, const char *unit,
                        bool wanted)
{
        AUTO_BUF path = BUF_INIT, b = BUF_INIT;
        struct item *i;

        buf_addf(&path, PRESET_DIR "/" RECORD_PREFIX "%s" RECORD_SUFFIX, unit);
        if (path.error < 0) {
                m->error = path.error;
                return;
        }
        i = desired_add(m, ITEM_FILE, phase, ITEM_DIRECTORY | ITEM_RECORD | flags, buf_str(&path));
        if (!wanted)
                return;
        render_record(unit, &b);
        desired_want(m, i, &b);
}

struct item *desired_find(struct maker *m, const char *path)
{
        for (size_t i = 0; i < m->d.n; i++)
                if (strcmp(m->d.items[i].path, path) == 0)
                        return &m->d.items[i];
        return NULL;
}
