/* SPDX-License-Identifier: MIT
 *
 * survey.h: gathers the facts and observes the paths of a system or an image. Reads only.
 */
#pragma once

#include "core/plan/desired.h"
#include "host/manager.h"
#include "host/rootfs.h"

/* What the files say; with a manager also what runs. `program` is this program's own path on a live
 * system, used where it is not in one of its usual places; NULL otherwise. */
int survey_facts(const struct rootfs *root, struct manager *m, const char *program,
                 struct facts *ret, struct why *why) MUST_CHECK;

/* The users alone: all that `check` needs. */
int survey_users(const struct rootfs *root, struct users *ret, struct why *why) MUST_CHECK;

/* The host keys' paths that sshd would use, as far as files tell. */
int survey_host_keys(const struct rootfs *root, struct words *ret, struct why *why) MUST_CHECK;

int survey_units(struct manager *m, struct units *ret, struct why *why) MUST_CHECK;

/* One object per item, in an array the caller gives back to survey_free(). */
int survey_objects(const struct rootfs *root, const struct desired *d, struct object **ret,
                   struct why *why) MUST_CHECK;
int survey_object(const struct rootfs *root, const struct item *i, struct object *ret) MUST_CHECK;
void survey_free(struct object *objects, size_t n);
