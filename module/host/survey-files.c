/* SPDX-License-Identifier: MIT
 *
 * survey-files.c: what is at the paths of the desired state. An essential file that cannot be
 * looked at ends the run; a hosts file or a home never does. Reads; changes nothing.
 */
#include "host/survey.h"

#include "core/format/hosts-file.h"
#include "host/clock.h"
#include "host/home-child.h"
#include "host/label.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAG_MAX     512               /* what is larger is not ours */
#define OURS_MAX     ((size_t)1 << 20) /* ours is a page, and a diff of it four times that */
#define LOOK_SECONDS 2                 /* for one home */

static enum hosts_state state_of(const struct rootfs *root, const char *path)
{
        AUTO_FREE char *text = NULL;
        enum hosts_state state = HOSTS_ABSENT;
        size_t len;

        if (rootfs_read(root, path, ROOTFS_FILE_MAX, &text, &len, NULL) == 0 &&
            hosts_file_inspect(text, len, &state, NULL) < 0)
                state = HOSTS_ABSENT;
        return state;
}

/* A shared file that is a link is edited where it really is, as long as that is below /etc: what is
 * in /run is gone at the next boot, what is in /usr is the vendor's. */
static int follow(const struct rootfs *root, const char *path, struct observed *o)
{
        AUTO_FREE char *real = NULL;
        int r = rootfs_real_path(root, path, &real);

        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                o->what = "a link that leads nowhere";
                return 0;
        }
        if (strncmp(real, "/etc/", 5) != 0) {
                o->what = "a link that leads out of /etc";
                o->ours_behind = state_of(root, real) == HOSTS_OURS;
                o->maps_behind = state_of(root, real) != HOSTS_ABSENT;
                return 0;
        }
        observed_free(o);
        r = rootfs_look(root, real, ROOTFS_FILE_MAX, o);
        if (r == 0)
                o->path = TAKE_PTR(real);
        return r;
}

/* A home may be out of reach even for root, by its user's doing: a FUSE mount of his, a link in a
 * circle; and so may a hosts file. That must not keep the vsock listener shut, whatever the error
 * is. */
static const char *out_of_reach(int error)
{
        switch (error) {
        case -EACCES:
        case -EPERM:
                return "root may not enter its directory";
        case -ELOOP:
                return "its directory is a link that leads to itself";
        case -ENAMETOOLONG:
                return "its path is too long";
        case -EIO:
        case -ENODEV:
        case -ENOTCONN:
        case -EHOSTDOWN:
        case -EHOSTUNREACH:
        case -ESTALE:
        case -ETIMEDOUT:
                return "its file system does not answer";
        case -E2BIG:
                return "there are more homes than can be looked at";
        case -ENOBUFS:
        case -EMFILE:
        case -ENFILE:
                return "the system has not enough left to look at it";
        }
        return "it cannot be looked at";
}

/* An /etc/hosts that is not there is put there by systemd-tmpfiles at the next boot where a line of
 * its kind "C" says so (tmpfiles.d(5)); once the file is there it is not. So that copy comes first.
 */
static int seed(const struct rootfs *root, struct observed *o)
{
        int r = rootfs_read(root, "/usr/share/factory/etc/hosts", ROOTFS_FILE_MAX, &o->data,
                            &o->len, NULL);

        return r == -ENOMEM ? r : 0;
}

/* Not root asks about a running system: what he may not see is no failure. */
static bool is_hidden(const struct rootfs *root, int error)
{
        return error == -EACCES && !root->image && geteuid() != 0;
}

bool survey_is_home(const struct rootfs *root, const struct item *i, int directory)
{
        struct stat st;

        return root->image || (fstat(directory, &st) == 0 && st.st_uid == i->uid);
}

/* Whether something is to be done in somebody else's directory. Users of the system's own have such
 * homes (/usr/sbin), and nothing there. */
static bool is_elsewhere(const struct rootfs *root, const struct item *i, const struct observed *o)
{
        AUTO_CLOSE int dir = -1;
        const char *name;

        if (i->kind != ITEM_FLAG ||
            (!i->wanted && (o->type != OBSERVED_FILE || !distro_has_marker(o->data, o->len))))
                return false;
        return rootfs_parent(root, i->path, false, &dir, &name) == 0 &&
               !survey_is_home(root, i, dir);
}

/* What counts in the place of what nobody saw, or nobody is to see to. */
static int unseen(struct observed *o, enum observed_type type, const char *what)
{
        observed_free(o);
        *o = (struct observed){ .type = type, .unseen = true, .what = what };
        return 0;
}

int survey_path(const struct rootfs *root, const struct item *i, struct observed *ret)
{
        const bool flag = i->kind == ITEM_FLAG;
        const size_t whole = i->kind == ITEM_FILE ? OURS_MAX : ROOTFS_FILE_MAX;
        struct observed o = { 0 };
        int r = rootfs_look(root, i->path, flag ? FLAG_MAX : whole, &o);

        if (r == 0 && o.type == OBSERVED_LINK && i->kind >= ITEM_HOSTS)
                r = follow(root, i->path, &o);
        if (r == 0 && o.type == OBSERVED_NONE && i->kind == ITEM_HOSTS)
                r = seed(root, &o);
        if (is_hidden(root, r)) {
                r = unseen(&o, OBSERVED_OTHER, "only root may look");
                o.hidden = true;
        } else if (r < 0 && item_is_extra(i)) {
                r = unseen(&o, flag ? OBSERVED_NO_DIRECTORY : OBSERVED_OTHER, out_of_reach(r));
        } else if (r == 0 && o.type == OBSERVED_NO_DIRECTORY) {
                o.what = "its directory does not exist";
        } else if (r == 0 && is_elsewhere(root, i, &o)) {
                r = unseen(&o, OBSERVED_NO_DIRECTORY, "its directory is not the user's own");
        }
        if (r < 0)
                observed_free(&o);
        else
                *ret = o;
        return r;
}

struct homes_look {
        const struct rootfs *root;
        const struct desired *d;
        struct observed *observed;
        size_t *at; /* of their items in the list */
        size_t n;
        uint64_t begun;
};

static bool cost_too_much(const struct homes_look *h)
{
        return homes_cost_too_much(h->root->image, h->begun);
}

static int look_at_home(void *userdata, size_t k, struct observed *ret, struct error *error)
{
        const struct homes_look *h = userdata;

        (void)error;
        return cost_too_much(h) ? -E2BIG : survey_path(h->root, &h->d->items[h->at[k]], ret);
}

static bool is_home_near(void *userdata, size_t k)
{
        const struct homes_look *h = userdata;

        return cost_too_much(h) || rootfs_is_near(h->root, h->d->items[h->at[k]].path);
}

static void take_home(void *userdata, size_t k, int result, const struct observed *o,
                      const struct error *error)
{
        const struct homes_look *h = userdata;

        (void)error;
        h->observed[h->at[k]] = result == 0 ? *o
                                            : (struct observed){ .type = OBSERVED_NO_DIRECTORY,
                                                                 .unseen = true,
                                                                 .what = out_of_reach(result) };
}

static int look_at_homes(const struct rootfs *root, const struct desired *d,
                         struct observed *observed)
{
        AUTO_FREE size_t *at = calloc(d->n + 1, sizeof(*at));
        struct homes_look h = { root, d, observed, at, 0, clock_of(CLOCK_PROCESS_CPUTIME_ID) };

        if (!at)
                return -ENOMEM;
        for (size_t k = 0; k < d->n; k++)
                if (d->items[k].kind == ITEM_FLAG)
                        at[h.n++] = k;
        return home_child_each(&(struct home_child){ h.n, root->fd, LOOK_SECONDS, look_at_home,
                                                     take_home, is_home_near, &h });
}

/* A file of sshd's: TCP stays as it is, and the vsock listener opens. */
static int not_seen(int error, struct observed *ret)
{
        *ret = (struct observed){ .type = OBSERVED_OTHER,
                                  .unseen = true,
                                  .what = strerror(-error) };
        return 0;
}

/* Whether what is there has the label that the policy wants. Homes are their users', shared files
 * somebody else's. */
static int look_at_labels(const struct desired *d, struct observed *observed)
{
        AUTO_FREE const char **paths = calloc(d->n + 1, sizeof(*paths));
        AUTO_FREE size_t *at = calloc(d->n + 1, sizeof(*at));
        AUTO_FREE bool *wrong = calloc(d->n + 1, sizeof(*wrong));
        size_t n = 0;
        int r;

        if (!paths || !at || !wrong)
                return -ENOMEM;
        for (size_t k = 0; k < d->n; k++) {
                const enum item_kind kind = d->items[k].kind;

                if (d->items[k].wanted && (kind == ITEM_FILE || kind == ITEM_LINK) &&
                    (observed[k].type == OBSERVED_FILE || observed[k].type == OBSERVED_LINK)) {
                        at[n] = k;
                        paths[n++] = d->items[k].path;
                }
        }
        r = label_check(paths, n, wrong);
        for (size_t k = 0; k < n; k++)
                observed[at[k]].mislabelled = wrong[k];
        return r;
}

/* Of all that is looked at, which is kept: links of a tree may lead to one file a thousand times.
 */
#define BYTES_MAX ((size_t)96 << 20)

int survey_paths(const struct rootfs *root, const struct desired *d, struct observed **ret,
                 struct error *error)
{
        struct observed *observed = calloc(d->n, sizeof(*observed));
        size_t bytes = 0;
        int r;

        if (!observed)
                return error_set(error, -ENOMEM, "cannot look at the system");
        r = look_at_homes(root, d, observed);
        for (size_t k = 0; r == 0 && k < d->n; k++) {
                if (d->items[k].kind == ITEM_FLAG)
                        continue;
                r = survey_path(root, &d->items[k], &observed[k]);
                if (r < 0 && r != -ENOMEM && (d->items[k].flags & ITEM_SSHD))
                        r = not_seen(r, &observed[k]);
                if (r < 0)
                        (void)error_set(error, r, "cannot look at %s%s", root->path,
                                        d->items[k].path);
                bytes += observed[k].len;
                if (bytes > BYTES_MAX)
                        r = error_say(error, -E2BIG, "%s%s: more bytes than can be looked at",
                                      root->path, d->items[k].path);
        }
        if (r == 0 && !root->image)
                r = look_at_labels(d, observed);
        if (r < 0) {
                survey_free(observed, d->n);
                return error_set(error, r, "cannot look at the homes");
        }
        *ret = observed;
        return 0;
}

void survey_free(struct observed *observed, size_t n)
{
        for (size_t k = 0; observed && k < n; k++)
                observed_free(&observed[k]);
        free(observed);
}
