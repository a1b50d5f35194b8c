/* SPDX-License-Identifier: MIT
 *
 * test_layout.c: the tables hold together, and systemd's names for a machine mean what they should.
 */
#include "core/format/distro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_virt(void **state)
{
        static const struct {
                const char *name;
                enum virt want;
        } table[] = {
                { "", VIRT_NONE },
                { "none", VIRT_NONE },
                { "microsoft", VIRT_MICROSOFT },
                { "wsl", VIRT_WSL },
                { "vmware", VIRT_VMWARE },
                { "kvm", VIRT_OTHER },
                { "qemu", VIRT_OTHER },
                { "amazon", VIRT_OTHER },
                { "uml", VIRT_OTHER },
                { "what-comes-next", VIRT_OTHER },
                { "lxc", VIRT_CONTAINER },
                { "docker", VIRT_CONTAINER },
                { "podman", VIRT_CONTAINER },
                { "systemd-nspawn", VIRT_CONTAINER },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(virt_from_systemd(table[i].name), table[i].want);
}

/* A missing row would be a NULL in somebody's path. */
static void test_rows(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                assert_non_null(distro_tcp_units[i]);
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++) {
                assert_int_equal(distro_environments[i].file[0], '/');
                assert_int_equal(distro_environments[i].variable[0], '$');
        }
        for (size_t i = 0; i < N_MODULES; i++) {
                assert_non_null(distro_transports[i].module);
                assert_true(distro_transports[i].where != 0);
                assert_true(distro_transports[i].where < 1u << N_VIRTS);
        }
}

static void test_paths(void **state)
{
        const char *const *const lists[] = { distro_sshd, distro_program, distro_vendor_units };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                assert_non_null(lists[i][0]);
                for (size_t k = 0; lists[i][k]; k++)
                        assert_int_equal(lists[i][k][0], '/');
        }
}

/* Each transport has its machines; where nobody knows the machine, only those are named that step
 * back by themselves. */
static void test_transports(void **state)
{
        const unsigned unknown = 1u << VIRT_UNKNOWN;

        (void)state;
        assert_int_equal(distro_transports[MODULE_LOOPBACK].where, (1u << N_VIRTS) - 1);
        assert_true(distro_transports[MODULE_HYPERV].where & unknown);
        assert_false(distro_transports[MODULE_VIRTIO].where & unknown);
        assert_false(distro_transports[MODULE_VMCI].where & unknown);
        assert_false(distro_transports[MODULE_HYPERV].where &
                     distro_transports[MODULE_VIRTIO].where);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_virt),
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_transports),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
