/* SPDX-License-Identifier: MIT
 *
 * report-client.c: the part of the document that is about the other side, see report.h.
 */
#include "cli/report.h"

#include "core/util/json.h"

static void add_route(struct json *j, const struct client *c, enum client_route route)
{
        AUTO_BUF stanza = BUF_INIT;

        client_stanza(c, route, &stanza);
        json_open(j, NULL, '{');
        json_string(j, "id", client_routes[route].id);
        json_string(j, "about", client_routes[route].about);
        json_string(j, "host", c->name);
        json_buf(j, "ssh_config", &stanza);
        json_close(j, '}');
}

void report_client(struct json *j, const struct run *r)
{
        const struct client *c = &r->client_side.client;
        const enum client_route first = client_pick(c);
        AUTO_BUF guid = BUF_INIT, key = BUF_INIT, alias = BUF_INIT;

        if (!json_open_if(j, "client", '{', r->client_side.known))
                return;
        client_guid(c->port, &guid);
        client_registry_key(c, &key);
        buf_addf(&alias, "%s.vsock", c->name);
        json_string(j, "name", c->name);
        json_buf(j, "host_key_alias", &alias);
        json_number(j, "port", c->port);
        json_buf(j, "guid", &guid);
        json_string(j, "registry_key", client_is_registered(c) ? buf_str(&key) : NULL);
        json_open(j, "ways", '[');
        if (client_has_route(c, first))
                add_route(j, c, first);
        for (unsigned route = 0; route < N_ROUTES; route++)
                if (route != first && client_has_route(c, route))
                        add_route(j, c, route);
        json_close(j, ']');
        json_words(j, "known_hosts", buf_str(&r->client_side.known_hosts), '\n');
        json_close(j, '}');
        if (key.error < 0)
                j->out.error = key.error;
}
