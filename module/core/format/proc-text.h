/* SPDX-License-Identifier: MIT
 *
 * proc-text.h: what the words of /proc say of a process: whether it is an sshd that waits for
 * connections, and which unit of systemd it belongs to; and of routes. Pure.
 */
#pragma once

#include "core/util/argv.h"
#include "core/util/buf.h"

/* By the path of its executable. */
bool program_is_sshd(const char *path);

/* `exe` is where the link leads, `title` the first string of its cmdline. Not so for the processes
 * of sessions, which listen too, for `ssh -R` and X11. */
bool process_is_sshd_listener(const char *exe, const char *title);

/* Whether the bytes of its status file say that root started it and none other: the directory's
 * owner does not tell, it is root's for whoever makes himself not dumpable (proc(5)). */
bool process_is_root(const char *status);

/* What of an sshd's title decides where it listens besides its default files: "-f FILE"
 * and "-o ListenAddress…", also where it ends a word of several letters. Appends them, separated by
 * ", "; nothing where there is none. */
void process_listen_options(const char *title, struct buf *out);

/* Whether a line of the text, an environment file or a unit's, passes these words: no comment, nor
 * a part of other words. */
bool text_passes(const char *text, const char *words);

/* Whether such a listener has no options but those of its unit's environment, by its title: then
 * sshd can be asked with the same where it listens. One that has not even these was started before
 * they were there. */
bool process_is_plain_listener(const char *title, const struct argv *options);

/* Whether a default route goes through that interface, by /proc/net's route and ipv6_route; one
 * that rejects is none. */
bool routes_lead_out(const char *v4, const char *v6, const char *name, size_t len);

/* The service or scope out of the bytes of its cgroup file, in `unit`; "" where it is in none that
 * has a sane name. */
void process_unit(const char *cgroup, char *unit, size_t size);
