/* rpc/bytes_core.h - messages between this module and gRPC; private. */
#pragma once

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include "rpc/bytes.h"

/* A buffer that shares the message's pieces: destroy it after the batch was started. NULL gives an empty message. */
grpc_byte_buffer *hv_rpc_bytes_to_core(struct hv_rpc_bytes *b);

/* Uses the buffer up; copies nothing. */
struct hv_rpc_bytes *hv_rpc_bytes_from_core(grpc_byte_buffer *buffer);

/* Called once, when the message is freed. */
void hv_rpc_bytes_on_free(struct hv_rpc_bytes *b, void (*fn)(void *userdata), void *userdata);

/* From here on, what a message leaves free is given back to the system. glibc keeps it otherwise: up to four times the
 * size of a 5 MB message stayed (measured), and a node that took one task of 500 MB would look full for ever. */
#define HV_RPC_BYTES_LARGE ((size_t) 8 << 20)
