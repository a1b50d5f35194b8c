/* SPDX-License-Identifier: MIT
 *
 * config-users.h: the keys of the configuration whose value is users: hushlogin and require_login.
 * Between config.c and config-users.c only. Pure.
 */
#pragma once

#include "core/format/schema.h"

struct user_name;

/* Readers of a struct config, as struct field wants them. */
int config_read_hushlogin(const struct value *v, void *target) MUST_CHECK;
int config_read_require(const struct value *v, void *target) MUST_CHECK;

void user_names_free(struct user_name *list, size_t n);
