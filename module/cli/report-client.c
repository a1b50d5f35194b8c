/* SPDX-License-Identifier: MIT
 *
 * report-client.c: the part of the document that is about the other side, see report.h.
 */
#include "cli/report.h"

#include "core/util/json.h"

#include <errno.h>

static void add_route(struct json *j, const struct client *c, enum client_route route)
{
        AUTO_BUF stanza = BUF_INIT;

        client_stanza(c, route, &stanza);
        json_open(j, NULL, '{');
        json_string(j, "id", client_route_id(route));
        json_string(j, "about", client_route_about(route));
        json_string(j, "host", c->name);
        json_string(j, "ssh_config", buf_str(&stanza));
        json_close(j, '}');
        if (stanza.error < 0)
                j->out.error = -ENOMEM;
}

void report_client(struct json *j, const struct run *r)
{
        const struct client *c = &r->client_side.client;
        const enum client_route first = client_pick(c);
        AUTO_BUF guid = BUF_INIT, key = BUF_INIT, alias = BUF_INIT;

        if (!r->client_side.known) {
                json_null(j, "client");
                return;
        }
        client_guid(c->port, &guid);
        client_registry_key(c, &key);
        buf_addf(&alias, "%s.vsock", c->name);
        json_open(j, "client", '{');
        json_string(j, "name", c->name);
        json_string(j, "host_key_alias", buf_str(&alias));
        json_number(j, "port", c->port);
        json_string(j, "guid", buf_str(&guid));
        json_string(j, "registry_key", client_is_registered(c) ? buf_str(&key) : NULL);
        json_open(j, "ways", '[');
        if (client_has_route(c, first))
                add_route(j, c, first);
        for (unsigned route = 0; route < N_ROUTES; route++)
                if (route != first && client_has_route(c, route))
                        add_route(j, c, route);
        json_close(j, ']');
        json_open(j, "known_hosts", '[');
        json_words(j, buf_str(&r->client_side.known_hosts), "\n");
        json_close(j, ']');
        json_close(j, '}');
        if (guid.error < 0 || key.error < 0 || alias.error < 0)
                j->out.error = -ENOMEM;
}
