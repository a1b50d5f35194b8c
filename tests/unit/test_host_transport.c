/* SPDX-License-Identifier: MIT
 *
 * test_host_transport.c: on each kind of machine, told by its real DMI strings, whether a host can
 * come in, what is said where none can, and that vouching helps. Where each string comes from
 * stands in doc/platforms.md, and beside the rows of host-transport.c.
 */
#include "core/plan/host-transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { NO, CID, VM_ID };
enum { VIRTIO = 1u << MODULE_VIRTIO, HYPERV = 1u << MODULE_HYPERV };

#define AZURE_TAG "7783-7084-3265-9085-8269-3286-77"

struct sample {
        struct machine machine; /* word, sys_vendor, product_name, chassis_asset_tag */
        unsigned registered;
        uint32_t cid;
        int want;
        enum virt virt;
        bool never;
        const char *reason; /* part of it */
};

#define M(w, v, p, t, ...)                                                                         \
        {                                                                                          \
                .word = w, .vendor = v, .product = p, .tag = t, ##__VA_ARGS__                      \
        }

static const struct sample samples[] = {
        /* ---- Microsoft's. A Hyper-V machine's own tag is random. ---- */
        { M("microsoft", "Microsoft Corporation", "Virtual Machine",
            "3172-4834-5563-1289-4416-7722-63"),
          HYPERV, UINT32_MAX, VM_ID, VIRT_MICROSOFT, false, "" },
        { M("microsoft", "Microsoft Corporation", "Virtual Machine", "None"), HYPERV, 1, VM_ID,
          VIRT_MICROSOFT, false, "" },
        { M("microsoft", "Microsoft Corporation", "Virtual Machine",
            "3172-4834-5563-1289-4416-7722-63"),
          0, UINT32_MAX, NO, VIRT_MICROSOFT, false,
          "this is Hyper-V, and the kernel has no hv_sock" },
        { M("microsoft", "Microsoft Corporation", "Virtual Machine", ""), VIRTIO, 3, NO,
          VIRT_MICROSOFT, false, "no hv_sock" }, /* another is in its place */
        { M("microsoft", "Microsoft Corporation", "Virtual Machine", AZURE_TAG), HYPERV, UINT32_MAX,
          NO, VIRT_MICROSOFT, true, "this is Azure" },
        { M("microsoft", "Microsoft Corporation", "Virtual Machine", AZURE_TAG), 0, 0, NO,
          VIRT_MICROSOFT, true, "this is Azure" },
        { M("wsl", "", "", ""), HYPERV, UINT32_MAX, VM_ID, VIRT_WSL, false, "" },
        { M("wsl", "", "", ""), 0, 1, VM_ID, VIRT_WSL, false, "" },
        /* the hypervisor by CPUID alone says nothing of who it is */
        { M("microsoft", "", "", ""), HYPERV, 1, NO, VIRT_MICROSOFT, false, "not known" },
        { M("none", "Microsoft Corporation", "Surface Laptop 4", ""), 0, 1, NO, VIRT_NONE, false,
          "no virtual machine" },

        /* ---- clouds ---- */
        { M("amazon", "Amazon EC2", "c5.large", "Amazon EC2"), VIRTIO, UINT32_MAX, NO, VIRT_OTHER,
          true, "this is Amazon EC2" },
        { M("amazon", "Amazon EC2", "m5.xlarge", "Amazon EC2"), VIRTIO, 3, NO, VIRT_OTHER, true,
          "this is Amazon EC2" },
        { M("amazon", "Amazon EC2", "m6g.2xlarge", "Amazon EC2", .enclaves = true), VIRTIO, 3, NO,
          VIRT_OTHER, true, "parent of Nitro enclaves" },
        { M("none", "Amazon EC2", "c5.metal", "Amazon EC2"), VIRTIO, 1, NO, VIRT_OTHER, true,
          "this is Amazon EC2" },
        { M("xen", "Xen", "HVM domU", ""), VIRTIO, 0, NO, VIRT_OTHER, false, "Xen" },
        { M("kvm", "", "", "", .enclave = true), VIRTIO, 16, NO, VIRT_OTHER, false,
          "this is a Nitro enclave" },
        { M("google", "Google", "Google Compute Engine", ""), VIRTIO, 3, NO, VIRT_OTHER, true,
          "this is Google Compute Engine" },
        { M("kvm", "Google", "Google Compute Engine", ""), VIRTIO, 0, NO, VIRT_OTHER, true,
          "this is Google Compute Engine" },
        { M("kvm", "QEMU", "Standard PC (i440FX + PIIX, 1996)", "OracleCloud.com"), VIRTIO, 3, NO,
          VIRT_OTHER, true, "this is Oracle Cloud" },
        { M("kvm", "OpenStack Foundation", "OpenStack Nova", ""), VIRTIO, 3, NO, VIRT_OTHER, true,
          "OpenStack" },
        { M("kvm", "Red Hat", "OpenStack Compute", ""), VIRTIO, 3, NO, VIRT_OTHER, true,
          "OpenStack" },
        { M("kvm", "DigitalOcean", "Droplet", ""), VIRTIO, 3, NO, VIRT_OTHER, true,
          "DigitalOcean" },
        { M("kvm", "Hetzner", "vServer", ""), VIRTIO, 3, NO, VIRT_OTHER, true, "Hetzner" },
        { M("kvm", "Alibaba Cloud", "Alibaba Cloud ECS", ""), VIRTIO, 3, NO, VIRT_OTHER, true,
          "Alibaba" },

        /* ---- hypervisors ---- */
        { M("vmware", "VMware, Inc.", "VMware Virtual Platform", "No Asset Tag"), 1u << MODULE_VMCI,
          1684300900, NO, VIRT_VMWARE, false, "every VMware machine" },
        { M("vmware", "VMware, Inc.", "VMware20,1", "No Asset Tag"), 1u << MODULE_VMCI, 3, NO,
          VIRT_VMWARE, false, "every VMware machine" },
        { M("oracle", "innotek GmbH", "VirtualBox", ""), VIRTIO, 0, NO, VIRT_OTHER, true,
          "VirtualBox has no" },
        { M("oracle", "Oracle Corporation", "VirtualBox", ""), VIRTIO, 3, NO, VIRT_OTHER, true,
          "VirtualBox has no" },
        { M("parallels", "Parallels Software International Inc.", "Parallels Virtual Platform", ""),
          VIRTIO, 3, NO, VIRT_OTHER, false, "Parallels" },
        { M("parallels", "Parallels International GmbH.", "Parallels ARM Virtual Machine", ""),
          VIRTIO, 0, NO, VIRT_OTHER, false, "Parallels" },
        { M("apple", "Apple Inc.", "Apple Virtualization Generic Platform", ""), VIRTIO, 3, NO,
          VIRT_OTHER, false, "only the program that runs the machine" },
        { M("kvm", "QEMU", "Standard PC (Q35 + ICH9, 2009)", ""), VIRTIO, 3, CID, VIRT_OTHER, false,
          "" },
        { M("qemu", "QEMU", "QEMU Virtual Machine", ""), VIRTIO, 4294967294, CID, VIRT_OTHER, false,
          "" }, /* arm64, "virt" */
        /* Hyper-V's enlightenments make it "microsoft" for some versions of systemd */
        { M("microsoft", "QEMU", "Standard PC (Q35 + ICH9, 2009)", ""), VIRTIO, 5, CID, VIRT_OTHER,
          false, "" },
        { M("kvm", "QEMU", "Standard PC (Q35 + ICH9, 2009)", ""), VIRTIO, UINT32_MAX, NO,
          VIRT_OTHER, false, "the machine has no vsock device" },
        { M("kvm", "QEMU", "Standard PC (Q35 + ICH9, 2009)", ""), VIRTIO, 1, NO, VIRT_OTHER, false,
          "the machine has no vsock device" },
        { M("kvm", "QEMU", "Standard PC (Q35 + ICH9, 2009)", ""), 0, 2, NO, VIRT_OTHER, false,
          "no driver for a vsock device is loaded" },
        { M("kvm", "QEMU", "Standard PC (Q35 + ICH9, 2009)", ""), 1u << MODULE_VMCI, 7, NO,
          VIRT_OTHER, false, "no driver for a vsock device is loaded" },
        { M("bochs", "Bochs", "Bochs", ""), VIRTIO, 3, CID, VIRT_OTHER, false, "" },
        { M("kvm", "Red Hat", "KVM", ""), VIRTIO, 3, CID, VIRT_OTHER, false, "" },
        { M("kvm", "Red Hat", "RHEL", ""), VIRTIO, 3, CID, VIRT_OTHER, false, "" },
        { M("kvm", "KubeVirt", "None", ""), VIRTIO, 3, CID, VIRT_OTHER, false, "" },
        { M("kvm", "Cloud Hypervisor", "cloud-hypervisor", ""), VIRTIO, 3, CID, VIRT_OTHER, false,
          "" },
        { M("kvm", "", "", ""), VIRTIO, 3, CID, VIRT_OTHER, false, "" }, /* Firecracker */
        { M("uml", "", "", ""), VIRTIO, 3, CID, VIRT_OTHER, false, "" },
        { M("uml", "", "", ""), VIRTIO, 0, NO, VIRT_OTHER, false, "no vsock device" },

        /* ---- containers, also those in a machine that has a way ---- */
        { M("systemd-nspawn", "QEMU", "Standard PC (Q35 + ICH9, 2009)", ""), VIRTIO, 3, NO,
          VIRT_CONTAINER, true, "this is a container" },
        { M("docker", "", "", ""), VIRTIO, 3, NO, VIRT_CONTAINER, true, "this is a container" },
        { M("lxc", "Microsoft Corporation", "Virtual Machine", ""), HYPERV, 1, NO, VIRT_CONTAINER,
          true, "this is a container" },
        { M("container-other", "", "", ""), VIRTIO, 3, NO, VIRT_CONTAINER, true,
          "this is a container" },
        { M("wsl", "", "", "", .container = true), HYPERV, 1, NO, VIRT_CONTAINER, true,
          "this is a container" },
        { M("kvm", "QEMU", "Standard PC (Q35 + ICH9, 2009)", "", .container = true), VIRTIO, 3, NO,
          VIRT_CONTAINER, true, "this is a container" },

        /* ---- unknown ---- */
        { M("kvm", "Dell Inc.", "PowerEdge R640", ""), VIRTIO, 3, NO, VIRT_OTHER, false,
          "not known (kvm, DMI: Dell Inc., PowerEdge R640)" },
        { M("vm-other", "", "", ""), VIRTIO, 3, NO, VIRT_OTHER, false, "(vm-other, DMI: none)" },
        { M("bhyve", "BHYVE", "", ""), VIRTIO, 3, NO, VIRT_OTHER, false, "(bhyve, DMI: BHYVE)" },
        { M("kvm", "unreadable", "unreadable", "unreadable"), VIRTIO, 3, NO, VIRT_OTHER, false,
          "not known" },
        { M("none", "Dell Inc.", "PowerEdge R640", ""), VIRTIO, 2, NO, VIRT_NONE, false,
          "no virtual machine" },
        { M("", "", "", ""), 0, 0, NO, VIRT_NONE, false, "no virtual machine" },
};

static void check(const struct sample *s, size_t at)
{
        const struct transports t = { s->registered, s->cid };
        struct host_transport w;

        host_transport_find(&s->machine, &t, false, &w);
        if (w.reachable != (s->want != NO) || !strstr(w.reason, s->reason))
                fail_msg("row %zu (%s, %s): %d, %s", at, s->machine.word, s->machine.vendor,
                         w.reachable, w.reason);
        assert_true(w.known);
        assert_false(w.assumed);
        if (w.reachable)
                assert_int_equal(w.cid, s->want == CID ? s->cid : 0);
        assert_int_equal(w.reason[0] == '\0', w.reachable);
        assert_int_equal(w.fix[0] == '\0', w.reachable);
        assert_int_equal(host_transport_virt(&s->machine), s->virt);
        assert_int_equal(host_transport_never(&s->machine), s->never);
}

static void test_samples(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(samples); i++)
                check(&samples[i], i);
}

/* Each no says how to vouch; that then is taken, and stays what it is. */
static void test_vouching(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(samples); i++) {
                const struct sample *s = &samples[i];
                const struct transports t = { s->registered, s->cid };
                struct host_transport no, yes;

                host_transport_find(&s->machine, &t, false, &no);
                host_transport_find(&s->machine, &t, true, &yes);
                assert_true(yes.reachable);
                assert_int_equal(yes.assumed, s->want == NO);
                assert_string_equal(yes.reason, no.reason);
                if (s->want == NO) {
                        assert_non_null(strstr(no.fix, "\"host_transport: assume\""));
                        assert_int_not_equal(no.fix[strlen(no.fix) - 1], '.');
                        assert_true(strlen(no.fix) < sizeof(no.fix) - 1);
                        assert_true(strlen(no.reason) < sizeof(no.reason) - 1);
                }
        }
}

/* The longest that DMI can hold here still leaves whole sentences. */
static void test_long_names(void **state)
{
        struct machine m = { .word = "", .vendor = "", .product = "" };
        const struct transports t = { 0 };
        struct host_transport w;

        (void)state;
        memset(m.word, 'w', sizeof(m.word) - 1);
        memset(m.vendor, 'v', sizeof(m.vendor) - 1);
        memset(m.product, 'p', sizeof(m.product) - 1);
        host_transport_find(&m, &t, false, &w);
        assert_int_equal(w.reason[strlen(w.reason) - 1], ')');
}

static void test_addresses(void **state)
{
        (void)state;
        assert_false(host_transport_is_address(0));
        assert_false(host_transport_is_address(1));
        assert_false(host_transport_is_address(2));
        assert_true(host_transport_is_address(3));
        assert_true(host_transport_is_address(UINT32_MAX - 1));
        assert_false(host_transport_is_address(UINT32_MAX));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_samples),
                cmocka_unit_test(test_vouching),
                cmocka_unit_test(test_long_names),
                cmocka_unit_test(test_addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
