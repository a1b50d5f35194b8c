/* SPDX-License-Identifier: MIT
 *
 * client-config.c: see client-config.h. A HostKeyAlias in every stanza: CIDs and VM ids change, the
 * host key does not, and a changed address would otherwise look like an attack.
 */
#include "core/plan/client-config.h"

#include <stdio.h>
#include <string.h>

/* The value in the registry; Windows shows it to nobody. */
#define SERVICE_NAME "SSH over vsock"

#define SSH_PROXY "/usr/lib/systemd/systemd-ssh-proxy"

/* In values, @a is what the host calls this machine, @p the port: ssh's own %p ends at 65535, vsock
 * ports do not. @d is wsl.exe's option for the distribution.
 *
 * Windows' ssh starts a ProxyCommand without a shell, as CreateProcess does once it has put quotes
 * around all up to the first ".exe" (PowerShell/openssh-portable, sshconnect.c, ssh_proxy_connect;
 * misc.c, build_commandline_string): the name has to end in it, and be found in PATH (since 7.9,
 * Win32-OpenSSH #1185). */
const struct client_row client_routes[N_ROUTES] = {
        /* Two ways under one name, see client_stanza(). */
        [ROUTE_LINUX] = { "linux",
                          "any Linux host: by systemd-ssh-proxy where it has that (systemd 256 or "
                          "newer), else by socat",
                          HOST_LINUX, ADDRESS_CID, false, false, false, NULL,
                          "socat - VSOCK-CONNECT:@a:@p" },
        /* systemd-ssh-proxy(1), since 256. It hands ssh the socket itself, which no ssh in between
         * could pass on. */
        [ROUTE_SYSTEMD] = { "systemd", "Linux host with systemd 256 or newer (systemd-ssh-proxy)",
                            HOST_LINUX, ADDRESS_CID, true, false, false, "vsock/@a",
                            SSH_PROXY " %h @p" },
        [ROUTE_SOCAT] = { "socat", "any Linux host with socat", HOST_LINUX, ADDRESS_CID, false,
                          true, false, NULL, "socat - VSOCK-CONNECT:@a:@p" },
        /* vsock-mux/ is in 257 and newer (systemd PR #32941), in its own ssh_config since 258
         * (#36645), which is why the stanza has all of it. */
        [ROUTE_MUX] = { "mux",
                        "Linux host with systemd 257 or newer, for a machine behind a vsock "
                        "multiplexer's UNIX socket",
                        HOST_LINUX, ADDRESS_PATH, true, false, false, "vsock-mux/@a",
                        SSH_PROXY " %h @p" },
        /* One line each way, then the stream; what is sent before the answer came is lost in some
         * of them. Descriptors 3 and 4 are ssh's, 5 is the socket, which a shell takes away from
         * what it puts into the background. */
        [ROUTE_UNIX] = { "unix",
                         "Firecracker, Cloud Hypervisor, vhost-device-vsock: their UNIX socket on "
                         "the host (with socat)",
                         HOST_LINUX, ADDRESS_PATH, false, true, true, NULL,
                         "sh -c 'exec 3<&0 4>&1; exec socat UNIX-CONNECT:@a SYSTEM:\"exec 5<&0; "
                         "echo CONNECT @p; read ok || exit 1; cat <&5 >&4 3<&- & "
                         "exec cat <&3 4>&-\"'" },
        [ROUTE_HVC] = { "hvc", "Windows host, hvc, as administrator", HOST_HYPERV, ADDRESS_VM,
                        false, true, false, NULL, "hvc.exe nc -t vsock @a @p" },
        [ROUTE_WINSOCAT] = { "winsocat",
                             "Windows host, winsocat; the VM id is (Get-VM NAME).Id, as "
                             "administrator",
                             HOST_HYPERV, ADDRESS_VM_ID, false, true, false, NULL,
                             "winsocat.exe STDIO HVSOCK:@a:vsock-@p" },
        /* The id of WSL's machine is a new one at each of its starts. Inside of it wslinfo tells
         * it, to anybody (WSL #13212, WSL_INIT_INTEROP_SOCKET is 0777); that starts the
         * distribution, too. cmd hands winsocat ssh's own pipes; wsl.exe must not read them, or
         * ssh's first line is gone. /q, or cmd would print the line that it runs; /d is against
         * AutoRun. */
        [ROUTE_WSL] = { "wsl",
                        "Windows host of WSL 2.5.10 or newer, with winsocat; needs no "
                        "administrator",
                        HOST_WSL, ADDRESS_WSL, false, false, false, NULL,
                        "cmd.exe /d /q /c for /f %%i in ('wsl.exe @d-e wslinfo --vm-id ^<nul') do "
                        "winsocat.exe STDIO HVSOCK:%%i:vsock-@p" },
};

bool client_has_route(const struct client *c, enum client_route route)
{
        enum host_kind kind = c->virt == VIRT_WSL         ? HOST_WSL
                              : c->virt == VIRT_MICROSOFT ? HOST_HYPERV
                                                          : HOST_LINUX;

        if (c->asked)
                return route == c->route;
        if (c->jump && !client_routes[route].jumps)
                return false;
        return !c->hostless && (c->virt == VIRT_UNKNOWN || client_routes[route].kind == kind);
}

/* hvc is there where Hyper-V is, winsocat has to be installed. */
enum client_route client_pick(const struct client *c)
{
        if (c->asked)
                return c->route;
        if (c->virt == VIRT_WSL)
                return ROUTE_WSL;
        if (c->virt == VIRT_MICROSOFT)
                return ROUTE_HVC;
        if (c->by_socket)
                return ROUTE_UNIX;
        return c->jump ? ROUTE_SOCAT : ROUTE_LINUX;
}

void client_guid(uint32_t port, struct buf *out)
{
        buf_addf(out, "%08X-FACB-11E6-BD58-64006A7986D3", port);
}

/* NULL: not known here. */
static const char *known_address(const struct client *c, enum client_address kind, char text[16])
{
        if (c->address)
                return c->address;
        switch (kind) {
        case ADDRESS_CID:
                (void)snprintf(text, 16, "%u", c->cid);
                return host_transport_is_address(c->cid) ? text : NULL;
        case ADDRESS_VM:
                return c->vm_id ? c->vm_id : c->vm_name;
        case ADDRESS_VM_ID:
                return c->vm_id;
        case ADDRESS_WSL:
                return c->distribution;
        case ADDRESS_PATH:
                break;
        }
        return NULL;
}

/* What stands in the place of one that is not known, and where it is from. */
static const struct {
        const char *word, *source;
} unknown[] = {
        [ADDRESS_CID] = { "CID", "the CID that the host gave this machine" },
        [ADDRESS_PATH] = { "PATH", "the path of that UNIX socket" },
        [ADDRESS_VM] = { "VM-NAME", "the name that Hyper-V has for this machine" },
        [ADDRESS_VM_ID] = { "VM-ID", "the id that Hyper-V has for this machine" },
        [ADDRESS_WSL] = { "", "" },
};

static void add_value(const struct client *c, enum client_route route, const char *value,
                      struct buf *out)
{
        enum client_address kind = client_routes[route].address;
        char text[16];
        const char *address = known_address(c, kind, text);

        for (; *value; value++) {
                if (*value != '@') {
                        buf_add(out, value, 1);
                        continue;
                }
                switch (*++value) {
                case 'a':
                        buf_adds(out, address ? address : unknown[kind].word);
                        break;
                case 'd':
                        if (address)
                                buf_addf(out, "-d %s ", address);
                        break;
                case 'p':
                        buf_addf(out, "%u", c->port);
                        break;
                }
        }
}

/* sshd on the host hands the words to a shell as they are, joined by blanks. -T, or a RequestTTY of
 * the user's would put a terminal in between. */
static void add_command(const struct client *c, enum client_route route, struct buf *out)
{
        AUTO_BUF command = BUF_INIT;

        add_value(c, route, client_routes[route].command, &command);
        if (command.error < 0)
                out->error = command.error;
        buf_adds(out, "    ProxyCommand ");
        if (c->jump)
                buf_addf(out, "ssh -T %s ", c->jump);
        if (c->jump && client_routes[route].quoted)
                buf_add_quoted(out, buf_str(&command));
        else
                buf_adds(out, buf_str(&command));
        buf_adds(out, "\n");
}

/* ssh takes the first value that it finds for each keyword (ssh_config(5)). */
static void add_proxy_if_there(const struct client *c, struct buf *out)
{
        buf_addf(out, "Match originalhost %s exec \"test -x " SSH_PROXY "\"\n", c->name);
        buf_adds(out, "    ProxyCommand " SSH_PROXY " ");
        add_value(c, ROUTE_LINUX, "vsock/@a @p\n    ProxyUseFdpass yes\n", out);
}

void client_stanza(const struct client *c, enum client_route route, struct buf *out)
{
        if (route == ROUTE_LINUX)
                add_proxy_if_there(c, out);
        buf_addf(out, "Host %s\n    HostKeyAlias %s.vsock\n    CheckHostIP no\n", c->name, c->name);
        if (c->user)
                buf_addf(out, "    User %s\n", c->user);
        if (c->identity)
                buf_addf(out, "    IdentityFile \"%s\"\n    IdentitiesOnly yes\n", c->identity);
        if (client_routes[route].host_name) {
                buf_adds(out, "    HostName ");
                add_value(c, route, client_routes[route].host_name, out);
                buf_adds(out, "\n");
        }
        add_command(c, route, out);
        if (client_routes[route].fdpass)
                buf_adds(out, "    ProxyUseFdpass yes\n");
}

bool client_is_registered(const struct client *c)
{
        if (c->asked)
                return client_routes[c->route].kind == HOST_HYPERV;
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
        if (!client_is_registered(c) || client_routes[client_pick(c)].kind != HOST_HYPERV)
                return;
        buf_adds(out, "\n# Hyper-V: the service has to be known to the Windows host, once, as "
                      "administrator.\n# GUID of the port: ");
        client_guid(c->port, out);
        buf_adds(out, "\n# PowerShell:\n#   (New-Item -Force -Path \"HKLM:\\");
        client_registry_key(c, out);
        buf_adds(out, "\").SetValue(\"ElementName\", \"" SERVICE_NAME "\")\n# as a .reg file:\n"
                      "#   Windows Registry Editor Version 5.00\n#   [HKEY_LOCAL_MACHINE\\");
        client_registry_key(c, out);
        buf_adds(out, "]\n#   \"ElementName\"=\"" SERVICE_NAME "\"\n");
}

static void add_others(const struct client *c, enum client_route but, struct buf *out)
{
        const char *before = "\n# For another kind of host: --for=";

        for (unsigned route = 0; route < N_ROUTES; route++) {
                if (route == but || !client_has_route(c, route))
                        continue;
                buf_addf(out, "%s%s", before, client_routes[route].id);
                before = ", ";
        }
        if (before[0] == ',')
                buf_adds(out, "\n");
}

static void add_stanza(const struct client *c, enum client_route route, struct buf *out)
{
        enum client_address kind = client_routes[route].address;
        char text[16];

        buf_addf(out, "# %s\n", client_routes[route].about);
        if (c->jump)
                buf_addf(out, "# from elsewhere, through %s\n", c->jump);
        if (unknown[kind].word[0] && !known_address(c, kind, text))
                buf_addf(out, "# Put %s in %s's place, or say --for=%s:%s.\n", unknown[kind].source,
                         unknown[kind].word, client_routes[route].id, unknown[kind].word);
        if (kind == ADDRESS_WSL && !known_address(c, kind, text))
                buf_adds(out, "# It asks the default distribution; for another one say "
                              "--for=wsl:NAME.\n");
        client_stanza(c, route, out);
}

void client_render(const struct client *c, struct buf *out)
{
        enum client_route route = client_pick(c);

        if (c->host_transport && c->host_transport->reason[0])
                buf_addf(out, "# %s: %s.\n# Fix: %s.\n",
                         c->host_transport->assumed ? "Taken from host_transport: assume"
                                                    : "No host is known to come in",
                         c->host_transport->reason, c->host_transport->fix);
        if (!client_has_route(c, route))
                return;
        add_stanza(c, route, out);
        add_registry(c, out);
        add_others(c, route, out);
}

void client_known_host(const char *name, const char *public_key, struct buf *out)
{
        size_t type = strcspn(public_key, " \t\n"), blank, key;

        blank = type + strspn(public_key + type, " \t");
        key = strcspn(public_key + blank, " \t\n");
        /* a key begins with the length of its type, whose first three bytes are 0 */
        if (type == 0 || blank == type || strncmp(public_key + blank, "AAAA", 4) != 0)
                return;
        buf_addf(out, "%s.vsock %.*s %.*s\n", name, (int)type, public_key, (int)key,
                 public_key + blank);
}
