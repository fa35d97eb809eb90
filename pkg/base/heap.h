/* base/heap.h - how much the heap keeps of what was freed. */
#pragma once

/* For a process that runs for months, before its first thread: what a burst took goes back to the kernel when it is
 * freed. glibc learns otherwise: a heap for each thread, and after the first large buffer is freed those of its size
 * are kept in the heap, up to 64 MiB of them at its end. */
void hv_heap_bound(void);
