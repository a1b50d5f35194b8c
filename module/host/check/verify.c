/* SPDX-License-Identifier: MIT
 *
 * verify.c: see verify.h. The grammar is ssh-banner.c's, the socket vsock.c's; here they meet under
 * one deadline. A banner alone shows nothing: SELinux may kill the pre-authentication child after
 * it (selinux-policy #2955), so SSH_MSG_KEXINIT has to be seen.
 */
#include "host/check/verify.h"

#include "core/format/ssh-banner.h"
#include "core/util/buf.h"
#include "host/clock.h"
#include "host/spawn.h"
#include "host/vsock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char our_ident[] = "SSH-2.0-sshd-vsock_" PROGRAM_VERSION "\r\n";

static void conclude(struct verdict *v, const struct ssh_banner *b, int r)
{
        static const enum cause causes_of[] = {
                [SSH_BANNER_MORE] = CAUSE_CLOSED,
                [SSH_BANNER_IDENT] = CAUSE_NO_KEX,
                [SSH_BANNER_OK] = CAUSE_NONE,
                [SSH_BANNER_NOT_SSH] = CAUSE_NOT_SSH,
                [SSH_BANNER_VERSION] = CAUSE_SSH_VERSION,
                [SSH_BANNER_BAD_PACKET] = CAUSE_NO_KEX,
                [SSH_BANNER_DISCONNECT] = CAUSE_NO_KEX,
        };

        v->cause = causes_of[b->state];
        (void)snprintf(v->ident, sizeof(v->ident), "%s", b->ident);
        if (b->state == SSH_BANNER_DISCONNECT)
                (void)snprintf(v->detail, sizeof(v->detail), "it disconnected: %s", b->reason);
        else if (v->cause != CAUSE_NONE && r == -ETIMEDOUT && b->state == SSH_BANNER_MORE)
                v->cause = CAUSE_TIMEOUT;
        else if (v->cause != CAUSE_NONE && r < 0)
                (void)snprintf(v->detail, sizeof(v->detail), "%s", strerror(-r));
}

/* Our identification is a few bytes on a fresh connection: it fits or the connection is dead. */
static int answer(int fd)
{
        ssize_t n = send(fd, our_ident, strlen(our_ident), MSG_NOSIGNAL);

        return n == (ssize_t)strlen(our_ident) ? 0 : n < 0 ? -errno : -EPIPE;
}

/* Reads until the banner has a verdict, the peer closes (0) or the deadline passes. */
static int converse(int fd, uint64_t deadline, struct ssh_banner *b)
{
        AUTO_BUF all = BUF_INIT;
        bool answered = false;
        char data[2048];

        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t n;
                int r = (int)TEMP_FAILURE_RETRY(poll(&p, 1, clock_poll_timeout(deadline)));

                if (r <= 0)
                        return r < 0 ? -errno : -ETIMEDOUT;
                n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                buf_add(&all, data, (size_t)n);
                if (all.error)
                        return all.error;
                ssh_banner_judge(all.data, all.len, b);
                if (b->state != SSH_BANNER_MORE && b->state != SSH_BANNER_IDENT)
                        return 0;
                if (b->state == SSH_BANNER_IDENT && !answered) {
                        r = answer(fd);
                        if (r < 0)
                                return r;
                        answered = true;
                }
        }
}

static void judge(int fd, uint64_t deadline, struct verdict *v)
{
        struct ssh_banner b = { .state = SSH_BANNER_MORE };
        int r = converse(fd, deadline, &b);

        conclude(v, &b, r);
}

static bool has_loopback_module(void)
{
        return access("/sys/module/vsock_loopback", F_OK) == 0;
}

/* The module is loaded by whoever has CAP_SYS_MODULE; where it is built in, or there is none,
 * modprobe says so and the connection will tell. */
void verify_load_loopback(unsigned timeout)
{
        static const char *const argv[] = { "/sbin/modprobe", "-q", "vsock_loopback", NULL };

        if (!has_loopback_module() && spawn_wait(argv, -1, -1, timeout, NULL) < 0)
                return; /* no kmod here: as above */
}

bool verify_may_load_loopback(unsigned timeout)
{
        static const char *const argv[] = { "/sbin/modprobe", "--dry-run", "-q", "vsock_loopback",
                                            NULL };

        return !has_loopback_module() && spawn_wait(argv, -1, -1, timeout, NULL) == 0;
}

/* af_vsock.c: without a transport for CID 1 connect() ends in ENODEV or, when another transport is
 * asked for a foreign CID, ENETUNREACH (Hyper-V, WSL #12915), EADDRNOTAVAIL, EHOSTUNREACH. */
static enum cause cause_of_connect(int error)
{
        switch (error) {
        case -EAFNOSUPPORT:
                return CAUSE_NO_AF_VSOCK;
        case -ENODEV:
        case -ENETUNREACH:
        case -EHOSTUNREACH:
        case -EADDRNOTAVAIL:
                return CAUSE_NO_LOOPBACK;
        case -ECONNRESET:
        case -ECONNREFUSED:
                return CAUSE_NO_LISTENER;
        case -ETIMEDOUT:
                return CAUSE_TIMEOUT;
        default:
                return CAUSE_CONNECT;
        }
}

void verify_listener(uint32_t port, unsigned timeout, struct verdict *ret)
{
        uint64_t deadline = clock_deadline(timeout);
        AUTO_CLOSE int fd = -1;
        int r;

        *ret = (struct verdict){ .port = port, .began = clock_realtime() };
        r = vsock_connect(VSOCK_CID_LOOPBACK, port, deadline, &fd);
        if (r < 0) {
                ret->cause = cause_of_connect(r);
                (void)snprintf(ret->detail, sizeof(ret->detail),
                               "connect to vsock CID 1 port %u: %s", port, strerror(-r));
                return;
        }
        judge(fd, deadline, ret);
}

void verify_sshd(const char *sshd, unsigned timeout, struct verdict *ret)
{
        const char *const argv[] = { sshd, "-i", NULL };
        uint64_t deadline = clock_deadline(timeout);
        AUTO_CLOSE int ours = -1, theirs = -1;
        struct verdict v = { 0 };
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return;
        ours = ends[0];
        theirs = ends[1];
        if (spawn_on(argv, theirs, &pid) < 0)
                return;
        close_descriptor(&theirs);
        theirs = -1;
        judge(ours, deadline, &v);
        spawn_end(pid);
        ret->sshd_answers = v.cause == CAUSE_NONE;
        (void)snprintf(ret->ident, sizeof(ret->ident), "%s", v.ident);
}
