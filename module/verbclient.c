/* SPDX-License-Identifier: MIT
 *
 * verbclient.c: gathers what client.c renders: the port, this machine's name, its CID and public
 * host keys. Reads; changes nothing, and opens no connection.
 */
#include "run.h"

#include "surveymachine.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define NAME_DEFAULT "guest"

/* A name that can stand in ssh_config and known_hosts as it is. */
static void read_name(const struct rootfs *root, char *name, size_t size)
{
        AUTO_FREE char *text = NULL;
        size_t len, n;

        (void)snprintf(name, size, "%s", NAME_DEFAULT);
        if (rootfs_read(root, "/etc/hostname", 4096, &text, &len, NULL) < 0)
                return;
        n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
        if (n > 0 && n < size && text[0] != '-')
                (void)snprintf(name, size, "%.*s", (int)n, text);
}

static int add_key(int dir, const char *file, void *userdata)
{
        struct run *r = userdata;
        AUTO_FREE char *text = NULL;
        char path[300];
        size_t len;

        (void)dir;
        if (fnmatch("ssh_host_*_key.pub", file, 0) != 0)
                return 0;
        (void)snprintf(path, sizeof(path), "/etc/ssh/%.255s", file);
        if (rootfs_read(&r->root, path, 65536, &text, &len, NULL) == 0)
                client_known_host(r->client_side.name, text, &r->client_side.known_hosts);
        return 0;
}

static int show_known_hosts(struct run *r)
{
        const struct buf *lines = &r->client_side.known_hosts;

        if (lines->len == 0) {
                why_fix(&r->why, "boot the system once, or run ssh-keygen -A in it");
                (void)why_say(&r->why, -1, "there are no host keys in /etc/ssh yet");
                return run_fail(r);
        }
        buf_add(&r->text, lines->data, lines->len);
        return EXIT_DONE;
}

/* An image may boot anywhere: then every way in is shown. */
static int look_at_machine(struct run *r, struct client *c)
{
        AUTO_FREE char *virt = NULL;

        c->virt = VIRT_UNKNOWN;
        if (r->root.image)
                return 0;
        if (manager_open(&r->manager, &r->why) < 0 ||
            manager_property(r->manager, "Virtualization", &virt, &r->why) < 0)
                return -1;
        survey_machine(&r->root, virt, &r->facts.machine);
        r->facts.virt = c->virt = hostway_virt(&r->facts.machine);
        run_look_for_host(r);
        c->cid = r->way.cid;
        c->way = &r->way;
        c->hostless = !r->way.reachable && hostway_never(&r->facts.machine);
        return 0;
}

int verb_client(struct run *r)
{
        struct client_side *s = &r->client_side;
        int status = run_begin(r);

        r->as_it_is = true;
        if (status == EXIT_DONE)
                status = run_read_config(r);
        if (status != EXIT_DONE)
                return status;
        read_name(&r->root, s->name, sizeof(s->name));
        s->client.name = s->name;
        s->client.port = r->config.port;
        if (look_at_machine(r, &s->client) < 0)
                return run_fail(r);
        if (rootfs_list(&r->root, "/etc/ssh", add_key, r) < 0)
                buf_free(&s->known_hosts);
        s->known = true;
        if (r->options.known_hosts)
                return show_known_hosts(r);
        client_render(&s->client, &r->text);
        return EXIT_DONE;
}
