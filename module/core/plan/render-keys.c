/* SPDX-License-Identifier: MIT
 *
 * render-keys.c: the two units that see to host keys: the one that makes them, after all others who
 * do, and the one that each connection waits for. Part of render.h; what stands there, and why.
 */
#include "core/plan/render.h"

#include "core/format/unit-path.h"
#include "core/util/words.h"

#include <string.h>

/* ssh-keygen -A makes only what is missing, so zero-length keys (a crash on first boot, a truncated
 * image) go first; it runs only where a key was thrown away or none is left, since an admin may
 * have deleted a type on purpose. The vendors' own key units come first where there are any, and so
 * does cloud-init's network stage, which deletes and makes host keys (cc_ssh; both of its names,
 * since 24.3 renamed it). sshd's TCP units come later, for without keys they would fail the boot.
 * The conditions keep it from costing a process at each boot where there is nothing to make; it
 * does not stay active, so that keys which went away are made again.
 * Where HostKey names files, sshd uses those alone and ssh-keygen -A makes others: the same with
 * ssh-keygen -t, and the type from the file's name. The directory may be on a mount of its own,
 * below which nothing is to be made while it is not there. */
static bool can_make_key(const char *path)
{
        return unit_can_name(path) && !strchr(path, '$') &&
               !text_ends(path, ".pub"); /* an agent has its private half */
}

/* Those that ssh-keygen -A makes, be they named, as on RHEL 8, or not. */
static bool has_usual_keys(const struct facts *f)
{
        const struct argv *keys = &f->sshd_settings.host_keys;
        size_t n = 0;

        while (distro_host_keys[n] && (keys->n == 0 || argv_has(keys, distro_host_keys[n])))
                n++;
        return !distro_host_keys[n] && (keys->n == 0 || keys->n == n);
}

static void add_keys(const struct facts *f, const char *before, enum unit_place place,
                     const char *after, struct buf *out)
{
        for (size_t i = 0; facts_host_key(f, i); i++)
                if (can_make_key(facts_host_key(f, i))) {
                        buf_adds(out, before);
                        unit_add_path(out, facts_host_key(f, i), place);
                        buf_adds(out, after);
                }
}

#define KEYGEN_LOOK                                                                                \
        "if test -s \"$$key\"; then test \"$$make\" = again || make=no; "                          \
        "elif test -e \"$$key\"; then rm -f \"$$key\" \"$$key.pub\"; make=again; fi; "             \
        "done; test \"$$make\" = no || "

static void add_keygen_command(const struct facts *f, struct buf *out)
{
        if (has_usual_keys(f)) {
                buf_adds(out, "ExecStart=/bin/sh -c 'make=yes; "
                              "for key in /etc/ssh/ssh_host_*_key; do " KEYGEN_LOOK
                              "exec ssh-keygen -A'\n");
                return;
        }
        buf_adds(out, "ExecStart=/bin/sh -c 'make=yes; "
                      "for key; do " KEYGEN_LOOK "for key; do test -s \"$$key\" || { "
                      "case \"$${key##*/}\" in *ecdsa*) type=ecdsa;; *ed25519*) type=ed25519;; "
                      "*rsa*) type=rsa;; *dsa*) continue;; *) type=ed25519;; esac; "
                      "mkdir -p \"$${key%%/*}/\"; "
                      "ssh-keygen -q -t $$type -N \"\" -f \"$$key\"; }; done' sshd-vsock-keygen");
        add_keys(f, " ", UNIT_COMMAND, "", out);
        buf_adds(out, "\n");
}

void render_keygen(const struct facts *f, struct buf *out)
{
        static const size_t services[] = { TCP_SSH_SERVICE, TCP_SSHD_SERVICE };

        buf_adds(out, MARKER "[Unit]\n"
                             "Description=Host keys for SSH on AF_VSOCK\n"
                             "Documentation=man:sshd-vsock(8) man:ssh-keygen(1)\n"
                             "Wants=sshd-keygen.target\n"
                             "After=sshd-keygen.target sshd-keygen.service sshdgenkeys.service "
                             "cloud-init.service cloud-init-network.service auditd.service\n"
                             "StartLimitIntervalSec=0\n");
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                if (facts_has_unit(&f->tcp[services[i]]))
                        buf_addf(out, "Before=%s\n", distro_tcp_units[services[i]]);
        if (!has_usual_keys(f))
                add_keys(f, "RequiresMountsFor=", UNIT_COMMAND, "\n", out); /* a list of words */
        add_keys(f, "ConditionFileNotEmpty=|!", UNIT_SETTING, "\n", out);
        buf_adds(out, "\n"
                      "[Service]\n"
                      "Type=oneshot\n");
        add_keygen_command(f, out);
}

/* What each connection waits for: with any key there nothing, and without one keygen, with all
 * that keygen waits for. Not keygen itself: a connection that comes after it would wait for
 * cloud-init's network stage even where it has nothing to make. Nor ExecStartPre= of the
 * connection, whose stdout is the client. No start limit may count connections. */
void render_hostkeys(const struct facts *f, struct buf *out)
{
        buf_adds(out,
                 MARKER "[Unit]\n"
                        "Description=Host keys for a connection on AF_VSOCK, if there are none\n"
                        "Documentation=man:sshd-vsock(8)\n"
                        "StartLimitIntervalSec=0\n");
        add_keys(f, "ConditionFileNotEmpty=!", UNIT_SETTING, "\n", out);
        buf_adds(out, "\n"
                      "[Service]\n"
                      "Type=oneshot\n"
                      "ExecStart=-/bin/sh -c 'exec systemctl start " UNIT_KEYGEN "'\n");
}
