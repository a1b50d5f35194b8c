/* SPDX-License-Identifier: MIT
 *
 * fuzz_config.c: the laws of config.h on any bytes: a verdict with words for it, or a configuration
 * whose text gives the same configuration and the same text.
 */
#include "core/plan/config.h"

#include "core/util/utf8.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool law)
{
        if (!law)
                abort();
}

/* Nothing of the input reaches the terminal but what can be shown. */
static void can_be_shown(const struct buf *b)
{
        uint32_t c = 0;

        for (size_t i = 0; i < b->len;) {
                size_t n = utf8_decode(b->data + i, b->len - i, &c);

                must(n > 0 && (c == '\n' || c == '\t' || !utf8_is_unsafe(c)));
                i += n;
        }
}

static bool same_listen(const struct config *a, const struct config *b)
{
        for (size_t i = 0; i < a->n_listen && i < b->n_listen; i++)
                if (strcmp(a->listen[i].address, b->listen[i].address) != 0 ||
                    a->listen[i].port != b->listen[i].port ||
                    a->listen[i].ipv6 != b->listen[i].ipv6)
                        return false;
        return a->n_listen == b->n_listen;
}

static bool same(const struct config *a, const struct config *b)
{
        for (size_t i = 0; i < a->n_users && i < b->n_users; i++)
                if (strcmp(a->users[i].name, b->users[i].name) != 0)
                        return false;
        if (!a->hosts_address != !b->hosts_address ||
            (a->hosts_address && strcmp(a->hosts_address, b->hosts_address) != 0))
                return false;
        return a->n_users == b->n_users && a->hushlogin == b->hushlogin && a->port == b->port &&
               a->disable_tcp == b->disable_tcp && a->verify_timeout == b->verify_timeout &&
               a->assume_host == b->assume_host && same_listen(a, b);
}

/* One line per key, in letters that mean nothing to systemd. */
static void can_be_embedded(const struct buf *b)
{
        for (size_t i = 0; i < b->len; i++) {
                char c = b->data[i];

                must(c == '\n' || (c >= ' ' && c < 0x7f && c != '%' && c != '\\' && c != '"'));
                must(c != ' ' || (i > 0 && b->data[i - 1] != '\n'));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        AUTO(config_error_free) struct config_error none = CONFIG_ERROR_INIT("r");
        AUTO(config_free) struct config first = { 0 };
        AUTO(config_free) struct config second = { 0 };
        AUTO_BUF text = BUF_INIT;
        AUTO_BUF again = BUF_INIT;
        int r = config_parse((const char *)data, size, NULL, &d, &first);

        must(r == 0 || r == -EBADMSG);
        must((r == 0) == (d.n_errors == 0) && (r == 0) == (d.out.len == 0));
        can_be_shown(&d.out);
        if (r < 0)
                return 0;

        config_render(&first, &text);
        can_be_embedded(&text);
        must(config_parse(buf_str(&text), text.len, NULL, &none, &second) == 0);
        must(same(&first, &second));
        config_render(&second, &again);
        must(strcmp(buf_str(&again), buf_str(&text)) == 0);
        return 0;
}
