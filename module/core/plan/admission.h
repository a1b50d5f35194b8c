/* SPDX-License-Identifier: MIT
 *
 * admission.h: who gets in through the vsock listener, account by account, and whether that is
 * enough to close anything else. Judges what ssh and sshd printed; starts nothing. Pure.
 */
#pragma once

#include "core/format/passwd.h"
#include "core/plan/config.h"

enum admission {
        ADMISSION_NO,
        ADMISSION_UNTRIED,  /* there may be a way, but none that can be tried from inside */
        ADMISSION_ACCEPTED, /* a key is accepted or a password is set; no login was tried */
        ADMISSION_PASSWORD, /* a password is set and allowed, and a login went the whole way */
        ADMISSION_PROVEN,   /* a key of the account is accepted, and a login went the whole way */
};

/* One account. Texts are single lines of sshd's or ours, and may hold what users wrote. */
struct login {
        struct user user; /* borrowed */
        enum admission admission;
        unsigned n_keys;     /* that sshd would look at */
        unsigned n_accepted; /* by the listener */
        bool has_password;   /* one is set */
        bool password;       /* … and allowed */
        bool looked;         /* otherwise time ran out before it */
        char key[128];       /* the first that was accepted, as ssh names it */
        char reason[256];    /* why not more than that; "" for the last two */
        char fix[320];
};

struct logins {
        struct login *list;
        size_t n;
        size_t unseen;      /* accounts beyond, for which there was no time */
        bool no_client;     /* there is no ssh client to ask with */
        char left[160];     /* a process that a trial login left, and cannot be ended; "" */
        char obstacle[256]; /* what kept it from being asked at all; "" */
};

/* A stable word for machines. */
const char *admission_word(enum admission a);

/* Whether they are what `require_login` asks for. */
bool logins_suffice(const struct config *c, const struct logins *l);

/* Whether all were looked at, and nobody gets in: not for want of a way to try. With `any`, no key
 * and no password at all is such an answer; else somebody's key or password was good, and he was
 * refused. */
bool logins_refused(const struct logins *l, bool any);

/* What sshd's effective configuration for the account (`sshd -T -C`) allows. `forced`
 * and `methods` are lines that rule out what a login with a key would not show. */
struct admission_rules {
        bool keys;      /* PubkeyAuthentication */
        bool passwords; /* PasswordAuthentication, or PAM's questions, and root's own rule */
        bool elsewhere; /* certificates, or a command that finds keys */
        unsigned tries; /* MaxAuthTries */
        char key_files[1024];
        char key_type[24]; /* of a key that it would accept, as ssh-keygen -t has it */
        char forced[256];  /* a line that makes a login do something else; "" */
        char methods[256]; /* AuthenticationMethods where one alone is not enough; "" */
};
void admission_rules_read(const char *dump, uint32_t uid, struct admission_rules *ret);

/* Whether sshd takes the type of any of the keys ("TYPE BLOB\n" each). It says so only to the
 * journal, and a trial's sshd may end before it has passed that on. */
bool admission_takes_any(const char *dump, const char *keys);

/* From what `ssh -v` printed: whether it came as far as authentication. */
bool admission_was_asked(const char *said);

/* Whether an account's own rules ended a session that sshd had opened: a shell that only says no, a
 * password that has to be changed first. */
bool admission_was_refused_in_session(const char *said);

/* Which of the keys that it offered were accepted. Files are DIRECTORY/N.pub; bit N is set for each
 * that was. `key` gets the first one's name. */
uint64_t admission_accepted(const char *said, const char *directory, char *key, size_t size);

/* Finds sshd's own reason among what was printed, and the fix for it; else what ssh said last. */
void admission_explain(const char *said, struct login *l);

/* Sets both, unless there is a reason already. */
void admission_because(struct login *l, const char *fix, const char *fmt, ...) PRINTF(3, 4);

void logins_free(struct logins *l);
