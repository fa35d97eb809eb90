/* pool/message.c - see message.h. */
#include "pool/message.h"

struct hv_rpc_bytes *hv_message_pack(const ProtobufCMessage *message) {
        struct hv_rpc_bytes *b = hv_rpc_bytes_new();
        size_t len = protobuf_c_message_get_packed_size(message);

        if (len)
                (void) protobuf_c_message_pack(message, hv_rpc_bytes_extend(b, len));
        return b;
}

static size_t put_varint(unsigned char *p, uint64_t value) {
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                p[n++] = (unsigned char) (value | 0x80);
        p[n++] = (unsigned char) value;
        return n;
}

int hv_message_add_file(struct hv_rpc_bytes *b, unsigned field, int fd, uint64_t offset, size_t len,
                        struct hv_err *err) {
        unsigned char head[20];
        size_t n = put_varint(head, (uint64_t) field << 3 | 2);

        n += put_varint(head + n, len);
        hv_rpc_bytes_add(b, head, n);
        return hv_rpc_bytes_add_file(b, fd, offset, len, err);
}
