/* pool/message.h - a message of protobuf as the bytes of a call, with a file as one of its fields where it lies. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "rpc/bytes.h"

struct hv_rpc_bytes *hv_message_pack(const ProtobufCMessage *message);

/* One more field of type bytes: len bytes of a regular file from offset on, mapped (rpc/bytes.h). */
int hv_message_add_file(struct hv_rpc_bytes *b, unsigned field, int fd, uint64_t offset, size_t len,
                        struct hv_err *err);
