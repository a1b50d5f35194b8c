/* SPDX-License-Identifier: MIT
 *
 * client-options.h: what the user says of the other side, checked before any of it gets into a
 * line of ssh_config: there a blank, a quote or a line's end would be another word or another
 * setting. And the name that stands where he says none. Pure.
 */
#pragma once

#include "core/plan/client-config.h"
#include "core/util/error.h"

/* As on the command line; NULL: not said. */
struct client_request {
        const char *name, *user, *identity, *jump, *kind;
};

/* Into `ret`, which keeps pointers into the request. 0, or -EINVAL and words. */
int client_take_request(const struct client_request *q, struct client *ret,
                        struct error *error) MUST_CHECK;

/* Once the machine is known: whether there is a way of that kind to it. 0, or -EINVAL and words. */
int client_check_fit(const struct client *c, struct error *error) MUST_CHECK;

/* Whether a host may call a machine so. */
bool client_is_address(enum client_address kind, const char *text);

/* Bytes of the longest name, with the NUL. */
#define CLIENT_NAME_MAX 128

/* A name by which machines are told apart: the text of /etc/hostname where it is the machine's own,
 * and otherwise one made of its id. With neither (each NULL or "") it is the same for all. True
 * where it is the host name. */
bool client_default_name(const char *hostname, const char *machine_id, char ret[CLIENT_NAME_MAX]);
