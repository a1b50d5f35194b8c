/* SPDX-License-Identifier: MIT
 *
 * journal.h: what the journal says about the last failures of the vsock listener, and of other
 * units. The only reader of sd-journal.
 */
#pragma once

#include "core/plan/causes.h"

/* Looks through what the vsock listener's units, sshd and the kernel said since then (realtime, in
 * microseconds), newest first, for a line that names a cause. Returns it with the line in `line`,
 * or CAUSE_NONE (also when there is no journal) with the line of the vsock listener's own that
 * tells most, if any: sshd's last words before systemd's. Where sshd named an option or a key in a
 * line before, that one stands in front. What is not printable ASCII is '?'. */
enum cause journal_cause(uint64_t since, char *line, size_t size);

/* What a unit's processes, or systemd of it, said since then (realtime, in microseconds): the line
 * that tells most. "" where nothing was said. */
void journal_last_words(const char *unit, uint64_t since, char *line, size_t size);
