/* SPDX-License-Identifier: MIT
 *
 * other-access-condition.c: the part of other-access.h that is about conditions which keep an sshd
 * from starting: Debian's units have ConditionPathExists=!/etc/ssh/sshd_not_to_be_run. What is
 * there now says nothing of an sshd that runs, all of one that is to start. Looks; changes nothing.
 */
#include "cli/other-access-parts.h"

#include "core/format/unit-file.h"
#include "core/util/words.h"
#include "host/survey-streams.h"

#include <string.h>

#define BARS_MAX 64

/* All that are said have to hold, and one at least of those with "|" before them (systemd.unit(5)).
 */
struct conditions {
        struct argv bars, triggers; /* that do not hold: "!PATH", "PATH" */
        bool triggered;
};

static void conditions_free(struct conditions *c)
{
        argv_free(&c->bars);
        argv_free(&c->triggers);
        c->triggered = false;
}

struct bars {
        const struct rootfs *root;
        struct conditions of[2]; /* Condition…=, Assert…= of one unit */
};

static bool is_made_anew(const char *path)
{
        static const char *const places[] = { "/run/", "/var/run/", "/proc/",
                                              "/sys/", "/dev/",     "/tmp/" };

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (strncmp(path, places[i], strlen(places[i])) == 0)
                        return true;
        return false;
}

/* Of what a boot makes anew nothing is known; nor of what a specifier stands for. */
static bool holds(const struct bars *b, const char *path)
{
        const bool wanted = path[0] != '!';

        path += wanted ? 0 : 1 + strspn(path + 1, " \t");
        return path[0] != '/' || strchr(path, '%') || is_made_anew(path) ||
               (rootfs_exists(b->root, path) > 0) == wanted;
}

/* Others than of paths hold, as far as anybody can tell. */
static int take_condition(const struct bars *b, struct conditions *c, const char *kind,
                          const char *value)
{
        const bool trigger = value[0] == '|';
        bool held;

        value += trigger ? 1 + strspn(value + 1, " \t") : 0;
        held = strcmp(kind, "PathExists") != 0 || holds(b, value);
        c->triggered = c->triggered || (trigger && held);
        return held ? 0 : argv_add_once(trigger ? &c->triggers : &c->bars, value, BARS_MAX);
}

/* As survey_unit_files() calls it. An empty one takes back those before it, of whatever kind. */
static int read_bars(void *userdata, const char *path, const char *text, size_t len)
{
        static const char *const words[] = { "Condition", "Assert" };
        struct bars *b = userdata;
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        int r = 0;

        (void)path;
        for (struct unit_setting s; r == 0 && unit_file_next(&file, &s);)
                for (size_t i = 0; i < ELEMENTSOF(words) && strcmp(s.section, "Unit") == 0; i++) {
                        size_t n = strlen(words[i]);

                        if (strncmp(s.key, words[i], n) != 0)
                                continue;
                        if (s.value[0])
                                r = take_condition(b, &b->of[i], s.key + n, s.value);
                        else
                                conditions_free(&b->of[i]);
                }
        return r < 0 ? r : file.error;
}

static int add_bars(const struct conditions *c, struct argv *ret)
{
        const struct argv *all[] = { &c->bars, c->triggered ? NULL : &c->triggers };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                for (size_t k = 0; r == 0 && all[i] && k < all[i]->n; k++)
                        r = argv_add_once(ret, all[i]->list[k], BARS_MAX);
        return r;
}

static int read_unit(const struct run *r, const char *unit, struct argv *ret, struct error *error)
{
        struct facts facts = r->facts; /* to be read */
        struct error unsaid = { 0 };
        struct survey s = { .root = &r->root, .facts = &facts, .error = error ? error : &unsaid };
        struct bars b = { .root = &r->root };
        int rc;

        facts.live = false; /* what is in /run is gone at a boot */
        rc = survey_unit_files(&s, unit, read_bars, &b);
        for (size_t i = 0; i < ELEMENTSOF(b.of); i++) {
                if (rc == 0)
                        rc = add_bars(&b.of[i], ret);
                conditions_free(&b.of[i]);
        }
        return rc;
}

/* What is behind a socket does not start either, and whoever connects is sent away. */
int other_access_is_barred(const struct run *r, const char *unit, struct argv *ret_paths,
                           struct error *error)
{
        char service[256];
        int rc = read_unit(r, unit, ret_paths, error);

        if (rc == 0 && text_ends(unit, ".socket")) {
                rc = other_access_socket(r, unit, service, sizeof(service), error);
                rc = rc < 0 ? rc : read_unit(r, service, ret_paths, error);
        }
        return rc < 0 ? rc : ret_paths->n > 0;
}
