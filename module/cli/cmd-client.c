/* SPDX-License-Identifier: MIT
 *
 * cmd-client.c: gathers what client-config.c renders: what the user says of the other side, the
 * port, this machine's name, its CID and public host keys. Opens no connection. For root it asks
 * sshd, for others it takes what they may read; changes nothing but that /run/sshd is made where an
 * old sshd needs it to answer.
 */
#include "cli/run.h"

#include "core/format/host-key.h"
#include "core/format/kvp-pool.h"
#include "core/format/sshd-dump.h"
#include "host/check/login-search.h"
#include "host/spawn.h"
#include "host/sshd-query.h"
#include "host/survey-machine.h"
#include "host/vsock-unit.h"
#include "host/vsock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_FILE_MAX   ((size_t)64 << 10)
#define KEYGEN_SECONDS 10
#define DETECT_SECONDS 10
#define KVP_POOL_MAX   ((size_t)1 << 20)

/* All distributions of WSL have the host name of their Windows. */
static void find_name(struct run *r, struct client_side *s)
{
        AUTO_FREE char *host = NULL, *id = NULL;

        if (s->client.virt != VIRT_WSL &&
            rootfs_read(&r->root, "/etc/hostname", 4096, &host, NULL, NULL) < 0)
                host = NULL;
        /* that of an image is made anew at its first boot */
        if (!r->root.image && rootfs_read(&r->root, "/etc/machine-id", 64, &id, NULL, NULL) < 0)
                id = NULL;
        if (client_default_name(host, id, s->name))
                s->client.vm_name = s->name;
        if (!s->client.name)
                s->client.name = s->name;
}

/* What Hyper-V calls this machine, and its Windows this distribution (WSL's init.cpp sets the
 * variable for what it starts; sudo and sshd do not pass it on). */
static void find_windows(struct run *r, struct client_side *s)
{
        const char *distribution = getenv("WSL_DISTRO_NAME");
        AUTO_FREE char *pool = NULL;
        size_t len;

        if (s->client.virt == VIRT_WSL && distribution &&
            client_is_address(ADDRESS_WSL, distribution))
                s->client.distribution = distribution;
        if (s->client.virt == VIRT_MICROSOFT &&
            rootfs_read(&r->root, KVP_POOL_PATH, KVP_POOL_MAX, &pool, &len, NULL) == 0 &&
            kvp_pool_find(pool, len, "VirtualMachineId", s->vm_id, sizeof(s->vm_id)) &&
            client_is_address(ADDRESS_VM_ID, s->vm_id))
                s->client.vm_id = s->vm_id;
}

/* The caller frees it; NULL: there is none. */
static char *read_beside(struct run *r, const char *path)
{
        AUTO_BUF name = BUF_INIT;
        char *text = NULL;

        buf_addf(&name, "%s.pub", path);
        if (name.error < 0 ||
            rootfs_read(&r->root, buf_str(&name), KEY_FILE_MAX, &text, NULL, NULL) < 0)
                return NULL;
        return text;
}

/* Where the key's directory has no text of the public half, the key has; one in the old PEM format
 * needs ssh-keygen, which no image is asked to run. */
static void add_text(struct run *r, const char *path, const char *text, size_t len, struct buf *out)
{
        const char *const argv[] = { "/usr/bin/ssh-keygen", "-y", "-P", "", "-f", path, NULL };
        AUTO_FREE char *beside = NULL;

        if (!host_key_is_private(text)) {
                buf_add(out, text, len); /* HostKeyAgent: HostKey names the public half itself */
                return;
        }
        if (host_key_public(text, len, out) || host_key_is_openssh(text))
                return;
        beside = read_beside(r, path);
        if (beside)
                buf_adds(out, beside);
        else if (!r->root.image && spawn_wait(argv, -1, -1, KEYGEN_SECONDS, out) != 0)
                buf_free(out);
}

static void add_public(struct run *r, const char *path)
{
        AUTO_FREE char *text = read_beside(r, path);

        if (text)
                client_known_host(r->client_side.client.name, text, &r->client_side.known_hosts);
}

static void note_refused(struct run *r, const char *path)
{
        AUTO_BUF full = BUF_INIT;

        buf_addf(&full, "%s%s", r->root.path, path);
        buf_adds(&r->client_side.refused, " ");
        buf_add_quoted(&r->client_side.refused, buf_str(&full));
}

/* Whether the group is the one that Fedora's sshd lets read (its patch of sshkey_perm_ok()): it
 * knows it by its name. */
static bool may_read(const struct run *r, gid_t group)
{
        static const char *const files[] = { "/etc/group", "/usr/lib/group" };
        unsigned long gid = ULONG_MAX;
        bool found = false;

        for (size_t i = 0; !found && i < ELEMENTSOF(files); i++) {
                AUTO_FREE char *text = NULL;
                const char *at;

                if (rootfs_read(&r->root, files[i], ROOTFS_FILE_MAX, &text, NULL, NULL) == 0) {
                        at = strncmp(text, "ssh_keys:", 9) == 0 ? text
                                                                : strstr(text, "\nssh_keys:");
                        found = at && sscanf(at + (*at == '\n'), "ssh_keys:%*[^:]:%lu", &gid) == 1;
                }
        }
        return found && gid == group;
}

/* authfile.c, sshkey_perm_ok(). */
static bool is_refused(const struct run *r, const struct stat *st)
{
        const unsigned others = st->st_mode & 077;

        return st->st_uid == 0 && others && !(others == 040 && may_read(r, st->st_gid));
}

/* One that sshd would not load is not shown. */
static void add_key(struct run *r, const char *path)
{
        AUTO_FREE char *text = NULL;
        AUTO_BUF public = BUF_INIT;
        struct stat st;
        size_t len;
        int rc = rootfs_read(&r->root, path, KEY_FILE_MAX, &text, &len, &st);

        if (rc == -EACCES)
                add_public(r, path); /* who asks is not root */
        if (rc < 0)
                return;
        if (host_key_is_private(text) && is_refused(r, &st))
                note_refused(r, path);
        else
                add_text(r, path, text, len, &public);
        explicit_bzero(text, len);
        client_known_host(r->client_side.client.name, buf_str(&public),
                          &r->client_side.known_hosts);
}

/* sshd's own word where it can be asked, with the options that the listener passes; otherwise what
 * its files say. */
static int ask_sshd(struct run *r, struct argv *ret)
{
        char listener[256] = "";
        const struct logins_search in = { .root = &r->root,
                                          .systemd = r->systemd,
                                          .config = &r->config,
                                          .facts = &r->facts,
                                          .socket = listener };
        struct search s = { .in = &in };
        AUTO_BUF dump = BUF_INIT;
        const char *at, *path;
        size_t n;
        int rc = vsock_unit_find(r->systemd, r->config.port, listener, sizeof(listener), NULL);

        if (rc == 0)
                rc = listener[0] ? search_find_server(&s, NULL) : -ENOENT;
        if (rc == 0)
                rc = sshd_effective_for(&s.server, "root", &dump, NULL);
        argv_free(&s.server);
        at = buf_str(&dump);
        while (rc == 0 && (path = sshd_dump_next(&at, "hostkey", &n)))
                rc = argv_add(ret, path, n);
        return rc;
}

/* What its files say; those that not everybody may read (Fedora's) are as good as silent. */
static int ask_files(struct run *r, struct argv *ret)
{
        int rc = survey_host_keys(&r->root, ret, &r->error);

        if (rc < 0 && geteuid() != 0) {
                r->error = (struct error){ 0 };
                argv_free(ret);
                rc = 0;
                for (size_t i = 0; rc == 0 && distro_host_keys[i]; i++)
                        rc = argv_adds(ret, distro_host_keys[i]);
        }
        return rc;
}

static int find_keys(struct run *r)
{
        AUTO(argv_free) struct argv paths = { 0 };
        int rc = r->root.image || geteuid() != 0 ? -ENOENT : ask_sshd(r, &paths);

        if (rc < 0 || paths.n == 0) {
                argv_free(&paths);
                rc = ask_files(r, &paths);
        }
        for (size_t i = 0; rc == 0 && i < paths.n; i++) {
                add_key(r, paths.list[i]);
                buf_addf(&r->client_side.key_files, "%s%s", i ? ", " : "", paths.list[i]);
        }
        return rc;
}

/* What is there already no run makes anew. */
static void say_no_keys(struct run *r)
{
        const struct client_side *s = &r->client_side;

        if (s->refused.len > 0) {
                error_fix(&r->error, "chmod 0600%s", buf_str(&s->refused));
                (void)error_say(&r->error, -1,
                                "there are no host keys that sshd could use: others than root may "
                                "read those that are there");
        } else if (s->key_files.len == 0) {
                error_fix(&r->error, "take \"HostKey none\" out of sshd_config");
                (void)error_say(&r->error, -1, "sshd is told to use no host key");
        } else {
                error_fix(&r->error, "%s",
                          r->root.image ? "boot the image once" : "sshd-vsock apply");
                (void)error_say(&r->error, -1, "there are no host keys that sshd could use yet: %s",
                                buf_str(&s->key_files));
        }
}

static int show_known_hosts(struct run *r)
{
        const struct buf *lines = &r->client_side.known_hosts;

        if (lines->len == 0) {
                say_no_keys(r);
                return run_fail(r);
        }
        buf_add(&r->text, lines->data, lines->len);
        return EXIT_DONE;
}

/* systemd's word for the machine; of its bus, where there is one for this user, or of the program
 * that finds it by the same code. */
static int find_virt(struct run *r, char **ret)
{
        static const char *const argv[] = { "/usr/bin/systemd-detect-virt", NULL };
        AUTO_BUF text = BUF_INIT;
        int rc = systemd_open(&r->systemd, &r->error);

        if (rc == 0)
                rc = systemd_property(r->systemd, "Virtualization", ret, &r->error);
        if (rc == 0 || geteuid() == 0)
                return rc;
        if (spawn_wait(argv, -1, -1, DETECT_SECONDS, &text) < 0 || text.error < 0)
                return rc;
        r->error = (struct error){ 0 };
        *ret = strndup(buf_str(&text), strcspn(buf_str(&text), "\n"));
        return *ret ? 0 : -ENOMEM;
}

/* An image may boot anywhere: then nothing is known of its host. */
static int look_at_machine(struct run *r, struct client *c)
{
        AUTO_FREE char *virt = NULL;
        uint32_t cid;

        c->virt = VIRT_UNKNOWN;
        if (r->root.image)
                return 0;
        if (find_virt(r, &virt) < 0)
                return -1;
        survey_machine(&r->root, virt, &r->facts.machine);
        r->facts.virt = c->virt = host_transport_virt(&r->facts.machine);
        run_find_host_transport(r);
        c->cid = r->host_transport.cid;
        c->by_socket = host_transport_by_socket(&r->facts.machine);
        c->hostless = !r->host_transport.reachable && host_transport_never(&r->facts.machine);
        if (vsock_local_cid(&cid) != -EACCES || c->hostless)
                c->host_transport = &r->host_transport;
        else
                log_line(&r->log, LOG_LEVEL_STEP,
                         "only root may open /dev/vsock here: the CID is not known");
        return 0;
}

static int refuse_usage(struct run *r)
{
        error_fix(&r->error, "see \"sshd-vsock --help\"");
        run_say_error(r, LOG_LEVEL_ERROR, &r->error);
        return EXIT_USAGE;
}

int cmd_client(struct run *r)
{
        struct client_side *s = &r->client_side;
        int status;

        if (client_take_request(&r->options.client, &s->client, &r->error) < 0)
                return refuse_usage(r);
        status = run_begin(r, false);
        r->as_it_is = true;
        if (status == EXIT_DONE)
                status = run_read_config_or_port(r);
        if (status != EXIT_DONE)
                return status;
        s->client.port = r->config.port;
        if (look_at_machine(r, &s->client) < 0)
                return run_fail(r);
        if (client_check_fit(&s->client, &r->error) < 0)
                return refuse_usage(r);
        find_name(r, s);
        find_windows(r, s);
        if (find_keys(r) < 0)
                buf_free(&s->known_hosts);
        s->known = true;
        if (r->options.known_hosts)
                return show_known_hosts(r);
        client_render(&s->client, &r->text);
        return EXIT_DONE;
}
