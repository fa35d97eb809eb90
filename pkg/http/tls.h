/* http/tls.h - TLS before a connection is one of HTTP. Inside pkg/http, but for hv_tls_check().
 *
 *      client <== TLS ==> [stream] <-- socketpair --> connection.c, head.c, libmicrohttpd: as without TLS
 *
 * Model    libmicrohttpd could do TLS itself, but then nobody would look at a head before it does (http/head.h), and a client that
 *          stops in the middle of its handshake would keep it busy for ever (http/loop.h). So the connection gets one end of a
 *          socketpair, and a stream moves bytes between the other end and the client, on the loop, never blocking. It holds no bytes
 *          but those that one side has sent and the other does not take.
 * Ends     The connection's own deadlines count: when it closes its end, what it wrote is sent, then the client has some seconds to
 *          take it. One that never finished its handshake is cut at once.
 * Rules    TLS 1.2 and 1.3, forward secrecy, AEAD ciphers; no renegotiation, no compression.
 * Reload   The files are looked at again when their directories change, and each minute. A pair that is not good leaves the old one
 *          in use and is told once; streams keep what they began with.
 */
#pragma once

#include "base/err.h"

typedef struct sd_event sd_event; /* systemd/sd-event.h */

struct hv_tls;

/* certFile may hold the chain; keyFile is readable by its owner alone, who is root or this user; either may be a link. */
int hv_tls_new(sd_event *event, const char *cert_file, const char *key_file, struct hv_tls **ret,
               struct hv_err *err);
struct hv_tls *hv_tls_free(struct hv_tls *tls); /* cuts all streams; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_tls, hv_tls_free);

/* Whether a pair of files is good, without keeping it: for --check. */
int hv_tls_check(const char *cert_file, const char *key_file, struct hv_err *err);

/* Takes the client's socket over, and gives the connection's end; -errno: the client was closed. */
int hv_tls_accept(struct hv_tls *tls, int client_fd);

/* As hv_http_listener_expect_acks(), of the client behind this end of a connection. */
void hv_tls_expect_acks(struct hv_tls *tls, int connection_fd);

/* Whether the certificate is one of this name or address ("[::1]" with brackets or without). */
bool hv_tls_is_named(const struct hv_tls *tls, const char *host);
