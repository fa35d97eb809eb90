/* rpc/explain.h - why a TLS handshake fails, in words that name what was found and what was expected.
 *
 * Why      gRPC says of a certificate that it does not like no more than "certificate verify failed", and of its own one
 *          that a server does not like that the connection was closed. So the server is asked once more, by hand.
 * Model    Connects, shakes hands with the same files and the same rules as the channel does, and looks at what comes:
 *          nothing but the handshake is sent. It decides nothing: whether to talk is gRPC's own judgement.
 * Blocks   for a few seconds at most: for a thread, never for the loop. Touches nothing of the module's state.
 */
#pragma once

#include "rpc/credentials.h"

/* Caller frees. NULL: there is nothing to be said about TLS (it works, or no connection came to be). Safe to print. */
char *hv_rpc_explain_tls(const char *target, const struct hv_rpc_tls_files *files);
