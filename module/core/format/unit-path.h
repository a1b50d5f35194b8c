/* SPDX-License-Identifier: MIT
 *
 * unit-path.h: a path as it has to stand in a unit file, so that systemd reads that very path.
 * Pure.
 */
#pragma once

#include "core/util/buf.h"

enum unit_place {
        UNIT_SETTING, /* all of a setting's value, as in ConditionFileIsExecutable= */
        UNIT_COMMAND, /* the program of a command line, as in ExecStart= */
};

/* Whether a unit can name it at all: absolute, valid UTF-8, nothing that breaks its line. */
bool unit_can_name(const char *path) MUST_CHECK;

void unit_add_path(struct buf *out, const char *path, enum unit_place place);
