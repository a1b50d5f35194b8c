/* SPDX-License-Identifier: MIT
 *
 * causes.c: the table of causes.h, and the phrases by which the journal gives a cause away.
 */
#include "core/plan/causes.h"

#include "core/util/words.h"

#include <string.h>

const struct cause_row causes[N_CAUSES] = {
        [CAUSE_NONE] = { "none", "an SSH server answers", "" },
        [CAUSE_NOT_BOOTED] = { "not-booted", "this system was not booted with systemd",
                               "use --root=DIR for an image (--root=/ from inside, as where a "
                               "container is built); on WSL put \"[boot]\" and "
                               "\"systemd=true\" into /etc/wsl.conf and run \"wsl --shutdown\" "
                               "from Windows" },
        [CAUSE_CHROOT] = { "chroot", "this is a chroot, not the system that systemd runs",
                           "use --root=DIR from outside of it, or --root=/ inside" },
        [CAUSE_NOT_ROOT] = { "not-root", "this needs root", "use sudo" },
        [CAUSE_NO_SSHD] = { "no-sshd", "openssh-server is not installed",
                            "install the package openssh-server (openSUSE, Arch: openssh)" },
        [CAUSE_UNIT_MASKED] = { "unit-masked", "the socket unit is masked",
                                "systemctl unmask sshd-vsock.socket; sshd-vsock apply" },
        [CAUSE_UNIT_MISSING] = { "unit-missing", "the socket unit is not installed",
                                 "sshd-vsock apply" },
        [CAUSE_UNIT_REJECTED] = { "unit-rejected", "systemd refuses a unit of the vsock listener",
                                  "correct what \"systemctl status sshd-vsock.socket "
                                  "sshd-vsock@verify.service\" names, then \"systemctl "
                                  "daemon-reload && sshd-vsock apply\"" },
        [CAUSE_TEMPLATE_MISSING] = { "template-missing",
                                     "no template sshd-vsock@.service belongs to the socket, so "
                                     "connections are accepted and not served",
                                     "sshd-vsock apply" },
        [CAUSE_TEMPLATE_MASKED] = { "template-masked", "the template sshd-vsock@.service is masked",
                                    "systemctl unmask sshd-vsock@.service; sshd-vsock apply" },
        [CAUSE_TRIGGER_LIMIT] = { "trigger-limit",
                                  "the socket was flooded and gave up (trigger limit)",
                                  "systemctl reset-failed sshd-vsock.socket; sshd-vsock apply" },
        [CAUSE_PORT_TAKEN] = { "port-taken", "the vsock port is in use by another program",
                               "stop the program that holds it (\"ss --vsock -lp\" shows), or "
                               "choose another port, then \"sshd-vsock apply\" (WSL distributions "
                               "share one kernel: one port each)" },
        [CAUSE_SOCKET_FAILED] = { "socket-failed", "the socket unit failed",
                                  "correct what \"systemctl status sshd-vsock.socket\" shows, then "
                                  "\"sshd-vsock apply\"" },
        [CAUSE_SOCKET_INACTIVE] = { "socket-inactive", "the socket unit is not listening",
                                    "systemctl start sshd-vsock.socket" },
        [CAUSE_NO_AF_VSOCK] = { "no-af-vsock", "this kernel has no AF_VSOCK",
                                "boot a kernel with CONFIG_VSOCKETS and install its modules" },
        [CAUSE_NO_LOOPBACK] = { "no-loopback",
                                "no vsock loopback is loaded in this kernel, so nothing can be "
                                "verified from inside",
                                "\"modprobe vsock_loopback\" as root, where the kernel has that "
                                "module; else none is needed for the vsock listener itself: verify "
                                "from the host, or use a kernel with CONFIG_VSOCKETS_LOOPBACK "
                                "(WSL: 6.18 and newer)" },
        [CAUSE_NO_LISTENER] = { "no-listener", "nothing listens on the vsock port",
                                "sshd-vsock apply" },
        [CAUSE_SHARE_FULL] = { "share-full",
                               "programs on this system hold all connections that the per-CID "
                               "limit allows; the host has a limit of its own and can still "
                               "connect",
                               "end what holds them (\"ss --vsock -p\" shows), or wait: sshd ends "
                               "those that do not log in within its LoginGraceTime" },
        [CAUSE_CONNECT] = { "connect", "the connection through vsock loopback failed",
                            "see \"dmesg\" for messages of the vsock transport" },
        [CAUSE_TIMEOUT] = { "timeout", "connected, but no SSH banner came in time",
                            "see \"journalctl -u 'sshd-vsock@*'\"; on a slow machine raise "
                            "verify_timeout" },
        [CAUSE_NO_HOST_KEYS] = { "no-host-keys", "sshd has no host keys it can read",
                                 "\"chmod 0600 /etc/ssh/ssh_host_*_key\", or the files that "
                                 "HostKey in sshd_config names (\"none\" goes), move away those "
                                 "that "
                                 "\"ssh-keygen -y -f FILE\" cannot read, then \"sshd-vsock "
                                 "apply\", and \"systemctl restart sshd-vsock-keygen.service\", "
                                 "which makes missing ones" },
        [CAUSE_NO_PRIVSEP] = { "no-privsep",
                               "sshd's privilege separation directory is missing, or not root's "
                               "alone",
                               "make the directory that the journal names root's, as with "
                               "\"install -d -o root -g root -m 0755 /run/sshd\"; what is in its "
                               "place and no directory goes first" },
        [CAUSE_NO_PRIVSEP_USER] = { "no-privsep-user",
                                    "sshd's account for privilege separation does not exist",
                                    "run \"systemd-sysusers\", or create the account that the "
                                    "journal names: \"useradd --system --home-dir /run/sshd "
                                    "--shell /usr/sbin/nologin sshd\"" },
        [CAUSE_BAD_SSHD_CONFIG] = { "bad-sshd-config", "sshd refuses its configuration",
                                    "run \"sshd -t\" and correct the line it names, or the option "
                                    "of its command (\"systemctl cat sshd-vsock@.service\") that "
                                    "the journal names" },
        [CAUSE_CLOSED] = { "closed", "connection closed before the SSH banner",
                           "correct what \"journalctl -u 'sshd-vsock@*'\" or \"systemctl cat "
                           "sshd-vsock@.service\" shows" },
        [CAUSE_NOT_SSH] = { "not-ssh", "what answers on the vsock port is not an SSH server",
                            "see \"systemctl cat sshd-vsock@.service\" for what answers, and take "
                            "it out; or choose another port, then \"sshd-vsock apply\"" },
        [CAUSE_SSH_VERSION] = { "ssh-version", "the SSH server does not speak protocol 2",
                                "install a current OpenSSH" },
        [CAUSE_NO_KEX] = { "no-kex", "the SSH banner came, but no key exchange followed",
                           "correct what \"journalctl -u 'sshd-vsock@*'\" or \"systemctl cat "
                           "sshd-vsock@.service\" shows; under SELinux also \"ausearch -m avc -ts "
                           "recent\"" },
        [CAUSE_SELINUX] = { "selinux", "SELinux denies sshd the vsock connection",
                            "update selinux-policy, or load the rules that it lacks: "
                            "\"semodule -i /usr/share/sshd-vsock/sshd-vsock.cil\"; where that file "
                            "is not: \"echo '(allow sshd_t self (vsock_socket (getattr read "
                            "write)))' >/root/sshd-vsock.cil && semodule -i "
                            "/root/sshd-vsock.cil\"" },
        [CAUSE_SELINUX_KEYS] = { "selinux-keys", "SELinux denies sshd a key file",
                                 "\"restorecon -R -v /etc/ssh /root /home\" gives key files the "
                                 "labels they should have" },
        [CAUSE_SELINUX_FILE] = { "selinux-file", "SELinux denies sshd a file",
                                 "\"restorecon -R -v /etc\" gives files there the labels they "
                                 "should have; for one elsewhere name its directory" },
        [CAUSE_SELINUX_RULE] = { "selinux-rule", "SELinux denies sshd something it needs",
                                 "update selinux-policy, or allow what the journal names: "
                                 "\"ausearch -m avc -c sshd -ts recent | audit2allow -M local && "
                                 "semodule -i local.pp\"" },
        [CAUSE_SELINUX_UNIT] = { "selinux-unit",
                                 "SELinux keeps systemd from a unit, whose file has no good label",
                                 "\"restorecon -R -v /etc/systemd /usr/lib/systemd && systemctl "
                                 "daemon-reload\", then \"sshd-vsock apply\"" },
        [CAUSE_APPARMOR] = { "apparmor", "AppArmor denies sshd something it needs",
                             "allow it in the profile that the journal names (for family=\"vsock\" "
                             "by the line \"network vsock stream,\"), then \"systemctl reload "
                             "apparmor\"" },
        [CAUSE_NO_UNKNOWN] = { "no-unknown",
                               "the name UNKNOWN does not resolve from /etc/hosts: logins may "
                               "wait for DNS",
                               "\"sshd-vsock apply\", with hosts_entry: true" },
        [CAUSE_NO_WAY_TO_HOST] = { "no-way-to-host",
                                   "the vsock listener answers locally, but no host is known to "
                                   "come in over vsock",
                                   "give the machine a vsock device (QEMU: -device "
                                   "vhost-vsock-pci,guest-cid=N); clouds mostly offer none" },
        [CAUSE_TCP_OPEN] = { "tcp-open",
                             "sshd listens on TCP where disable_tcp or listen_address lets none",
                             "run the command that the message names, then \"sshd-vsock apply\"" },
        [CAUSE_TCP_DOWN] = { "tcp-down",
                             "no sshd listens on TCP, though listen_address wants one to",
                             "correct what the log of the named unit says, restart that unit, then "
                             "\"sshd-vsock apply\"" },
        [CAUSE_NO_LOGIN] = { "no-login",
                             "the vsock listener answers, but no account that require_login asks "
                             "for was shown to log in through it",
                             "give an account a key that sshd accepts from a client without an "
                             "address; the messages say what stops each account" },
};

int cause_set(struct error *e, enum cause cause, const char *detail, int error)
{
        error_fix(e, "%s", causes[cause].fix);
        if (!e->text[0])
                e->cause = cause;
        return error_say(e, error, "%s%s%s%s", causes[cause].what, detail[0] ? " (" : "", detail,
                         detail[0] ? ")" : "");
}

static bool has_any(const char *line, const char *const words[])
{
        for (; *words; words++)
                if (strstr(line, *words))
                        return true;
        return false;
}

/* By the class of what is denied, and for a key by its name or by the type it should have. */
static enum cause of_denial(const char *line)
{
        static const char *const files[] = { "tclass=file", "tclass=dir", "tclass=lnk_file", NULL };
        static const char *const keys[] = {
                "name=\"authorized_keys", "name=\".ssh\"", "/.ssh/", "ssh_host_",
                ":ssh_home_t:",           ":sshd_key_t:",  NULL
        };

        if (!has_any(line, files))
                return CAUSE_SELINUX_RULE;
        return has_any(line, keys) ? CAUSE_SELINUX_KEYS : CAUSE_SELINUX_FILE;
}

/* What stands behind the key. A blank goes before it: what users choose (names, comm) is in quotes
 * and has no blank, or in hex (lib/audit.c, audit_log_untrustedstring()). */
static const char *value_of(const char *line, const char *key)
{
        const char *at = strstr(line, key);

        return at ? at + strlen(key) : "";
}

/* "system_u:system_r:sshd_t:s0-s0:c0.c1023": Fedora has sshd_net_t and others too, and systemd's
 * own is what starts them. Nobody else gets there, whatever he calls himself. */
static bool is_type_of_sshd(const char *line)
{
        const char *at = value_of(line, " scontext=");

        for (unsigned i = 0; i < 2; i++) {
                at += strcspn(at, ": ");
                at += *at == ':';
        }
        return strncmp(at, "sshd_", 5) == 0 || strncmp(at, "init_t:", 7) == 0;
}

/* "sshd", "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/sbin/sshd//PRIVSEP". */
static bool is_profile_of_sshd(const char *line)
{
        const char *at = value_of(line, " profile=\"");
        size_t end = strcspn(at, "\""), from = 0;

        for (size_t i = 0; i < end && strncmp(at + i, "//", 2) != 0; i++)
                if (at[i] == '/')
                        from = i + 1;
        return strncmp(at + from, "sshd", 4) == 0;
}

/* A denial of somebody else's is none of ours, nor is one that is only written down. Anybody may
 * call himself sshd; the label is the kernel's word. */
enum cause cause_from_kernel(const char *line)
{
        bool sshd = strstr(line, " comm=\"sshd") && !strstr(line, " comm=\"sshd-vsock\"");

        if (strstr(line, "apparmor=\"DENIED\""))
                return is_profile_of_sshd(line) && (sshd || strstr(line, " family=\"vsock\""))
                               ? CAUSE_APPARMOR
                               : CAUSE_NONE;
        if (!strstr(line, "avc:  denied") || strstr(line, "permissive=1") || !is_type_of_sshd(line))
                return CAUSE_NONE;
        if (strstr(line, "tclass=vsock_socket"))
                return CAUSE_SELINUX;
        return sshd ? of_denial(line) : CAUSE_NONE;
}

/* Behind the level that log.c of OpenSSH puts first. */
static const char *without_level(const char *line)
{
        return strncmp(line, "fatal: ", 7) == 0 || strncmp(line, "error: ", 7) == 0 ? line + 7
                                                                                    : line;
}

/* "/etc/ssh/sshd_config line 3: …" is the end of sshd (servconf.c), but for two that it warns of;
 * so is "command-line line 0: …", an option of its command. "/etc/ssh/x: No such file or directory"
 * is perror(3) of load_server_config(), which says nothing else. */
static bool is_config_fault(const char *line)
{
        const char *words = without_level(line);

        if (words[0] != '/' && strncmp(words, "command-line", 12) != 0)
                return false;
        if (strstr(words, " line "))
                return !strstr(words, "Deprecated option") && !strstr(words, "Unsupported option");
        return words[strcspn(words, ": ")] == ':' &&
               (text_ends(words, ": No such file or directory") ||
                text_ends(words, ": Permission denied"));
}

bool cause_names_place(enum cause cause, const char *line)
{
        switch (cause) {
        case CAUSE_BAD_SSHD_CONFIG:
                return !strstr(line, "terminating, ");
        case CAUSE_NO_HOST_KEYS:
                return strchr(line, '/') != NULL;
        default:
                return true;
        }
}

unsigned cause_weight(const char *line, unsigned priority, bool systemd)
{
        if (systemd)
                return priority <= 4 ? 2 : 0;
        if (strncmp(line, "fatal: ", 7) == 0)
                return 4;
        return priority <= 3 ? 3 : 1;
}

enum cause cause_from_journal(const char *line)
{
        static const struct {
                const char *phrase;
                enum cause cause;
        } table[] = {
                { "no hostkeys available", CAUSE_NO_HOST_KEYS },                /* sshd.c */
                { "Missing privilege separation directory", CAUSE_NO_PRIVSEP }, /* sshd.c */
                { "must be owned by root and not group or world-writable", CAUSE_NO_PRIVSEP },
                { "chroot(\"", CAUSE_NO_PRIVSEP }, /* sshd.c, privsep_preauth_child() */
                { "Privilege separation user ", CAUSE_NO_PRIVSEP_USER }, /* sshd.c */
                { "Bad configuration option", CAUSE_BAD_SSHD_CONFIG },   /* servconf.c */
                { "bad configuration options", CAUSE_BAD_SSHD_CONFIG },
                { "is not allowed within a Match block", CAUSE_BAD_SSHD_CONFIG },
                { "bad addr or host", CAUSE_BAD_SSHD_CONFIG },
                { "AuthorizedKeysCommand set without ", CAUSE_BAD_SSHD_CONFIG }, /* sshd.c */
                { "AuthorizedPrincipalsCommand set without ", CAUSE_BAD_SSHD_CONFIG },
                { "AuthenticationMethods cannot be satisfied ", CAUSE_BAD_SSHD_CONFIG },
                { "Address already in use", CAUSE_PORT_TAKEN }, /* systemd, socket.c */
                { "Address family not supported", CAUSE_NO_AF_VSOCK },
                { "trigger-limit-hit", CAUSE_TRIGGER_LIMIT },
                { "Failed at step RUNTIME_DIRECTORY", CAUSE_NO_PRIVSEP }, /* systemd, execute.c */
        };

        /* the directory is there, and the unit takes away the right to it */
        if (strstr(line, "chroot(\"") && strstr(line, "Operation not permitted"))
                return CAUSE_NO_KEX;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strstr(line, table[i].phrase))
                        return table[i].cause;
        return is_config_fault(line) ? CAUSE_BAD_SSHD_CONFIG : cause_from_kernel(line);
}

void cause_files(const struct argv *paths, size_t most, struct buf *out)
{
        const size_t before = out->len;
        size_t said = 0;

        while (said < paths->n &&
               out->len - before + strlen(paths->list[said]) + (said ? 2 : 0) <= most) {
                buf_addf(out, "%s%s", said ? ", " : "", paths->list[said]);
                said++;
        }
        if (said == 0 && paths->n > 0)
                buf_addf(out, "%zu drop-ins", paths->n);
        else if (said < paths->n)
                buf_addf(out, " and %zu more", paths->n - said);
}
