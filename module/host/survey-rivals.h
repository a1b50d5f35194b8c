/* SPDX-License-Identifier: MIT
 *
 * survey-rivals.h: the part of survey.c that is about socket units: where those of sshd's listen
 * without us, and which units have a stream on vsock. Reads only.
 */
#pragma once

#include "host/survey-read.h"
#include "host/systemd.h"

/* Fills the streams of the sockets among tcp, and the rivals, sorted by name; after what is enabled
 * and recorded. 0 or −errno. */
int survey_rivals(struct survey *s) MUST_CHECK;

/* What systemd says of the rivals. 0 or −errno. */
int survey_live_rivals(struct systemd *m, struct facts *f, struct error *error) MUST_CHECK;
