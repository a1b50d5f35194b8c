/* SPDX-License-Identifier: MIT
 *
 * plan-print.c: a plan in words: diffs for files, one line for everything else. Renders into a
 * buffer; prints nothing itself.
 */
#include "core/plan/plan.h"
#include "core/util/printable.h"
#include "core/util/udiff.h"

#include <string.h>

static const struct {
        const char *name;
        const char *words;
        const char *counted; /* in a summary; NULL: not worth a word */
} kinds[] = {
        [OP_WRITE] = { "write", "write", "to write" },
        [OP_LINK] = { "link", "link", "to link" },
        [OP_UNLINK] = { "remove", "remove", "to remove" },
        [OP_LABEL] = { "label", "restorecon", "to relabel" },
        [OP_MODULE] = { "module", "modprobe", "to load" },
        [OP_RELOAD] = { "daemon-reload", "systemctl", NULL },
        [OP_START] = { "start", "systemctl start", "to start" },
        [OP_RESTART] = { "restart", "systemctl restart", "to restart" },
        [OP_STOP] = { "stop", "systemctl stop", "to stop" },
        [OP_REFRESH] = { "reload", "systemctl reload", "to reload" },
};

const char *op_kind_name(enum op_kind kind)
{
        return kinds[kind].name;
}

static bool is_taking_over(const struct op *op)
{
        return op->kind == OP_WRITE && op->item && op->item->kind == ITEM_SAVED;
}

void op_describe(const struct op *op, struct buf *out)
{
        if (is_taking_over(op)) {
                buf_adds(out, "take over ");
                printable_line(out, op->name, strlen(op->name) - strlen(SAVED_SUFFIX));
                buf_adds(out, ", kept as ");
                printable_line(out, op->name, strlen(op->name));
                return;
        }
        if (op->kind == OP_LINK && (op->item->flags & ITEM_RIVAL)) {
                const char *unit = basename(op->name);

                buf_adds(out, "take over ");
                printable_line(out, unit, strlen(unit));
                buf_adds(out, ": ");
        }
        buf_addf(out, "%s ", kinds[op->kind].words);
        printable_line(out, op->name, strlen(op->name));
        if (op->kind == OP_LINK) {
                buf_adds(out, " -> ");
                printable_line(out, op->content, strlen(op->content));
        }
}

static struct udiff_side side_before(const struct op *op)
{
        const struct observed *b = op->before;

        if (b->type == OBSERVED_FILE)
                return (struct udiff_side){ op->name, b->data, b->len };
        return (struct udiff_side){ .label = op->name };
}

static void print_write(const struct op *op, struct buf *out)
{
        const struct observed *b = op->before;
        struct udiff_side from = side_before(op);
        struct udiff_side to = { .label = op->name, .text = op->content, .len = op->len };

        if (b->type == OBSERVED_FILE &&
            (b->mode != op->mode || b->uid != op->uid || b->gid != op->gid)) {
                buf_addf(out, "mode %04o %u:%u -> %04o %u:%u ", b->mode, b->uid, b->gid, op->mode,
                         op->uid, op->gid);
                printable_line(out, op->name, strlen(op->name));
                buf_adds(out, "\n");
        }
        udiff(&from, &to, out);
}

void plan_print_op(const struct op *op, struct buf *out)
{
        if (op->kind == OP_WRITE && !is_taking_over(op)) {
                print_write(op, out);
        } else if (op->kind == OP_UNLINK && op->before->type == OBSERVED_FILE) {
                struct udiff_side from = side_before(op), to = { .label = op->name };

                udiff(&from, &to, out);
        } else {
                op_describe(op, out);
                buf_adds(out, "\n");
        }
}

void plan_print(const struct plan *p, enum closing how, struct buf *out)
{
        static const char *const before[] = {
                [CLOSING_VERIFIED] = "# only after verification:\n",
                [CLOSING_DEFERRED] = "# left to the first boot, after verification there:\n",
                [CLOSING_BLIND] = "# without verification (--no-verify):\n",
        };
        bool closing = false;

        for (size_t k = 0; k < p->n; k++) {
                if (p->ops[k].phase == PHASE_CLOSE && !closing) {
                        closing = true;
                        buf_adds(out, before[how]);
                }
                plan_print_op(&p->ops[k], out);
        }
}

void plan_print_summary(const struct plan *p, struct buf *out)
{
        const char *word = "# ";

        for (size_t kind = 0; kind < ELEMENTSOF(kinds); kind++) {
                size_t n = 0;

                for (size_t k = 0; k < p->n; k++)
                        n += p->ops[k].kind == kind;
                if (n == 0 || !kinds[kind].counted)
                        continue;
                buf_addf(out, "%s%zu %s", word, n, kinds[kind].counted);
                word = ", ";
        }
        if (word[0] == ',')
                buf_adds(out, "\n");
}
