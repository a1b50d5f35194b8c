/* SPDX-License-Identifier: MIT
 *
 * survey-keys.c: which host keys sshd uses, as far as files tell: the HostKey lines of its main
 * file, be it another one by the options that its unit passes, and of what that includes. Part of
 * survey-sshd.h; reads only, and of a key no more than its size.
 */
#include "host/survey-sshd.h"

#include "core/format/sshd-settings.h"
#include "host/survey.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What is in the files of `from` comes after the options, and the first family counts. Addresses of
 * sshd_config are left out: whoever asks for them wants to know in which file, and line. */
static int merge(struct sshd_settings *to, const struct sshd_settings *from)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < from->host_keys.n; i++)
                r = argv_add_once(&to->host_keys, from->host_keys.list[i], SSHD_HOST_KEYS_MAX);
        for (size_t i = 0; r == 0 && to->config && i < from->listen.n; i++)
                r = argv_add_once(&to->listen, from->listen.list[i], SSHD_LISTEN_MAX);
        to->no_key = to->no_key || from->no_key;
        if (!to->has_family) {
                to->family = from->family;
                to->has_family = from->has_family;
        }
        return r;
}

static int read_other(struct survey *s, struct sshd_settings *all)
{
        struct facts f = { 0 };
        struct survey other = { .root = s->root, .facts = &f, .error = s->error };
        AUTO_BUF path = BUF_INIT;
        int r;

        buf_addf(&path, "%s%s", all->config[0] == '/' ? "" : "/", all->config);
        r = path.error < 0 ? path.error : survey_sshd_files(&other, buf_str(&path));
        if (r == 0)
                r = merge(all, &f.sshd_settings);
        facts_free(&f);
        return r;
}

static void count_keys(struct survey *s)
{
        struct facts *f = s->facts;

        for (size_t i = 0; facts_host_key(f, i); i++) {
                AUTO_CLOSE int fd = -1;
                struct stat st;
                int r = rootfs_open_file(s->root, facts_host_key(f, i), &fd, &st);

                if ((r == 0 && st.st_size > 0) || (r == -EACCES && f->anybody))
                        f->n_host_keys++;
        }
}

int survey_sshd_settings(struct survey *s)
{
        AUTO(sshd_settings_free) struct sshd_settings all = { 0 };
        int r = sshd_settings_options(&s->facts->sshd_options, &all);

        if (all.config && strcmp(all.config, PATH_SSHD_CONFIG) == 0) {
                free(all.config);
                all.config = NULL;
        }
        if (r == 0)
                r = all.config ? read_other(s, &all) : merge(&all, &s->facts->sshd_settings);
        if (r < 0)
                return r;
        sshd_settings_free(&s->facts->sshd_settings);
        s->facts->sshd_settings = all;
        all = (struct sshd_settings){ 0 };
        count_keys(s);
        return 0;
}

int survey_host_keys(const struct rootfs *root, struct argv *ret, struct error *error)
{
        struct facts f = { 0 };
        struct survey s = { .root = root, .facts = &f, .error = error };
        int r = survey_sshd(&s);
        const bool none = f.sshd_settings.no_key && f.sshd_settings.host_keys.n == 0;

        for (size_t i = 0; r == 0 && !none && facts_host_key(&f, i); i++)
                r = argv_adds(ret, facts_host_key(&f, i));
        facts_free(&f);
        return r;
}
