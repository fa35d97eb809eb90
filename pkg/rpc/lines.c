/* rpc/lines.c - see lines.h. */
#include "rpc/lines.h"

#include <pthread.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <grpc/support/log.h>

#include "base/alloc.h"
#include "base/time.h"
#include "rpc/status.h"

#define LINES_A_MINUTE 20u

struct line {
        int level;
        char text[HV_RPC_TEXT_SIZE];
};

struct rpc_lines {
        int wake_fd;
        void (*on_line)(void *userdata, int level, const char *line);
        void *userdata;

        /* under the lock */
        struct line ring[LINES_A_MINUTE];
        unsigned n;         /* that wait */
        unsigned n_kept;    /* in this minute */
        unsigned n_dropped; /* in this minute */
        uint64_t minute_us; /* its begin */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rpc_lines *receiver; /* under the lock; gRPC's log function takes no userdata */

static uint64_t now_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

static int level_of(gpr_log_severity severity) {
        switch (severity) {
        case GPR_LOG_SEVERITY_ERROR:
                return LOG_WARNING; /* for gRPC; what it means to us the status of a call says */
        case GPR_LOG_SEVERITY_INFO:
                return LOG_INFO;
        case GPR_LOG_SEVERITY_DEBUG:
        default:
                return LOG_DEBUG;
        }
}

/* Under the lock: is there room for one more in this minute? */
static bool take_turn(struct rpc_lines *l) {
        uint64_t now = now_us();

        if (now - l->minute_us >= HV_USEC_PER_MIN) {
                l->minute_us = now;
                l->n_kept = 0;
        }
        if (l->n_kept == LINES_A_MINUTE || l->n == LINES_A_MINUTE) {
                l->n_dropped++;
                return false;
        }
        l->n_kept++;
        return true;
}

static void on_grpc_log(gpr_log_func_args *args) {
        uint64_t one = 1;

        /* Its last word: the process is aborted before the loop could look. */
        if (hv_has_prefix(args->message, "assertion failed"))
                (void) dprintf(STDERR_FILENO, "gRPC: %s (%s:%d)\n", args->message, args->file, args->line);
        (void) pthread_mutex_lock(&lock);
        if (receiver && receiver->on_line && take_turn(receiver)) {
                struct line *line = &receiver->ring[receiver->n++];

                line->level = level_of(args->severity);
                (void) hv_rpc_status_text(args->message, strlen(args->message), line->text);
                if (receiver->n == 1)
                        (void) !write(receiver->wake_fd, &one, sizeof one);
        }
        (void) pthread_mutex_unlock(&lock);
}

struct rpc_lines *rpc_lines_new(int wake_fd, void (*on_line)(void *userdata, int level, const char *line),
                                void *userdata) {
        struct rpc_lines *l = HV_NEW(struct rpc_lines);

        l->wake_fd = wake_fd;
        l->on_line = on_line;
        l->userdata = userdata;
        l->minute_us = now_us();
        (void) pthread_mutex_lock(&lock);
        if (!receiver)
                receiver = l;
        (void) pthread_mutex_unlock(&lock);
        gpr_set_log_function(on_grpc_log);
        return l;
}

/* The log function stays in place: gRPC may still log from a thread that ends, and finds nobody. */
struct rpc_lines *rpc_lines_free(struct rpc_lines *l) {
        (void) pthread_mutex_lock(&lock);
        if (receiver == l)
                receiver = NULL;
        (void) pthread_mutex_unlock(&lock);
        free(l);
        return NULL;
}

/* The lines are given without the lock: what receives them may call gRPC, which may log. */
void rpc_lines_deliver(struct rpc_lines *l) {
        struct line lines[LINES_A_MINUTE];
        unsigned n, n_dropped;
        char text[80];

        (void) pthread_mutex_lock(&lock);
        n = l->n;
        memcpy(lines, l->ring, n * sizeof *lines);
        n_dropped = l->n > 0 ? l->n_dropped : 0;
        l->n = 0;
        if (n_dropped > 0)
                l->n_dropped = 0;
        (void) pthread_mutex_unlock(&lock);
        for (unsigned i = 0; i < n; i++)
                l->on_line(l->userdata, lines[i].level, lines[i].text);
        if (n_dropped > 0) {
                (void) snprintf(text, sizeof text, "%u lines of gRPC were left out before these", n_dropped);
                l->on_line(l->userdata, LOG_NOTICE, text);
        }
}
