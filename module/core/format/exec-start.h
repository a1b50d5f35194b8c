/* SPDX-License-Identifier: MIT
 *
 * exec-start.h: the command line that systemd makes of a service's ExecStart= and its environment,
 * and how to hand one to ssh as ProxyCommand. Pure.
 */
#pragma once

#include "core/util/argv.h"
#include "core/util/buf.h"

/* Adds the assignments of an EnvironmentFile= (systemd.exec(5)) as KEY=VALUE. 0 or -ENOMEM. */
int environment_parse(const char *text, size_t len, struct argv *env) MUST_CHECK;

/* Adds the words of a command as it stands in a unit, or of a variable's value, without the quotes
 * that hold them together. A backslash spares what is behind it: others of C's are none here, so
 * that a word with such is another than systemd's. 0 or -ENOMEM. */
int command_split(const char *value, struct argv *ret) MUST_CHECK;

/* The words with $FOO, ${FOO} and $$ replaced as systemd.service(5), COMMAND LINES, has it: a word
 * that is $FOO alone becomes as many words as its value has, quotes being what they are there. The
 * last of several KEY= counts. 0 or -ENOMEM; *ret is to be freed then, too. */
int command_expand(const struct argv *words, const struct argv *env, struct argv *ret) MUST_CHECK;

/* Appends the word so that ssh_config's % and then a shell make it the same word again. */
void command_quote(const char *word, struct buf *out);
