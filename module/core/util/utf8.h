/* SPDX-License-Identifier: MIT
 *
 * utf8.h: one code point out of bytes that may be anything, and whether it may be shown. Nothing
 * here depends on the locale.
 */
#pragma once

#include "core/util/base.h"

/* The bytes of the code point at `s` (len > 0), or 0 where there is no valid one: RFC 3629, so
 * overlong forms, surrogates and what lies beyond U+10FFFF are invalid. */
static inline size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        unsigned char first = (unsigned char)s[0];
        size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        uint32_t c = n < 2 ? first : first & (0x7fu >> n);

        if (n == 0 || n > len || first > 0xf4)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if (((unsigned char)s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | ((unsigned char)s[i] & 0x3fu);
        }
        if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *ret = c;
        return n;
}

/* Bytes to step over: those of the code point, or one byte that is not part of any. */
static inline size_t utf8_step(const char *s, size_t len)
{
        uint32_t c;
        size_t n = utf8_decode(s, len, &c);

        return n ? n : 1;
}

/* What would disturb a terminal or mislead its reader: controls (C1 too), line separators, the byte
 * order mark, and the characters that turn the direction of text. */
static inline bool utf8_is_unsafe(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}
