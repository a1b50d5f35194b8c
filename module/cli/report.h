/* SPDX-License-Identifier: MIT
 *
 * report.h: a run as one JSON document: what was asked, what was found, what was done and how it
 * ended. schemas/sshd-vsock.report.schema.json describes it. Renders; prints nothing.
 */
#pragma once

#include "cli/run.h"

/* `verb` is NULL where the command line names none. */
void report_json(const struct run *r, const char *verb, int status, struct buf *out);

/* Its member "client". Between report.c and report-client.c only. */
struct json;
void report_client(struct json *j, const struct run *r);
