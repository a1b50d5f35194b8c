/* SPDX-License-Identifier: MIT
 *
 * transaction.h: what the verbs that write have in common: apply and remove.
 */
#pragma once

#include "cli/run.h"

/* From the command line to a plan that may begin, under the lock, with nothing left of a killed
 * run. `remove` plans towards nothing of ours, and needs no configuration. Exit status; without a
 * plan where run.removed is set. */
int transaction_prepare(struct run *r, bool remove) MUST_CHECK;

/* Runs one phase and says each step. 0 or −errno, the reason in run.error. */
int transaction_run(struct run *r, enum phase phase) MUST_CHECK;

/* The last phase: what fails there is said, and costs nothing. */
void transaction_run_extras(struct run *r);
