/* SPDX-License-Identifier: MIT
 *
 * sock-diag.c: see sock-diag.h. One request and one loop of answers per family (sock_diag(7)).
 */
#include "host/sock-diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>

#define STATE_LISTEN 10 /* TCP_LISTEN, which AF_VSOCK uses for itself */

/* What is done with each answer: 0 to go on, anything else ends the dump and is its result. */
struct reader {
        int (*read)(const void *answer, const struct reader *r);
        size_t size; /* of an answer */
        uint32_t port;
        int (*each)(unsigned inode, void *userdata);
        void *userdata;
};

/* A dump that could not begin ends in DONE all the same, with the error in it. */
static int error_of(struct nlmsghdr *h)
{
        bool whole = h->nlmsg_len >= NLMSG_LENGTH(sizeof(int));
        const int *error = NLMSG_DATA(h); /* struct nlmsgerr begins with it, too */

        if (h->nlmsg_type == NLMSG_ERROR)
                return whole && *error < 0 ? *error : -EPROTO;
        return whole && *error < 0 ? *error : 0;
}

/* One batch of answers; *ret_done at the end of the dump. */
static int read_batch(struct nlmsghdr *h, size_t len, const struct reader *reader, bool *ret_done)
{
        int r = 0;

        for (; r == 0 && NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
                if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
                        *ret_done = true;
                        return error_of(h);
                }
                if (h->nlmsg_len < NLMSG_LENGTH(reader->size))
                        return -EPROTO;
                r = reader->read(NLMSG_DATA(h), reader);
        }
        return r;
}

static struct nlmsghdr head_of(size_t request)
{
        return (struct nlmsghdr){ .nlmsg_len = (uint32_t)request,
                                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP };
}

static int dump(const void *request, size_t size, const struct reader *reader)
{
        AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        _Alignas(struct nlmsghdr) char answer[16384];
        bool done = false;
        int r = 0;

        if (fd < 0 || send(fd, request, size, 0) < 0)
                return -errno;
        while (r == 0 && !done) {
                ssize_t n = recv(fd, answer, sizeof(answer), 0);

                if (n <= 0)
                        return n < 0 ? -errno : -EPROTO;
                r = read_batch((struct nlmsghdr *)(void *)answer, (size_t)n, reader, &done);
        }
        return r;
}

static int read_vsock(const void *answer, const struct reader *r)
{
        const struct vsock_diag_msg *m = answer;

        if (m->vdiag_src_port != r->port || m->vdiag_state != STATE_LISTEN)
                return 0;
        return r->each(m->vdiag_ino, r->userdata);
}

int sock_diag_vsock(uint32_t port, int (*each)(unsigned inode, void *userdata), void *userdata)
{
        const struct reader reader = { .read = read_vsock,
                                       .size = sizeof(struct vsock_diag_msg),
                                       .port = port,
                                       .each = each,
                                       .userdata = userdata };
        struct {
                struct nlmsghdr head;
                struct vsock_diag_req body;
        } request = {
                .head = head_of(sizeof(request)),
                .body = { .sdiag_family = AF_VSOCK, .vdiag_states = 1u << STATE_LISTEN },
        };

        return dump(&request, sizeof(request), &reader);
}

static int read_tcp(const void *answer, const struct reader *r)
{
        const struct inet_diag_msg *m = answer;
        struct tcp_sockets *all = r->userdata;
        struct tcp_socket *s;
        char host[INET6_ADDRSTRLEN] = "?";

        if (m->idiag_state != STATE_LISTEN)
                return 0;
        s = list_room(all->list, all->n, sizeof(*s));
        if (!s)
                return -ENOMEM;
        all->list = s;
        s += all->n++;
        s->inode = m->idiag_inode;
        (void)inet_ntop(m->idiag_family, m->id.idiag_src, host, sizeof(host));
        (void)snprintf(s->address, sizeof(s->address),
                       m->idiag_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                       ntohs(m->id.idiag_sport));
        return 0;
}

static int by_inode(const void *a, const void *b)
{
        const struct tcp_socket *left = a, *right = b;

        return (left->inode > right->inode) - (left->inode < right->inode);
}

int sock_diag_tcp(struct tcp_sockets *ret)
{
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        const struct reader reader = { .read = read_tcp,
                                       .size = sizeof(struct inet_diag_msg),
                                       .userdata = ret };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(families); i++) {
                struct {
                        struct nlmsghdr head;
                        struct inet_diag_req_v2 body;
                } request = {
                        .head = head_of(sizeof(request)),
                        .body = { .sdiag_family = families[i],
                                  .sdiag_protocol = IPPROTO_TCP,
                                  .idiag_states = 1u << STATE_LISTEN },
                };

                r = dump(&request, sizeof(request), &reader);
        }
        if (ret->n > 1)
                qsort(ret->list, ret->n, sizeof(*ret->list), by_inode);
        return r;
}

const char *tcp_sockets_address(const struct tcp_sockets *s, unsigned inode)
{
        const struct tcp_socket wanted = { .inode = inode };
        const struct tcp_socket *found =
                s->n > 0 ? bsearch(&wanted, s->list, s->n, sizeof(*s->list), by_inode) : NULL;

        return found ? found->address : NULL;
}

void tcp_sockets_free(struct tcp_sockets *s)
{
        free(s->list);
        *s = (struct tcp_sockets){ 0 };
}
