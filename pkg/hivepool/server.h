/* hivepool/server.h - the pool at work: its doors, its clock, its folder.
 *
 * Folder   hivepool.db, blobs/, uploads/, logs/, and hivepool.sock: the door of the command line, for whoever may write to the
 *          folder.
 */
#pragma once

#include "base/err.h"
#include "base/secret.h"

struct hv_hivepool_server;
struct sd_event;

#define HV_HIVEPOOL_SOCKET "hivepool.sock"

struct hv_hivepool_server_options {
        struct sd_event *event;
        const char *data_dir;                              /* made 0700 where it is not there */
        const char *listen;                                /* dialect v1: host:port; NULL: not served */
        bool insecure;                                     /* plain text */
        const char *cert_file, *key_file, *client_ca_file; /* NULL: none */
        bool shared_certificate;       /* any certificate of client_ca_file for any node */
        const struct hv_secret *token; /* copied; NULL: none is asked for */
        uint64_t lease_us;
        unsigned max_tasks; /* of one node */
        uint64_t max_blob_bytes, max_log_bytes;
        uint64_t keep_us; /* what ended goes, with result and log, after this time; HV_TIME_NEVER: it stays */

        const char *hivemind_listen;      /* dialect hivemind; NULL: not served */
        const char *accounts_file;        /* who may log in there (accounts.h) */
        const char *const *node_networks; /* where its nodes may be (reach.h); n 0: private addresses */
        size_t n_node_networks;
        uint64_t token_life_us;
        uint64_t hivemind_round_us;  /* between two rounds in which tasks are offered */
        bool hivemind_like_deployed; /* for tests: with the traps that docs/hivepool.md lists */
};

int hv_hivepool_server_new(const struct hv_hivepool_server_options *options, struct hv_hivepool_server **ret,
                           struct hv_err *err);
struct hv_hivepool_server *hv_hivepool_server_free(struct hv_hivepool_server *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_hivepool_server, hv_hivepool_server_free);

/* "host:port" with the port that was taken; NULL: not served. */
const char *hv_hivepool_server_address(const struct hv_hivepool_server *s);
const char *hv_hivepool_server_hivemind_address(const struct hv_hivepool_server *s);

/* Certificates may be new. What cannot be read leaves those in force. */
int hv_hivepool_server_reload(struct hv_hivepool_server *s, struct hv_err *err);
