/* wireguard/netlink.c - see netlink.h. */
#include "wireguard/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/alloc.h"
#include "base/text.h"
#include "wireguard/backend.h"

#define ANSWER_SIZE 65536
#define DUMP_TRIES 8

struct hv_wg_netlink {
        struct mnl_socket *socket;
        uint32_t sequence;
};

int hv_wg_netlink_open(int family, struct hv_wg_netlink **ret, struct hv_err *err) {
        _hv_cleanup_(hv_wg_netlink_freep) struct hv_wg_netlink *n = HV_NEW(struct hv_wg_netlink);
        const struct timeval limit = { .tv_sec = HV_WG_NETLINK_TIMEOUT_US / HV_USEC_PER_SEC };
        int on = 1, fd;

        n->socket = mnl_socket_open2(family, SOCK_CLOEXEC);
        if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0)
                return hv_err_errno(err, -errno, "cannot open a netlink socket");
        fd = mnl_socket_get_fd(n->socket);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
                return hv_err_errno(err, -errno, "cannot limit the time of a netlink socket");
        /* Both make answers better and are missed by nobody on a kernel that has them not. */
        (void) mnl_socket_setsockopt(n->socket, NETLINK_EXT_ACK, &on, sizeof on);
        (void) mnl_socket_setsockopt(n->socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
        *ret = HV_STEAL(n);
        return 0;
}

struct hv_wg_netlink *hv_wg_netlink_free(struct hv_wg_netlink *n) {
        if (!n)
                return NULL;
        if (n->socket)
                (void) mnl_socket_close(n->socket);
        free(n);
        return NULL;
}

/* --- the answer --- */

/* What the kernel says beside the number: behind the header that it echoes, which is whole unless it was capped. */
static const char *words_of(const struct nlmsghdr *m) {
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
        size_t offset = sizeof *e;
        const struct nlattr *attr;

        if (!(m->nlmsg_flags & NLM_F_ACK_TLVS))
                return NULL;
        if (e->error && !(m->nlmsg_flags & NLM_F_CAPPED))
                offset += mnl_nlmsg_get_payload_len(&e->msg);
        if (mnl_nlmsg_get_payload_len(m) < offset)
                return NULL;
        mnl_attr_for_each(attr, m, offset) {
                if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
                    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                        return mnl_attr_get_str(attr);
        }
        return NULL;
}

/* 1: the request was carried out. */
static int take_end(const struct nlmsghdr *m, struct hv_err *err) {
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
        char quoted[HV_TEXT_QUOTE_SIZE];
        const char *words;

        if (mnl_nlmsg_get_payload_len(m) < sizeof e->error)
                return hv_err_set(err, -EBADMSG, "netlink: an answer without its result");
        if (e->error >= 0)
                return 1;
        words = m->nlmsg_type == NLMSG_ERROR && mnl_nlmsg_get_payload_len(m) >= sizeof *e ? words_of(m)
                                                                                          : NULL;
        return words ? hv_err_errno(err, e->error, "the kernel refused (%s)", hv_text_quote(words, quoted))
                     : hv_err_errno(err, e->error, "the kernel refused");
}

/* 1: this was the last one. */
static int take(struct hv_wg_netlink *n, const struct nlmsghdr *m, const struct hv_wg_reply *reply,
                bool *interrupted, struct hv_err *err) {
        if (m->nlmsg_seq != n->sequence)
                return 0; /* the rest of an answer that was given up */
        *interrupted |= m->nlmsg_flags & NLM_F_DUMP_INTR;
        if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE)
                return take_end(m, err);
        if (m->nlmsg_type < NLMSG_MIN_TYPE || !reply)
                return 0;
        return reply->message(m, reply->userdata, err);
}

static int take_all(struct hv_wg_netlink *n, const struct hv_wg_reply *reply, bool *interrupted,
                    struct hv_err *err) {
        _hv_cleanup_free_ char *buffer = hv_malloc(ANSWER_SIZE);
        int r = 0;

        while (r == 0) {
                ssize_t len = mnl_socket_recvfrom(n->socket, buffer, ANSWER_SIZE);
                const struct nlmsghdr *m = (const void *) buffer;
                int left = (int) len;

                if (len < 0 && errno == EINTR)
                        continue;
                if (len < 0) {
                        r = hv_err_errno(err, errno == EAGAIN ? -ETIMEDOUT : -errno,
                                         "no answer of the kernel");
                        break;
                }
                for (; r == 0 && mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
                        r = take(n, m, reply, interrupted, err);
        }
        explicit_bzero(buffer, ANSWER_SIZE);
        return r < 0 ? r : 0;
}

int hv_wg_netlink_ask(struct hv_wg_netlink *n, struct nlmsghdr *request, const struct hv_wg_reply *reply,
                      struct hv_err *err) {
        bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

        request->nlmsg_flags |= (uint16_t) (NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK));
        for (unsigned tries = 0; tries < DUMP_TRIES; tries++) {
                bool interrupted = false;
                int r;

                request->nlmsg_seq = ++n->sequence;
                if (reply && reply->begin)
                        reply->begin(reply->userdata);
                if (mnl_socket_sendto(n->socket, request, request->nlmsg_len) < 0)
                        return hv_err_errno(err, -errno, "cannot ask the kernel");
                r = take_all(n, reply, &interrupted, err);
                if (r < 0 || !interrupted)
                        return r;
        }
        return hv_err_set(err, -EAGAIN, "what the kernel lists changed %d times while it was listed",
                          DUMP_TRIES);
}
