/* SPDX-License-Identifier: MIT
 *
 * kvp-pool.c: see kvp-pool.h. Records of one size, each field ended by NULs: struct kvp_record of
 * Linux' tools/hv/hv_kvp_daemon.c.
 */
#include "core/format/kvp-pool.h"

#include <string.h>

#define KEY_SIZE   ((size_t)512)  /* HV_KVP_EXCHANGE_MAX_KEY_SIZE */
#define VALUE_SIZE ((size_t)2048) /* HV_KVP_EXCHANGE_MAX_VALUE_SIZE */

bool kvp_pool_find(const char *pool, size_t len, const char *key, char *ret, size_t size)
{
        for (; len >= KEY_SIZE + VALUE_SIZE; pool += KEY_SIZE + VALUE_SIZE) {
                const char *value = pool + KEY_SIZE;
                size_t n = strnlen(value, VALUE_SIZE);

                len -= KEY_SIZE + VALUE_SIZE;
                if (strnlen(pool, KEY_SIZE) != strlen(key) || strcmp(pool, key) != 0)
                        continue;
                if (n >= size)
                        return false;
                memcpy(ret, value, n);
                ret[n] = '\0';
                return true;
        }
        return false;
}
