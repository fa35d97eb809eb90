/* base/heap.c - see heap.h. */
#include "base/heap.h"

#include <malloc.h>

/* Fixed, so no longer learned. Without a bound on heaps 120 MB stayed of a message of 60 MB to gRPC's ten threads;
 * without one on mapped and trimmed sizes 3 MiB of a log's two buffers stayed, or did not, by what lay behind them. */
#define HEAPS_MAX 2
#define MAP_FROM_BYTES (512 << 10) /* more than a block of an arena */
#define KEEP_AT_END_BYTES (512 << 10)

void hv_heap_bound(void) {
        (void) mallopt(M_ARENA_MAX, HEAPS_MAX);
        (void) mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
        (void) mallopt(M_TRIM_THRESHOLD, KEEP_AT_END_BYTES);
}
