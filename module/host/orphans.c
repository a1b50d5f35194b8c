/* SPDX-License-Identifier: MIT
 *
 * orphans.c: see orphans.h. Who ends a parent gets its children, so it goes round by round until
 * there are none; what even SIGKILL does not end is left to init.
 */
#include "host/orphans.h"

#include "host/clock.h"
#include "host/proc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ROUND_MILLISECONDS 50
#define ROUNDS             40
#define REAPED_MAX         10000 /* in a round: a thousand processes may make new ones meanwhile */
#define PATIENCE           10    /* rounds before SIGKILL */

struct look {
        unsigned round;
        unsigned found;
        char *left;
        size_t size;
};

/* proc_pid_stat(5): "1234 (a name) S 1 …"; the name may have anything in it. */
static pid_t parent_of(int process, char *stat, size_t size)
{
        const char *end;
        int parent;

        proc_read(process, "stat", stat, size);
        end = strrchr(stat, ')');
        return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static void note_name(const char *stat, pid_t pid, struct look *l)
{
        const char *name = strchr(stat, '(') + 1;

        (void)snprintf(l->left, l->size, "process %d (%.*s)", (int)pid,
                       (int)(strrchr(name, ')') - name), name);
}

static int end_child(int process, pid_t pid, void *userdata)
{
        struct look *l = userdata;
        char stat[512];

        if (parent_of(process, stat, sizeof(stat)) != getpid())
                return 0;
        l->found++;
        note_name(stat, pid, l);
        if (l->round >= PATIENCE)
                (void)kill(pid, SIGKILL);
        else if (!strstr(stat, "(sshd")) /* it closes the session by itself */
                (void)kill(pid, SIGTERM);
        return 0;
}

void orphans_adopt(void)
{
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

unsigned orphans_end(char *left, size_t size)
{
        struct look l = { .left = left, .size = size };

        for (; l.round <= ROUNDS; l.round++) {
                l.found = 0;
                for (unsigned i = 0; i < REAPED_MAX && waitpid(-1, NULL, WNOHANG) > 0; i++)
                        continue;
                if (proc_each(end_child, &l) < 0 || l.found == 0)
                        break;
                clock_pause(ROUND_MILLISECONDS);
        }
        (void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
        return l.found;
}
