/* rpc/bytes.c - see bytes.h. Slices keep count of who uses them, so that a message and gRPC can hold one at once. */
#include "rpc/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "rpc/bytes_core.h"

struct hv_rpc_bytes {
        HV_VEC(grpc_slice) slices;
        size_t n_dropped; /* slices at the front that are freed already */
        size_t len;
        size_t peak; /* the longest that this message was */
        void (*on_free)(void *userdata);
        void *userdata;
};

struct hv_rpc_bytes *hv_rpc_bytes_new(void) {
        return HV_NEW(struct hv_rpc_bytes);
}

static void clear(struct hv_rpc_bytes *b) {
        for (size_t i = b->n_dropped; i < b->slices.n; i++)
                grpc_slice_unref(b->slices.v[i]);
        hv_vec_clear(&b->slices);
        b->n_dropped = 0;
        b->len = 0;
}

struct hv_rpc_bytes *hv_rpc_bytes_free(struct hv_rpc_bytes *b) {
        struct hv_rpc_bytes was;

        if (!b)
                return NULL;
        clear(b);
        was = *b;
        hv_vec_done(&b->slices);
        free(b);
        if (was.peak >= HV_RPC_BYTES_LARGE)
                (void) malloc_trim(0);
        if (was.on_free)
                was.on_free(was.userdata);
        return NULL;
}

size_t hv_rpc_bytes_len(const struct hv_rpc_bytes *b) {
        return b ? b->len : 0;
}

static void add_slice(struct hv_rpc_bytes *b, grpc_slice slice) {
        b->len += GRPC_SLICE_LENGTH(slice);
        b->peak = HV_MAX(b->peak, b->len);
        hv_vec_push(&b->slices, slice);
}

/* --- reading --- */

bool hv_rpc_bytes_next(const struct hv_rpc_bytes *b, size_t *it, const void **ret_data, size_t *ret_len) {
        size_t i = HV_MAX(*it, b->n_dropped);

        if (i >= b->slices.n)
                return false;
        *ret_data = GRPC_SLICE_START_PTR(b->slices.v[i]);
        *ret_len = GRPC_SLICE_LENGTH(b->slices.v[i]);
        *it = i + 1;
        return true;
}

size_t hv_rpc_bytes_read(const struct hv_rpc_bytes *b, size_t offset, void *ret, size_t len) {
        const void *piece;
        size_t it = 0, n, done = 0;

        while (done < len && hv_rpc_bytes_next(b, &it, &piece, &n)) {
                if (offset >= n) {
                        offset -= n;
                        continue;
                }
                n = HV_MIN(n - offset, len - done);
                memcpy((char *) ret + done, (const char *) piece + offset, n);
                done += n;
                offset = 0;
        }
        return done;
}

const void *hv_rpc_bytes_flat(struct hv_rpc_bytes *b) {
        grpc_slice whole;

        if (b->len == 0)
                return "";
        if (b->slices.n - b->n_dropped > 1) {
                whole = grpc_slice_malloc_large(b->len);
                (void) hv_rpc_bytes_read(b, 0, GRPC_SLICE_START_PTR(whole), b->len);
                clear(b);
                add_slice(b, whole);
        }
        return GRPC_SLICE_START_PTR(b->slices.v[b->n_dropped]);
}

void hv_rpc_bytes_drop(struct hv_rpc_bytes *b, size_t n) {
        n = HV_MIN(n, b->len);
        b->len -= n;
        while (b->n_dropped < b->slices.n && n >= GRPC_SLICE_LENGTH(b->slices.v[b->n_dropped])) {
                grpc_slice slice = b->slices.v[b->n_dropped++];

                n -= GRPC_SLICE_LENGTH(slice);
                grpc_slice_unref(slice);
        }
        if (n > 0) {
                grpc_slice *first = &b->slices.v[b->n_dropped];

                *first = grpc_slice_sub_no_ref(*first, n, GRPC_SLICE_LENGTH(*first));
        }
}

/* --- writing --- */

void hv_rpc_bytes_add(struct hv_rpc_bytes *b, const void *data, size_t len) {
        if (len > 0)
                memcpy(hv_rpc_bytes_extend(b, len), data, len);
}

/* Never a slice that keeps its bytes in itself: those would move with the array. */
void *hv_rpc_bytes_extend(struct hv_rpc_bytes *b, size_t len) {
        grpc_slice slice = grpc_slice_malloc_large(len);

        add_slice(b, slice);
        return slice.data.refcounted.bytes;
}

void hv_rpc_bytes_add_borrowed(struct hv_rpc_bytes *b, const void *data, size_t len,
                               void (*release)(void *userdata), void *userdata) {
        if (len > 0)
                add_slice(b, release ? grpc_slice_new_with_user_data((void *) data, len, release, userdata)
                                     : grpc_slice_from_static_buffer(data, len));
        else if (release)
                release(userdata);
}

struct mapping {
        void *start;
        size_t len;
};

static void unmap(void *userdata) {
        struct mapping *m = userdata;

        (void) munmap(m->start, m->len);
        free(m);
}

int hv_rpc_bytes_add_file(struct hv_rpc_bytes *b, int fd, uint64_t offset, size_t len, struct hv_err *err) {
        uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE), skip = offset % page;
        struct mapping *m;
        struct stat st;
        void *start;

        if (len == 0)
                return 0;
        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "file to send");
        if (!S_ISREG(st.st_mode) || offset > (uint64_t) st.st_size || len > (uint64_t) st.st_size - offset)
                return hv_err_set(err, -EINVAL,
                                  "file to send: %zu bytes from %" PRIu64
                                  " on were expected, it has %" PRIu64,
                                  len, offset, (uint64_t) st.st_size);
        start = mmap(NULL, len + skip, PROT_READ, MAP_SHARED, fd, (off_t) (offset - skip));
        if (start == MAP_FAILED)
                return hv_err_errno(err, -errno, "file to send: cannot map %zu bytes", len);
        (void) madvise(start, len + skip, MADV_SEQUENTIAL);
        m = HV_NEW(struct mapping);
        *m = (struct mapping){ .start = start, .len = len + skip };
        hv_rpc_bytes_add_borrowed(b, (char *) start + skip, len, unmap, m);
        return 0;
}

/* --- to gRPC and back --- */

void hv_rpc_bytes_on_free(struct hv_rpc_bytes *b, void (*fn)(void *userdata), void *userdata) {
        b->on_free = fn;
        b->userdata = userdata;
}

grpc_byte_buffer *hv_rpc_bytes_to_core(struct hv_rpc_bytes *b) {
        return grpc_raw_byte_buffer_create(b && b->slices.n > b->n_dropped ? &b->slices.v[b->n_dropped]
                                                                           : NULL,
                                           b ? b->slices.n - b->n_dropped : 0);
}

struct hv_rpc_bytes *hv_rpc_bytes_from_core(grpc_byte_buffer *buffer) {
        struct hv_rpc_bytes *b = hv_rpc_bytes_new();
        grpc_byte_buffer_reader reader;
        grpc_slice slice;

        if (grpc_byte_buffer_reader_init(&reader, buffer)) {
                while (grpc_byte_buffer_reader_next(&reader, &slice))
                        add_slice(b, slice);
                grpc_byte_buffer_reader_destroy(&reader);
        }
        grpc_byte_buffer_destroy(buffer);
        return b;
}
