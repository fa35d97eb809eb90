/* http/listener.h - sockets that clients connect to: a unix socket in the file system, a TCP port.
 *
 * Unix     mode 0660 from the first moment, the group of the options. A socket file that is there already
 *          is taken over only if nobody answers behind it, or its maker is dead and left it to a child; a lock
 *          beside it keeps two starters from both finding it dead. Never abstract. On the way out the file is removed only if it is ours.
 * TCP      loopback only, unless it is protected: whoever comes must log in, over TLS. Else another address is refused (E0504).
 */
#pragma once

#include <time.h>

#include "http/request.h"

struct hv_http_listener {
        int fd;
        bool is_local_socket;
        char *path;   /* unix: the file */
        dev_t device; /* and which file it was; inode numbers are used again, so its time too */
        ino_t inode;
        struct timespec changed;
        char host[64]; /* TCP: the literal address, brackets around IPv6 */
        uint16_t port;
};

/* All set *ret only on success. group NULL or unknown: the process's own. */
int hv_http_listen_unix(const char *path, const char *group, struct hv_http_listener **ret,
                        struct hv_err *err);
int hv_http_listen_tcp(const char *address, bool is_protected, struct hv_http_listener **ret,
                       struct hv_err *err);
struct hv_http_listener *hv_http_listener_free(
        struct hv_http_listener *listener); /* takes NULL, gives NULL */

/* The next connection (non-blocking, close-on-exec) and who made it, without a role. -EAGAIN: none waits. */
int hv_http_listener_accept(const struct hv_http_listener *listener, struct hv_http_caller *ret_caller);

/* Ends a connection by TCP once the peer has confirmed nothing for 90 s of what it was sent. Without that TCP asks a peer that is
 * silent whether it is there, but gives one that owes it a confirmation until its retries end, a quarter of an hour. Not for a
 * session (http/upgrade.h): its terminal may be halted for longer, and what waits for that counts too. */
void hv_http_listener_expect_acks(int tcp_fd);
