/* SPDX-License-Identifier: MIT
 *
 * sshd-settings.c: see sshd-settings.h. Follows the getopt(3) of OpenSSH's sshd.c, main(), whose -o
 * is a line of sshd_config, and derelativise_path() of misc.c, with systemd's working directory. It
 * opens nothing and judges no value.
 */
#include "core/format/sshd-settings.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define WITHOUT "46DGQRTVdeiqrt"

static int add_host_key(struct sshd_settings *s, const char *path)
{
        AUTO_BUF full = BUF_INIT;

        if (path && strcasecmp(path, "none") == 0)
                s->no_key = true;
        if (!path || strcasecmp(path, "none") == 0)
                return 0;
        buf_addf(&full, "%s%s", path[0] == '/' ? "" : "/", path);
        return full.error < 0 ? full.error
                              : argv_add_once(&s->host_keys, buf_str(&full), SSHD_HOST_KEYS_MAX);
}

static void take_family(struct sshd_settings *s, int family)
{
        if (!s->has_family)
                s->family = family;
        s->has_family = true;
}

int sshd_settings_item(const struct sshd_config_item *item, struct sshd_settings *ret)
{
        if (item->in_match || !item->argument)
                return 0; /* neither is allowed there */
        if (item->kind == SSHD_CONFIG_HOST_KEY)
                return add_host_key(ret, item->argument);
        if (item->kind == SSHD_CONFIG_LISTEN_ADDRESS && !item->ours)
                return argv_add_once(&ret->listen, item->argument, SSHD_LISTEN_MAX);
        if (item->kind == SSHD_CONFIG_ADDRESS_FAMILY)
                take_family(ret, strcasecmp(item->argument, "inet") == 0    ? 4
                                 : strcasecmp(item->argument, "inet6") == 0 ? 6
                                                                            : 0);
        return 0;
}

static int take_line(struct sshd_settings *s, const char *line)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        int r = sshd_config_scan(line, strlen(line), &c);

        for (size_t i = 0; r == 0 && i < c.n; i++)
                r = sshd_settings_item(&c.items[i], s);
        return r;
}

static int take_option(struct sshd_settings *s, char option, const char *argument)
{
        if (!argument)
                argument = "";
        switch (option) {
        case '4':
        case '6': /* these two set what a file before them set, too: no file is read yet */
                s->family = option - '0';
                s->has_family = true;
                return 0;
        case 'f':
                free(s->config);
                s->config = strdup(argument);
                return s->config ? 0 : -ENOMEM;
        case 'h':
                return add_host_key(s, argument);
        case 'o':
                return take_line(s, argument);
        default:
                return 0;
        }
}

int sshd_settings_options(const struct argv *options, struct sshd_settings *ret)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < options->n; i++) {
                const char *word = options->list[i];

                if (word[0] != '-' || !word[1])
                        return 0;
                while (r == 0 && *++word) {
                        const char *argument = word[1] ? word + 1 : options->list[i + 1];

                        if (strchr(WITHOUT, *word)) {
                                r = take_option(ret, *word, NULL);
                                continue;
                        }
                        if (!strchr(SSHD_WITH_ARGUMENT, *word) || !argument)
                                return 0;
                        i += word[1] == '\0';
                        r = take_option(ret, *word, argument);
                        break;
                }
        }
        return r;
}

void sshd_settings_free(struct sshd_settings *s)
{
        free(s->config);
        argv_free(&s->host_keys);
        argv_free(&s->listen);
        *s = (struct sshd_settings){ 0 };
}
