/* SPDX-License-Identifier: MIT
 *
 * nsswitch.h: whom the C library asks for a host name, from the bytes of nsswitch.conf(5): whether
 * /etc/hosts is looked at before DNS. Pure.
 */
#pragma once

#include "core/util/base.h"

enum nsswitch_hosts {
        NSSWITCH_SILENT, /* no line says: the C library's own default counts */
        NSSWITCH_FILES,  /* /etc/hosts, before DNS */
        NSSWITCH_OTHERS, /* DNS before /etc/hosts, or without it */
};

enum nsswitch_hosts nsswitch_hosts(const char *text, size_t len);

/* What glibc of that version ("2.36") does where no line says: "files dns" since 2.35 (bug 28700),
 * "dns [!UNAVAIL=return] files" before it. */
enum nsswitch_hosts nsswitch_default(const char *version);
