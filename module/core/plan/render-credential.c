/* SPDX-License-Identifier: MIT
 *
 * render-credential.c: what has the vsock listener accept the keys that the machine was booted with
 * (ssh.ephemeral-authorized_keys-all), beside those that sshd_config accepts and never instead of
 * them. Part of render.h; what stands there, and why.
 */
#include "core/plan/render.h"

/* The first version that knows ConditionCredential= and all ways by which a credential comes; and
 * the first with ImportCredential=, which decrypts, too (systemd.unit(5), systemd.exec(5)). */
#define VERSION_CREDENTIAL 252
#define VERSION_IMPORT     254

/* Without a main file in /etc (openSUSE) there is none that a copy could be trusted to include: one
 * that appears there takes the place of the vendor's at once, for every sshd but this. */
bool render_has_credential(const struct facts *f)
{
        return f->systemd_version >= VERSION_CREDENTIAL && f->sshd_config;
}

/* sshd's option -o AuthorizedKeysFile, as systemd's own template passes it, takes the place of the
 * one in sshd_config: whose keys are elsewhere is locked out. A list of both is right until
 * sshd_config changes. AuthorizedKeysCommand is asked beside the files (auth2-pubkey.c,
 * user_key_allowed), and behind the Include it is a mere default: the first value counts
 * (servconf.c), a Match block of the included file ends with it, and one that sets it wins. So
 * nothing here can go stale, and all of it is decided at the connection. The copy of the keys is
 * readable for all, since sshd_config may have set the command's user. */
void render_sshd_vsock(const struct facts *f, struct buf *out)
{
        (void)f;
        buf_adds(out, MARKER "Include " PATH_SSHD_CONFIG "\n"
                             "AuthorizedKeysCommand " CREDENTIAL_COMMAND "\n"
                             "AuthorizedKeysCommandUser root\n");
}

/* Only where there is such a credential do connections get another main file than sshd's own: the
 * environment file is what says so. That one is read by systemd and the main file is in /etc/ssh,
 * where SELinux lets sshd read it; what it cannot read in /run costs no more than these keys. */
void render_credential(const struct facts *f, struct buf *out)
{
        buf_adds(out, MARKER "[Unit]\n"
                             "Description=Keys from a credential for SSH on AF_VSOCK\n"
                             "Documentation=man:sshd-vsock(8)\n"
                             "ConditionCredential=" CREDENTIAL_KEYS "\n"
                             "ConditionPathExists=" PATH_SSHD_CONFIG "\n"
                             "ConditionPathExists=" PATH_SSHD_VSOCK "\n"
                             "\n"
                             "[Service]\n"
                             "Type=oneshot\n"
                             "RemainAfterExit=yes\n"
                             "RuntimeDirectory=" CREDENTIAL_DIRECTORY "\n");
        buf_addf(out, "%sCredential=" CREDENTIAL_KEYS "\n",
                 f->systemd_version >= VERSION_IMPORT ? "Import" : "Load");
        buf_adds(out, "ExecStart=/bin/sh -c '"
                      "install -m 0444 \"$$CREDENTIALS_DIRECTORY/" CREDENTIAL_KEYS
                      "\" " CREDENTIAL_FILE " && "
                      "echo " CREDENTIAL_OPTIONS "=-f" PATH_SSHD_VSOCK " >" CREDENTIAL_ENVIRONMENT
                      "'\n");
}
