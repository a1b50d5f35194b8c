/* SPDX-License-Identifier: MIT
 *
 * test_kvp_pool.c: what Hyper-V tells its machine, found among whatever else is in that file.
 */
#include "core/format/kvp-pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEY = 512, RECORD = 512 + 2048 };

static void put(char *record, const char *key, const char *value)
{
        memcpy(record, key, strlen(key));
        memcpy(record + KEY, value, strlen(value));
}

static void test_found_as_a_whole(void **state)
{
        char *pool = calloc(3, RECORD), text[8];

        (void)state;
        put(pool, "VirtualMachineIdOld", "old");
        put(pool + RECORD, "VirtualMachineId", "new");
        put(pool + (ptrdiff_t)2 * RECORD, "VirtualMachine", "other");
        assert_true(kvp_pool_find(pool, (size_t)3 * RECORD, "VirtualMachineId", text, 8));
        assert_string_equal(text, "new");
        assert_true(kvp_pool_find(pool, (size_t)3 * RECORD, "VirtualMachine", text, 8));
        assert_string_equal(text, "other");
        assert_false(kvp_pool_find(pool, (size_t)3 * RECORD, "Virtual", text, 8));
        assert_false(kvp_pool_find(pool, (size_t)2 * RECORD, "VirtualMachine", text, 8));
        free(pool);
}

/* A record that was cut, a value too long, fields without an end. */
static void test_nothing_beyond_the_end(void **state)
{
        char *pool = malloc(RECORD), text[8] = "as was";

        (void)state;
        memset(pool, 'x', RECORD);
        assert_false(kvp_pool_find(pool, RECORD, "VirtualMachineId", text, 8));
        memset(pool, 0, KEY);
        put(pool, "VirtualMachineId", "12345678");
        assert_false(kvp_pool_find(pool, RECORD, "VirtualMachineId", text, 8));
        pool[KEY + 7] = '\0';
        assert_false(kvp_pool_find(pool, RECORD - 1, "VirtualMachineId", text, 8));
        assert_string_equal(text, "as was");
        assert_true(kvp_pool_find(pool, RECORD, "VirtualMachineId", text, 8));
        assert_string_equal(text, "1234567");
        free(pool);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_found_as_a_whole),
                cmocka_unit_test(test_nothing_beyond_the_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
