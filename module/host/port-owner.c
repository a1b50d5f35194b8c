/* SPDX-License-Identifier: MIT
 *
 * port-owner.c: see port-owner.h. What `ss --vsock -lp` does, for the one port that matters. A port
 * may have several listeners, one per CID (af_vsock.c, __vsock_find_bound_socket).
 */
#include "host/port-owner.h"

#include "core/util/printable.h"
#include "host/clock.h"
#include "host/proc.h"
#include "host/sock-diag.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LISTENERS_MAX 16
#define LOOK_SECONDS  5

struct search {
        unsigned inodes[LISTENERS_MAX]; /* 0: it is systemd's */
        size_t n, ours;
        bool seen;    /* systemd itself */
        uint64_t end; /* anybody's processes may have any number of descriptors */
        char *text;
        size_t size;
};

static int add_inode(unsigned inode, void *userdata)
{
        struct search *s = userdata;

        if (s->n < LISTENERS_MAX)
                s->inodes[s->n++] = inode;
        return 0;
}

static int take_off(unsigned inode, void *userdata)
{
        struct search *s = userdata;

        for (size_t i = 0; i < s->n; i++)
                if (s->inodes[i] == inode && inode != 0) {
                        s->inodes[i] = 0;
                        s->ours++;
                }
        return 0;
}

static int is_wanted(unsigned inode, void *userdata)
{
        const struct search *s = userdata;

        for (size_t i = 0; i < s->n; i++)
                if (s->inodes[i] == inode && inode != 0)
                        return 1;
        return 0;
}

static int look_at_systemd(struct search *s)
{
        AUTO_CLOSE int process = proc_open(1);
        char name[32];

        if (process < 0)
                return 0;
        proc_read(process, "comm", name, sizeof(name));
        s->seen = strcmp(name, "systemd\n") == 0;
        return proc_each_socket(process, take_off, s);
}

static int describe_holder(int process, pid_t pid, void *userdata)
{
        const struct search *s = userdata;
        char name[32];

        if (clock_now() > s->end || proc_each_socket(process, is_wanted, userdata) <= 0)
                return 0;
        proc_read(process, "comm", name, sizeof(name));
        printable_ascii(name, sizeof(name), name, strcspn(name, "\n"));
        (void)snprintf(s->text, s->size, "%s, process %d", name[0] ? name : "?", (int)pid);
        return 1;
}

int port_owner_find(uint32_t port, char *text, size_t size)
{
        struct search s = { .text = text, .size = size, .end = clock_deadline(LOOK_SECONDS) };
        int r = sock_diag_vsock(port, add_inode, &s);

        if (r < 0 || s.n == 0)
                return r < 0 ? r : PORT_OWNER_NOBODY;
        r = look_at_systemd(&s);
        if (r < 0)
                return r;
        if (s.ours == s.n) {
                (void)snprintf(text, size, "systemd, process 1: see \"systemctl list-sockets\"");
                return PORT_OWNER_SYSTEMD;
        }
        if (!s.seen)
                return -ESRCH;
        (void)snprintf(text, size, "a process that /proc does not show");
        r = proc_each(describe_holder, &s);
        return r < 0 ? r : PORT_OWNER_OTHER;
}
