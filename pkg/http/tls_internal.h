/* http/tls_internal.h - what the two files of http/tls.h share: the pair of certificate and key, and the streams that use it. */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#include "http/tls.h"

typedef struct sd_event_source sd_event_source;

struct hv_tls_pair { /* one certificate and its key; counted: the tls's own, and one for each stream */
        unsigned n_refs;
        gnutls_certificate_credentials_t credentials;
        gnutls_x509_crt_t leaf;
};

struct hv_tls_stream;

struct hv_tls {
        sd_event *event;
        char *cert_file, *key_file;
        struct stat cert_seen, key_seen; /* as they were when they were tried last */
        struct hv_tls_pair *pair;
        gnutls_priority_t priority;
        gnutls_datum_t ticket_key; /* of sessions that go on: a page makes many connections */
        sd_event_source *watch[2], *look;
        struct hv_tls_stream *streams; /* newest first */
        unsigned n_streams;
};

struct hv_tls_pair *hv_tls_pair_ref(struct hv_tls_pair *pair);
struct hv_tls_pair *hv_tls_pair_unref(struct hv_tls_pair *pair); /* takes NULL, gives NULL */

/* tls_stream.c */
int hv_tls_stream_new(struct hv_tls *tls, int client_fd);
void hv_tls_streams_end(struct hv_tls *tls);
