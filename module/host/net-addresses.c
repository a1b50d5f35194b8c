/* SPDX-License-Identifier: MIT
 *
 * net-addresses.c: see net-addresses.h. A wildcard can be bound on a machine that has no network,
 * too, and whoever listens there is heard by nobody.
 */
#include "host/net-addresses.h"

#include "core/util/base.h"
#include "host/tcp-listeners.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

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

/* On a network, for others: a link-local address needs a scope that only a neighbour knows. */
static bool is_on_network(const struct ifaddrs *a)
{
        const unsigned running = IFF_UP | IFF_RUNNING;

        if ((a->ifa_flags & IFF_LOOPBACK) || (a->ifa_flags & running) != running)
                return false;
        return a->ifa_addr->sa_family == AF_INET ||
               !IN6_IS_ADDR_LINKLOCAL(
                       &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr);
}

/* An address of loopback's interface is routed to in some networks; one of an interface that is
 * down by none. */
static bool is_that(const struct wanted *w, const struct ifaddrs *a)
{
        const struct sockaddr *s = a->ifa_addr;

        if (w->any)
                return is_on_network(a) && (w->both || w->family == s->sa_family);
        if (!(a->ifa_flags & IFF_UP) || w->family != s->sa_family)
                return false;
        if (s->sa_family == AF_INET)
                return ((const struct sockaddr_in *)(const void *)s)->sin_addr.s_addr ==
                       w->address.v4.s_addr;
        return !IN6_IS_ADDR_LINKLOCAL(&w->address.v6) &&
               IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)(const void *)s)->sin6_addr,
                                  &w->address.v6);
}

bool net_leads_to(const char *host, bool v6_only)
{
        struct wanted w;
        struct ifaddrs *list;
        bool network = false, that = false;

        if (!parse(host, v6_only, &w) || getifaddrs(&list) < 0)
                return tcp_listeners_is_here(host);
        for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
                if (!a->ifa_addr ||
                    (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
                        continue;
                network = network || is_on_network(a);
                that = that || is_that(&w, a);
        }
        freeifaddrs(list);
        return network && that;
}
