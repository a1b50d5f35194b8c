/* SPDX-License-Identifier: MIT
 *
 * descriptor.h: what /proc/self/fd tells of an open descriptor, and does with it: what was looked
 * at is what is then read. Opens no path of the system's.
 */
#pragma once

#include "core/util/base.h"

/* The path of an open file, as the kernel knows it. 0 or −errno. */
int descriptor_path(int fd, char *buffer, size_t size) MUST_CHECK;

/* What an O_PATH descriptor is of, open to be read from: whatever has its name by now. Of a regular
 * file only, since the open of a device does something. -ENOSYS where there is no /proc. */
int descriptor_read_from(int probe) MUST_CHECK;
