/* SPDX-License-Identifier: MIT
 *
 * vsock.h: the only opener of AF_VSOCK. Called only on a live system that was booted with systemd:
 * in a chroot or a build container the device would be the machine's own around it.
 */
#pragma once

#include "core/util/base.h"

#define VSOCK_CID_LOOPBACK 1u

/* The CID of this machine as the kernel says; 0xffffffff where no transport gives one. −errno where
 * there is no vsock at all. */
int vsock_local_cid(uint32_t *ret) MUST_CHECK;

/* Whether the kernel knows AF_VSOCK at all. */
bool vsock_supported(void);

/* Connects before `deadline` (clock.h). The descriptor is non-blocking. −errno as connect(2) gives
 * it, -ETIMEDOUT included. */
int vsock_connect(uint32_t cid, uint32_t port, uint64_t deadline, int *ret_fd) MUST_CHECK;
