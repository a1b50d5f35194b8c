/* SPDX-License-Identifier: MIT
 *
 * client-config.c: see client-config.h. A HostKeyAlias in every stanza: CIDs and VM ids change, the
 * host key does not, and a changed address would otherwise look like an attack.
 */
#include "core/plan/client-config.h"

#include <string.h>

/* The value in the registry; Windows shows it to nobody. */
#define SERVICE_NAME "SSH over vsock"

/* In values, @n is the machine's name, @c its CID, @p the port: ssh's own %p ends at 65535, vsock
 * ports do not. */
static const struct {
        const char *id, *suffix, *about;
        bool windows;
        bool fdpass;
        const char *host_name;
        const char *command;
} routes[N_ROUTES] = {
        /* systemd-ssh-proxy(1) */
        [ROUTE_SYSTEMD] = { "systemd", "",
                            "Linux host with systemd 256 or newer (systemd-ssh-proxy)", false, true,
                            "vsock/@c", "/usr/lib/systemd/systemd-ssh-proxy %h @p" },
        [ROUTE_MUX] = { "mux", "-mux",
                        "the same, for a machine behind a vsock multiplexer's UNIX socket", false,
                        true, "vsock-mux/PATH", "/usr/lib/systemd/systemd-ssh-proxy %h @p" },
        [ROUTE_SOCAT] = { "socat", "-socat", "any Linux host with socat", false, false, NULL,
                          "socat - VSOCK-CONNECT:@c:@p" },
        /* One line each way, then the stream; what is sent before the answer came is lost in some
         * of them. Descriptors 3 and 4 are ssh's, 5 is the socket, which a shell takes away from
         * what it puts into the background. */
        [ROUTE_UNIX] = { "unix", "-unix",
                         "Firecracker, Cloud Hypervisor, vhost-device-vsock: their UNIX socket at "
                         "PATH (with socat)",
                         false, false, NULL,
                         "sh -c 'exec 3<&0 4>&1; exec socat UNIX-CONNECT:PATH SYSTEM:\"exec 5<&0; "
                         "echo CONNECT @p; read ok || exit 1; cat <&5 >&4 3<&- & "
                         "exec cat <&3 4>&-\"'" },
        [ROUTE_HVC] = { "hvc", "-hvc", "Windows host, hvc", true, false, NULL,
                        "hvc.exe nc -t vsock @n @p" },
        [ROUTE_WINSOCAT] = { "winsocat", "-winsocat",
                             "Windows host, winsocat; VM-ID from (Get-VM NAME).Id, for WSL from "
                             "hcsdiag list",
                             true, false, NULL, "winsocat.exe STDIO HVSOCK:VM-ID:vsock-@p" },
};

const char *client_route_id(enum client_route route)
{
        return routes[route].id;
}

const char *client_route_about(enum client_route route)
{
        return routes[route].about;
}

bool client_has_route(const struct client *c, enum client_route route)
{
        bool windows = c->virt == VIRT_WSL || c->virt == VIRT_MICROSOFT;

        return !c->hostless && (c->virt == VIRT_UNKNOWN || routes[route].windows == windows);
}

void client_guid(uint32_t port, struct buf *out)
{
        buf_addf(out, "%08X-FACB-11E6-BD58-64006A7986D3", port);
}

void client_host(const struct client *c, enum client_route route, struct buf *out)
{
        buf_addf(out, "%s%s", c->name, routes[route].suffix);
}

static void add_value(const struct client *c, const char *value, struct buf *out)
{
        for (; *value; value++) {
                if (*value != '@') {
                        buf_add(out, value, 1);
                        continue;
                }
                switch (*++value) {
                case 'n':
                        buf_adds(out, c->name);
                        break;
                case 'p':
                        buf_addf(out, "%u", c->port);
                        break;
                case 'c':
                        if (host_transport_is_address(c->cid))
                                buf_addf(out, "%u", c->cid);
                        else
                                buf_adds(out, "CID");
                        break;
                }
        }
}

void client_stanza(const struct client *c, enum client_route route, struct buf *out)
{
        buf_adds(out, "Host ");
        client_host(c, route, out);
        buf_addf(out, "\n    HostKeyAlias %s.vsock\n    CheckHostIP no\n", c->name);
        if (routes[route].host_name) {
                buf_adds(out, "    HostName ");
                add_value(c, routes[route].host_name, out);
                buf_adds(out, "\n");
        }
        buf_adds(out, "    ProxyCommand ");
        add_value(c, routes[route].command, out);
        buf_adds(out, "\n");
        if (routes[route].fdpass)
                buf_adds(out, "    ProxyUseFdpass yes\n");
}

bool client_is_registered(const struct client *c)
{
        return !c->hostless && (c->virt == VIRT_MICROSOFT || c->virt == VIRT_UNKNOWN);
}

void client_registry_key(const struct client *c, struct buf *out)
{
        buf_adds(out, "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Virtualization\\"
                      "GuestCommunicationServices\\");
        client_guid(c->port, out);
}

static void add_registry(const struct client *c, struct buf *out)
{
        if (c->virt == VIRT_WSL)
                buf_adds(out, "# WSL: no registration is needed; the user who started WSL may "
                              "connect to any port.\n");
        if (!client_is_registered(c))
                return;
        buf_adds(out, "# Hyper-V: the service has to be known to the Windows host, once, as "
                      "administrator.\n# GUID of the port: ");
        client_guid(c->port, out);
        buf_adds(out, "\n# PowerShell:\n#   (New-Item -Force -Path \"HKLM:\\");
        client_registry_key(c, out);
        buf_adds(out, "\").SetValue(\"ElementName\", \"" SERVICE_NAME "\")\n# as a .reg file:\n"
                      "#   Windows Registry Editor Version 5.00\n#   [HKEY_LOCAL_MACHINE\\");
        client_registry_key(c, out);
        buf_adds(out, "]\n#   \"ElementName\"=\"" SERVICE_NAME "\"\n");
}

void client_render(const struct client *c, struct buf *out)
{
        if (c->host_transport && c->host_transport->reason[0])
                buf_addf(out, "# %s: %s.\n# Fix: %s.\n\n",
                         c->host_transport->assumed ? "Taken from host_transport: assume"
                                                    : "No host is known to come in",
                         c->host_transport->reason, c->host_transport->fix);
        if (!host_transport_is_address(c->cid) && client_has_route(c, ROUTE_SYSTEMD))
                buf_adds(out, "# The CID is not known here: put the one that the host gave this "
                              "machine in CID's place.\n\n");
        for (unsigned route = 0; route < N_ROUTES; route++) {
                if (!client_has_route(c, route))
                        continue;
                buf_addf(out, "# %s\n", routes[route].about);
                client_stanza(c, route, out);
                buf_adds(out, "\n");
        }
        add_registry(c, out);
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
