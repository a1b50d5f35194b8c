/* SPDX-License-Identifier: MIT
 *
 * ip-address.c: see ip-address.h. Compares bytes; it does nothing else.
 */
#include "core/util/ip-address.h"

#include <arpa/inet.h>
#include <string.h>

bool ip_is_outside(const char *host)
{
        static const unsigned char loopback[16] = { [15] = 1 },
                                   mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };
        unsigned char a[16];

        if (inet_pton(AF_INET, host, a) == 1)
                return a[0] != 127;
        return inet_pton(AF_INET6, host, a) == 1 && memcmp(a, loopback, sizeof(loopback)) != 0 &&
               memcmp(a, mapped, sizeof(mapped)) != 0;
}
