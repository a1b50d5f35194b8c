/* SPDX-License-Identifier: MIT
 *
 * sshd-settings.h: the few settings of sshd that others than sshd itself have to know, collected as
 * sshd does (sshd.c, servconf.c): first from the words of its command, then from its files.
 * Pure.
 */
#pragma once

#include "core/format/sshd-config.h"
#include "core/util/argv.h"

/* The options of sshd that take an argument (sshd.c, main()). */
#define SSHD_WITH_ARGUMENT "CEbcfghkopu"

/* Of which each is compared with those before it; what is beyond is left out. */
#define SSHD_HOST_KEYS_MAX 256
#define SSHD_LISTEN_MAX    256

struct sshd_settings {
        char *config;          /* -f: another main file; NULL: none */
        struct argv host_keys; /* HostKey and -h, absolute, in sshd's order; none: its defaults */
        struct argv listen;    /* ListenAddress, as it stands there; but for ours */
        bool no_key;           /* "none" stands for one, and so for its defaults */
        int family;            /* 4 or 6; 0: any */
        bool has_family;       /* the first one counts */
};

/* From the words behind the program's name. What is no option of sshd's ends it. 0 or -ENOMEM. */
int sshd_settings_options(const struct argv *options, struct sshd_settings *ret) MUST_CHECK;

/* From one item of a file. 0 or -ENOMEM. */
int sshd_settings_item(const struct sshd_config_item *item, struct sshd_settings *ret) MUST_CHECK;

void sshd_settings_free(struct sshd_settings *s);
