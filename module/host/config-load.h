/* SPDX-License-Identifier: MIT
 *
 * config-load.h: gets the configuration's bytes from where the user said, and refuses sources that
 * a configuration must not come from.
 */
#pragma once

#include "core/util/config-error.h"
#include "host/rootfs.h"

/* Reads it into *ret (NUL-terminated, caller frees). `config` NULL is the default path inside the
 * root, where absence means an empty text; "-" is standard input; other names are on this system,
 * also with an image. `trusted` refuses a file that others than root can write. -EBADMSG with the
 * fault in `d`, or what went wrong in the world. */
int config_load_read(const struct rootfs *root, const char *config, bool trusted,
                     struct config_error *d, char **ret, size_t *ret_len) MUST_CHECK;

/* The same for a path inside the root. */
int config_load_path(const struct rootfs *root, const char *path, bool trusted,
                     struct config_error *d, char **ret, size_t *ret_len) MUST_CHECK;

/* The name that messages give it. */
const char *config_load_name(const char *config);
