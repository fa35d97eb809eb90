/* base: what a burst took goes back to the kernel. */
#include "testing.h"

#include <malloc.h>

#include "base/alloc.h"
#include "base/heap.h"

/* glibc's own rule takes the freed 2 MiB as a sign that the next are better kept. */
static void large_buffers_go_back_each_time(void **state) {
        static const size_t sizes[] = { 2053120, 1026560, 2053120, 600000 };
        size_t before = mallinfo2().hblks;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(sizes); i++) {
                void *p = hv_malloc(sizes[i]);

                assert_int_equal(mallinfo2().hblks, before + 1);
                free(p);
                assert_int_equal(mallinfo2().hblks, before);
        }
}

static void what_many_small_ones_took_goes_back(void **state) {
        enum { N = 48, SIZE = 64 << 10 };
        void *p[N];

        (void) state;
        free(hv_malloc(2053120)); /* from which glibc's own rule would learn to keep 4 MiB */
        for (size_t i = 0; i < N; i++)
                p[i] = hv_malloc(SIZE);
        assert_true(mallinfo2().arena >= (size_t) N * SIZE);
        for (size_t i = 0; i < N; i++)
                free(p[i]);
        assert_true(mallinfo2().keepcost <= 512 << 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(large_buffers_go_back_each_time),
                cmocka_unit_test(what_many_small_ones_took_goes_back),
        };

        hv_heap_bound();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
