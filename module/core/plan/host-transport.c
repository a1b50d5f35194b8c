/* SPDX-License-Identifier: MIT
 *
 * host-transport.c: see host-transport.h. One row per kind of machine, the first that fits decides.
 * DMI comes before systemd's word: QEMU and Xen can pass for Hyper-V by CPUID, and Azure is Hyper-V
 * but for its tag. A row needs a source: that a host of the user's own can connect, not that a
 * device is there.
 */
#include "core/plan/host-transport.h"

#include <stdio.h>
#include <string.h>

#define VOUCH "where you know that a host comes in over vsock, set \"host_transport: assume\""
#define KEEP  "leave TCP open here"

enum rule {
        RULE_UNKNOWN, /* no way as far as is known */
        RULE_NEVER,   /* no way */
        RULE_VIRTIO,  /* by the CID of a virtio-vsock device */
        RULE_HYPERV,  /* by VM id, once hv_sock is there */
        RULE_WSL,     /* by VM id */
};

struct row {
        const char *vendor, *product; /* how they begin; NULL: any */
        const char *tag;              /* how it begins; NULL: any */
        enum rule rule;
        enum virt virt;
        const char *reason, *fix; /* unless the rule has words of its own */
};

#define CLOUD(name) RULE_NEVER, VIRT_OTHER, "this is " name ", where the host is not yours", KEEP

/* The strings: systemd's src/basic/virt.c (dmi_vendor_table), cloud-init's tools/ds-identify, and
 * the "Hardware name:" lines of kernel logs. */
static const struct row by_dmi[] = {
        /* Azure's tag is the text "MSFT AZURE VM" (ds-identify, is_azure_chassis); Hyper-V's own
         * machines have a random one. Azure offers customers no vsock from its hosts. */
        { NULL, NULL, "7783-7084-3265-9085-8269-3286-77", RULE_NEVER, VIRT_MICROSOFT,
          "this is Azure, where the host is not yours", KEEP },
        /* Docs "Hyper-V integration: make your own": a Windows host connects by VM id and service
         * GUID; Linux answers by hyperv_transport.c. */
        { "Microsoft Corporation", "Virtual Machine", NULL, RULE_HYPERV, VIRT_MICROSOFT, NULL,
          NULL },
        /* Nitro and bare metal ("c5.metal"); an instance has a vsock device only as the parent of
         * enclaves. */
        { "Amazon EC2", NULL, NULL, CLOUD("Amazon EC2") },
        { NULL, "Google Compute Engine", NULL, CLOUD("Google Compute Engine") },
        { NULL, NULL, "OracleCloud.com", CLOUD("Oracle Cloud") }, /* its sys_vendor is QEMU */
        { NULL, NULL, "HUAWEICLOUD", CLOUD("Huawei Cloud") },
        { NULL, NULL, "OpenTelekomCloud", CLOUD("Open Telekom Cloud") },
        { NULL, NULL, "SAP CCloud VM", CLOUD("SAP's cloud") },
        { NULL, "Alibaba Cloud", NULL, CLOUD("Alibaba Cloud") },
        { NULL, "OpenStack", NULL, CLOUD("an OpenStack cloud") },
        { "OpenStack", NULL, NULL, CLOUD("an OpenStack cloud") },
        { "DigitalOcean", NULL, NULL, CLOUD("DigitalOcean") },
        { "Hetzner", NULL, NULL, CLOUD("Hetzner's cloud") },
        { "Scaleway", NULL, NULL, CLOUD("Scaleway") },
        { "UpCloud", NULL, NULL, CLOUD("UpCloud") },
        { "Vultr", NULL, NULL, CLOUD("Vultr") },
        { "3DS Outscale", NULL, NULL, CLOUD("Outscale") },

        /* vmci_transport.c: root of the host and who runs the machine may connect. But each VMware
         * machine has the device, in vSphere and its clouds too, where there is no such root. */
        { "VMware", NULL, NULL, RULE_UNKNOWN, VIRT_VMWARE,
          "every VMware machine has a vsock device, whether or not its host lets anyone use it",
          "try it from the host" },
        /* Apple's Virtualization framework, VZVirtioSocketDevice: connect(toPort:) is the running
         * program's own, the host's system has no AF_VSOCK for it. */
        { NULL, "Apple Virtualization", NULL, RULE_UNKNOWN, VIRT_OTHER,
          "with Apple's Virtualization only the program that runs the machine can connect",
          "have that program hand on the port, and try it" },
        { NULL, "VirtualBox", NULL, RULE_NEVER, VIRT_OTHER, "VirtualBox has no vsock device",
          KEEP },
        { "Parallels", NULL, NULL, RULE_UNKNOWN, VIRT_OTHER,
          "Parallels has no vsock device that is known", KEEP },
        /* Xen's HVM guests, old EC2 instances among them; net/vmw_vsock has no transport for it. */
        { "Xen", NULL, NULL, RULE_UNKNOWN, VIRT_OTHER, "Xen has no vsock device that is known",
          KEEP },

        /* Whoever runs these gave the machine its device by hand (-device vhost-vsock-pci, --vsock,
         * autoattachVSOCK), and can connect: QEMU's hw/i386/pc_*.c, Red Hat's build of it with
         * names of its own, Bochs' BIOS in old ones; Cloud Hypervisor's arch/src/x86_64/smbios.rs;
         * KubeVirt, kubevirt/community #191. */
        { "QEMU", NULL, NULL, RULE_VIRTIO, VIRT_OTHER, NULL, NULL },
        { "Bochs", NULL, NULL, RULE_VIRTIO, VIRT_OTHER, NULL, NULL },
        { "Red Hat", "KVM", NULL, RULE_VIRTIO, VIRT_OTHER, NULL, NULL },
        { "Red Hat", "RHEL", NULL, RULE_VIRTIO, VIRT_OTHER, NULL, NULL },
        { "Red Hat", "RHEV", NULL, RULE_VIRTIO, VIRT_OTHER, NULL, NULL },
        { "Cloud Hypervisor", NULL, NULL, RULE_VIRTIO, VIRT_OTHER, NULL, NULL },
        { "KubeVirt", NULL, NULL, RULE_VIRTIO, VIRT_OTHER, NULL, NULL },
};

/* Machines without DMI: Firecracker (docs/vsock.md: each port is behind the UNIX socket that the
 * machine was given), QEMU's microvm and kernels booted directly on arm64; user-mode Linux with a
 * vhost-user device (virtio_uml.c). */
static const struct row virtio_row = { .rule = RULE_VIRTIO, .virt = VIRT_OTHER };
static const char *const virtio_words[] = { "kvm", "qemu", "uml" };

static const struct row container_row = {
        .rule = RULE_NEVER,
        .virt = VIRT_CONTAINER,
        /* AF_VSOCK is one for the whole kernel before Linux 7.0 (net.vsock.ns_mode). */
        .reason = "this is a container: a host that connects comes to the machine around it",
        .fix = "set up SSH over vsock on that machine",
};

/* WSL's own init speaks to Windows over hv_sock; the machine has no DMI. */
static const struct row wsl_row = { .rule = RULE_WSL, .virt = VIRT_WSL };

/* ne_misc_dev.c, NE_PARENT_VM_CID: the parent's CID is 3, for its enclaves. */
static const struct row parent_row = {
        .rule = RULE_NEVER,
        .virt = VIRT_OTHER,
        .reason = "this is a parent of Nitro enclaves: only those come in over its vsock device",
        .fix = KEEP,
};

static const struct row enclave_row = {
        .rule = RULE_UNKNOWN,
        .virt = VIRT_OTHER,
        .reason = "this is a Nitro enclave, which was never tried",
        .fix = "try it from the parent instance",
};

static bool begins(const char *text, const char *prefix)
{
        return !prefix || strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(word, list[i]) == 0)
                        return true;
        return false;
}

/* NULL: unknown. */
static const struct row *find_row(const struct machine *m)
{
        if (m->container || virt_from_systemd(m->word) == VIRT_CONTAINER)
                return &container_row;
        if (virt_from_systemd(m->word) == VIRT_WSL)
                return &wsl_row;
        if (m->enclaves)
                return &parent_row;
        if (m->enclave)
                return &enclave_row;
        for (size_t i = 0; i < ELEMENTSOF(by_dmi); i++)
                if (begins(m->vendor, by_dmi[i].vendor) && begins(m->product, by_dmi[i].product) &&
                    begins(m->tag, by_dmi[i].tag))
                        return &by_dmi[i];
        if (m->vendor[0] || m->product[0])
                return NULL;
        return is_one_of(m->word, virtio_words, ELEMENTSOF(virtio_words)) ? &virtio_row : NULL;
}

bool host_transport_is_address(uint32_t cid)
{
        return cid > 2 && cid != UINT32_MAX;
}

enum virt host_transport_virt(const struct machine *m)
{
        const struct row *row = find_row(m);

        return row ? row->virt : virt_from_systemd(m->word);
}

bool host_transport_never(const struct machine *m)
{
        const struct row *row = find_row(m);

        return row && row->rule == RULE_NEVER;
}

/* Cloud Hypervisor's docs/vsock.md; user-mode Linux has vhost-user devices only. Firecracker, which
 * has sockets too, looks like any KVM without DMI. */
bool host_transport_by_socket(const struct machine *m)
{
        return strncmp(m->vendor, "Cloud Hypervisor", 16) == 0 ||
               (!m->vendor[0] && !m->product[0] && strcmp(m->word, "uml") == 0);
}

static void say(struct host_transport *w, const char *reason, const char *fix)
{
        (void)snprintf(w->reason, sizeof(w->reason), "%s", reason);
        (void)snprintf(w->fix, sizeof(w->fix), "%s; " VOUCH, fix);
}

static void message_unknown(const struct machine *m, struct host_transport *w)
{
        if (virt_from_systemd(m->word) == VIRT_NONE) {
                say(w, "this is no virtual machine as far as systemd can tell", KEEP);
                return;
        }
        (void)snprintf(
                w->reason, sizeof(w->reason),
                "whether a host can reach this kind of machine is not known (%s, DMI: %s%s%s)",
                m->word, m->vendor[0] || m->product[0] ? m->vendor : "none",
                m->vendor[0] && m->product[0] ? ", " : "", m->product);
        (void)snprintf(w->fix, sizeof(w->fix), "try it from the host; " VOUCH);
}

static void judge_virtio(const struct transports *t, struct host_transport *w)
{
        w->reachable = (t->registered & (1u << MODULE_VIRTIO)) && w->cid;
        if (w->reachable)
                return;
        say(w,
            t->registered & (1u << MODULE_VIRTIO)
                    ? "the machine has no vsock device"
                    : "no driver for a vsock device is loaded (vmw_vsock_virtio_transport)",
            "give the machine a vsock device (QEMU: -device vhost-vsock-pci,guest-cid=N), and its "
            "kernel the module");
}

void host_transport_find(const struct machine *m, const struct transports *t, bool assume,
                         struct host_transport *ret)
{
        const struct row *row = find_row(m);
        struct host_transport w = { .known = true };

        w.cid = host_transport_is_address(t->cid) ? t->cid : 0;
        switch (row ? row->rule : RULE_UNKNOWN) {
        case RULE_WSL:
                w.reachable = true;
                w.cid = 0;
                break;
        case RULE_HYPERV:
                w.reachable = t->registered & (1u << MODULE_HYPERV);
                w.cid = 0;
                if (!w.reachable)
                        say(&w, "this is Hyper-V, and the kernel has no hv_sock in use",
                            "give the kernel the module hv_sock, and reboot");
                break;
        case RULE_VIRTIO:
                judge_virtio(t, &w);
                break;
        default:
                if (row)
                        say(&w, row->reason, row->fix);
                else
                        message_unknown(m, &w);
        }
        w.assumed = assume && !w.reachable;
        w.reachable = w.reachable || w.assumed;
        *ret = w;
}
