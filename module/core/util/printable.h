/* SPDX-License-Identifier: MIT
 *
 * printable.h: text from outside made harmless: names, link targets, banners and lines of files
 * are anybody's, and are shown on root's terminal and in the journal. Pure.
 */
#pragma once

#include "core/util/buf.h"

/* Appends the text with all that would disturb a terminal, start a line, or turn the direction of
 * text written out, byte by byte (`\x1b`); so are bytes that are no UTF-8. Tabs stay. */
void printable_line(struct buf *out, const char *text, size_t len);

/* The same for text of several lines, whose newlines are ours and stay. */
void printable_text(struct buf *out, const char *text, size_t len);

/* Into an array of that size, as much as there is room for, with '?' for what is not printable
 * ASCII. It may be the text's own. */
void printable_ascii(char *to, size_t size, const void *text, size_t len);
