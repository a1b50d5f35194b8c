/* SPDX-License-Identifier: MIT
 *
 * fuzz_ssh_banner.c: any stream, in one piece and in pieces whose sizes the first byte chooses,
 * ends in the same state, which keeps the promises of ssh-banner.h.
 */
#include "core/format/ssh-banner.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool law)
{
        if (!law)
                abort();
}

static void must_be_printable(const char *s, size_t size)
{
        size_t n = strnlen(s, size);

        must(n < size);
        for (size_t i = 0; i < n; i++)
                must(s[i] >= 0x20 && s[i] < 0x7f);
}

static void check(const struct ssh_banner *b)
{
        must_be_printable(b->ident, sizeof(b->ident));
        must_be_printable(b->reason, sizeof(b->reason));
        switch (b->state) {
        case SSH_BANNER_IDENT:
        case SSH_BANNER_OK:
        case SSH_BANNER_BAD_PACKET:
                must(b->reason[0] == '\0');
                __attribute__((fallthrough));
        case SSH_BANNER_DISCONNECT:
                must(strncmp(b->ident, "SSH-2.0-", 8) == 0 ||
                     strncmp(b->ident, "SSH-1.99-", 9) == 0);
                break;
        case SSH_BANNER_VERSION:
                must(strncmp(b->ident, "SSH-", 4) == 0);
                break;
        case SSH_BANNER_MORE:
        case SSH_BANNER_NOT_SSH:
                must(b->ident[0] == '\0');
                break;
        default:
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct ssh_banner whole, split; /* 8 KiB each, set anew for each input */
        enum ssh_banner_state before = SSH_BANNER_MORE;
        uint32_t seed;

        if (size == 0)
                return 0;
        seed = data[0];
        data++;
        size--;

        ssh_banner_init(&whole);
        must(ssh_banner_feed(&whole, data, size) == whole.state);
        check(&whole);

        ssh_banner_init(&split);
        for (size_t at = 0, n; at < size; at += n) {
                seed = seed * 1664525U + 1013904223U;
                n = (seed >> 24) % 9; /* 0 too */
                if (n > size - at)
                        n = size - at;
                (void)ssh_banner_feed(&split, data + at, n);
                /* Forward only: a verdict is final, and IDENT never becomes MORE. */
                must(split.state == before || before == SSH_BANNER_MORE ||
                     (before == SSH_BANNER_IDENT && split.state != SSH_BANNER_MORE));
                before = split.state;
                check(&split);
        }
        must(memcmp(&whole, &split, sizeof(whole)) == 0);
        return 0;
}
