/* SPDX-License-Identifier: MIT
 *
 * cmd-apply-close.h: between cmd-apply.c and cmd-apply-close.c only: the part of apply that closes.
 */
#pragma once

#include "cli/transaction.h"

/* Whether apply would close, or was to, and a conflict is in the way. */
bool apply_wants_to_close(const struct run *r);

/* Whether addresses are written before anything is verified: TCP is closed, and opens on them. */
bool apply_opens_confined(const struct run *r);

/* Looks at whether somebody gets in, closes, verifies again; what fails then is undone. Exit
 * status, said. */
int apply_close(struct run *r);
int apply_refuse_to_close(struct run *r);
void apply_say_kept(struct run *r, enum log_level level);

/* sshd's own word on listen_address: before it is written, and after. 0 or −errno, in run.error. */
int apply_try_listen(struct run *r) MUST_CHECK;
int apply_check_listen(struct run *r) MUST_CHECK;

/* The same, and with the options of its unit, before systemd hears of what is to open; on a failure
 * that stays shut. */
int apply_check_confined(struct run *r) MUST_CHECK;

/* Whether the plan came to that operation. */
bool apply_tried(const struct run *r, enum op_kind kind, const char *unit);
