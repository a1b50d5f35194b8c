/* SPDX-License-Identifier: MIT
 *
 * login-search.h: one search for who gets in: between the files that make it up only.
 * login-server.c knows the listener's command, login-keys.c asks which keys it accepts,
 * login-trial.c logs in, and logins.c goes through the accounts.
 */
#pragma once

#include "host/check/logins.h"
#include "host/scratch.h"

#define LOGIN_FILE_MAX ((size_t)1 << 20) /* of what is read of users */

struct search {
        const struct logins_search *in;
        struct argv server; /* the listener's command, expanded */
        struct scratch scratch;
        uint64_t total;    /* microseconds for the whole */
        uint64_t deadline; /* its end */
        uint64_t until;    /* the deadline of the account in hand */
        uint64_t began;    /* realtime */
        char key_type[24]; /* of the trial key that is there; "": none yet */
        unsigned explained;
        char left[160]; /* what a trial login left running; "" */
};

/* For one step: what is left for the account, and no more than one step may take. 0: time is up. */
unsigned search_seconds(const struct search *s);

/* Fills s->server. -ENOTSUP where it is no "sshd -i" that could be started here as well. */
int search_find_server(struct search *s, struct error *error) MUST_CHECK;

/* The same command with its words on stderr instead of in the journal; for a trial with the trial's
 * key as the only authorized one. Options go in front, where they win (servconf.c: the first value
 * counts). */
int search_make_server(const struct search *s, bool trial, struct argv *ret) MUST_CHECK;

/* What sshd allows the account, and which of its keys the listener accepts. Runs nothing of the
 * user's. 0, also where the account has no way in, or −errno. */
int search_look(struct search *s, struct login *l, struct admission_rules *ret) MUST_CHECK;

/* A login with a key of our own, which runs the user's shell. As above. */
int search_try(struct search *s, const struct admission_rules *rules, struct login *l,
               struct error *error) MUST_CHECK;
