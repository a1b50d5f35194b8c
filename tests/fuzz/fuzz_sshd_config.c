/* SPDX-License-Identifier: MIT
 *
 * fuzz_sshd_config.c: the laws of sshd-config.h on any file: what a scan promises, that edits undo
 * one another, and that an edit changes in the eyes of the scan just what it is for.
 */
#include "core/format/sshd-config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool law)
{
        if (!law)
                abort();
}

static bool equal(const struct buf *a, const struct buf *b)
{
        return a->len == b->len && memcmp(buf_str(a), buf_str(b), a->len) == 0;
}

static uint32_t count_lines(const struct buf *b)
{
        uint32_t n = b->len > 0 && b->data[b->len - 1] != '\n';

        for (size_t i = 0; i < b->len; i++)
                n += b->data[i] == '\n';
        return n;
}

static void check_scan(const struct buf *text, const struct sshd_config *c)
{
        uint32_t line = 1;

        for (size_t i = 0; i < c->n; i++) {
                must(c->items[i].line >= line && c->items[i].line <= count_lines(text));
                must(c->items[i].argument[0] != '\0' && !strchr(c->items[i].argument, '\n'));
                must(c->items[i].kind == SSHD_CONFIG_INCLUDE || i == 0 ||
                     c->items[i - 1].line < c->items[i].line);
                line = c->items[i].line;
        }
        (void)sshd_config_includes(c, "/etc/ssh/sshd_config.d/10-sshd-vsock.conf");
}

static bool same_item(const struct sshd_config_item *a, const struct sshd_config_item *b,
                      uint32_t shift)
{
        return a->kind == b->kind && a->line + shift == b->line && a->in_match == b->in_match &&
               a->ours == b->ours && strcmp(a->argument, b->argument) == 0;
}

/* A block on top adds its own item and moves the others down by its three lines. */
static void check_block(const struct buf *text, const struct sshd_config *c)
{
        AUTO(sshd_config_free) struct sshd_config after = { 0 };
        AUTO_BUF with = BUF_INIT;
        AUTO_BUF again = BUF_INIT;
        AUTO_BUF back = BUF_INIT;

        sshd_config_set_block(text->data, text->len, "ListenAddress ::1", &with);
        sshd_config_set_block(with.data, with.len, "ListenAddress ::1", &again);
        sshd_config_set_block(with.data, with.len, NULL, &back);
        must(equal(&with, &again) && equal(text, &back));

        must(sshd_config_scan(with.data, with.len, &after) == 0);
        must(after.n == c->n + 1 && after.items[0].ours && after.items[0].line == 2);
        for (size_t i = 0; i < c->n; i++)
                must(same_item(&c->items[i], &after.items[i + 1], 3));
}

/* The marks take every address away, and nothing else. */
static void check_comment(const struct buf *text, const struct sshd_config *c)
{
        AUTO(sshd_config_free) struct sshd_config after = { 0 };
        AUTO_BUF commented = BUF_INIT;
        AUTO_BUF back = BUF_INIT;
        size_t n = 0;

        sshd_config_comment_strays(text->data, text->len, c, &commented);
        sshd_config_uncomment(commented.data, commented.len, &back);
        must(equal(text, &back));

        must(sshd_config_scan(commented.data, commented.len, &after) == 0);
        for (size_t i = 0; i < c->n; i++)
                if (c->items[i].kind != SSHD_CONFIG_LISTEN_ADDRESS)
                        must(n < after.n && same_item(&c->items[i], &after.items[n++], 0));
        must(n == after.n);
}

static void without_marks(struct buf *text)
{
        size_t before;

        do {
                AUTO_BUF next = BUF_INIT;

                before = text->len;
                sshd_config_uncomment(text->data, text->len, &next);
                buf_free(text);
                *text = next;
                next = (struct buf)BUF_INIT;
        } while (text->len < before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO(sshd_config_free) struct sshd_config any = { 0 };
        AUTO(sshd_config_free) struct sshd_config bare = { 0 };
        AUTO_BUF text = BUF_INIT;
        AUTO_BUF x = BUF_INIT;

        buf_add(&text, data, size);
        must(sshd_config_scan(text.data, text.len, &any) == 0);
        check_scan(&text, &any);

        without_marks(&text);
        sshd_config_set_block(text.data, text.len, NULL, &x);
        must(sshd_config_scan(x.data, x.len, &bare) == 0);
        check_scan(&x, &bare);
        for (size_t i = 0; i < bare.n; i++)
                must(!bare.items[i].ours);
        check_block(&x, &bare);
        check_comment(&x, &bare);
        return 0;
}
