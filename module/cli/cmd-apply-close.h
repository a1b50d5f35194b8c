/* SPDX-License-Identifier: MIT
 *
 * cmd-apply-close.h: between cmd-apply.c and cmd-apply-close.c only: the part of apply that closes.
 */
#pragma once

#include "cli/transaction.h"

/* Whether apply would close, or was to, and a conflict is in the way. */
bool apply_wants_to_close(const struct run *r);

/* Looks at whether somebody gets in, closes, verifies again; what fails is rolled back. Exit
 * status, said. */
int apply_close(struct run *r);
int apply_refuse_to_close(struct run *r);
void apply_say_kept(struct run *r, enum log_level level);

/* Where TCP is closed and opens on addresses: sshd's own word on them, before anything is written;
 * and after, before systemd hears of it, with the options of its unit: on a failure that stays
 * shut. 0 or −errno, in run.error. */
int apply_check_before_open(struct run *r) MUST_CHECK;
int apply_check_opened(struct run *r) MUST_CHECK;

/* The same of those that are in force. */
int apply_check_listen(struct run *r) MUST_CHECK;

/* Whether the plan came to that operation. */
bool apply_tried(const struct run *r, enum op_kind kind, const char *unit);
