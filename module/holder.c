/* SPDX-License-Identifier: MIT
 *
 * holder.c: see holder.h. What `ss --vsock -lp` does, for the one port that matters.
 */
#include "holder.h"

#include "proc.h"
#include "sockdiag.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct search {
        unsigned inode;
        char *text;
        size_t size;
};

static int is_wanted(unsigned inode, void *userdata)
{
        return inode == ((const struct search *)userdata)->inode;
}

static int describe_holder(int process, pid_t pid, void *userdata)
{
        const struct search *s = userdata;
        char name[32];

        if (proc_each_socket(process, is_wanted, userdata) <= 0)
                return 0;
        proc_read(process, "comm", name, sizeof(name));
        name[strcspn(name, "\n")] = '\0';
        for (char *c = name; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        (void)snprintf(s->text, s->size, "%s, process %d%s", name[0] ? name : "?", (int)pid,
                       pid == 1 ? ": see \"systemctl list-sockets\"" : "");
        return pid;
}

pid_t holder_find(uint32_t port, char *text, size_t size)
{
        struct search s = { .text = text, .size = size };
        int r = sockdiag_vsock(port, &s.inode);

        if (r == 0)
                r = proc_each(describe_holder, &s);
        return r == 0 ? -ENOENT : r;
}
