/* SPDX-License-Identifier: MIT
 *
 * kvp-pool.h: what a Windows host tells its Linux machines of themselves, as hv_kvp_daemon keeps it
 * below /var/lib/hyperv. Pure.
 */
#pragma once

#include "core/util/base.h"

/* What the host tells, which any user may read (hv_kvp_daemon.c, kvp_file_init). */
#define KVP_POOL_PATH "/var/lib/hyperv/.kvp_pool_3"

/* The value under that key: true, and text that ends within `size`. */
bool kvp_pool_find(const char *pool, size_t len, const char *key, char *ret,
                   size_t size) MUST_CHECK;
