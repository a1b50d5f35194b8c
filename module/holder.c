/* SPDX-License-Identifier: MIT
 *
 * holder.c: see holder.h. What `ss --vsock -lp` does, for the one port that matters.
 */
#include "holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>

#define STATE_LISTEN 10 /* TCP_LISTEN, which AF_VSOCK uses for itself */

static int ask(int fd)
{
        struct {
                struct nlmsghdr head;
                struct vsock_diag_req body;
        } request = {
                .head = { .nlmsg_len = sizeof(request),
                          .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .body = { .sdiag_family = AF_VSOCK, .vdiag_states = 1u << STATE_LISTEN },
        };

        return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* Looks through one batch of answers. 1: found, 0: more may come, −errno. */
static int look(struct nlmsghdr *h, size_t len, uint32_t port, unsigned *ret_inode)
{
        for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
                const struct vsock_diag_msg *m = NLMSG_DATA(h);
                int error;

                if (h->nlmsg_type == NLMSG_DONE)
                        return -ENOENT;
                if (h->nlmsg_type == NLMSG_ERROR) {
                        error = ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
                        return error < 0 ? error : -EPROTO;
                }
                if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
                        return -EPROTO;
                if (m->vdiag_src_port == port && m->vdiag_state == STATE_LISTEN) {
                        *ret_inode = m->vdiag_ino;
                        return 1;
                }
        }
        return 0;
}

static int find_inode(uint32_t port, unsigned *ret_inode)
{
        AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        _Alignas(struct nlmsghdr) char answer[16384];
        int r = fd < 0 ? -errno : ask(fd);

        while (r == 0) {
                ssize_t n = recv(fd, answer, sizeof(answer), 0);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EPROTO;
                r = look((struct nlmsghdr *)(void *)answer, (size_t)n, port, ret_inode);
        }
        return r < 0 ? r : 0;
}

/* Whether the process has the socket among its descriptors. */
static bool has_socket(int proc, const char *pid, unsigned inode)
{
        char path[64], wanted[32], target[32];
        bool found = false;
        DIR *dir;
        int fd;

        (void)snprintf(path, sizeof(path), "%.16s/fd", pid);
        (void)snprintf(wanted, sizeof(wanted), "socket:[%u]", inode);
        fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                close_descriptor(&fd);
                return false;
        }
        for (struct dirent *e; !found && (e = readdir(dir));) {
                ssize_t n = readlinkat(fd, e->d_name, target, sizeof(target) - 1);

                target[n > 0 ? n : 0] = '\0';
                found = strcmp(target, wanted) == 0;
        }
        (void)closedir(dir);
        return found;
}

static void describe(int proc, const char *pid, char *text, size_t size)
{
        char path[64], name[32] = "?";
        AUTO_CLOSE int fd = -1;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "%.16s/comm", pid);
        fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
        if (n > 0)
                name[n] = '\0';
        name[strcspn(name, "\n")] = '\0';
        for (char *c = name; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        (void)snprintf(text, size, "%s, process %.16s%s", name, pid,
                       strcmp(pid, "1") == 0 ? ": see \"systemctl list-sockets\"" : "");
}

pid_t holder_find(uint32_t port, char *text, size_t size)
{
        unsigned inode = 0;
        DIR *proc;
        pid_t r = find_inode(port, &inode);

        if (r < 0)
                return r;
        proc = opendir("/proc");
        if (!proc)
                return -errno;
        r = -ENOENT;
        for (struct dirent *e; r < 0 && (e = readdir(proc));)
                if (e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
                    has_socket(dirfd(proc), e->d_name, inode)) {
                        describe(dirfd(proc), e->d_name, text, size);
                        r = (pid_t)strtol(e->d_name, NULL, 10);
                }
        (void)closedir(proc);
        return r;
}
