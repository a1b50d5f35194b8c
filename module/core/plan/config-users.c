/* SPDX-License-Identifier: MIT
 *
 * config-users.c: see config-users.h. Checks how names are spelled; whether there are such users is
 * asked elsewhere. Opens nothing.
 */
#include "core/plan/config-users.h"

#include "core/plan/config.h"

#include <errno.h>
#include <string.h>

enum { NAME_LEN_MAX = 32 };

#define HUSHLOGIN_WANTED "true, false or a list of user names"
#define REQUIRE_WANTED   "any, unchecked or a list of user names"

void user_names_free(struct user_name *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(list[i].name);
        free(list);
}

struct user_list {
        struct user_name *list;
        size_t n;
};

static bool name_is_valid(const char *name)
{
        size_t n = strlen(name);

        return n > 0 && n <= NAME_LEN_MAX && name[0] != '-' &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
                       n;
}

static int add_user(const struct value *v, void *userdata)
{
        struct user_list *l = userdata;
        const char *text = NULL;
        int r = schema_text(v, "a user name", name_is_valid, &text);

        if (r < 0)
                return r;
        if (!name_is_valid(text))
                return schema_fault(v, "\"%s\" is not a user name", text);
        for (size_t i = 0; i < l->n; i++) {
                if (strcmp(l->list[i].name, text) != 0)
                        continue;
                r = schema_fault(v, "\"%s\" is listed twice", text);
                config_error_note(v->d, l->list[i].at, "the first is here");
                return r;
        }
        l->list[l->n].name = strdup(text);
        if (!l->list[l->n].name)
                return -ENOMEM;
        l->list[l->n++].at = v->node->at;
        return 0;
}

/* A list of names, which may be empty. */
static int read_list(const struct value *v, struct user_list *ret)
{
        struct user_list l = { 0 };
        size_t n = schema_count(v);
        int r;

        if (n == 0)
                return 0;
        l.list = calloc(n, sizeof(*l.list));
        if (!l.list)
                return -ENOMEM;
        r = schema_list(v, add_user, &l);
        if (r < 0)
                user_names_free(l.list, l.n);
        else
                *ret = l;
        return r;
}

static void set_hushlogin(struct config *c, enum hushlogin how, const struct user_list *l)
{
        user_names_free(c->users, c->n_users);
        c->hushlogin = how;
        c->users = l->list;
        c->n_users = l->n;
}

int config_read_hushlogin(const struct value *v, void *target)
{
        struct user_list l = { 0 };
        bool on;
        int r;

        if (schema_is_bool(v)) {
                r = schema_bool(v, &on);
                if (r == 0)
                        set_hushlogin(target, on ? HUSHLOGIN_ALL : HUSHLOGIN_OFF, &l);
                return r;
        }
        if (v->node->kind != NODE_LIST)
                return schema_wrong_type(v, HUSHLOGIN_WANTED);
        r = read_list(v, &l);
        if (r == 0)
                set_hushlogin(target, l.n ? HUSHLOGIN_USERS : HUSHLOGIN_OFF, &l);
        return r;
}

static void set_require(struct config *c, enum require_login how, const struct user_list *l)
{
        user_names_free(c->logins, c->n_logins);
        c->require = how;
        c->logins = l->list;
        c->n_logins = l->n;
}

static bool is_require_word(const char *text)
{
        return strcmp(text, "any") == 0 || strcmp(text, "unchecked") == 0;
}

int config_read_require(const struct value *v, void *target)
{
        struct user_list l = { 0 };
        const char *text = NULL;
        int r;

        if (v->node->kind == NODE_LIST) {
                if (schema_count(v) == 0)
                        return schema_fault(v, "the list is empty; say any or unchecked instead");
                r = read_list(v, &l);
                if (r == 0)
                        set_require(target, REQUIRE_USERS, &l);
                return r;
        }
        if (v->node->kind != NODE_SCALAR)
                return schema_wrong_type(v, REQUIRE_WANTED);
        r = schema_text(v, REQUIRE_WANTED, is_require_word, &text);
        if (r < 0)
                return r;
        if (!is_require_word(text))
                return schema_fault(v, "\"%s\" is not " REQUIRE_WANTED, text);
        set_require(target, text[0] == 'a' ? REQUIRE_ANY : REQUIRE_UNCHECKED, &l);
        return 0;
}
