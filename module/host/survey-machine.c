/* SPDX-License-Identifier: MIT
 *
 * survey-machine.c: see survey-machine.h. What cannot be read is left unknown or named so, never
 * taken for a machine that has a way to a host.
 */
#include "host/survey-machine.h"

#include "core/util/printable.h"
#include "host/vsock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENVIRON_MAX ((size_t)1 << 20)

static bool is_there(const struct rootfs *root, const char *path)
{
        return rootfs_exists(root, path) > 0;
}

static void read_dmi(const struct rootfs *root, const char *file, char ret[64])
{
        AUTO_FREE char *text = NULL;
        char path[64];
        size_t len = 0;
        int r;

        (void)snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", file);
        r = rootfs_read(root, path, 4096, &text, &len, NULL);
        if (r < 0) {
                (void)snprintf(ret, 64, "%s", r == -ENOENT || r == -ENOTDIR ? "" : "unreadable");
                return;
        }
        printable_ascii(ret, 64, text, strcspn(text, "\n"));
        len = strlen(ret);
        while (len > 0 && ret[len - 1] == ' ')
                ret[--len] = '\0';
}

/* What PID 1 was told by who started it: systemd's "Container Interface". "" where nothing. */
static void read_container(const struct rootfs *root, char *ret, size_t size)
{
        AUTO_FREE char *text = NULL;
        size_t len = 0;

        ret[0] = '\0';
        if (rootfs_read(root, "/proc/1/environ", ENVIRON_MAX, &text, &len, NULL) < 0)
                return;
        for (const char *p = text; p < text + len; p += strlen(p) + 1)
                if (strncmp(p, "container=", 10) == 0)
                        (void)snprintf(ret, size, "%s", p + 10);
}

/* PROC_PID_INIT_INO, include/linux/proc_ns.h. */
static bool in_first_pid_namespace(void)
{
        char link[64];
        ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

        if (n < 0)
                return true; /* no telling */
        link[n] = '\0';
        return strcmp(link, "pid:[4026531836]") == 0;
}

/* For systemd all on a kernel of WSL is "wsl" (virt.c, detect_container), the containers of a
 * distribution too. A distribution has a PID namespace of its own, and often a /.dockerenv, left
 * from the container it was made of. */
static bool is_container(const struct rootfs *root, const char *word)
{
        char container[32];

        read_container(root, container, sizeof(container));
        if (container[0])
                return strcmp(container, "wsl") != 0;
        if (is_there(root, "/run/host/container-manager") || is_there(root, "/run/.containerenv"))
                return true;
        if (strcmp(word, "wsl") == 0)
                return is_there(root, "/.dockerenv") && !is_there(root, "/run/WSL");
        return !in_first_pid_namespace();
}

void survey_machine(const struct rootfs *root, const char *word, struct machine *ret)
{
        struct machine m = { .container = is_container(root, word) };

        (void)snprintf(m.word, sizeof(m.word), "%s", word);
        read_dmi(root, "sys_vendor", m.vendor);
        read_dmi(root, "product_name", m.product);
        read_dmi(root, "chassis_asset_tag", m.tag);
        m.enclaves = is_there(root, "/dev/nitro_enclaves"); /* ne_misc_dev.c */
        m.enclave = is_there(root, "/dev/nsm");             /* drivers/misc/nsm.c */
        *ret = m;
}

/* A driver is there, built in or not, once it is registered: /sys/module knows a built-in one even
 * where it stepped back. */
void survey_transports(const struct rootfs *root, struct transports *ret)
{
        static const char *const drivers[N_MODULES] = {
                [MODULE_HYPERV] = "/sys/bus/vmbus/drivers/hv_sock",
                [MODULE_VIRTIO] = "/sys/bus/virtio/drivers/vmw_vsock_virtio_transport",
        };
        struct transports t = { 0 };

        for (size_t i = 0; i < N_MODULES; i++)
                if (drivers[i] && is_there(root, drivers[i]))
                        t.registered |= 1u << i;
        if (vsock_local_cid(&t.cid) < 0)
                t.cid = 0;
        *ret = t;
}
