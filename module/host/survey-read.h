/* SPDX-License-Identifier: MIT
 *
 * survey-read.h: the survey's eyes. What is absent is a finding, what cannot be read is a failure:
 * taken for absent, a TCP unit would stay open or a mask of ours become foreign. Says which path
 * failed, and why. Reads only.
 */
#pragma once

#include "core/plan/facts.h"
#include "host/rootfs.h"

struct survey {
        const struct rootfs *root;
        struct facts *facts;
        struct error *error;
        uint64_t begun; /* microseconds of the processor's time, 0: not yet; what takes three
                         * seconds more of it fails, all that is below */
};

/* 1: it is there; 0: nothing of the kind is; −errno, said in s->error. */
int survey_is_file(struct survey *s, const char *path, bool executable) MUST_CHECK;
int survey_is_trusted(struct survey *s, const char *path) MUST_CHECK; /* see trusted-path.h */
int survey_exists(struct survey *s, const char *path) MUST_CHECK;
int survey_read(struct survey *s, const char *path, char **ret, size_t *ret_len) MUST_CHECK;

/* The same of what is a few lines in earnest: a larger file was not read, and is not absent. */
#define SURVEY_SMALL_MAX ((size_t)64 << 10)
int survey_read_small(struct survey *s, const char *path, char **ret, size_t *ret_len) MUST_CHECK;

/* As rootfs_look(), up to ROOTFS_FILE_MAX; the same of what is a link in earnest: of anything else
 * nothing is read; and whether a unit's mask is there, links to links and to empty files among
 * them. */
int survey_look(struct survey *s, const char *path, struct observed *ret) MUST_CHECK;
int survey_look_at_link(struct survey *s, const char *path, struct observed *ret) MUST_CHECK;
int survey_is_mask(struct survey *s, const char *path) MUST_CHECK;

/* Whether what stands in a *.wants is a mask, and no link to a unit: that may be masked itself, by
 * us, and is wanted again when it is not. So is what is no link at all: systemd ignores it, and
 * with it those of the same name in directories behind (load-dropin.c, process_deps()). */
int survey_is_masked_want(struct survey *s, const char *path) MUST_CHECK;

/* rootfs_list() with the survey itself as userdata, or with `userdata` where there is one. */
int survey_list(struct survey *s, const char *path, int (*each)(const char *name, void *userdata),
                void *userdata) MUST_CHECK;
