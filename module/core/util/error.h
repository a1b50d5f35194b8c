/* SPDX-License-Identifier: MIT
 *
 * error.h: what went wrong in the world, in words: one sentence that names the thing, the reason
 * and, where one is known, the fix. Carried beside a −errno up to cli/, which alone prints it.
 * Pure.
 */
#pragma once

#include "core/util/base.h"

struct error {
        char text[512]; /* empty: nothing said */
        char fix[768];  /* empty: none known */
        unsigned cause; /* an enum cause (core/plan/causes.h); 0: in no row of that table */
};

/* Says what failed, with strerror(-error) behind it unless error is 0. Keeps what an inner call
 * said already. Returns error. `w` NULL: nobody wants to know. */
int error_set(struct error *w, int error, const char *fmt, ...) PRINTF(3, 4);

/* The same without strerror, for reasons that errno cannot name. */
int error_say(struct error *w, int error, const char *fmt, ...) PRINTF(3, 4);

/* What to do about it. The first one said stays. */
void error_fix(struct error *w, const char *fmt, ...) PRINTF(2, 3);
