/* SPDX-License-Identifier: MIT
 *
 * object.c: owns the memory of struct object, nothing else.
 */
#include "object.h"

void object_free(struct object *o)
{
        free(o->data);
        free(o->path);
        *o = (struct object){ 0 };
}
