/* SPDX-License-Identifier: MIT
 *
 * json.c: see json.h.
 */
#include "core/util/json.h"

#include "core/util/utf8.h"
#include "core/util/words.h"

#include <string.h>

static void quoted(struct json *j, const char *value, size_t len)
{
        buf_adds(&j->out, "\"");
        for (size_t i = 0; i < len;) {
                uint32_t c = 0xFFFD;
                size_t n = utf8_decode(value + i, len - i, &c);

                if (c == '"' || c == '\\')
                        buf_addf(&j->out, "\\%c", (char)c);
                else if (c == '\n')
                        buf_adds(&j->out, "\\n");
                else if (utf8_is_unsafe(c) || n == 0)
                        buf_addf(&j->out, "\\u%04x", c);
                else
                        buf_add(&j->out, value + i, n);
                i += n ? n : 1;
        }
        buf_adds(&j->out, "\"");
}

static void begin(struct json *j, const char *key)
{
        if (j->more)
                buf_adds(&j->out, ",");
        if (key) {
                quoted(j, key, strlen(key));
                buf_adds(&j->out, ":");
        }
        j->more = true;
}

void json_open(struct json *j, const char *key, char bracket)
{
        begin(j, key);
        buf_add(&j->out, &bracket, 1);
        j->more = false;
}

bool json_open_if(struct json *j, const char *key, char bracket, bool known)
{
        if (known)
                json_open(j, key, bracket);
        else
                json_null(j, key);
        return known;
}

void json_close(struct json *j, char bracket)
{
        buf_add(&j->out, &bracket, 1);
        j->more = true;
}

void json_bytes(struct json *j, const char *key, const char *value, size_t len)
{
        begin(j, key);
        quoted(j, value, len);
}

void json_string(struct json *j, const char *key, const char *value)
{
        if (value)
                json_bytes(j, key, value, strlen(value));
        else
                json_null(j, key);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
        begin(j, key);
        buf_addf(&j->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json *j, const char *key, bool value)
{
        begin(j, key);
        buf_adds(&j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
        begin(j, key);
        buf_adds(&j->out, "null");
}

void json_buf(struct json *j, const char *key, const struct buf *text)
{
        json_bytes(j, key, buf_str(text), text->len);
        if (text->error < 0)
                j->out.error = text->error;
}

void json_words(struct json *j, const char *key, const char *text, char separator)
{
        json_open(j, key, '[');
        for (struct word w; word_next(&text, separator, &w);)
                json_bytes(j, NULL, w.text, w.len);
        json_close(j, ']');
}
