#include "base/within.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "base/time.h"
#include "base/vec.h"

struct call {
        pthread_mutex_t lock;
        pthread_cond_t over;
        bool is_over; /* under the lock */
        char *name;
        void (*fn)(const char *name, void *result);
        void *result;
};

static HV_VEC(struct call *) left_alone; /* of the loop's thread: what did not come back in time */

static void *run(void *userdata) {
        struct call *c = userdata;

        c->fn(c->name, c->result);
        (void) pthread_mutex_lock(&c->lock);
        c->is_over = true;
        (void) pthread_cond_signal(&c->over);
        (void) pthread_mutex_unlock(&c->lock); /* from here on it may be freed */
        return NULL;
}

static struct call *call_free(struct call *c) {
        (void) pthread_cond_destroy(&c->over);
        (void) pthread_mutex_destroy(&c->lock);
        free(c->result);
        free(c->name);
        free(c);
        return NULL;
}

static struct call *call_new(const char *name, void (*fn)(const char *name, void *result), const void *result,
                             size_t size) {
        struct call *c = HV_NEW(struct call);
        pthread_condattr_t monotonic;

        (void) pthread_mutex_init(&c->lock, NULL);
        (void) pthread_condattr_init(&monotonic);
        (void) pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        (void) pthread_cond_init(&c->over, &monotonic);
        (void) pthread_condattr_destroy(&monotonic);
        c->name = hv_strdup(name);
        c->fn = fn;
        c->result = hv_malloc(size);
        memcpy(c->result, result, size);
        return c;
}

static int begin(struct call *c) {
        sigset_t all, before;
        pthread_attr_t detached;
        pthread_t thread;
        int r;

        (void) sigfillset(&all);
        (void) pthread_attr_init(&detached);
        (void) pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        (void) pthread_sigmask(SIG_BLOCK, &all, &before);
        r = pthread_create(&thread, &detached, run, c);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void) pthread_attr_destroy(&detached);
        return -r;
}

/* True: it is over. */
static bool wait_for(struct call *c, uint64_t wait_us) {
        struct timespec until;
        bool is_over;
        int r = 0;

        (void) clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t) (wait_us / HV_USEC_PER_SEC);
        until.tv_nsec += (long) (wait_us % HV_USEC_PER_SEC) * 1000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        (void) pthread_mutex_lock(&c->lock);
        while (!c->is_over && r == 0)
                r = pthread_cond_timedwait(&c->over, &c->lock, &until);
        is_over = c->is_over;
        (void) pthread_mutex_unlock(&c->lock);
        return is_over;
}

/* True when one of this name has not come back. Those that have are freed. */
static bool is_left_alone(const char *name) {
        bool found = false;

        for (size_t i = 0; i < left_alone.n;) {
                struct call *c = left_alone.v[i];

                if (wait_for(c, 0)) {
                        (void) call_free(c);
                        left_alone.v[i] = left_alone.v[--left_alone.n];
                        continue;
                }
                found |= name && hv_streq(c->name, name);
                i++;
        }
        if (left_alone.n == 0)
                hv_vec_done(&left_alone);
        return found;
}

int hv_within(uint64_t wait_us, const char *name, void (*fn)(const char *name, void *result), void *result,
              size_t size) {
        struct call *c;
        int r;

        if (is_left_alone(name))
                return -ETIMEDOUT;
        c = call_new(name, fn, result, size);
        r = begin(c);
        if (r < 0) {
                (void) call_free(c);
                return r;
        }
        if (!wait_for(c, wait_us)) {
                hv_vec_push(&left_alone, c);
                return -ETIMEDOUT;
        }
        memcpy(result, c->result, size);
        (void) call_free(c);
        return 0;
}

size_t hv_within_n_waiting(void) {
        (void) is_left_alone(NULL);
        return left_alone.n;
}
