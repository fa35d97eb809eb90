/* rpc/target.h - addresses of remote calls as text; private, pure.
 *
 *     host:port   1.2.3.4:port   [2001:db8::1]:port   unix:/path
 */
#pragma once

#include <sys/socket.h>

#include "base/err.h"

/* How gRPC wants it (caller frees). The host is not looked up here. */
int rpc_target_parse(const char *text, char **ret, struct hv_err *err);

/* Host, without brackets, and port; caller frees both. false: a path, or none of these. */
bool rpc_target_split(const char *text, char **ret_host, char **ret_port);

/* An address to listen on: as above, with a number for a host, and port 0 for any. */
int rpc_listen_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len, struct hv_err *err);

/* Where a call came from, as gRPC writes it: "ipv4:1.2.3.4:5", "ipv6:%5B::1%5D:5", "unix:". An IPv4 address in the
 * clothes of IPv6 is given as what it is. Family AF_UNSPEC: not understood. */
void rpc_peer_parse(const char *text, struct sockaddr_storage *ret);
