/* SPDX-License-Identifier: MIT
 *
 * sample.h: configurations and facts for tests of the pure half; nothing in them is on the heap but
 * what their free functions give back.
 */
#pragma once

#include "core/plan/config.h"
#include "core/plan/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A literal where the facts own their strings; nothing in these tests writes to them. */
static inline char *text(const char *literal)
{
        return (char *)(uintptr_t)literal;
}

static inline const char *record_of(const char *unit)
{
        static char path[128];

        (void)snprintf(path, sizeof(path), PRESET_DIR "/" RECORD_PREFIX "%s" RECORD_SUFFIX, unit);
        return path;
}

/* A configuration from its YAML, which has to be valid. */
static inline struct config sample_config(const char *yaml)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("sample");
        struct config c = { 0 };

        if (config_parse(yaml, strlen(yaml), NULL, &d, &c) < 0)
                fail_msg("%s", buf_str(&d.out));
        return c;
}

#define SAMPLE_PASSWD                                                                              \
        "root:x:0:0:root:/root:/bin/bash\n"                                                        \
        "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"                                          \
        "admin:x:1000:1000::/home/admin:/bin/sh\n"                                                 \
        "twin:x:1001:1001::/home/admin:/bin/sh\n"

/* Debian 12 as an image: ssh.service is enabled, and goes by the name of sshd.service too. The
 * caller frees the users. */
static inline struct facts sample_facts(void)
{
        struct facts f = {
                .systemd_version = 252,
                .sshd = text("/usr/sbin/sshd"),
                .program = text("/usr/sbin/sshd-vsock"),
                .modules = 1u << MODULE_LOOPBACK | 1u << MODULE_HYPERV | 1u << MODULE_VIRTIO,
                .n_host_keys = 3,
                .dropins = true,
                .sshd_config = true,
                .tcp[TCP_SSH_SERVICE] = { .vendor = true, .enabled = true },
                .tcp[TCP_SSH_SOCKET] = { .vendor = true },
        };

        assert_int_equal(users_parse(SAMPLE_PASSWD, strlen(SAMPLE_PASSWD), &f.users), 0);
        return f;
}
