/* SPDX-License-Identifier: MIT
 *
 * journal.h: what the journal says about the door's last failures. The only reader of sd-journal.
 */
#pragma once

#include "causes.h"

/* Looks through what the door's units and sshd said in the last `seconds`, newest first, for a line
 * that names a cause. Returns it with the line in `line`, or CAUSE_NONE (also when there is no
 * journal) with the newest line of the door's units, if any. */
enum cause journal_cause(unsigned seconds, char *line, size_t size);
