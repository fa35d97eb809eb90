/* rpc/credentials.h - who we are, and whom we believe.
 *
 * Model    Files in PEM are read and judged at once, so that a bad file is an error that names it, not a handshake that
 *          fails later. Reading them again (the owner sees that they changed) puts new ones in force for new
 *          connections: a server asks for them at each handshake, a channel connects anew and lets the calls on its old
 *          connection end. Where anything is wrong with the new ones, the old stay.
 * Rules    A client always checks the server's chain and name. A server with a ca_file takes only clients with a
 *          certificate of that authority; which of them it serves, its accept callback decides by name. TLS 1.2 or 1.3,
 *          ALPN h2 on both sides. There is no list of revoked certificates: take the authority away, or the name. The
 *          mode and the owner of the key's file are checked by the caller.
 * Owner    Counted: channels and servers hold on to what they were given.
 */
#pragma once

#include "base/err.h"

struct hv_rpc_credentials;

struct hv_rpc_tls_files {
        /* Whom to believe. Client, NULL: the system's authorities. Server, NULL: nobody is asked who he is. */
        const char *ca_file;
        /* Who we are, the chain from our own certificate on. Client, NULL: nobody. */
        const char *cert_file, *key_file;
};

/* Plain text, without any proof of who is there. Only where the operator said so. */
struct hv_rpc_credentials *hv_rpc_credentials_new_insecure(void);
/* -errno of a file that cannot be read, -EINVAL for what does not fit. */
int hv_rpc_credentials_new_client(const struct hv_rpc_tls_files *files, struct hv_rpc_credentials **ret,
                                  struct hv_err *err);
int hv_rpc_credentials_new_server(const struct hv_rpc_tls_files *files, struct hv_rpc_credentials **ret,
                                  struct hv_err *err);

struct hv_rpc_credentials *hv_rpc_credentials_ref(struct hv_rpc_credentials *c);
struct hv_rpc_credentials *hv_rpc_credentials_free(
        struct hv_rpc_credentials *c); /* one hold less; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_rpc_credentials, hv_rpc_credentials_free);

/* Reads the files again. *ret_changed (may be NULL): they differ from what was in force, and now are in force. */
int hv_rpc_credentials_reload(struct hv_rpc_credentials *c, bool *ret_changed, struct hv_err *err);

bool hv_rpc_credentials_is_insecure(const struct hv_rpc_credentials *c);
/* When our own certificate ends: CLOCK_REALTIME in us, HV_TIME_NEVER without one. An end that is past is no error here:
 * the clock of a machine that just started may be wrong, and the other side judges. */
uint64_t hv_rpc_credentials_expire_us(const struct hv_rpc_credentials *c);
