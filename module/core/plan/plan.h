/* SPDX-License-Identifier: MIT
 *
 * plan.h: desired minus observed: the operations that `plan` prints and `apply` runs, the very same
 * ones. Pure.
 */
#pragma once

#include "core/plan/desired.h"
#include "core/plan/observed.h"

enum op_kind {
        OP_WRITE,   /* replace the file atomically */
        OP_LINK,    /* create or replace a symlink of ours */
        OP_UNLINK,  /* delete what is ours */
        OP_LABEL,   /* give a file of ours the label that SELinux's policy wants for it */
        OP_MODULE,  /* load a kernel module; failing is not fatal, VERIFY will tell */
        OP_RELOAD,  /* systemd's daemon-reload */
        OP_START,   /* … a unit, and wait for the job */
        OP_RESTART, /* … stop, then start */
        OP_STOP,    /* … */
        OP_REFRESH, /* let a running unit re-read its configuration */
};

struct op {
        enum op_kind kind;
        enum phase phase;
        /* path, unit or module; static, or owned by what the plan was made from */
        const char *name;
        const struct item *item;       /* file operations only */
        const struct observed *before; /* … what was there */
        char *content;                 /* OP_WRITE: bytes, OP_LINK: target; owned */
        size_t len;
        bool tried;   /* apply_phase() came to it */
        bool changed; /* … and the file is another one since, durable or not */
        bool done;    /* … and it succeeded */
        mode_t mode;  /* OP_WRITE */
        uint32_t uid, gid;
};

/* What cannot be done for a conflict; all else is. */
enum blocks {
        BLOCKS_NOTHING,  /* only what it is itself */
        BLOCKS_CLOSE,    /* TCP stays as it is */
        BLOCKS_LISTENER, /* there is no vsock listener without it, and so nothing else */
};

/* A path that is not ours in the way of one that has to be. */
struct conflict {
        const char *path;
        bool masked; /* a unit of the vsock listener: the vsock listener cannot answer */
        enum blocks blocks;
        char reason[640];
};

/* A file that is wanted and has no place to be: a home that is out of reach. */
struct skip {
        const char *path;
        const char *reason; /* static */
};

/* Which file it is, whatever its path. */
struct file_id {
        uint64_t device, inode;
};

struct plan {
        struct op *ops; /* in order of execution */
        size_t n;
        struct conflict *conflicts;
        size_t n_conflicts;
        struct skip *skipped;
        size_t n_skipped;
        struct file_id *flags; /* in homes, wanted and there, by their inodes */
        size_t n_flags;
        bool moved;                /* a conflict: a drop-in has our socket listen elsewhere */
        const struct facts *facts; /* what it was made from: of an image, or of what runs */
};

/* `observed` has one entry per item of `desired`; `units` is NULL where there is no manager to ask.
 * All three and `facts` must outlive the plan. 0 or -ENOMEM; conflicts are in the plan. */
int plan_make(const struct desired *desired, const struct observed *observed,
              const struct facts *facts, const struct units *units, struct plan *ret) MUST_CHECK;

/* Which operations are meant; what is left out may be anything. */
struct op_query {
        unsigned phases;  /* of these, as BIT(PHASE_…) */
        unsigned kinds;   /* of these, as BIT(OP_…) */
        unsigned flags;   /* of a file with one of these: ITEM_… */
        const char *name; /* of that path, unit or module */
        bool wanted;      /* of a file that is to be there */
        bool job;         /* of no file */
        bool tcp;         /* … and about a TCP unit */
        bool tried, changed, done;
};

/* The first such operation behind `after`, which may be NULL; NULL: there is none (any more). */
const struct op *plan_find(const struct plan *p, const struct op *after, const struct op_query *q);
#define PLAN_FIRST(p, ...) plan_find((p), NULL, &(const struct op_query){ __VA_ARGS__ })

/* Whether there is anything to do in a phase. */
bool plan_has(const struct plan *p, enum phase phase);

/* Whether it gives a vsock listener that is there another port. */
bool plan_moves_port(const struct plan *p);

/* Whether a file operation of it is about that other unit on our port. */
bool plan_touches(const struct plan *p, const char *unit);

/* The most that a conflict of the plan blocks. */
enum blocks plan_blocked(const struct plan *p);

/* What has to come before the CLOSE phase. */
enum closing {
        CLOSING_VERIFIED, /* verification, in the same run */
        CLOSING_DEFERRED, /* the first boot, and verification there */
        CLOSING_BLIND,    /* nothing: --no-verify */
};

/* Appends unified diffs and one line per other operation; what comes before closing is said there.
 * Control characters of foreign files are made visible. */
void plan_print(const struct plan *p, enum closing how, struct buf *out);

/* One line: "# 9 to write, 1 to start". Nothing where there is nothing to do. */
void plan_print_summary(const struct plan *p, struct buf *out);

/* One operation alone. */
void plan_print_op(const struct op *op, struct buf *out);

/* A stable word for machines: "write", "restart", … */
const char *op_kind_name(enum op_kind kind);

/* One operation in words, as progress line: "write /etc/hosts". */
void op_describe(const struct op *op, struct buf *out);

void plan_free(struct plan *p);
