/* SPDX-License-Identifier: MIT
 *
 * render.c: units, preset, module list and sshd drop-in as bytes. It knows why each directive is
 * there; where files go and whether they are wanted is desired.c's business. Paths
 * are escaped by unit-path.c; all else that lands in a unit was validated where it was read.
 */
#include "core/plan/render.h"

#include "core/format/unit-path.h"
#include "core/plan/sshd-listen.h"
#include "core/util/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The first version that knows PollLimitIntervalSec= (systemd NEWS, 255). */
#define VERSION_POLL_LIMIT 255

/* doc/DESIGN.md, "Flood limits", has each with what was measured (tests/guest/test_flood.py).
 * CPUWeight is here and not with each connection, whose coming and going would have the manager set
 * up the cgroups of half the system again. Local users are one CID or two, and together below the
 * total: the host's connections stay free. A host that needs more than 8 at a time gets them with a
 * drop-in. Backlog: the kernel's maximum, as it is: a short one would refuse the host instead. */
static void add_limits(const struct facts *f, struct buf *out)
{
        buf_addf(out,
                 "MaxConnections=%d\n"
                 "MaxConnectionsPerSource=%d\n"
                 "TriggerLimitIntervalSec=0\n",
                 8 * CONNECTIONS_PER_CID, CONNECTIONS_PER_CID);
        if (f->systemd_version >= VERSION_POLL_LIMIT)
                buf_adds(out, "PollLimitIntervalSec=0\n");
        buf_adds(out, "LogLevelMax=err\n"
                      "CPUWeight=100\n");
}

/* The keys are wanted here, too, to be there before the first connection. StartLimit: with
 * systemd's default the sixth start in 10 s leaves the socket failed, be it of an administrator who
 * tries ports or of what puts a changed socket back; nothing restarts it by itself, over and over.
 * ssh-access.target is what hosts wait for (systemd 256; vmm.notify_socket tells them of it): a
 * connection may come once it is reached, and finds its keys, for it waits for them itself. Named
 * on older systems, too, where nothing is there to be wanted: then an update of systemd is no
 * drift. */
void render_socket(const struct config *c, const struct facts *f, struct buf *out)
{
        buf_adds(out, MARKER "[Unit]\n"
                             "Description=SSH on AF_VSOCK\n"
                             "Documentation=man:sshd-vsock(8)\n");
        buf_addf(out, "Wants=" UNIT_HOSTKEYS "%s ssh-access.target\n",
                 render_has_credential(f) ? " " UNIT_CREDENTIAL : "");
        buf_adds(out, "Before=ssh-access.target\n"
                      "StartLimitIntervalSec=0\n"
                      "\n"
                      "[Socket]\n");
        buf_addf(out, "ListenStream=vsock::%u\n", c->port);
        buf_adds(out, "Accept=yes\n");
        add_limits(f, out);
        buf_adds(out, "\n"
                      "[Install]\n"
                      "WantedBy=sockets.target\n");
}

/* RuntimeDirectoryPreserve: the first session to end would otherwise delete /run/sshd for all
 * others (Debian #934663). The '-' and CollectMode: sshd -i exits 255 on every dropped connection,
 * which must not pile up failed units (systemd #29897). StandardError: it would otherwise be
 * inherited, that is go to the client. The credential's option comes before the vendor's, whose own
 * main file wins then (the last -f counts); unset, systemd would log its variable each time. The
 * socket wants its unit, for a condition that fails at each connection would be logged, too. */
void render_template(const struct facts *f, struct buf *out)
{
        bool credential = render_has_credential(f);

        buf_adds(out, MARKER "[Unit]\n"
                             "Description=SSH connection on AF_VSOCK (%I)\n"
                             "Documentation=man:sshd-vsock(8) man:sshd(8)\n"
                             "Wants=" UNIT_HOSTKEYS "\n");
        buf_addf(out, "After=" UNIT_HOSTKEYS "%s\n", credential ? " " UNIT_CREDENTIAL : "");
        buf_adds(out, "CollectMode=inactive-or-failed\n"
                      "\n"
                      "[Service]\n");
        if (credential)
                buf_adds(out, "Environment=" CREDENTIAL_OPTIONS "=\n"
                              "EnvironmentFile=-" CREDENTIAL_ENVIRONMENT "\n");
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++)
                if (f->environments & (1u << i)) {
                        buf_adds(out, "EnvironmentFile=-");
                        unit_add_path(out, distro_environments[i].file, UNIT_SETTING);
                        buf_adds(out, "\n");
                }
        buf_adds(out, "ExecStart=-");
        unit_add_path(out, f->sshd ? f->sshd : distro_sshd[0], UNIT_COMMAND);
        buf_addf(out, " -i%s", credential ? " $" CREDENTIAL_OPTIONS : "");
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++)
                if (f->environments & (1u << i))
                        buf_addf(out, " %s", distro_environments[i].variable);
        buf_adds(out, "\n"
                      "StandardInput=socket\n"
                      "StandardError=journal\n"
                      "RuntimeDirectory=sshd\n"
                      "RuntimeDirectoryMode=0755\n"
                      "RuntimeDirectoryPreserve=yes\n");
}

/* One line of the unit per line of the configuration. */
static void add_embedded(const char *text, struct buf *out)
{
        buf_adds(out, "StandardInput=data\n");
        if (!text[0])
                buf_adds(out, "StandardInputText=# all defaults\n");
        for (struct word line; word_next(&text, '\n', &line);)
                buf_addf(out, "StandardInputText=%.*s\n", (int)line.len, line.text);
}

bool provision_carries(const char *text, size_t len, struct buf *out)
{
        static const char key[] = "StandardInputText=";
        const char *end = text + len;
        bool found = false;

        if (!distro_has_marker(text, len))
                return false;
        for (struct word line; line_next(&text, end, &line);)
                if (line.len >= strlen(key) && memcmp(line.text, key, strlen(key)) == 0) {
                        buf_add(out, line.text + strlen(key), line.len - strlen(key));
                        buf_adds(out, "\n");
                        found = true;
                }
        return found && out->error == 0;
}

/* It costs the boot a fork. Type=idle: the process waits, before it is even executed, until systemd
 * has no more jobs, or 5 s (systemd.service(5)), and the job that starts it is done without it: a
 * oneshot made the boot 11 % longer, and took its share of the processor from all others.
 * DefaultDependencies=no: a target waits for what it wants only where both have default
 * dependencies; what is left of those is spelled out. After the TCP units: one that has still to
 * start would be taken for a closed one, and one that is masked while it starts hangs until its
 * timeout. After what pam_nologin waits for, and homes on a network: before, nobody gets in. Status
 * 3 is "this kernel cannot verify": nothing that a boot should end degraded for. RuntimeMaxSec: a
 * run that hangs ends, but none is cut short between closing and the second verification: there are
 * four verifications of verify_timeout at most, and a few jobs of 90 s. */
#define SHORT_VERIFICATION 60 /* seconds */

void render_provision(const struct facts *f, struct buf *out)
{
        const char *program = f->program ? f->program : distro_program[0];

        buf_adds(out, MARKER "[Unit]\n"
                             "Description=Provision and verify SSH on AF_VSOCK\n"
                             "Documentation=man:sshd-vsock(8)\n"
                             "DefaultDependencies=no\n"
                             "ConditionFileIsExecutable=");
        unit_add_path(out, program, UNIT_SETTING);
        buf_adds(out, "\n"
                      "Wants=" UNIT_KEYGEN "\n"
                      "After=basic.target " UNIT_SOCKET " " UNIT_KEYGEN
                      " cloud-init.service cloud-init-network.service"
                      " remote-fs.target systemd-user-sessions.service");
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (facts_has_unit(&f->tcp[i]))
                        buf_addf(out, " %s", distro_tcp_units[i]);
        buf_adds(out, "\n"
                      "Conflicts=shutdown.target\n"
                      "Before=shutdown.target\n"
                      "\n"
                      "[Service]\n"
                      "Type=idle\n"
                      "ExecStart=");
        unit_add_path(out, program, UNIT_COMMAND);
        buf_addf(out,
                 " %sapply\n"
                 "SuccessExitStatus=3\n"
                 "RuntimeMaxSec=%s\n",
                 f->embedded ? "--config=- " : "",
                 f->verify_timeout > SHORT_VERIFICATION ? "45min" : "15min");
        if (f->embedded)
                add_embedded(f->embedded, out);
        buf_adds(out, "\n"
                      "[Install]\n"
                      "WantedBy=multi-user.target\n");
}

void render_preset(struct buf *out)
{
        buf_adds(out, MARKER "enable " UNIT_SOCKET "\n"
                             "enable " UNIT_PROVISION "\n");
}

void render_record(const char *unit, struct buf *out)
{
        buf_addf(out, MARKER "disable %s\n", unit);
}

int preset_each_closed(const char *text, size_t len, int (*each)(void *userdata, const char *unit),
                       void *userdata)
{
        static const char word[] = "disable ";
        const char *end = text + len;
        int r = 0;

        if (!distro_has_marker(text, len))
                return 0;
        for (struct word line; r >= 0 && line_next(&text, end, &line);) {
                const size_t n = strlen(word);
                char unit[128];

                if (line.len <= n || memcmp(line.text, word, n) != 0 ||
                    line.len - n >= sizeof(unit))
                        continue;
                (void)snprintf(unit, sizeof(unit), "%.*s", (int)(line.len - n), line.text + n);
                r = each(userdata, unit);
        }
        return r;
}

static int add_bit(void *userdata, const char *unit)
{
        unsigned *closed = userdata;

        if (distro_is_tcp_unit(unit))
                *closed |= 1u << distro_tcp_unit(unit);
        return 0;
}

unsigned preset_closed(const char *text, size_t len)
{
        unsigned closed = 0;

        return preset_each_closed(text, len, add_bit, &closed) < 0 ? 0 : closed;
}

unsigned modules_wanted(const struct facts *f)
{
        unsigned wanted = 0;

        for (size_t i = 0; i < N_MODULES; i++)
                if (distro_transports[i].where & (1u << f->virt))
                        wanted |= f->modules & (1u << i);
        return wanted;
}

void render_modules(unsigned modules, struct buf *out)
{
        buf_adds(out, MARKER);
        for (size_t i = 0; i < N_MODULES; i++)
                if (modules & (1u << i))
                        buf_addf(out, "%s\n", distro_transports[i].module);
}

void render_listen(const struct config *c, struct buf *out)
{
        for (size_t i = 0; i < c->n_listen; i++) {
                buf_adds(out, "ListenAddress ");
                listen_name(&c->listen[i], out);
                buf_adds(out, "\n");
        }
}

void render_listen_dropin(const struct config *c, struct buf *out)
{
        buf_adds(out, MARKER);
        render_listen(c, out);
}

static const char *wildcard_of(const struct listen_address *l)
{
        return l->ipv6 ? "::" : "0.0.0.0";
}

/* Each once, and none that a wildcard has: what is bound twice fails the unit. */
static void add_stream(const struct listen_address *l, unsigned port, struct buf *out)
{
        const char *open = l->ipv6 ? "[" : "", *close = l->ipv6 ? "]" : "";
        AUTO_BUF line = BUF_INIT, wide = BUF_INIT;

        buf_addf(&line, "ListenStream=%s%s%s:%u\n", open, l->address, close, port);
        buf_addf(&wide, "ListenStream=%s%s%s:%u\n", open, wildcard_of(l), close, port);
        if (line.error < 0 || wide.error < 0)
                out->error = -ENOMEM;
        else if (!strstr(buf_str(out), buf_str(&line)) && !strstr(buf_str(out), buf_str(&wide)))
                buf_adds(out, buf_str(&line));
}

/* One without a port has those that stand in for it. */
static void add_streams(const struct config *c, bool wildcards, const uint16_t *ports,
                        size_t n_ports, struct buf *out)
{
        for (size_t i = 0; i < c->n_listen; i++) {
                const struct listen_address *l = &c->listen[i];

                if ((strcmp(l->address, wildcard_of(l)) == 0) != wildcards)
                        continue;
                if (l->port != 0)
                        add_stream(l, l->port, out);
                for (size_t k = 0; l->port == 0 && k < n_ports; k++)
                        add_stream(l, ports[k], out);
        }
}

/* All lines but a vsock stream on our port, which is taken over. */
static void add_others(const char *lines, unsigned port, struct buf *out)
{
        static const char key[] = "ListenStream=";

        for (size_t n; *lines; lines += n) {
                AUTO_BUF value = BUF_INIT;

                n = strcspn(lines, "\n");
                if (strncmp(lines, key, strlen(key)) == 0)
                        buf_add(&value, lines + strlen(key), n - strlen(key));
                n += lines[n] == '\n';
                if (!unit_stream_is_vsock(buf_str(&value), port))
                        buf_add(out, lines, n);
                if (value.error < 0)
                        out->error = value.error;
        }
}

/* systemd binds the sockets that it passes to sshd, which then never looks at its ListenAddress,
 * nor at its Port unless the unit has none. FreeBind: an address that comes up late must not cost
 * the socket at boot. BindIPv6Only as sshd itself does it (sshd.c, IPV6_V6ONLY). The empty
 * ListenStream= takes away all that the unit listens on; what is not TCP comes back. */
void render_socket_dropin(const struct config *c, const struct facts *f,
                          const struct unit_streams *streams, struct buf *out)
{
        static const uint16_t usual[] = { 22 };
        const uint16_t *ports = streams->n_ports > 0  ? streams->ports
                                : f->n_sshd_ports > 0 ? f->sshd_ports
                                                      : usual;
        size_t n_ports = streams->n_ports > 0  ? streams->n_ports
                         : f->n_sshd_ports > 0 ? f->n_sshd_ports
                                               : ELEMENTSOF(usual);

        buf_adds(out, MARKER "[Socket]\n"
                             "ListenStream=\n"
                             "FreeBind=yes\n"
                             "BindIPv6Only=ipv6-only\n");
        add_streams(c, true, ports, n_ports, out);
        add_streams(c, false, ports, n_ports, out);
        add_others(buf_str(&streams->others), c->port, out);
}

void render_hushlogin(struct buf *out)
{
        buf_adds(out, FILE_MARKER "\n");
}
