/* SPDX-License-Identifier: MIT
 *
 * survey-streams.h: the part of survey.c that is about the files of sshd's socket units: where they
 * listen without us. Reads only.
 */
#pragma once

#include "host/survey-read.h"

/* Fills the streams of the sockets among tcp. 0 or −errno. */
int survey_streams(struct survey *s) MUST_CHECK;
