/* SPDX-License-Identifier: MIT
 *
 * ssh-banner.c: see ssh-banner.h. Takes the server's first bytes one at a time, so that any split
 * of the stream ends alike. Lines are judged as the OpenSSH client does (kex.c,
 * kex_exchange_identification), the packet by RFC 4253 §6, §7.1 and §11.1. It neither reads nor
 * answers, knows no time, and keeps no more of what came than its struct holds.
 */
#include "core/format/ssh-banner.h"

#include "core/util/printable.h"

#include <string.h>

#define SSH_MSG_DISCONNECT 1
#define SSH_MSG_KEXINIT    20

/* Offsets in a disconnect packet: length, padding length, message, reason code, description. */
#define AT_PADDING     4
#define AT_MESSAGE     5
#define AT_DESC_LENGTH 10
#define AT_DESC        14

/* §6: at least 16 bytes and a multiple of the cipher's block or 8, padding of at least 4 bytes. */
#define PACKET_MIN  16
#define BLOCK       8
#define PADDING_MIN 4
/* §7.1: message, cookie, ten name-lists, follows, reserved: all lists empty. */
#define KEXINIT_MIN (1 + 16 + 10 * 4 + 1 + 4)

void ssh_banner_init(struct ssh_banner *b)
{
        memset(b, 0, sizeof(*b)); /* padding too: two of them can be compared */
        b->state = SSH_BANNER_MORE;
}

/* ---- the identification line ----------------------------------------------------------------- */

static bool starts(const struct ssh_banner *b, const char *prefix)
{
        size_t n = strlen(prefix);

        return b->line_len >= n && memcmp(b->line, prefix, n) == 0;
}

static size_t skip_digits(const struct ssh_banner *b, size_t at)
{
        while (at < b->line_len && b->line[at] >= '0' && b->line[at] <= '9')
                at++;
        return at;
}

/* SSH-protoversion-softwareversion, both not empty. */
static enum ssh_banner_state judge_ident(const struct ssh_banner *b)
{
        const size_t major = strlen("SSH-");
        size_t dot = skip_digits(b, major), minus;

        if (dot == major || dot == b->line_len || b->line[dot] != '.')
                return SSH_BANNER_NOT_SSH;
        minus = skip_digits(b, dot + 1);
        if (minus == dot + 1 || minus + 1 >= b->line_len || b->line[minus] != '-')
                return SSH_BANNER_NOT_SSH;
        /* §5.1: 1.99 is a 2.0 server that also takes clients of old. */
        return starts(b, "SSH-2.0-") || starts(b, "SSH-1.99-") ? SSH_BANNER_IDENT
                                                               : SSH_BANNER_VERSION;
}

/* kex.c takes "SSH-" alone for one of the lines before, too. */
static bool is_ident(const struct ssh_banner *b)
{
        return b->line_len > strlen("SSH-") && starts(b, "SSH-");
}

static enum ssh_banner_state end_line(struct ssh_banner *b)
{
        enum ssh_banner_state verdict = is_ident(b) ? judge_ident(b) : SSH_BANNER_MORE;

        if (verdict == SSH_BANNER_IDENT || verdict == SSH_BANNER_VERSION) {
                printable_ascii(b->ident, sizeof(b->ident), b->line, b->line_len);
                b->reason[0] = '\0';
                return verdict;
        }
        /* sshd says so when it refuses ("Exceeded MaxStartups"), and so does what runs instead. */
        if (b->line_len > 0)
                printable_ascii(b->reason, sizeof(b->reason), b->line, b->line_len);
        if (verdict != SSH_BANNER_MORE)
                return verdict;
        b->line_len = 0;
        b->after_cr = false;
        return ++b->n_lines < SSH_BANNER_LINES_MAX ? SSH_BANNER_MORE : SSH_BANNER_NOT_SSH;
}

static enum ssh_banner_state feed_line(struct ssh_banner *b, unsigned char c)
{
        size_t n;

        if (c == '\n')
                return end_line(b);
        if (c == '\r') {
                /* Several count as one, as in kex.c; only a newline may follow. */
                b->after_cr = true;
                return SSH_BANNER_MORE;
        }
        if (c == '\0' || b->after_cr || b->line_len == sizeof(b->line))
                return SSH_BANNER_NOT_SSH;
        b->line[b->line_len++] = (char)c;

        /* RFC 4253 §4.2: 255 bytes with CR LF. OpenSSH takes more, other clients do not. */
        n = b->line_len + strlen("\r\n");
        return is_ident(b) && n > SSH_BANNER_IDENT_MAX ? SSH_BANNER_NOT_SSH : SSH_BANNER_MORE;
}

/* ---- the packet ------------------------------------------------------------------------------ */

static uint32_t read_u32(const unsigned char *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t payload_length(const struct ssh_banner *b)
{
        return read_u32(b->packet) - 1 - b->packet[AT_PADDING];
}

static enum ssh_banner_state judge_length(const struct ssh_banner *b)
{
        uint32_t length = read_u32(b->packet);

        if (length < PACKET_MIN - 4 || length > SSH_BANNER_PACKET_MAX - 4 ||
            (length + 4) % BLOCK != 0)
                return SSH_BANNER_BAD_PACKET;
        return SSH_BANNER_IDENT;
}

static enum ssh_banner_state judge_message(const struct ssh_banner *b)
{
        unsigned char padding = b->packet[AT_PADDING];
        size_t payload;

        if (padding < PADDING_MIN || padding + 1U >= read_u32(b->packet))
                return SSH_BANNER_BAD_PACKET;
        payload = payload_length(b);
        switch (b->packet[AT_MESSAGE]) {
        case SSH_MSG_KEXINIT:
                return payload >= KEXINIT_MIN ? SSH_BANNER_OK : SSH_BANNER_BAD_PACKET;
        case SSH_MSG_DISCONNECT:
                return payload >= AT_DESC - AT_MESSAGE ? SSH_BANNER_IDENT : SSH_BANNER_BAD_PACKET;
        default:
                return SSH_BANNER_BAD_PACKET;
        }
}

/* As much of the description as `reason` holds is waited for, not its language tag. */
static enum ssh_banner_state judge_disconnect(struct ssh_banner *b)
{
        size_t len = read_u32(b->packet + AT_DESC_LENGTH), want;

        if (len > payload_length(b) - (AT_DESC - AT_MESSAGE))
                return SSH_BANNER_BAD_PACKET;
        want = len < SSH_BANNER_REASON_MAX ? len : SSH_BANNER_REASON_MAX;
        if (b->packet_len < AT_DESC + want)
                return SSH_BANNER_IDENT;
        printable_ascii(b->reason, sizeof(b->reason), b->packet + AT_DESC, want);
        return SSH_BANNER_DISCONNECT;
}

/* Each field is judged as soon as it is there: text where a packet should be is told at once. */
static enum ssh_banner_state feed_packet(struct ssh_banner *b, unsigned char c)
{
        b->packet[b->packet_len++] = c;
        if (b->packet_len == AT_PADDING)
                return judge_length(b);
        if (b->packet_len == AT_MESSAGE + 1)
                return judge_message(b);
        if (b->packet_len >= AT_DESC)
                return judge_disconnect(b);
        return SSH_BANNER_IDENT;
}

enum ssh_banner_state ssh_banner_feed(struct ssh_banner *b, const void *data, size_t len)
{
        const unsigned char *p = data;

        for (size_t i = 0; i < len; i++) {
                if (b->state == SSH_BANNER_MORE)
                        b->state = feed_line(b, p[i]);
                else if (b->state == SSH_BANNER_IDENT)
                        b->state = feed_packet(b, p[i]);
                else
                        break;
        }
        return b->state;
}
