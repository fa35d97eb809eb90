/* fuzz_frame.c - frames of a session, as a client might send them that is none. The first byte says how the rest is cut: what
 * comes out is the same for every cut, and what comes out is put back into what went in. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/frame.h"

static int take_all(const char *data, size_t size, size_t piece, struct hv_buf *ret) {
        struct hv_frames frames = {};
        int r = 0;

        for (size_t at = 0; at < size && r >= 0;) {
                size_t n = HV_MIN(piece, size - at), used;
                unsigned a, b;
                struct hv_frame f;

                r = hv_frames_take(&frames, data + at, n, &used, &f);
                FUZZ_CHECK(used <= n && (r != 0 || used == n));
                FUZZ_CHECK(frames.payload.len <= HV_FRAME_MAX_BYTES);
                at += used;
                if (r <= 0)
                        continue;
                FUZZ_CHECK(f.type < HV_FRAME_N_TYPES && f.data[f.len] == '\0');
                (void) hv_frame_exit(&f, &a);
                (void) hv_frame_size(&f, &a, &b);
                hv_frame_put(ret, f.type, f.data, f.len);
        }
        FUZZ_CHECK(r >= 0 || r == -EBADMSG);
        hv_frames_done(&frames);
        return r < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _hv_cleanup_(hv_buf_done) struct hv_buf whole = {}, cut = {};
        const char *rest = (const char *) data + 1;
        int a, b;

        if (size < 2)
                return 0;
        a = take_all(rest, size - 1, size, &whole);
        b = take_all(rest, size - 1, (size_t) data[0] + 1, &cut);
        FUZZ_CHECK(a == b && whole.len == cut.len);
        FUZZ_CHECK(whole.len <= size - 1);
        FUZZ_CHECK(whole.len == 0 ||
                   (memcmp(whole.data, cut.data, cut.len) == 0 && memcmp(whole.data, rest, whole.len) == 0));
        return 0;
}
