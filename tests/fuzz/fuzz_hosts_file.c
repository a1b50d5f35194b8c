/* SPDX-License-Identifier: MIT
 *
 * fuzz_hosts_file.c: the laws of hosts-file.h on any file. The first byte picks the address.
 */
#include "core/format/hosts-file.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool law)
{
        if (!law)
                abort();
}

static bool equal(const struct buf *b, const char *text, size_t len)
{
        return b->len == len && (len == 0 || memcmp(b->data, text, len) == 0);
}

/* Our lines aside, the lines are the same and in the same order: each line of `a` that is not ours
 * must come next in `b`. The last may have got a newline, or lost one that was supplied for us. */
static const char *next_foreign(const char *text, size_t len, size_t *at, size_t *ret_len)
{
        while (*at < len) {
                const char *line = text + *at;
                const char *newline = memchr(line, '\n', len - *at);
                size_t n = newline ? (size_t)(newline - line) : len - *at;
                enum hosts_state state;

                *at += n + 1;
                must(hosts_file_inspect(line, n, &state, NULL) == 0);
                if (state == HOSTS_OURS)
                        continue;
                while (n > 0 && line[n - 1] == '\r')
                        n--;
                *ret_len = n;
                return line;
        }
        return NULL;
}

static void same_foreign_lines(const char *a, size_t a_len, const struct buf *b)
{
        size_t a_at = 0, b_at = 0, x_len = 0, y_len = 0;
        const char *x, *y;

        do {
                x = next_foreign(a, a_len, &a_at, &x_len);
                y = next_foreign(buf_str(b), b->len, &b_at, &y_len);
                must(!x == !y);
                must(!x || (x_len == y_len && memcmp(x, y, x_len) == 0));
        } while (x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const addresses[] = { "127.0.0.1", "::1", "100::55:4e4b:4e4f:574e" };
        AUTO_BUF once = BUF_INIT;
        AUTO_BUF twice = BUF_INIT;
        AUTO_BUF back = BUF_INIT;
        AUTO_FREE char *address = NULL;
        enum hosts_state before, after;
        const char *text, *wanted;
        size_t len;

        if (size == 0)
                return 0;
        wanted = addresses[data[0] % ELEMENTSOF(addresses)];
        text = (const char *)data + 1;
        len = size - 1;

        must(hosts_file_inspect(text, len, &before, &address) == 0);
        must((before == HOSTS_ABSENT) == !address);
        hosts_file_edit(text, len, wanted, &once);
        hosts_file_edit(once.data, once.len, wanted, &twice);
        hosts_file_edit(once.data, once.len, NULL, &back);

        must(equal(&twice, buf_str(&once), once.len));
        must(before == HOSTS_OURS || equal(&back, text, len));
        must(hosts_file_inspect(once.data, once.len, &after, NULL) == 0 && after != HOSTS_ABSENT);
        same_foreign_lines(text, len, &once);
        same_foreign_lines(text, len, &back);
        must(hosts_file_inspect(back.data, back.len, &after, NULL) == 0 && after != HOSTS_OURS);
        return 0;
}
