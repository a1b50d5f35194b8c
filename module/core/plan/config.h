/* SPDX-License-Identifier: MIT
 *
 * config.h: what the user asks for, checked: the one type that crosses from the YAML side to the
 * rest of the program. Pure: bytes in, values and faults out.
 */
#pragma once

#include "core/util/config-error.h"

/* Limits of the file, and defaults. */
#define CONFIG_SIZE_MAX        65536u /* bytes */
#define CONFIG_PATH_DEFAULT    "/etc/sshd-vsock.yaml"
#define CONFIG_PORT_DEFAULT    22u
#define CONFIG_TIMEOUT_DEFAULT 10u
#define HOSTS_ADDRESS_DEFAULT  "127.0.0.1"

/* One ListenAddress as sshd understands it. */
struct listen_address {
        char *address; /* IP literal in canonical form (inet_ntop), without brackets */
        bool ipv6;
        uint16_t port; /* 0: none given, sshd's own Port applies */
        struct mark at;
};

enum hushlogin {
        HUSHLOGIN_OFF,
        HUSHLOGIN_ALL,   /* every login user, and new ones through /etc/skel */
        HUSHLOGIN_USERS, /* those named in config.users */
};

/* Who must be able to log in before TCP closes. */
enum require_login {
        REQUIRE_ANY,       /* somebody */
        REQUIRE_USERS,     /* each of config.logins */
        REQUIRE_UNCHECKED, /* the operator vouches */
};

struct user_name {
        char *name;
        struct mark at;
};

struct config {
        uint32_t port; /* vsock port, host byte order */
        bool disable_tcp;
        struct listen_address *listen;
        size_t n_listen;
        bool assume_host; /* host_transport: assume */
        enum hushlogin hushlogin;
        struct user_name *users;
        size_t n_users;
        enum require_login require;
        struct user_name *logins;
        size_t n_logins;
        char *hosts_address;     /* IP literal for the UNKNOWN entry; NULL: no entry */
        uint32_t verify_timeout; /* seconds */
};

struct users; /* passwd.h */

/* Parses and checks `text`. The names under `hushlogin` must be in `users`, unless that is NULL.
 * d->file must be set; d->text is set to `text`, which must outlive d. An empty or comment-only
 * text is the default configuration. Returns 0 and a configuration to be freed with config_free(),
 * -EBADMSG when d holds at least one fault (all faults of the file are collected in one run), or
 * -ENOMEM. On failure *ret is untouched. */
int config_parse(const char *text, size_t len, const struct users *users, struct config_error *d,
                 struct config *ret) MUST_CHECK;

/* The configuration in canonical YAML, one line per key that differs from its default, in the
 * order of the schema, no line starting with a blank. Parsing the result gives the same
 * configuration and the same text. It is embedded in a unit, so it holds only characters that
 * need no escaping there. (config-text.c) */
void config_render(const struct config *c, struct buf *out);

void config_free(struct config *c);
