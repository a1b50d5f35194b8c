/* SPDX-License-Identifier: MIT
 *
 * config-text.c: see config_render() in config.h. Writes a configuration so that config_parse()
 * reads the same one, in letters that mean nothing to systemd: what goes into StandardInputText=
 * must hold no %, no backslash and no leading blank. Values were checked before; it escapes
 * nothing.
 */
#include "core/format/schema.h"
#include "core/plan/sshd-listen.h"

#include <string.h>

/* A colon inside [ ] is read differently by libyaml before 0.2.3, so it is always quoted. No value
 * of ours can hold a quote. */
static void add_text(struct buf *out, const char *text)
{
        const char *quote = strchr(text, ':') || schema_is_ambiguous(text) ? "'" : "";

        buf_addf(out, "%s%s%s", quote, text, quote);
}

static void render_listen(const struct config *c, struct buf *out)
{
        buf_adds(out, "listen_address: [");
        for (size_t i = 0; i < c->n_listen; i++) {
                AUTO_BUF name = BUF_INIT;

                listen_name(&c->listen[i], &name);
                buf_adds(out, i ? ", " : "");
                add_text(out, buf_str(&name));
                if (name.error < 0)
                        out->error = name.error;
        }
        buf_adds(out, "]\n");
}

static void render_users(const char *key, const struct user_name *list, size_t n, struct buf *out)
{
        buf_addf(out, "%s: [", key);
        for (size_t i = 0; i < n; i++) {
                buf_adds(out, i ? ", " : "");
                add_text(out, list[i].name);
        }
        buf_adds(out, "]\n");
}

void config_render(const struct config *c, struct buf *out)
{
        if (c->port != CONFIG_PORT_DEFAULT)
                buf_addf(out, "port: %u\n", c->port);
        if (c->disable_tcp)
                buf_adds(out, "disable_tcp: true\n");
        if (c->n_listen > 0)
                render_listen(c, out);
        if (c->assume_host)
                buf_adds(out, "host_transport: assume\n");
        if (c->hushlogin == HUSHLOGIN_ALL)
                buf_adds(out, "hushlogin: true\n");
        else if (c->hushlogin == HUSHLOGIN_USERS)
                render_users("hushlogin", c->users, c->n_users, out);
        if (!c->hosts_address) {
                buf_adds(out, "hosts_entry: false\n");
        } else if (strcmp(c->hosts_address, HOSTS_ADDRESS_DEFAULT) != 0) {
                buf_adds(out, "hosts_entry: ");
                add_text(out, c->hosts_address);
                buf_adds(out, "\n");
        }
        if (c->require == REQUIRE_UNCHECKED)
                buf_adds(out, "require_login: unchecked\n");
        else if (c->require == REQUIRE_USERS)
                render_users("require_login", c->logins, c->n_logins, out);
        if (c->verify_timeout != CONFIG_TIMEOUT_DEFAULT)
                buf_addf(out, "verify_timeout: %u\n", c->verify_timeout);
}
