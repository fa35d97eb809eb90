/* hivepool/message.h - messages of protobuf-c as rpc carries them.
 *
 * Every message is checked before it is unpacked (pool/wire.h): texts are UTF-8 without NUL, lists are bounded.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "rpc/bytes.h"
#include "rpc/server.h"

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;

/* The message in the arena, or NULL: the call was answered with INVALID_ARGUMENT. Uses the request up. */
void *hv_message_read(struct hv_rpc_server_call *call, const struct ProtobufCMessageDescriptor *d,
                      struct hv_rpc_bytes *request, struct hv_arena *arena);

struct hv_rpc_bytes *hv_message_write(const struct ProtobufCMessage *m);
/* Answers with it. m: any message of protobuf-c. */
#define hv_message_reply(call, m) hv_rpc_server_call_reply((call), hv_message_write(&(m)->base))

/* The status for an error of the pool: what the other side may try again is told from what it may not. */
void hv_message_fail(struct hv_rpc_server_call *call, int error, const struct hv_err *err);

/* A file as a stream of messages with one field of bytes: head (may be NULL) is packed into the first one. Takes the
 * descriptor. Calls hv_file_stream_sent() from on_sent, hv_file_stream_done() from on_done; the call's data is the stream's. */
void hv_file_stream_start(struct hv_rpc_server_call *call, int fd, uint64_t offset,
                          const struct ProtobufCMessage *head);
void hv_file_stream_sent(void *userdata, struct hv_rpc_server_call *call);
void hv_file_stream_done(void *userdata, struct hv_rpc_server_call *call, bool written);
