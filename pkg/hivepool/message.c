/* hivepool/message.c - see message.h. */
#include "hivepool/message.h"

#include <errno.h>
#include <protobuf-c/protobuf-c.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "pool/wire.h"

#define PIECE_BYTES ((uint64_t) 1 << 20)
#define DATA_TAG 0x0a /* field 1, bytes */

/* --- one message --- */

void *hv_message_read(struct hv_rpc_server_call *call, const struct ProtobufCMessageDescriptor *d,
                      struct hv_rpc_bytes *request, struct hv_arena *arena) {
        _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *bytes = request;
        struct hv_err err = {};
        void *m = NULL;

        if (hv_wire_unpack(d, hv_rpc_bytes_flat(bytes), hv_rpc_bytes_len(bytes), arena, &m, &err) < 0) {
                hv_rpc_server_call_end(call, HV_RPC_INVALID_ARGUMENT, err.msg);
                return NULL;
        }
        return m;
}

struct hv_rpc_bytes *hv_message_write(const struct ProtobufCMessage *m) {
        struct hv_rpc_bytes *b = hv_rpc_bytes_new();
        size_t len = protobuf_c_message_get_packed_size(m);

        if (len > 0)
                (void) protobuf_c_message_pack(m, hv_rpc_bytes_extend(b, len));
        return b;
}

void hv_message_fail(struct hv_rpc_server_call *call, int error, const struct hv_err *err) {
        static const struct {
                int error;
                enum hv_rpc_status status;
        } rows[] = {
                { -ENOENT, HV_RPC_NOT_FOUND },          { -EINVAL, HV_RPC_INVALID_ARGUMENT },
                { -EBADMSG, HV_RPC_INVALID_ARGUMENT },  { -EEXIST, HV_RPC_ALREADY_EXISTS },
                { -EBUSY, HV_RPC_FAILED_PRECONDITION }, { -ESTALE, HV_RPC_PERMISSION_DENIED },
                { -ENOSPC, HV_RPC_RESOURCE_EXHAUSTED }, { -EFBIG, HV_RPC_INVALID_ARGUMENT },
                { -EACCES, HV_RPC_PERMISSION_DENIED },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (rows[i].error == error) {
                        hv_rpc_server_call_end(call, rows[i].status, err->msg);
                        return;
                }
        hv_rpc_server_call_end(call, HV_RPC_UNAVAILABLE, err->msg);
}

/* --- a file --- */

struct stream {
        int fd;
        uint64_t offset, size;
};

static size_t put_varint(unsigned char *at, uint64_t value) {
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                at[n++] = (unsigned char) (value | 0x80);
        at[n++] = (unsigned char) value;
        return n;
}

/* The next piece, laid out of a few bytes and the mapped file. */
static int send_piece(struct hv_rpc_server_call *call, struct stream *s, const struct ProtobufCMessage *head,
                      struct hv_err *err) {
        struct hv_rpc_bytes *b = head ? hv_message_write(head) : hv_rpc_bytes_new();
        uint64_t len = HV_MIN(s->size - s->offset, PIECE_BYTES);
        unsigned char tag[12] = { DATA_TAG };
        int r = 0;

        if (len > 0) {
                hv_rpc_bytes_add(b, tag, 1 + put_varint(tag + 1, len));
                r = hv_rpc_bytes_add_file(b, s->fd, s->offset, len, err);
        }
        if (r < 0) {
                (void) hv_rpc_bytes_free(b);
                return r;
        }
        s->offset += len;
        if (s->offset == s->size) {
                hv_rpc_server_call_reply(call, b);
                return 0;
        }
        return hv_rpc_server_call_send(call, b);
}

static void go_on(struct hv_rpc_server_call *call, struct stream *s, const struct ProtobufCMessage *head) {
        struct hv_err err = {};

        if (send_piece(call, s, head, &err) < 0)
                hv_rpc_server_call_end(call, HV_RPC_UNAVAILABLE, err.msg);
}

void hv_file_stream_start(struct hv_rpc_server_call *call, int fd, uint64_t offset,
                          const struct ProtobufCMessage *head) {
        struct stream *s;
        struct stat st;

        if (fstat(fd, &st) < 0 || offset > (uint64_t) st.st_size) {
                hv_fd_closep(&fd);
                hv_rpc_server_call_end(call, HV_RPC_OUT_OF_RANGE, "there is nothing at that offset");
                return;
        }
        s = HV_NEW(struct stream);
        *s = (struct stream){ .fd = fd, .offset = offset, .size = (uint64_t) st.st_size };
        hv_rpc_server_call_set_data(call, s);
        go_on(call, s, head);
}

void hv_file_stream_sent(void *userdata, struct hv_rpc_server_call *call) {
        struct stream *s = hv_rpc_server_call_data(call);

        (void) userdata;
        if (s && s->offset < s->size)
                go_on(call, s, NULL);
}

void hv_file_stream_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        struct stream *s = hv_rpc_server_call_data(call);

        (void) userdata, (void) written;
        if (!s)
                return;
        hv_fd_closep(&s->fd);
        free(s);
        hv_rpc_server_call_set_data(call, NULL);
}
