/* SPDX-License-Identifier: MIT
 *
 * survey-machine.h: the part of the survey that is about the machine around a running system: DMI,
 * containers, devices, transports. What it means is host-transport's. Reads only.
 */
#pragma once

#include "core/plan/host-transport.h"
#include "host/rootfs.h"

/* `word`: systemd's Virtualization. */
void survey_machine(const struct rootfs *root, const char *word, struct machine *ret);

/* As it is now: modules are loaded while we run. */
void survey_transports(const struct rootfs *root, struct transports *ret);
