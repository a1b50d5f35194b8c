/* SPDX-License-Identifier: MIT
 *
 * takeover.c: see takeover.h. What a setting may say is a table: what tunes or describes is let go,
 * since ours has its own; what opens the port or starts sshd has to be as ours; and whatever else
 * is there confines, changes or adds something, and is never let go silently.
 */
#include "core/plan/takeover.h"

#include "core/format/distro.h"
#include "core/format/unit-file.h"
#include "core/format/unit-streams.h"
#include "core/plan/takeover-command.h"
#include "core/util/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The settings that add up, until an empty one takes back what stood before. */
enum { LIST_LISTEN, LIST_START, LIST_BEFORE, LIST_ENVIRONMENT, N_LISTS };

struct reader {
        enum takeover kind;
        size_t reset[N_LISTS]; /* which setting, from 1, is the last to take back such; 0: none */
        unsigned port;
        bool listens, accepts, starts,
                reads; /* the settings without which it is no vsock listener */
        struct buf *different;
        int error;
};

/* ---- what a value may be: NULL, or what is different about it ----------------------------------
 */

/* … in upper or lower case. */
static bool is_in_any_case(const char *word, const char *const *list)
{
        while (*list && strcasecmp(word, *list) != 0)
                list++;
        return *list != NULL;
}

bool takeover_is_yes(const char *value)
{
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on", NULL };

        return is_in_any_case(value, yes);
}

static const char *is_accepting(struct reader *r, const char *value)
{
        r->accepts = takeover_is_yes(value);
        return r->accepts ? NULL : "one process for all connections";
}

/* socket-util.c, socket_address_parse_vsock(): no CID, or that of "any". */
static const char *is_port(struct reader *r, const char *value)
{
        static const char *const prefixes[] = { "vsock::", "vsock:4294967295:", "vsock-stream::",
                                                "vsock-stream:4294967295:" };
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                any = any || strncmp(value, prefixes[i], strlen(prefixes[i])) == 0;
        if (!any)
                return "another address";
        if (r->listens || !unit_stream_is_vsock(value, r->port))
                return r->listens ? "a second address" : "another port than the configuration's";
        r->listens = true;
        return NULL;
}

static const char *is_socket(struct reader *r, const char *value)
{
        r->reads = strcmp(value, "socket") == 0;
        return r->reads ? NULL : "not the connection";
}

static const char *is_environment(struct reader *r, const char *value)
{
        (void)r;
        value += *value == '-';
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++)
                if (strcmp(value, distro_environments[i].file) == 0)
                        return NULL;
        return "another environment than the distribution's";
}

/* ---- the commands ------------------------------------------------------------------------------
 */

static const char *is_sshd(struct reader *r, const char *value)
{
        const char *reason = "a second command";

        if (!r->starts)
                r->error = takeover_sshd_differs(value, &reason);
        r->starts = r->starts || !reason;
        return reason;
}

static const char *is_preparation(struct reader *r, const char *value)
{
        const char *reason = NULL;

        r->error = takeover_preparation_differs(value, &reason);
        return reason;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

struct known {
        const char *section;
        const char *keys; /* separated by blanks */
        const char *(*check)(struct reader *r, const char *value);
        const char *values; /* where there is no check; NULL: any */
        const char *reason; /* against all others */
};

static const struct known both[] = {
        { "Unit",
          "Description Documentation SourcePath After Before Wants Requires CollectMode "
          "DefaultDependencies StartLimitIntervalSec StartLimitInterval StartLimitBurst",
          NULL, NULL, NULL },
        /* mkosi's: a container has no vsock of its own, and ours is no way in there either */
        { "Unit", "ConditionVirtualization", NULL, "!container", "another condition" },
        { "Install", "WantedBy RequiredBy Also Alias DefaultInstance", NULL, NULL, NULL },
};

static const struct known socket_settings[] = {
        { "Socket", "ListenStream", is_port, NULL, NULL },
        { "Socket", "Accept", is_accepting, NULL, NULL },
        { "Socket",
          "Backlog MaxConnections MaxConnectionsPerSource TriggerLimitIntervalSec "
          "TriggerLimitBurst PollLimitIntervalSec PollLimitBurst KeepAlive KeepAliveTimeSec "
          "KeepAliveIntervalSec KeepAliveProbes NoDelay Priority ReceiveBuffer SendBuffer FreeBind "
          "RemoveOnStop FileDescriptorName TimeoutSec BindIPv6Only SocketMode CPUWeight",
          NULL, NULL, NULL },
};

static const struct known template_settings[] = {
        { "Service", "ExecStart", is_sshd, NULL, NULL },
        { "Service", "ExecStartPre", is_preparation, NULL, NULL },
        { "Service", "StandardInput", is_socket, NULL, NULL },
        { "Service", "StandardOutput", NULL, "socket inherit", "not the connection" },
        { "Service", "RuntimeDirectory", NULL, "sshd", "other directories" },
        { "Service", "User Group", NULL, "root 0", "not root's" },
        { "Service", "Type", NULL, "simple exec idle oneshot", "another type of service" },
        { "Service", "EnvironmentFile", is_environment, NULL, NULL },
        { "Service",
          "StandardError RuntimeDirectoryMode RuntimeDirectoryPreserve KillMode TimeoutSec "
          "TimeoutStartSec TimeoutStopSec SyslogIdentifier SuccessExitStatus OOMScoreAdjust "
          "Nice CPUWeight Slice",
          NULL, NULL, NULL },
};

static const struct known *find(const struct known *table, size_t n, const char *section,
                                const char *key)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(table[i].section, section) == 0 &&
                    word_is_in(table[i].keys, key, strlen(key)))
                        return &table[i];
        return NULL;
}

static const char *check(struct reader *r, const struct known *k, const char *value)
{
        if (k->check)
                return k->check(r, value);
        return !k->values || word_is_in(k->values, value, strlen(value)) ? NULL : k->reason;
}

static void add_different(struct reader *r, const char *setting, const char *value,
                          const char *reason)
{
        buf_addf(r->different, "%s\"%s%s%.100s\"%s%s%s", r->different->len ? ", " : "", setting,
                 setting[0] ? "=" : "", value, reason ? " (" : "", reason ? reason : "",
                 reason ? ")" : "");
}

/* load-fragment.c, config_parse_socket_listen(): an empty one of any of them takes back all. */
static size_t list_of(const char *section, const char *key)
{
        static const char *const lists[] = { [LIST_START] = "ExecStart",
                                             [LIST_BEFORE] = "ExecStartPre",
                                             [LIST_ENVIRONMENT] = "EnvironmentFile" };
        size_t i = LIST_START;

        if (strcmp(section, "Socket") == 0)
                return unit_setting_listens(key) ? LIST_LISTEN : N_LISTS;
        while (i < N_LISTS && (strcmp(section, "Service") != 0 || strcmp(lists[i], key) != 0))
                i++;
        return i;
}

static void take(struct reader *r, const struct unit_setting *s)
{
        bool socket = r->kind == TAKEOVER_SOCKET;
        const struct known *k = find(both, ELEMENTSOF(both), s->section, s->key);
        const char *reason = NULL;

        if (!k)
                k = find(socket ? socket_settings : template_settings,
                         socket ? ELEMENTSOF(socket_settings) : ELEMENTSOF(template_settings),
                         s->section, s->key);
        if (k)
                reason = check(r, k, s->value);
        if (!k || reason)
                add_different(r, s->key, s->value, reason);
}

/* More of what is otherwise nobody is told. */
#define DIFFERENT_MAX 1024

/* Twice: what takes back others comes after them. */
static int take_all(struct reader *r, const char *text, size_t len, bool resets)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        size_t at = 0;

        for (struct unit_setting s;
             r->error == 0 && r->different->len < DIFFERENT_MAX && unit_file_next(&file, &s);) {
                const size_t list = list_of(s.section, s.key);

                at++;
                if (resets && list < N_LISTS && !s.value[0])
                        r->reset[list] = at;
                if (!resets && (list == N_LISTS || at > r->reset[list]))
                        take(r, &s);
        }
        return r->error < 0 ? r->error : file.error;
}

static void add_missing(struct reader *r, bool there, const char *setting)
{
        if (!there)
                buf_addf(r->different, "%sno %s", r->different->len ? ", " : "", setting);
}

int takeover_is_alike(enum takeover kind, const char *text, size_t len, unsigned port,
                      struct buf *different)
{
        struct reader r = { .kind = kind, .port = port, .different = different };
        int rc = take_all(&r, text, len, true);

        if (rc == 0)
                rc = take_all(&r, text, len, false);
        if (rc < 0)
                return rc;
        if (different->len == 0 && kind == TAKEOVER_SOCKET) {
                add_missing(&r, r.listens, "ListenStream=");
                add_missing(&r, r.accepts, "Accept=yes");
        } else if (different->len == 0) {
                add_missing(&r, r.starts, "ExecStart=");
                add_missing(&r, r.reads, "StandardInput=socket");
        }
        return different->error < 0 ? different->error : different->len == 0;
}

/* ---- whether it is sshd's at all ---------------------------------------------------------------
 */

bool takeover_starts_sshd(const char *text, size_t len)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        bool reads = false;
        int starts = 0;

        for (struct unit_setting s; starts >= 0 && unit_file_next(&file, &s);) {
                if (unit_setting_is(&s, "Service", "StandardInput"))
                        reads = strcmp(s.value, "socket") == 0;
                if (unit_setting_is(&s, "Service", "ExecStart"))
                        starts = takeover_is_server(s.value);
        }
        return file.error == 0 && starts > 0 && reads;
}
