/* SPDX-License-Identifier: MIT
 *
 * net-addresses.c: see net-addresses.h. A wildcard can be bound on a machine that has no network,
 * too, and whoever listens there is heard by nobody.
 */
#include "host/net-addresses.h"

#include "core/format/proc-text.h"
#include "core/util/base.h"
#include "host/tcp-listeners.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 4 /* a VLAN of a bridge of a bond of a card, and one more */

struct wanted {
        int family;
        bool any;  /* a wildcard, */
        bool both; /* of both families */
        union {
                struct in_addr v4;
                struct in6_addr v6;
        } address;
};

static bool parse(const char *host, bool v6_only, struct wanted *w)
{
        w->family = strchr(host, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(w->family, host, &w->address) != 1)
                return false;
        w->any = w->family == AF_INET ? w->address.v4.s_addr == htonl(INADDR_ANY)
                                      : IN6_IS_ADDR_UNSPECIFIED(&w->address.v6);
        w->both = w->any && w->family == AF_INET6 && !v6_only;
        return true;
}

static bool is_running(const struct ifaddrs *a)
{
        const unsigned running = IFF_UP | IFF_RUNNING;

        return (a->ifa_flags & running) == running;
}

/* A way down from an interface to what it sends by. */
struct descent {
        const struct rootfs *sys;
        const struct ifaddrs *all;
        unsigned depth;
};

static bool is_card(const struct descent *d, const char *name, size_t len);

/* One of the links to what an interface is made of (net/core/dev.c, netdev_adjacent_sysfs_add). */
static int is_card_below(const char *name, void *userdata)
{
        const struct descent *d = userdata;
        const struct descent below = { d->sys, d->all, d->depth + 1 };

        if (strncmp(name, "lower_", 6) != 0 || below.depth > DEPTH_MAX)
                return 0;
        for (const struct ifaddrs *a = d->all; a; a = a->ifa_next)
                if (strcmp(a->ifa_name, name + 6) == 0 && is_running(a))
                        return is_card(&below, name + 6, strlen(name + 6));
        return 0;
}

/* A card has a device, on a bus; what the kernel makes up (veth, a bridge of those, a tunnel) has
 * none. */
static bool is_card(const struct descent *d, const char *name, size_t len)
{
        struct descent from = *d;
        char path[64], device[80];

        (void)snprintf(path, sizeof(path), "/sys/class/net/%.*s", (int)len, name);
        (void)snprintf(device, sizeof(device), "%s/device", path);
        return rootfs_exists(d->sys, device) > 0 ||
               rootfs_list(d->sys, path, is_card_below, &from) > 0;
}

/* What is none may be all there is: the tap of podman's machines on Hyper-V, the bridge of Open
 * vSwitch, which has no link to the card below. No container's has the default route. */
static bool is_routed(const struct rootfs *sys, const char *name, size_t len)
{
        AUTO_FREE char *v4 = NULL, *v6 = NULL;

        if (rootfs_read(sys, "/proc/net/route", ROOTFS_FILE_MAX, &v4, NULL, NULL) < 0)
                v4 = NULL;
        if (rootfs_read(sys, "/proc/net/ipv6_route", ROOTFS_FILE_MAX, &v6, NULL, NULL) < 0)
                v6 = NULL;
        return routes_lead_out(v4 ? v4 : "", v6 ? v6 : "", name, len);
}

/* On a network, for others: a link-local address needs a scope that only a neighbour knows. An
 * address of IPv4 may have a label in the place of a name, "eth0:1". */
static bool is_on_network(const struct descent *d, const struct ifaddrs *a)
{
        const size_t len = strcspn(a->ifa_name, ":");

        if ((a->ifa_flags & IFF_LOOPBACK) || !is_running(a))
                return false;
        if (a->ifa_addr->sa_family == AF_INET6 &&
            IN6_IS_ADDR_LINKLOCAL(
                    &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr))
                return false;
        return !d->sys || is_card(d, a->ifa_name, len) || is_routed(d->sys, a->ifa_name, len);
}

/* An address of loopback's interface is routed to in some networks; one of an interface that is
 * down by none. */
static bool is_that(const struct descent *d, const struct wanted *w, const struct ifaddrs *a)
{
        const struct sockaddr *s = a->ifa_addr;

        if (w->any)
                return is_on_network(d, a) && (w->both || w->family == s->sa_family);
        if (!(a->ifa_flags & IFF_UP) || w->family != s->sa_family)
                return false;
        if (s->sa_family == AF_INET)
                return ((const struct sockaddr_in *)(const void *)s)->sin_addr.s_addr ==
                       w->address.v4.s_addr;
        return !IN6_IS_ADDR_LINKLOCAL(&w->address.v6) &&
               IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)(const void *)s)->sin6_addr,
                                  &w->address.v6);
}

bool net_leads_to(const char *host, bool v6_only, const struct rootfs *sys)
{
        struct descent d = { .sys = sys };
        struct wanted w;
        struct ifaddrs *list;
        bool network = false, that = false;

        if (!parse(host, v6_only, &w) || getifaddrs(&list) < 0)
                return tcp_listeners_is_here(host);
        d.all = list;
        for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
                if (!a->ifa_addr ||
                    (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
                        continue;
                network = network || is_on_network(&d, a);
                that = that || is_that(&d, &w, a);
        }
        freeifaddrs(list);
        return network && that;
}
