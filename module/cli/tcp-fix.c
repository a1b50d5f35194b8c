/* SPDX-License-Identifier: MIT
 *
 * tcp-fix.c: the fix for an sshd that listens where nobody wants it: where the words come from that
 * make it do so, and the commands that remove them and keep TCP on what is wanted, and what is on
 * vsock. Writes nothing that lasts.
 */
#include "cli/tcp-reality.h"

#include "core/format/proc-text.h"
#include "core/util/words.h"

#include <string.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:=@,+-"

/* A blank would make two words of it, and two files of a path. */
bool tcp_is_plain(const char *path)
{
        return path[strspn(path, PLAIN)] == '\0';
}

/* What stands in quotes may have blanks. */
static bool are_plain(const char *words)
{
        return words[strspn(words, PLAIN " ")] == '\0';
}

static bool has_text(struct run *r, const char *path, const char *words)
{
        AUTO_FREE char *text = NULL;

        return rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, NULL, NULL) == 0 &&
               text_passes(text, words);
}

/* The file that passes the words to the unit's sshd: one of its environment, or of the unit. */
static bool find_source(struct run *r, const char *files, const char *words, struct buf *path)
{
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++)
                if (has_text(r, distro_environments[i].file, words)) {
                        buf_adds(path, distro_environments[i].file);
                        return true;
                }
        for (struct word file; word_next(&files, '\n', &file);) {
                buf_free(path);
                buf_add(path, file.text, file.len);
                if (strncmp(buf_str(path), "/etc/", 5) == 0 && has_text(r, buf_str(path), words))
                        return true;
        }
        return false;
}

static void add_sed(const char *words, const char *path, struct buf *out)
{
        buf_adds(out, "sed -i '/^ *[#;]/!s| *");
        for (; *words; words++)
                buf_addf(out, "%s%c", *words == '.' ? "\\" : "", *words);
        buf_addf(out, "||' %s; ", path);
}

static void fix_service(struct run *r, const struct tcp_listener *l, const char *files,
                        struct buf *out)
{
        AUTO_BUF options = BUF_INIT, words = BUF_INIT;
        const char *at;

        process_listen_options(l->title, &options);
        for (at = buf_str(&options); *at; at += *at == ',' ? 2 : 0) {
                AUTO_BUF path = BUF_INIT;
                size_t n = strcspn(at, ",");

                buf_free(&words);
                buf_add(&words, at, n);
                if (!are_plain(buf_str(&words)) || !find_source(r, files, buf_str(&words), &path) ||
                    !tcp_is_plain(buf_str(&path)))
                        break;
                add_sed(buf_str(&words), buf_str(&path), out);
                at += n;
        }
        if (*at) {
                buf_free(out);
                buf_addf(out,
                         "take %s out of what %s passes to sshd (\"systemctl cat %s\"), then "
                         "\"systemctl daemon-reload; systemctl restart %s\"",
                         buf_str(&options), l->unit, l->unit, l->unit);
        } else {
                buf_addf(out, "%ssystemctl restart %s", out->len ? "systemctl daemon-reload; " : "",
                         l->unit);
        }
}

/* Whether the drop-in adds addresses, or what may be some. */
static bool adds_addresses(struct run *r, const char *path)
{
        AUTO(unit_streams_free) struct unit_streams streams = { 0 };
        AUTO_FREE char *text = NULL;
        size_t len;

        if (rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, &len, NULL) < 0 ||
            !strstr(text, "ListenStream"))
                return false;
        return unit_streams_read(&streams, text, len) < 0 || streams.n_ports > 0 ||
               streams.others.len == 0;
}

/* Drop-ins of others that are read after ours add to its addresses. A service that has the old
 * sockets would keep the socket unit from starting. */
static void fix_socket(struct run *r, const struct tcp_listener *l, const char *files,
                       struct buf *out)
{
        bool ours = false;

        for (struct word file; word_next(&files, '\n', &file);) {
                AUTO_BUF path = BUF_INIT;

                buf_add(&path, file.text, file.len);
                if (strcmp(basename(buf_str(&path)), SOCKET_DROPIN) == 0)
                        ours = true;
                else if (ours && adds_addresses(r, buf_str(&path)) && tcp_is_plain(buf_str(&path)))
                        buf_addf(out, "mv %s %s.off; ", buf_str(&path), buf_str(&path));
        }
        if (ours)
                buf_addf(out, "systemctl daemon-reload; systemctl stop %s; systemctl restart %s",
                         distro_service_of(l->unit), l->unit);
        else
                buf_adds(out, l->fix);
}

/* To stop the unit would take its vsock stream, the only way in perhaps; a stream that its files
 * name no more systemd closes at a daemon-reload, and leaves the others open. */
static void fix_stream(struct run *r, const struct tcp_listener *l, const char *files,
                       struct buf *out)
{
        AUTO_BUF paths = BUF_INIT;

        for (struct word file; word_next(&files, '\n', &file);) {
                AUTO_BUF path = BUF_INIT;

                buf_add(&path, file.text, file.len);
                if (adds_addresses(r, buf_str(&path)))
                        buf_addf(&paths, "%s%s", paths.len ? " and " : "", buf_str(&path));
        }
        if (paths.len == 0)
                buf_addf(&paths, "what \"systemctl cat %s\" shows", l->unit);
        buf_addf(out, "take the TCP addresses out of %s, then \"systemctl daemon-reload\"",
                 buf_str(&paths));
}

/* Whether somebody is known to get in when that sshd is gone. */
static bool has_other_way(struct run *r)
{
        struct error error = { 0 };

        if (r->options.no_verify)
                return true;
        if (!r->verified || r->verdict.cause != CAUSE_NONE)
                return false;
        if (!r->host_transport.known)
                run_find_host_transport(r);
        if (!r->host_transport.reachable)
                return false;
        return r->config.require == REQUIRE_UNCHECKED ||
               ((r->who.known || run_find_logins(r, &error) == 0) && r->who.enough);
}

void tcp_fix(struct run *r, const struct tcp_listener *l, struct buf *out)
{
        AUTO_BUF files = BUF_INIT;

        if (!has_other_way(r))
                buf_adds(out, "first correct what \"sshd-vsock verify\" names: nobody is known to "
                              "get in without this sshd");
        else if (l->vsock && !distro_is_tcp_unit(l->unit) &&
                 systemd_unit_files(r->systemd, l->unit, &files, NULL) == 0)
                fix_stream(r, l, buf_str(&files), out);
        else if (r->config.n_listen == 0 || !l->owned || !distro_is_tcp_unit(l->unit) ||
                 systemd_unit_files(r->systemd, l->unit, &files, NULL) < 0)
                buf_adds(out, l->fix);
        else if (distro_service_of(l->unit))
                fix_socket(r, l, buf_str(&files), out);
        else
                fix_service(r, l, buf_str(&files), out);
}
