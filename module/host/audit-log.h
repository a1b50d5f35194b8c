/* SPDX-License-Identifier: MIT
 *
 * audit-log.h: what auditd has written of the vsock listener. Where it runs and the journal has no
 * audit (systemd-journald-audit.socket is masked or off, as on Fedora), a denial stands nowhere
 * else.
 */
#pragma once

#include "core/plan/causes.h"

/* The newest line since then (realtime, in microseconds) that names a cause, and the cause;
 * CAUSE_NONE where there is none, or no such file. What is not printable ASCII is '?'. */
enum cause audit_log_denial(uint64_t since, char *line, size_t size);
