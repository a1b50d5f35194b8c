/* SPDX-License-Identifier: MIT
 *
 * holder.h: who listens on a vsock port. Changes nothing.
 */
#pragma once

#include "base.h"

#include <sys/types.h>

/* Writes "NAME, process ID" of a holder of the port into `text`. Its ID; -ENOENT where nobody
 * listens, or where it is somebody whom /proc does not show (another WSL distribution); −errno
 * where the kernel cannot be asked. */
pid_t holder_find(uint32_t port, char *text, size_t size) MUST_CHECK;
