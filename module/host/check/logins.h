/* SPDX-License-Identifier: MIT
 *
 * logins.h: finds out who gets in through the vsock listener, by asking it and by logging in. Live
 * systems only. What it makes is gone when it returns.
 */
#pragma once

#include "core/plan/admission.h"
#include "core/plan/facts.h"
#include "host/rootfs.h"
#include "host/systemd.h"

struct logins_search {
        const struct rootfs *root;
        struct systemd *systemd;
        const struct config *config;
        const struct facts *facts;
        const char *socket; /* the unit that listens */
};

/* The accounts that `require_login` names, or all that can log in; with `any` it stops once one got
 * in. Every account is asked about before anybody's shell runs. At most some 60 s, or twice
 * verify_timeout where that is more. What kept it from asking is in ret->obstacle; 0 or −errno,
 * where *ret is to be freed, too. */
int logins_find(const struct logins_search *s, struct logins *ret, struct error *error) MUST_CHECK;

/* Whether the unit's service admits no fewer keys than sshd's configuration does, which a unit that
 * passes AuthorizedKeysFile of its own overrides (systemd's generated one on Debian testing, Fedora
 * and openSUSE). Never where the machine was booted with keys. */
bool logins_keys_count(const struct logins_search *s);
