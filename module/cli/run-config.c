/* SPDX-License-Identifier: MIT
 *
 * run-config.c: which configuration a run works with: the one that was named, the system's own
 * file, the one that came by --config earlier and that the provision unit carries, for that is what
 * each boot applies, or the credential that the machine was booted with. Says where two of them
 * differ, and finds how the one at hand is applied again. Reads; changes nothing.
 */
#include "cli/run.h"

#include "core/plan/causes.h"
#include "core/plan/render.h"
#include "host/config-load.h"
#include "host/credential.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATH_PROVISION SYSTEM_UNIT_DIR "/" UNIT_PROVISION
#define MISNAMED       "/etc/sshd-vsock.yml"

/* One of the configurations there are. */
struct candidate {
        const char *name;
        char *path; /* what `name` is, where that was made */
        bool there;
        char *text;
        size_t len;
        struct config_error faults;
        struct config config;
        struct buf canonical; /* what two of them are compared by */
        int rc;               /* of parsing it */
};

static void candidate_free(struct candidate *c)
{
        free(c->text);
        free(c->path);
        config_error_free(&c->faults);
        config_free(&c->config);
        buf_free(&c->canonical);
}

static int show_faults(struct run *r, const struct config_error *d)
{
        ssize_t n = write(STDERR_FILENO, buf_str(&d->out), d->out.len);

        (void)n; /* nowhere left to say it */
        buf_add(&r->faults, buf_str(&d->out), d->out.len);
        log_line(&r->log, LOG_LEVEL_ERROR, "%u fault%s in the configuration; nothing was touched",
                 d->n_errors, d->n_errors == 1 ? "" : "s");
        return EXIT_USAGE;
}

static int fail(struct run *r, int rc)
{
        (void)error_set(&r->error, rc, "cannot read the configuration");
        return run_fail(r);
}

/* What it holds, once that was read. 0, also with faults in its faults (c->rc is -EBADMSG then), or
 * another error, which is said with its name. */
static int parse(struct run *r, const struct users *users, struct candidate *c)
{
        if (c->rc == 0)
                c->rc = config_parse(c->text, c->len, users, &c->faults, &c->config);
        if (c->rc == 0)
                config_render(&c->config, &c->canonical);
        if (c->canonical.error < 0)
                c->rc = c->canonical.error;
        return c->rc == -EBADMSG || c->rc == 0
                       ? 0
                       : error_set(&r->error, c->rc, "cannot read %s", c->name);
}

/* What is inside an image is named as all messages name it. */
static int name_inside(struct run *r, const char *path, struct candidate *c)
{
        if (asprintf(&c->path, "%s%s", r->root.path, path) < 0) {
                c->path = NULL;
                return -ENOMEM;
        }
        c->name = c->path;
        c->faults = (struct config_error)CONFIG_ERROR_INIT(c->name);
        return 0;
}

static int read_source(struct run *r, const char *config, const struct users *users,
                       struct candidate *c)
{
        bool trusted = geteuid() == 0 && !r->root.image;

        c->name = config_load_name(config);
        c->faults = (struct config_error)CONFIG_ERROR_INIT(c->name);
        if (!config && name_inside(r, CONFIG_PATH_DEFAULT, c) < 0)
                return -ENOMEM;
        c->there = true;
        c->rc = config_load_read(&r->root, config, trusted, &c->faults, &c->text, &c->len);
        return parse(r, users, c);
}

static int read_file(struct run *r, const struct users *users, struct candidate *c)
{
        int rc = read_source(r, NULL, users, c);

        c->there = rootfs_exists(&r->root, CONFIG_PATH_DEFAULT) != -ENOENT;
        return rc;
}

/* The provision unit counts where it is ours: by its marker, as everywhere. */
static int read_carried(struct run *r, const struct users *users, struct candidate *c)
{
        AUTO_FREE char *unit = NULL;
        AUTO_BUF text = BUF_INIT;
        size_t len = 0;
        int rc = rootfs_read(&r->root, PATH_PROVISION, (size_t)CONFIG_SIZE_MAX * 2, &unit, &len,
                             NULL);

        if (name_inside(r, PATH_PROVISION, c) < 0)
                return -ENOMEM;
        if (rc == -ENOMEM || rc == -EIO)
                return error_set(&r->error, rc, "cannot read %s%s", r->root.path, PATH_PROVISION);
        if (rc < 0 || !provision_carries(unit, len, &text))
                return text.error;
        c->there = true;
        c->rc = buf_take(&text, &c->text, &c->len);
        return parse(r, users, c);
}

/* Trusted as a file is: root's alone. */
static int read_credential(struct run *r, const struct users *users, struct candidate *c)
{
        c->rc = credential_find(&r->root, CREDENTIAL_CONFIG, &c->path);
        if (c->rc <= 0)
                return c->rc == -EACCES ? 0 : c->rc;
        c->name = c->path;
        c->faults = (struct config_error)CONFIG_ERROR_INIT(c->name);
        c->there = true;
        c->rc = config_load_path(&r->root, c->path, geteuid() == 0, &c->faults, &c->text, &c->len);
        return parse(r, users, c);
}

static bool same(const struct candidate *a, const struct candidate *b)
{
        return a->rc == 0 && b->rc == 0 &&
               strcmp(buf_str(&a->canonical), buf_str(&b->canonical)) == 0;
}

static int use(struct run *r, struct candidate *c, enum config_source source)
{
        if (c->rc == -EBADMSG && source == CONFIG_FILE && run_config_is_hidden(r)) {
                (void)cause_set(&r->error, CAUSE_NOT_ROOT,
                                "only root can read " CONFIG_PATH_DEFAULT, -EACCES);
                return run_fail(r);
        }
        if (c->rc == -EBADMSG)
                return show_faults(r, &c->faults);
        r->source = source;
        r->config = c->config;
        c->config = (struct config){ 0 };
        return EXIT_DONE;
}

/* Nothing was named. Where there are two, the file is what is to be, so plan and apply take it; and
 * what the unit carries is what is, so that verbs which look at the system compare with that. An
 * image has no boot behind it: plan and apply take what they are given there, be it no file. A
 * credential counts where nobody on this system decided anything: each boot brings another. */
static int choose(struct run *r, struct candidate *file, struct candidate *carried,
                  struct candidate *credential)
{
        bool given = file->there || (r->root.image && !r->as_it_is);

        r->config_differs = given && carried->there && !same(file, carried);
        if (!file->there && !carried->there && credential->there)
                return use(r, credential, CONFIG_CREDENTIAL);
        if (!carried->there || (given && !(r->as_it_is && r->config_differs)))
                return use(r, file, file->there ? CONFIG_FILE : CONFIG_DEFAULTS);
        return use(r, carried, CONFIG_CARRIED);
}

static bool is_named(const struct run *r)
{
        return r->options.config &&
               (r->root.image || strcmp(r->options.config, CONFIG_PATH_DEFAULT) != 0);
}

static enum again find_again(const struct run *r, const struct candidate *file,
                             const struct candidate *carried, const struct candidate *used)
{
        const bool named = r->source == CONFIG_NAMED;
        const bool in_unit = carried->there && same(carried, used);

        if (named && strcmp(r->options.config, "-") != 0)
                return AGAIN_FILE;
        if ((named || r->source == CONFIG_CARRIED) && in_unit && file->there)
                return AGAIN_UNIT;
        return named && !in_unit ? AGAIN_INPUT : AGAIN_ALONE;
}

/* cloud-init and others take both endings: the wrong one would be a file that nobody reads. */
static void message_misnamed(struct run *r)
{
        if (rootfs_exists(&r->root, MISNAMED) > 0)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "%s" MISNAMED " is not read; fix: mv %s" MISNAMED
                         " %s" CONFIG_PATH_DEFAULT,
                         r->root.path, r->root.path, r->root.path);
}

static void message_source(struct run *r)
{
        static const char force[] =
                "the configuration in force, which came by --config and which " UNIT_PROVISION
                " carries";

        if (r->source == CONFIG_CARRIED && !r->config_differs)
                log_line(&r->log, LOG_LEVEL_STEP, "there is no %s: this works with %s",
                         CONFIG_PATH_DEFAULT, force);
        else if (r->source == CONFIG_CARRIED)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "%s differs from %s; this looks at the latter, and \"sshd-vsock plan\" "
                         "shows what the file would change",
                         CONFIG_PATH_DEFAULT, force);
        else if (r->source != CONFIG_NAMED && r->config_differs)
                log_line(&r->log, LOG_LEVEL_WARN, "%s from %s; apply puts %s in its place",
                         r->source == CONFIG_FILE ? CONFIG_PATH_DEFAULT " differs"
                                                  : "there is no " CONFIG_PATH_DEFAULT
                                                    ", and the defaults differ",
                         force, r->source == CONFIG_FILE ? "it" : "the defaults");
}

static void message_credential(const struct run *r, const struct candidate *used,
                               const struct candidate *credential)
{
        static const char *const sources[] = {
                [CONFIG_FILE] = CONFIG_PATH_DEFAULT,
                [CONFIG_NAMED] = "--config",
                [CONFIG_CARRIED] = "the configuration that " UNIT_PROVISION " carries",
        };

        if (r->source == CONFIG_CREDENTIAL)
                log_line(&r->log, LOG_LEVEL_STEP,
                         "there is no %s: this works with the credential %s", CONFIG_PATH_DEFAULT,
                         credential->name);
        else if (r->source == CONFIG_DEFAULTS && credential->rc == -EACCES)
                log_line(&r->log, LOG_LEVEL_STEP,
                         "only root can tell whether there is a credential " CREDENTIAL_CONFIG);
        else if (credential->there && r->source != CONFIG_DEFAULTS && !same(credential, used))
                log_line(&r->log, LOG_LEVEL_STEP,
                         "the credential %s says otherwise and does not count, for there is %s",
                         credential->name, sources[r->source]);
}

static int compare(struct run *r, struct candidate *named, struct candidate *file,
                   struct candidate *carried, struct candidate *credential)
{
        const struct candidate *used;
        int status;

        if (!r->options.config) {
                status = choose(r, file, carried, credential);
        } else {
                r->config_differs = is_named(r) && file->there && !same(file, named);
                status = use(r, named, is_named(r) ? CONFIG_NAMED : CONFIG_FILE);
        }
        if (status != EXIT_DONE)
                return status;
        /* the one in use gave its values away; its text stays */
        used = r->options.config                ? named
               : r->source == CONFIG_CARRIED    ? carried
               : r->source == CONFIG_CREDENTIAL ? credential
                                                : file;
        r->again = find_again(r, file, carried, used);
        message_source(r);
        message_credential(r, used, credential);
        if (r->source == CONFIG_DEFAULTS || r->source == CONFIG_CREDENTIAL)
                message_misnamed(r);
        return EXIT_DONE;
}

int run_read_config(struct run *r)
{
        AUTO(candidate_free) struct candidate named = { .rc = -ENOENT };
        AUTO(candidate_free) struct candidate file = { .rc = -ENOENT };
        AUTO(candidate_free) struct candidate carried = { .rc = -ENOENT };
        AUTO(candidate_free) struct candidate credential = { .rc = -ENOENT };
        AUTO(users_free) struct users users = { 0 };
        /* one of them may have been deleted since: that costs no boot its vsock listener */
        const struct users *known = r->checks ? &users : NULL;
        int rc = 0;

        if (r->checks)
                rc = survey_users(&r->root, &users, &r->error);
        if (rc == 0 && r->options.config)
                rc = read_source(r, r->options.config, known, &named);
        if (rc == 0 && named.rc != -EBADMSG)
                rc = read_file(r, known, &file);
        if (rc == 0 && named.rc != -EBADMSG)
                rc = read_carried(r, known, &carried);
        if (rc == 0 && named.rc != -EBADMSG)
                rc = read_credential(r, known, &credential);
        return rc < 0 ? fail(r, rc) : compare(r, &named, &file, &carried, &credential);
}

void run_say_overruled(struct run *r)
{
        if (r->source == CONFIG_NAMED && r->config_differs)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "%s says otherwise and does not count: each boot applies the "
                         "configuration that came by --config",
                         CONFIG_PATH_DEFAULT);
}

int run_embed(struct run *r)
{
        AUTO_BUF text = BUF_INIT;

        r->facts.verify_timeout = r->config.verify_timeout;
        if (r->source != CONFIG_NAMED && r->source != CONFIG_CARRIED)
                return 0;
        config_render(&r->config, &text);
        return buf_take(&text, &r->facts.embedded, NULL);
}
