/* SPDX-License-Identifier: MIT
 *
 * unit-file.h: the settings of a unit file, one after the other, as systemd reads its lines. What
 * they mean is the caller's business. Pure.
 */
#pragma once

#include "core/util/base.h"

/* Called for each setting, with its section ("" before the first) and without the blanks around;
 * the first return value below 0 ends the reading. The strings last for the call. */
typedef int (*unit_setting_fn)(void *userdata, const char *section, const char *key,
                               const char *value);

/* A line that is no setting comes with an empty key, and the line as value. 0, -ENOMEM, or what the
 * function returned. */
int unit_file_read(const char *text, size_t len, unit_setting_fn setting,
                   void *userdata) MUST_CHECK;
