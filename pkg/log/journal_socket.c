#include "log/journal_socket.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_BUFFER_BYTES (1 << 20) /* a record with a long text is still one datagram */

static struct {
        int fd; /* 0: not opened yet */
        const char *path;
        uint64_t n_lost;
} the_socket = { .path = HV_JOURNAL_SOCKET };

void hv_journal_put(struct hv_buf *out, const char *field) {
        const char *value = strchr(field, '=') + 1;
        uint64_t len = htole64(strlen(value));

        if (!strchr(value, '\n'))
                hv_buf_puts(out, field);
        else {
                hv_buf_add(out, field, (size_t) (value - field) - 1);
                hv_buf_putc(out, '\n');
                hv_buf_add(out, &len, sizeof len);
                hv_buf_puts(out, value);
        }
        hv_buf_putc(out, '\n');
}

static int open_socket(void) {
        const int size = SEND_BUFFER_BYTES;

        if (the_socket.fd > 0)
                return 0;
        the_socket.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (the_socket.fd < 0)
                return -errno;
        (void) setsockopt(the_socket.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        return 0;
}

static int send_message(const struct msghdr *message) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct msghdr m = *message;
        ssize_t n;

        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", the_socket.path);
        m.msg_name = &address;
        m.msg_namelen = sizeof address;
        do
                n = sendmsg(the_socket.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

static int write_all(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0)
                        return -errno;
                data += n;
                len -= (size_t) n;
        }
        return 0;
}

static int pass(int fd) {
        union {
                struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct msghdr m = { .msg_control = &control, .msg_controllen = sizeof control };

        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
        return send_message(&m);
}

static int send_as_file(const struct hv_buf *record) {
        int fd = memfd_create("hivelet-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, record->data, record->len);
        if (r >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                r = -errno;
        if (r >= 0)
                r = pass(fd);
        (void) close(fd);
        return r;
}

static int send_record(const struct hv_buf *record) {
        struct iovec whole = { record->data, record->len };
        struct msghdr m = { .msg_iov = &whole, .msg_iovlen = 1 };
        int r = send_message(&m);

        return r == -EMSGSIZE || r == -ENOBUFS ? send_as_file(record) : r;
}

static int tell_lost(void (*told)(uint64_t n_lost, struct hv_buf *out)) {
        _hv_cleanup_(hv_buf_done) struct hv_buf about = {};
        int r;

        if (the_socket.n_lost == 0)
                return 0;
        told(the_socket.n_lost, &about);
        r = send_record(&about);
        if (r >= 0)
                the_socket.n_lost = 0;
        return r;
}

int hv_journal_socket_send(const struct hv_buf *record, void (*told)(uint64_t n_lost, struct hv_buf *out)) {
        int r = open_socket();

        if (r >= 0)
                r = tell_lost(told);
        if (r >= 0)
                r = send_record(record);
        if (r != -EAGAIN)
                return r;
        the_socket.n_lost++;
        return 0;
}

uint64_t hv_journal_n_lost(void) {
        return the_socket.n_lost;
}

void hv_journal_socket_set(const char *path) {
        the_socket.path = path ? path : HV_JOURNAL_SOCKET;
        the_socket.n_lost = 0;
}
