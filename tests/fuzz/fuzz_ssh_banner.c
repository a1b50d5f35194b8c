/* SPDX-License-Identifier: MIT
 *
 * fuzz_ssh_banner.c: any stream and its beginnings, at lengths that the first byte chooses, have
 * verdicts that keep the promises of ssh-banner.h.
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
        struct ssh_banner whole, part, before = { .state = SSH_BANNER_MORE };
        uint32_t seed;

        if (size == 0)
                return 0;
        seed = data[0];
        data++;
        size--;

        for (size_t n = 0; n < size; n += (seed >> 24) % 9 + size / 1000) {
                seed = seed * 1664525U + 1013904223U;
                ssh_banner_judge(data, n, &part);
                check(&part);
                /* Forward only: a verdict is final, and IDENT never becomes MORE. */
                must(before.state == SSH_BANNER_MORE || part.state == before.state ||
                     (before.state == SSH_BANNER_IDENT && part.state != SSH_BANNER_MORE));
                before = part;
        }
        ssh_banner_judge(data, size, &whole);
        check(&whole);
        if (before.state != SSH_BANNER_MORE && before.state != SSH_BANNER_IDENT)
                must(memcmp(&whole, &before, sizeof(whole)) == 0);
        return 0;
}
