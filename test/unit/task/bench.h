/* bench.h - a directory, a loop and a worker for each test, and what is done with files in it. Real users and mounts: the
 * tests run as root. Everything fails the test when it does not work. */
#pragma once

#include "lib/loop.h"

#include "base/buf.h"
#include "task/worker.h"
#include "task/workspace.h"

struct bench {
        char path[64]; /* "/tmp/hv-task-XXXXXX" */
        char work[80], results[80];
        sd_event *event;
        struct hv_worker *worker;
};

int bench_set_up(void **state); /* *state: struct bench; the umask is 0 from here on */
int bench_tear_down(void **state);

/* Path below the directory, in a ring of buffers: good for the next 8 calls. */
const char *bench_path(const struct bench *b, const char *fmt, ...) _hv_printf_(2, 3);
void bench_write(const char *path, const char *text);
void bench_mkdir(const char *path);     /* with its parents */
char *bench_read(const char *path);     /* caller frees; NULL: not there */
bool bench_exists(const char *path);    /* also a link that leads nowhere */
unsigned bench_count(const char *path); /* entries of a directory; 0: none, or no directory */

/* Names, kinds, modes, owners, sizes, times and contents of everything below, as one number: did anything change? */
void bench_digest(const char *path, struct hv_buf *ret);

/* A workspace of attempt 1 of this task, as uid 65534 has it. */
struct hv_workspace bench_workspace(const struct bench *b, const char *id);

/* An own small tmpfs at path, ended by bench_unmount(). */
void bench_mount_small(const char *path, const char *size);
void bench_unmount(const char *path);
