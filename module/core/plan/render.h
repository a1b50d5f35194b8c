/* SPDX-License-Identifier: MIT
 *
 * render.h: the exact bytes of each file that is ours as a whole. Deterministic: the same
 * configuration and facts give the same bytes, or a second run would find something to change.
 * Pure; a failure shows in the buffer's sticky error.
 */
#pragma once

#include "core/plan/facts.h"

/* Opens each file that is ours as a whole, but for those of users and those of other units without
 * their vsock stream: in these FILE_MARKER stands alone. */
#define MARKER FILE_MARKER " Changes are lost at the next \"sshd-vsock apply\".\n"

void render_socket(const struct config *c, const struct facts *f, struct buf *out);
void render_template(const struct facts *f, struct buf *out);
void render_keygen(const struct facts *f, struct buf *out);
void render_hostkeys(const struct facts *f, struct buf *out);

/* Whether the vsock listener can accept the keys that a machine is booted with; what it takes then:
 * sshd's main file for such a boot, and the unit that decides whether this is one. */
bool render_has_credential(const struct facts *f);
void render_sshd_vsock(const struct facts *f, struct buf *out);
void render_credential(const struct facts *f, struct buf *out);
void render_provision(const struct facts *f, struct buf *out);

/* The configuration that such a unit's bytes carry; false where they are not ours, or carry none.
 */
bool provision_carries(const char *text, size_t len, struct buf *out);

/* Enables our units. */
void render_preset(struct buf *out);

/* Keeps a unit disabled, and is at the same time the record of that we masked it. */
void render_record(const char *unit, struct buf *out);

/* Calls `each` for each unit that a preset of ours keeps disabled: one of a record, more in what
 * 0.1.0 wrote to PATH_PRESET. Stops at the first negative result and returns it. Nothing in a file
 * without our marker. */
int preset_each_closed(const char *text, size_t len, int (*each)(void *userdata, const char *unit),
                       void *userdata) MUST_CHECK;

/* Those of them that are TCP units, as bits of distro_tcp_units. */
unsigned preset_closed(const char *text, size_t len);

/* Transports to load, as bits of distro_transports. */
unsigned modules_wanted(const struct facts *f);
void render_modules(unsigned modules, struct buf *out);

/* ListenAddress lines, without a marker; and the drop-in that consists of them. */
void render_listen(const struct config *c, struct buf *out);
void render_listen_dropin(const struct config *c, struct buf *out);

/* The drop-in that makes a TCP socket unit listen on the same addresses, on the ports of its own,
 * and on what it has that is not TCP. */
void render_socket_dropin(const struct config *c, const struct facts *f,
                          const struct unit_streams *streams, struct buf *out);

void render_hushlogin(struct buf *out);
