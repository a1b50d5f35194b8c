/* SPDX-License-Identifier: MIT
 *
 * verbclient.c: gathers what client.c renders: the port, this machine's name, its CID and public
 * host keys. Reads; changes nothing, and opens no connection.
 */
#include "run.h"

#include "client.h"

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

struct keys {
        struct run *run;
        const char *name;
};

static int add_key(int dir, const char *file, void *userdata)
{
        const struct keys *k = userdata;
        AUTO_FREE char *text = NULL;
        char path[300];
        size_t len;

        (void)dir;
        if (fnmatch("ssh_host_*_key.pub", file, 0) != 0)
                return 0;
        (void)snprintf(path, sizeof(path), "/etc/ssh/%.255s", file);
        if (rootfs_read(&k->run->root, path, 65536, &text, &len, NULL) == 0)
                client_known_host(k->name, text, &k->run->text);
        return 0;
}

static int known_hosts(struct run *r, const char *name)
{
        struct keys k = { r, name };

        if (rootfs_list(&r->root, "/etc/ssh", add_key, &k) < 0 || r->text.len == 0) {
                why_fix(&r->why, "boot the system once, or run ssh-keygen -A in it");
                (void)why_say(&r->why, -1, "there are no host keys in /etc/ssh yet");
                return run_fail(r);
        }
        return EXIT_DONE;
}

int verb_client(struct run *r)
{
        char name[256];
        struct client c = { .name = name, .virt = VIRT_UNKNOWN };
        int status = run_begin(r);

        if (status == EXIT_DONE)
                status = run_read_config(r);
        if (status != EXIT_DONE)
                return status;
        read_name(&r->root, name, sizeof(name));
        if (r->options.known_hosts)
                return known_hosts(r, name);
        if (!r->root.image) {
                AUTO_FREE char *virt = NULL;

                if (manager_open(&r->manager, &r->why) < 0 ||
                    manager_property(r->manager, "Virtualization", &virt, &r->why) < 0)
                        return run_fail(r);
                c.virt = virt_from_systemd(virt);
                (void)verify_way_to_host(c.virt, &c.cid);
        }
        c.port = r->config.port;
        client_render(&c, &r->text);
        return EXIT_DONE;
}
