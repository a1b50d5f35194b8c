/* SPDX-License-Identifier: MIT
 *
 * fuzz_login.c: what is read of accounts and of who serves them: passwd, authorized_keys, shadow,
 * environment files, units and command lines. The first byte picks which; lines are words where
 * words are wanted.
 */
#include "core/format/authorized-keys.h"
#include "core/format/exec-start.h"
#include "core/format/proc-text.h"
#include "core/format/sshd-dump.h"
#include "core/format/sshd-settings.h"
#include "core/format/unit-streams.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool law)
{
        if (!law)
                abort();
}

static void lines(const char *text, struct argv *ret)
{
        for (size_t n; *text; text += n + (text[n] == '\n')) {
                n = strcspn(text, "\n");
                must(argv_add(ret, text, n) == 0);
        }
}

static void passwd(const char *text, size_t len)
{
        AUTO(users_free) struct users users = { 0 };

        must(users_parse(text, len, &users) == 0);
        for (size_t i = 0; i < users.n; i++) {
                const struct user *u = &users.list[i];

                must(u->home[0] == '/' && u->name[0] && u->name[0] != '-');
                must(!strpbrk(u->name, "/:%$ \n\t"));
                must(users_find(&users, u->name) <= u);
                must(!user_can_login(u) || strcmp(u->home, "/") != 0);
        }
}

static void keys(const char *text, size_t len)
{
        static char name[] = "u", home[] = "/home/u", shell[] = "";
        const struct user user = { name, 1000, 1000, home, shell };
        struct key_line k;
        AUTO_BUF path = BUF_INIT;

        for (const char *at = text, *last = text; authorized_keys_next(&at, &k); last = at) {
                must(k.type >= last && k.type + k.type_len <= k.blob);
                must(k.blob + k.blob_len <= at && at <= text + len);
                must(k.type_len > 0 && k.blob_len > 0);
                must(!memchr(k.type, ' ', k.type_len) && !memchr(k.blob, '\n', k.blob_len));
        }
        if (authorized_keys_path(text, len, &user, &path))
                must(buf_str(&path)[0] == '/');
}

/* ssh_config's %% first, then a shell's single quotes. */
static void unquote(const char *text, struct buf *ret)
{
        bool quoted = false;

        for (; *text; text++) {
                if (*text == '\'') {
                        quoted = !quoted;
                        continue;
                }
                if (*text == '%')
                        must(*++text == '%');
                must(quoted || *text == '\\');
                if (!quoted)
                        text++;
                buf_add(ret, text, 1);
        }
        must(!quoted);
}

static void command(const char *text, size_t len)
{
        AUTO(argv_free) struct argv env = { 0 }, words = { 0 }, all = { 0 };

        must(environment_parse(text, len, &env) == 0);
        for (size_t i = 0; i < env.n; i++)
                must(strchr(env.list[i], '=') > env.list[i]);
        lines(text, &words);
        must(command_expand(&words, &env, &all) == 0);
        if (!memchr(text, '$', len))
                must(all.n == words.n);
        for (size_t i = 0; i < all.n; i++) {
                AUTO_BUF quoted = BUF_INIT, back = BUF_INIT;

                command_quote(all.list[i], &quoted);
                unquote(buf_str(&quoted), &back);
                must(strcmp(buf_str(&back), all.list[i]) == 0);
        }
}

static void streams(const char *text, size_t len)
{
        AUTO(unit_streams_free) struct unit_streams s = { 0 };

        must(unit_streams_read(&s, text, len) == 0 && unit_streams_read(&s, text, len) == 0);
        must(s.n_ports <= ELEMENTSOF(s.ports));
        for (size_t i = 0; i < s.n_ports; i++)
                for (size_t j = 0; j <= i; j++)
                        must(s.ports[i] && (i == j || s.ports[i] != s.ports[j]));
        must(s.others.len == 0 || s.others.data[s.others.len - 1] == '\n');
}

static void options(const char *text)
{
        AUTO(sshd_settings_free) struct sshd_settings s = { 0 };
        AUTO(argv_free) struct argv words = { 0 };

        lines(text, &words);
        must(sshd_settings_options(&words, &s) == 0);
        must(s.family == 0 || s.family == 4 || s.family == 6);
        for (size_t i = 0; i < s.host_keys.n; i++)
                must(s.host_keys.list[i][0] == '/');
}

static void process(const char *text)
{
        AUTO_BUF out = BUF_INIT;
        char unit[64];

        memset(unit, 'x', sizeof(unit));
        process_unit(text, unit, sizeof(unit));
        must(memchr(unit, '\0', sizeof(unit)) != NULL);
        (void)program_is_sshd(text);
        (void)process_is_root(text);
        (void)process_is_sshd_listener("/usr/sbin/sshd", text);
        process_listen_options(text, &out);
        (void)process_is_plain_listener(text, &(struct argv){ 0 });
}

static void dump(const char *text)
{
        const char *at = text, *value;
        char first[16];
        size_t n;

        sshd_dump_get(text, "port", first, sizeof(first));
        must(memchr(first, '\0', sizeof(first)) != NULL);
        while ((value = sshd_dump_next(&at, "port", &n)))
                must(value + n <= at && value >= text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO_FREE char *text = NULL;
        size_t len;

        if (size == 0)
                return 0;
        text = strndup((const char *)data + 1, size - 1);
        must(text != NULL);
        len = strlen(text);
        switch (data[0]) {
        case 'p':
                passwd((const char *)data + 1, size - 1);
                break;
        case 'k':
                keys(text, len);
                break;
        case 's':
                (void)shadow_has_password((const char *)data + 1, size - 1, "root");
                break;
        case 'c':
                command(text, len);
                break;
        case 'u':
                streams(text, len);
                break;
        case 'o':
                options(text);
                break;
        case 't':
                process(text);
                break;
        case 'd':
                dump(text);
                break;
        }
        return 0;
}
