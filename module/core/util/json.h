/* SPDX-License-Identifier: MIT
 *
 * json.h: writes one JSON document into a buffer (RFC 8259). Commas and escapes are its business;
 * that objects and arrays are closed is the caller's. Pure.
 */
#pragma once

#include "core/util/buf.h"

struct json {
        struct buf out;
        bool more; /* a comma is due before the next value */
};

/* `key` is NULL inside arrays and for the document itself. */
void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
/* The same where it is known, else null: whether it is. */
bool json_open_if(struct json *j, const char *key, char bracket, bool known);
void json_close(struct json *j, char bracket); /* '}' or ']' */
/* NULL is null. What is not UTF-8 comes out as U+FFFD. */
void json_string(struct json *j, const char *key, const char *value);
void json_bytes(struct json *j, const char *key, const char *value, size_t len);
void json_number(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/* A text of its own, whose error becomes the document's; and an array of its parts. */
void json_buf(struct json *j, const char *key, const struct buf *text);
void json_words(struct json *j, const char *key, const char *text, char separator);
