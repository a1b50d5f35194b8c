/* SPDX-License-Identifier: MIT
 *
 * model.h: a world that knows who reaches sshd over TCP: what each unit took when it started or was
 * reloaded, what systemd has read of a socket, where the door is bound.
 */
#pragma once

#include "world.h"

#include "core/format/sshd-config.h"

#define STRAY_FILE "/etc/ssh/sshd_config.d/50-cloud-init.conf"

/* Who reaches sshd: sets of clients, by the address they come to. */
enum {
        LOOP = 1,   /* 127.0.0.1 */
        OTHER = 2,  /* 10.0.0.1 */
        STRAY = 4,  /* 10.0.0.5, where the administrator's own ListenAddress is */
        ALL = 0xff, /* and everybody else */
};

static const struct {
        const char *yaml; /* NULL: remove */
        unsigned wanted;  /* ALL: whatever the system has by itself */
} targets[] = {
        { "", ALL },
        { "listen_address: 127.0.0.1\n", LOOP },
        { "listen_address: 10.0.0.1\n", OTHER },
        { "disable_tcp: true\n", 0 },
        { "port: 2222\n", ALL },
        { "port: 2222\ndisable_tcp: true\n", 0 },
        { NULL, ALL },
};

/* What is wrong; all but the first keep CLOSE from running. */
enum condition { GOOD, DEAD_LISTENER, NOBODY_ADMITTED, NO_HOST, OWN_UNIT, N_CONDITIONS };

struct variant {
        const char *name;
        bool live, socket, dropins;
        const char *main, *included;
        unsigned bare; /* who reaches sshd by what the system has itself */
};

static const struct variant variants[] = {
        { "service", true, false, true, "Port 22\n", "UsePAM yes\n", ALL },
        { "strays", true, false, true, "Port 22\n", "ListenAddress 10.0.0.5\n", STRAY },
        { "stray in main", true, false, true, "ListenAddress 10.0.0.5\n", "UsePAM yes\n", STRAY },
        { "block", true, false, false, "UsePAM yes\n", "ListenAddress 10.0.0.5\n", STRAY },
        { "block and stray", true, false, false, "ListenAddress 10.0.0.5\n", "", STRAY },
        { "socket", true, true, true, "Port 22\n", "UsePAM yes\n", ALL },
        { "image", false, false, true, "Port 22\n", "ListenAddress 10.0.0.5\n", STRAY },
        { "image with socket", false, true, true, "Port 22\n", "", ALL },
};

struct model {
        struct world w;
        const struct variant *v;
        unsigned listens[N_TCP_UNITS]; /* what each took when it started */
        unsigned loaded[N_TCP_UNITS];  /* sockets: what systemd has read */
        char listener[LISTEN_SIZE];    /* where the door's socket is bound; "": nowhere */
};

static void model_free(struct model *m)
{
        world_free(&m->w);
}

static struct model model_copy(const struct model *m)
{
        struct model copy = *m;

        copy.w = world_copy(&m->w);
        return copy;
}

/* FNV-1a. */
static uint64_t mix(uint64_t hash, const void *data, size_t n)
{
        for (size_t i = 0; i < n; i++)
                hash = (hash ^ ((const unsigned char *)data)[i]) * UINT64_C(1099511628211);
        return hash;
}

/* Of all that a plan or an operation may depend on. What differs in bytes that nobody reads is only
 * taken for another state. */
static uint64_t model_hash(const struct model *m)
{
        uint64_t files = 0, hash = mix((uint64_t)(m->v - variants), &m->w.base, sizeof(m->w.base));

        for (size_t i = 0; i < m->w.n; i++) {
                const struct entry *e = &m->w.entries[i];
                const uint64_t about[] = { e->o.type, e->o.mode, e->o.uid, e->o.gid, e->o.len };
                uint64_t file = mix(0, about, sizeof(about));

                file = mix(file, e->path, strlen(e->path));
                files += mix(file, e->o.data, e->o.len); /* in any order */
        }
        hash = mix(hash, &files, sizeof(files));
        hash = mix(hash, &m->w.units, sizeof(m->w.units));
        hash = mix(hash, m->listens, sizeof(m->listens));
        hash = mix(hash, m->loaded, sizeof(m->loaded));
        return mix(hash, m->listener, strlen(m->listener));
}

/* ---- what the files say ---------------------------------------------------------------------- */

static unsigned clients_of(const char *address)
{
        if (strncmp(address, "127.0.0.1", 9) == 0)
                return LOOP;
        if (strncmp(address, "10.0.0.1", 8) == 0)
                return OTHER;
        return strncmp(address, "10.0.0.5", 8) == 0 ? STRAY : ALL;
}

static unsigned file_clients(const struct model *m, const char *path)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        const struct entry *e = world_entry(&m->w, path);
        unsigned clients = 0;

        if (!e)
                return 0;
        assert_int_equal(sshd_config_scan(e->o.data, e->o.len, &c), 0);
        for (size_t i = 0; i < c.n; i++)
                if (c.items[i].kind == SSHD_CONFIG_LISTEN_ADDRESS)
                        clients |= clients_of(c.items[i].argument);
        return clients;
}

/* sshd adds all addresses up, and listens everywhere where there are none. */
static unsigned service_clients(const struct model *m)
{
        unsigned clients = file_clients(m, PATH_SSHD_CONFIG) | file_clients(m, STRAY_FILE) |
                           (m->v->dropins ? file_clients(m, PATH_SSHD_DROPIN) : 0);

        return clients ? clients : ALL;
}

static unsigned socket_clients(const struct model *m, size_t unit)
{
        const struct entry *e;
        unsigned clients = 0;
        char path[128];

        (void)snprintf(path, sizeof(path), UNITS "%s.d/" SOCKET_DROPIN, distro_tcp_units[unit]);
        e = world_entry(&m->w, path);
        if (!e)
                return ALL;
        for (const char *at = e->o.data; (at = strstr(at, "ListenStream="));) {
                at += strlen("ListenStream=");
                if (*at != '\n')
                        clients |= clients_of(at);
        }
        return clients;
}

static bool is_socket(size_t unit)
{
        return unit == TCP_SSH_SOCKET || unit == TCP_SSHD_SOCKET;
}

/* ---- who gets in ----------------------------------------------------------------------------- */

static unsigned clients_now(const struct model *m)
{
        unsigned clients = 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                clients |= m->w.base.tcp[i].active ? m->listens[i] : 0;
        return clients;
}

static unsigned clients_after_boot(const struct model *m)
{
        unsigned clients = 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (m->w.base.tcp[i].enabled && !world_is_masked(&m->w, distro_tcp_units[i]))
                        clients |= is_socket(i) ? socket_clients(m, i) : service_clients(m);
        return clients;
}

/* ---- running --------------------------------------------------------------------------------- */

static size_t unit_of(const char *name)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (strcmp(name, distro_tcp_units[i]) == 0)
                        return i;
        return N_TCP_UNITS;
}

/* A service that a socket started has that one's descriptors, and no others. */
static unsigned start_clients(const struct model *m, size_t unit)
{
        if (is_socket(unit))
                return m->loaded[unit];
        return m->w.base.tcp[unit == TCP_SSH_SERVICE ? TCP_SSH_SOCKET : TCP_SSHD_SOCKET].active
                       ? 0
                       : service_clients(m);
}

/* Of a socket whose addresses changed a reload closes those that are gone. */
static void model_reload(struct model *m)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                if (!is_socket(i))
                        continue;
                m->loaded[i] = socket_clients(m, i);
                if (m->loaded[i] != m->listens[i])
                        m->listens[i] = 0;
        }
        if (strcmp(m->listener, m->w.units.socket.listen) != 0)
                m->listener[0] = '\0';
}

/* What the survey finds of it. */
static void model_observe(struct model *m)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                struct tcp_unit *t = &m->w.base.tcp[i];
                unsigned said = is_socket(i) ? m->loaded[i] : service_clients(m);
                unsigned takes = m->listens[i];
                bool fed = !is_socket(i) && m->w.base.tcp[TCP_SSH_SOCKET].active;
                bool elsewhere = (takes & ~said) || (takes != ALL && said == ALL);

                t->needs_reload = is_socket(i) && m->loaded[i] != socket_clients(m, i);
                t->unbound = is_socket(i) && t->active && takes == 0;
                t->stale = STALE_NOT;
                if (!is_socket(i) && t->active && !fed && elsewhere)
                        t->stale = takes != ALL && (said & ~takes) ? STALE_CONFINED : STALE;
        }
}

static void model_run(struct model *m, const struct op *op)
{
        size_t unit = op->item ? N_TCP_UNITS : unit_of(op->name);

        world_run(&m->w, op);
        if (op->kind == OP_RELOAD)
                model_reload(m);
        else if (unit < N_TCP_UNITS)
                m->listens[unit] = op->kind == OP_STOP ? 0 : start_clients(m, unit);
        else if (!op->item && strcmp(op->name, UNIT_SOCKET) == 0)
                (void)snprintf(m->listener, sizeof(m->listener), "%s",
                               op->kind == OP_STOP ? "" : m->w.units.socket.listen);
        model_observe(m);
}

static struct model model_make(const struct variant *v, enum condition condition)
{
        static char files[][64] = { PATH_SSHD_CONFIG, STRAY_FILE };
        static char *names[] = { files[0], files[1] };
        struct model m = { .v = v };
        struct tcp_unit *service = &m.w.base.tcp[TCP_SSH_SERVICE];
        struct tcp_unit *socket = &m.w.base.tcp[TCP_SSH_SOCKET];

        m.w.base = sample_facts();
        users_free(&m.w.base.users);
        m.w.base.live = v->live;
        m.w.base.virt = v->live ? VIRT_OTHER : VIRT_UNKNOWN;
        m.w.base.dropins = v->dropins;
        m.w.base.sshd_files.list = names;
        m.w.base.sshd_files.n = ELEMENTSOF(names);
        world_put_text(&m.w, PATH_SSHD_CONFIG, v->main);
        world_put_text(&m.w, STRAY_FILE, v->included);
        *service = *socket = (struct tcp_unit){ .vendor = true };
        (v->socket ? socket : service)->enabled = true;
        if (v->live) {
                socket->active = v->socket;
                service->active = true;
                m.listens[TCP_SSH_SOCKET] = m.loaded[TCP_SSH_SOCKET] = v->socket ? ALL : 0;
                m.listens[TCP_SSH_SERVICE] = v->socket ? 0 : service_clients(&m);
        }
        if (condition == OWN_UNIT) {
                world_put_text(&m.w, UNITS "ssh.service", "[Service]\n");
                service->foreign = true;
        }
        return m;
}
