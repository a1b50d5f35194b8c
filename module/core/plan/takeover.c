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
#include "core/util/argv.h"
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

static bool is_in(const char *word, const char *const *list)
{
        while (*list && strcmp(word, *list) != 0)
                list++;
        return *list != NULL;
}

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

static int split(const char *value, struct argv *ret)
{
        int r = 0;

        while (r == 0 && *(value += strspn(value, " \t"))) {
                size_t n = strcspn(value, " \t");

                r = argv_add(ret, value, n);
                value += n;
        }
        return r;
}

/* An option of sshd that is about logs, greetings or a peer's name, which a vsock peer has none of;
 * all others decide who gets in, or to what. */
static bool is_harmless(const char *option)
{
        static const char *const keys[] = { "UseDNS",       "LogLevel",  "SyslogFacility",
                                            "PrintLastLog", "PrintMotd", NULL };
        char key[32];
        size_t n = strcspn(option, "= ");

        if (strcasecmp(option, "UsePAM=no") == 0)
                return true; /* mkosi's, against the slow look-up that our hosts entry ends */
        if (n == 0 || n >= sizeof(key))
                return false;
        memcpy(key, option, n);
        key[n] = '\0';
        return is_in_any_case(key, keys);
}

static bool is_environment_variable(const char *word)
{
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++)
                if (strcmp(word, distro_environments[i].variable) == 0)
                        return true;
        return false;
}

/* How many words of sshd's command, from here, change nothing about who gets in; 0: this does. */
static size_t harmless_words(const struct argv *w, size_t i)
{
        static const char *const flags[] = { "-i", "-e", "-q", "-D", "-4", "-6", "-u0", NULL };
        const char *word = w->list[i], *next = i + 1 < w->n ? w->list[i + 1] : "";

        if (is_in(word, flags) || is_environment_variable(word))
                return 1;
        if (strcmp(word, "-u") == 0 && strcmp(next, "0") == 0)
                return 2;
        if (strcmp(word, "-o") == 0 && is_harmless(next))
                return 2;
        return strncmp(word, "-o", 2) == 0 && is_harmless(word + 2) ? 1 : 0;
}

static const char *is_sshd(struct reader *r, const char *value)
{
        AUTO(argv_free) struct argv w = { 0 };
        bool inetd = false;
        size_t n;

        r->error = split(value + (*value == '-'), &w);
        if (r->error < 0 || w.n == 0 || r->starts ||
            (strcmp(w.list[0], "sshd") != 0 && !is_in(w.list[0], distro_sshd)))
                return r->starts ? "a second command" : "another program than the system's sshd";
        for (size_t i = 1; i < w.n; i += n) {
                inetd = inetd || strcmp(w.list[i], "-i") == 0;
                n = harmless_words(&w, i);
                if (n == 0)
                        return "options that sshd-vsock does not pass: put them into sshd_config";
        }
        r->starts = inetd;
        return inetd ? NULL : "not for one connection: it lacks -i";
}

/* Ours has a keygen unit, and RuntimeDirectory=. */
static const char *is_preparation(struct reader *r, const char *value)
{
        static const char *const commands[] = { "mkdir", "ssh-keygen", "install", NULL };
        static const char *const words[] = {
                "-p", "-m", "0755", "-m0755",    "755",           "-m755",
                "-d", "-A", "-pm",  "/run/sshd", "/var/run/sshd", NULL
        };
        AUTO(argv_free) struct argv w = { 0 };
        const char *name;

        r->error = split(value + (*value == '-'), &w);
        if (r->error < 0 || w.n == 0)
                return "another command";
        name = strrchr(w.list[0], '/');
        for (size_t i = 1; i < w.n; i++)
                if (!is_in(w.list[i], words))
                        return "another command";
        return is_in(name ? name + 1 : w.list[0], commands) ? NULL : "another command";
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

/* Twice: what takes back others comes after them. */
static int take_all(struct reader *r, const char *text, size_t len, bool resets)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        size_t at = 0;

        for (struct unit_setting s; r->error == 0 && unit_file_next(&file, &s);) {
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

/* systemd.service(5), COMMAND LINES: what may stand before the program; "@" has another word for
 * argv[0] follow it. sshd's -i may stand among other letters that take no argument. */
static int is_server(const char *value)
{
        const size_t prefix = strspn(value, "@-:+!|");
        const bool renamed = memchr(value, '@', prefix) != NULL;
        AUTO(argv_free) struct argv w = { 0 };
        int r = split(value + prefix, &w);

        if (r < 0 || w.n == 0 || (strcmp(w.list[0], "sshd") != 0 && !is_in(w.list[0], distro_sshd)))
                return r;
        for (size_t i = renamed ? 2 : 1; i < w.n; i++) {
                const char *word = w.list[i];

                if (word[0] == '-' && strspn(word + 1, "46DdeiqTt") == strlen(word + 1) &&
                    strchr(word, 'i'))
                        return 1;
                i += word[0] == '-' && word[1] && strchr("bCcEfghkopu", word[1]) && !word[2];
        }
        return 0;
}

bool takeover_starts_sshd(const char *text, size_t len)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        bool reads = false;
        int starts = 0;

        for (struct unit_setting s; starts >= 0 && unit_file_next(&file, &s);) {
                if (unit_setting_is(&s, "Service", "StandardInput"))
                        reads = strcmp(s.value, "socket") == 0;
                if (unit_setting_is(&s, "Service", "ExecStart"))
                        starts = is_server(s.value);
        }
        return file.error == 0 && starts > 0 && reads;
}
