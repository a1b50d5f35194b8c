/* SPDX-License-Identifier: MIT
 *
 * status-text.h: what `status` has seen, as one screen for a person; what was not looked at says
 * so.
 */
#pragma once

#include "cli/run.h"

void status_text(const struct run *r, struct buf *out);
