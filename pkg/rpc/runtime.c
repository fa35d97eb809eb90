/* rpc/runtime.c - see runtime.h and queue.h.
 *
 * The thread pushes onto a list that only ever grows at its head; the loop takes the whole list at once. So neither
 * waits for the other, and only the push that found the list empty writes to the eventfd.
 */
#include "rpc/runtime.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>

#include <grpc/grpc.h>
#include <grpc/support/time.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/heap.h"
#include "base/time.h"
#include "rpc/bytes_core.h"
#include "rpc/lines.h"
#include "rpc/queue.h"

struct hv_rpc {
        sd_event *event;
        struct hv_rpc_options options;
        sd_event_source *source;
        int wake_fd;
        bool running;
        pthread_t thread;
        grpc_completion_queue *queue;
        size_t n_armed; /* tags that have not come back */
        struct rpc_lines *lines;
        sd_event_source *trim; /* timer; NULL: never needed yet */

        _Atomic(struct rpc_tag *) complete; /* newest first */
};

/* --- the thread --- */

static void push(struct hv_rpc *rpc, struct rpc_tag *tag) {
        struct rpc_tag *head = atomic_load_explicit(&rpc->complete, memory_order_relaxed);
        uint64_t one = 1;

        do
                tag->next = head;
        while (!atomic_compare_exchange_weak_explicit(&rpc->complete, &head, tag, memory_order_release,
                                                      memory_order_relaxed));
        if (!head)
                (void) !write(rpc->wake_fd, &one, sizeof one); /* fails only when 2^64 wake-ups are waiting */
}

static void *work(void *userdata) {
        struct hv_rpc *rpc = userdata;

        for (;;) {
                grpc_event event =
                        grpc_completion_queue_next(rpc->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
                struct rpc_tag *tag = event.tag;

                if (event.type == GRPC_QUEUE_SHUTDOWN)
                        return NULL;
                /* gRPC orders the memory too, but by means that ThreadSanitizer cannot see. */
                (void) atomic_load_explicit(&tag->armed, memory_order_acquire);
                tag->ok = event.success;
                push(rpc, tag);
        }
}

/* Signals belong to the loop: neither this thread nor those that gRPC makes at its start take any. */
static int start_threads(struct hv_rpc *rpc) {
        sigset_t all, before;
        int r;

        hv_heap_bound();
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        grpc_init();
        rpc->queue = grpc_completion_queue_create_for_next(NULL);
        r = pthread_create(&rpc->thread, NULL, work, rpc);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r == 0)
                (void) pthread_setname_np(rpc->thread, "grpc-cq");
        return -r;
}

/* --- the loop --- */

static void deliver(struct hv_rpc *rpc) {
        struct rpc_tag *newest = atomic_exchange_explicit(&rpc->complete, NULL, memory_order_acquire),
                       *oldest = NULL;

        while (newest) {
                struct rpc_tag *next = newest->next;

                newest->next = oldest;
                oldest = newest;
                newest = next;
        }
        while (oldest) {
                struct rpc_tag *tag = oldest;

                oldest = tag->next;
                rpc->n_armed--;
                tag->fn(tag->owner, tag->ok);
        }
}

static void read_wake(int fd) {
        uint64_t n;

        (void) !read(fd, &n, sizeof n);
}

static int on_complete(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_rpc *rpc = userdata;

        (void) s;
        (void) revents;
        read_wake(fd);
        rpc_lines_deliver(rpc->lines);
        deliver(rpc);
        return 0;
}

void *rpc_arm(struct hv_rpc *rpc, struct rpc_tag *tag) {
        rpc->n_armed++;
        atomic_store_explicit(&tag->armed, true, memory_order_release);
        return tag;
}

void rpc_disarm(struct hv_rpc *rpc, struct rpc_tag *tag) {
        (void) tag;
        rpc->n_armed--;
}

grpc_completion_queue *rpc_queue(struct hv_rpc *rpc) {
        return rpc->queue;
}

struct sd_event *rpc_event(struct hv_rpc *rpc) {
        return rpc->event;
}

bool hv_rpc_is_running(const struct hv_rpc *rpc) {
        return rpc->running;
}

/* --- memory --- */

#define TRIM_DELAY_US (200 * HV_USEC_PER_MSEC)

static int on_trim(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        (void) userdata;
        (void) malloc_trim(0);
        return 0;
}

void rpc_trim_soon(struct hv_rpc *rpc, size_t len) {
        if (len < HV_RPC_BYTES_LARGE)
                return;
        if (!rpc->trim && sd_event_add_time_relative(rpc->event, &rpc->trim, CLOCK_MONOTONIC, TRIM_DELAY_US,
                                                     0, on_trim, NULL) >= 0)
                return;
        (void) sd_event_source_set_time_relative(rpc->trim, TRIM_DELAY_US);
        (void) sd_event_source_set_enabled(rpc->trim, SD_EVENT_ONESHOT);
}

/* --- begin and end --- */

struct hv_rpc *hv_rpc_new(struct sd_event *event, const struct hv_rpc_options *options) {
        struct hv_rpc *rpc = HV_NEW(struct hv_rpc);

        rpc->event = sd_event_ref(event);
        rpc->options = options ? *options : (struct hv_rpc_options){};
        rpc->wake_fd = -1;
        return rpc;
}

static void release(struct hv_rpc *rpc) {
        rpc->lines = rpc_lines_free(rpc->lines);
        rpc->source = sd_event_source_disable_unref(rpc->source);
        rpc->trim = sd_event_source_disable_unref(rpc->trim);
        hv_fd_closep(&rpc->wake_fd);
        rpc->wake_fd = -1;
}

int rpc_start(struct hv_rpc *rpc, struct hv_err *err) {
        int r;

        if (rpc->running)
                return 0;
        rpc->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = rpc->wake_fd < 0
                    ? -errno
                    : sd_event_add_io(rpc->event, &rpc->source, rpc->wake_fd, EPOLLIN, on_complete, rpc);
        if (r >= 0) {
                (void) sd_event_source_set_description(rpc->source, "rpc");
                rpc->lines = rpc_lines_new(rpc->wake_fd, rpc->options.on_log, rpc->options.userdata);
                r = start_threads(rpc);
                if (r < 0)
                        grpc_shutdown();
        }
        if (r < 0) {
                release(rpc);
                return hv_err_errno(err, r, "cannot start gRPC");
        }
        rpc->running = true;
        return 0;
}

/* Everything was cancelled before, so nothing here waits for a peer. A queue that is shut down with a tag on its way
 * would make the join wait for that call's deadline instead. */
static void wait_for_tags(struct hv_rpc *rpc) {
        while (rpc->n_armed > 0) {
                struct pollfd p = { .fd = rpc->wake_fd, .events = POLLIN };

                (void) poll(&p, 1, -1);
                read_wake(rpc->wake_fd);
                deliver(rpc);
        }
}

struct hv_rpc *hv_rpc_free(struct hv_rpc *rpc) {
        if (!rpc)
                return NULL;
        if (rpc->running) {
                wait_for_tags(rpc);
                grpc_completion_queue_shutdown(rpc->queue);
                (void) pthread_join(rpc->thread, NULL);
                grpc_completion_queue_destroy(rpc->queue);
                grpc_shutdown_blocking(); /* the other one leaves a thread behind that still tidies up */
                rpc_lines_deliver(rpc->lines);
        }
        release(rpc);
        sd_event_unref(rpc->event);
        free(rpc);
        return NULL;
}
