/* SPDX-License-Identifier: MIT
 *
 * client.c: see client.h. A HostKeyAlias in every stanza: CIDs and VM ids change, the host key does
 * not, and a changed address would otherwise look like an attack.
 */
#include "client.h"

#include <string.h>

void client_guid(uint32_t port, struct buf *out)
{
        buf_addf(out, "%08X-FACB-11E6-BD58-64006A7986D3", port);
}

static void add_stanza(const struct client *c, const char *suffix, struct buf *out)
{
        buf_addf(out, "Host %s%s\n    HostKeyAlias %s.vsock\n    CheckHostIP no\n", c->name, suffix,
                 c->name);
}

/* systemd-ssh-proxy(1), systemd 256; a port other than 22 goes through ssh's own Port. */
static void add_systemd(const struct client *c, const char *cid, struct buf *out)
{
        buf_adds(out, "# Linux host with systemd 256 or newer (systemd-ssh-proxy)\n");
        add_stanza(c, "", out);
        buf_addf(out, "    HostName vsock/%s\n", cid);
        if (c->port != 22)
                buf_addf(out, "    Port %u\n", c->port);
        buf_adds(out, "    ProxyCommand /usr/lib/systemd/systemd-ssh-proxy %h %p\n"
                      "    ProxyUseFdpass yes\n\n");
        buf_adds(out, "# the same, for a machine behind a vsock multiplexer's UNIX socket\n");
        add_stanza(c, "-mux", out);
        buf_adds(out, "    HostName vsock-mux/PATH\n");
        if (c->port != 22)
                buf_addf(out, "    Port %u\n", c->port);
        buf_adds(out, "    ProxyCommand /usr/lib/systemd/systemd-ssh-proxy %h %p\n"
                      "    ProxyUseFdpass yes\n\n");
}

/* Firecracker's and Cloud Hypervisor's protocol is one line each way, then the stream. Their answer
 * goes to ssh as it is: a line before the server's identification, which RFC 4253 §4.2 lets a
 * client skip. */
static void add_others(const struct client *c, const char *cid, struct buf *out)
{
        buf_adds(out, "# any Linux host with socat\n");
        add_stanza(c, "-socat", out);
        buf_addf(out, "    ProxyCommand socat - VSOCK-CONNECT:%s:%u\n\n", cid, c->port);
        buf_adds(
                out,
                "# Firecracker, Cloud Hypervisor, vhost-device-vsock: their UNIX socket at PATH\n");
        add_stanza(c, "-unix", out);
        buf_addf(out,
                 "    ProxyCommand sh -c '{ echo CONNECT %u; exec cat; } | socat - "
                 "UNIX-CONNECT:PATH'\n\n",
                 c->port);
}

static void add_windows(const struct client *c, struct buf *out)
{
        buf_adds(out, "# Windows host, hvc\n");
        add_stanza(c, "-hvc", out);
        buf_addf(out, "    ProxyCommand hvc.exe nc -t vsock %s %u\n\n", c->name, c->port);
        buf_adds(out, "# Windows host, winsocat; VM-ID from (Get-VM NAME).Id, for WSL from hcsdiag "
                      "list\n");
        add_stanza(c, "-winsocat", out);
        buf_addf(out, "    ProxyCommand winsocat.exe STDIO HVSOCK:VM-ID:vsock-%u\n\n", c->port);
}

static void add_registry(const struct client *c, struct buf *out)
{
        static const char key[] =
                "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Virtualization\\"
                "GuestCommunicationServices\\";

        if (c->virt == VIRT_WSL) {
                buf_adds(out, "# WSL: no registration is needed; the user who started WSL may "
                              "connect to any port.\n");
                return;
        }
        buf_adds(out, "# Hyper-V: the service has to be known to the Windows host, once, as "
                      "administrator.\n# GUID of the port: ");
        client_guid(c->port, out);
        buf_adds(out, "\n# PowerShell:\n#   (New-Item -Force -Path \"HKLM:\\");
        buf_adds(out, key);
        client_guid(c->port, out);
        buf_adds(out, "\").SetValue(\"ElementName\", \"SSH over vsock\")\n# as a .reg file:\n"
                      "#   Windows Registry Editor Version 5.00\n#   [HKEY_LOCAL_MACHINE\\");
        buf_adds(out, key);
        client_guid(c->port, out);
        buf_adds(out, "]\n#   \"ElementName\"=\"SSH over vsock\"\n");
}

void client_render(const struct client *c, struct buf *out)
{
        char number[16] = "CID";
        AUTO_BUF cid = BUF_INIT;

        if (c->cid)
                buf_addf(&cid, "%u", c->cid);
        if (cid.len > 0 && cid.len < sizeof(number))
                memcpy(number, cid.data, cid.len + 1);
        if (!c->cid)
                buf_adds(out, "# The CID is not known here: put the one that the host gave this "
                              "machine in CID's place.\n\n");
        if (c->virt != VIRT_WSL && c->virt != VIRT_MICROSOFT) {
                add_systemd(c, number, out);
                add_others(c, number, out);
        }
        if (c->virt == VIRT_WSL || c->virt == VIRT_MICROSOFT || c->virt == VIRT_UNKNOWN) {
                add_windows(c, out);
                add_registry(c, out);
        }
}

void client_known_host(const char *name, const char *public_key, struct buf *out)
{
        size_t type = strcspn(public_key, " \t\n"), blank, key;

        blank = type + strspn(public_key + type, " \t");
        key = strcspn(public_key + blank, " \t\n");
        if (type == 0 || key == 0 || blank == type)
                return;
        buf_addf(out, "%s.vsock %.*s %.*s\n", name, (int)type, public_key, (int)key,
                 public_key + blank);
}
