/* SPDX-License-Identifier: MIT
 *
 * host-key.h: the public half of a host key out of its files. A private key in OpenSSH's own format
 * carries it in clear text, so that no .pub is needed, nor any program. Pure.
 */
#pragma once

#include "core/util/buf.h"

/* Appends "TYPE BASE64" of a private key file's text (PROTOCOL.key of OpenSSH). False, and nothing,
 * where it is in another format, or sshd would not load it. */
bool host_key_public(const char *text, size_t len, struct buf *out) MUST_CHECK;

/* Whether the text is of a private key, in OpenSSH's own format; and in whatever format. */
bool host_key_is_openssh(const char *text);
bool host_key_is_private(const char *text);
