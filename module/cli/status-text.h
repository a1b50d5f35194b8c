/* SPDX-License-Identifier: MIT
 *
 * status-text.h: what `status` has seen, as one screen for a person. Its rows are always the same:
 * one of what was not looked at says so.
 */
#pragma once

#include "cli/run.h"

void status_text(const struct run *r, struct buf *out);

/* What differs from the configuration, one line each; the text names them, too, from run.drift. */
void status_drift(const struct run *r, struct buf *out);

/* Whether somebody goes without a .hushlogin who is to have one. */
bool status_lacks_hushlogin(const struct run *r);
