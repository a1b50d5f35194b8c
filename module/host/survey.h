/* SPDX-License-Identifier: MIT
 *
 * survey.h: gathers the facts and observes the paths of a system or an image. Reads only.
 */
#pragma once

#include "core/plan/desired.h"
#include "host/rootfs.h"
#include "host/systemd.h"

/* What the files say; with a manager also what runs. `program` is this program's own path on a live
 * system, used where it is not in one of its usual places; NULL otherwise. */
int survey_facts(const struct rootfs *root, struct systemd *m, const char *program,
                 struct facts *ret, struct error *error) MUST_CHECK;

/* The users alone: all that `check` needs. */
int survey_users(const struct rootfs *root, struct users *ret, struct error *error) MUST_CHECK;

/* The host keys' paths that sshd would use, as far as files tell. */
int survey_host_keys(const struct rootfs *root, struct argv *ret, struct error *error) MUST_CHECK;

int survey_units(const struct rootfs *root, struct systemd *m, struct units *ret,
                 struct error *error) MUST_CHECK;

/* One object per item, in an array the caller gives back to survey_free(). */
int survey_paths(const struct rootfs *root, const struct desired *d, struct observed **ret,
                 struct error *error) MUST_CHECK;
int survey_path(const struct rootfs *root, const struct item *i, struct observed *ret) MUST_CHECK;

/* Whether the open directory is the home that an item in one is about: his own, and not where a
 * link of his leads. In an image nobody puts one there meanwhile, and owners may not be known. */
bool survey_is_home(const struct rootfs *root, const struct item *i, int directory) MUST_CHECK;
void survey_free(struct observed *observed, size_t n);
