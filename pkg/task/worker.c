/* task/worker.c - see worker.h. */
#include "task/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/fd.h"

TAILQ_HEAD(jobs, hv_job);

struct hv_worker {
        sd_event_source *source;
        int wake_fd; /* eventfd: something is in `finished` */
        pthread_t thread;
        bool ended; /* of the loop: hv_worker_free() is at work */

        pthread_mutex_t lock;
        pthread_cond_t changed;
        /* under the lock */
        struct jobs waiting, finished;
        struct hv_job *running;
        bool ending;
};

void hv_job_cancel(struct hv_job *job) {
        atomic_store(&job->cancelled, true);
}

bool hv_job_is_cancelled(const struct hv_job *job) {
        return atomic_load(&job->cancelled);
}

static void wake_loop(struct hv_worker *w) {
        uint64_t one = 1;

        (void) !write(w->wake_fd, &one, sizeof one); /* fails only when 2^64 wake-ups are waiting */
}

/* The next job, or NULL: end. Under the lock. */
static struct hv_job *next_job(struct hv_worker *w) {
        struct hv_job *job;

        while (!w->ending && TAILQ_EMPTY(&w->waiting))
                (void) pthread_cond_wait(&w->changed, &w->lock);
        if (w->ending)
                return NULL;
        job = TAILQ_FIRST(&w->waiting);
        TAILQ_REMOVE(&w->waiting, job, entry);
        w->running = job;
        return job;
}

static void *work(void *userdata) {
        struct hv_worker *w = userdata;
        struct hv_job *job;

        (void) pthread_mutex_lock(&w->lock);
        while ((job = next_job(w))) {
                (void) pthread_mutex_unlock(&w->lock);
                job->run(job);
                (void) pthread_mutex_lock(&w->lock);
                w->running = NULL;
                TAILQ_INSERT_TAIL(&w->finished, job, entry);
                wake_loop(w);
        }
        (void) pthread_mutex_unlock(&w->lock);
        return NULL;
}

static struct hv_job *take_finished(struct hv_worker *w) {
        struct hv_job *job;

        (void) pthread_mutex_lock(&w->lock);
        job = TAILQ_FIRST(&w->finished);
        if (job)
                TAILQ_REMOVE(&w->finished, job, entry);
        (void) pthread_mutex_unlock(&w->lock);
        return job;
}

static int on_finished(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_worker *w = userdata;
        struct hv_job *job;
        uint64_t n;

        (void) s;
        (void) revents;
        (void) !read(fd, &n, sizeof n);
        while ((job = take_finished(w)))
                job->done(job);
        return 0;
}

/* Signals belong to the loop: the thread takes none. */
static int start_thread(struct hv_worker *w) {
        sigset_t all, before;
        int r;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&w->thread, NULL, work, w);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r == 0)
                (void) pthread_setname_np(w->thread, "hv-worker");
        return -r;
}

static void free_parts(struct hv_worker *w) {
        sd_event_source_disable_unref(w->source);
        hv_fd_closep(&w->wake_fd);
        (void) pthread_cond_destroy(&w->changed);
        (void) pthread_mutex_destroy(&w->lock);
        free(w);
}

int hv_worker_new(struct sd_event *event, struct hv_worker **ret, struct hv_err *err) {
        struct hv_worker *w = HV_NEW(struct hv_worker);
        int r;

        TAILQ_INIT(&w->waiting);
        TAILQ_INIT(&w->finished);
        (void) pthread_mutex_init(&w->lock, NULL);
        (void) pthread_cond_init(&w->changed, NULL);
        w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = w->wake_fd < 0 ? -errno : sd_event_add_io(event, &w->source, w->wake_fd, EPOLLIN, on_finished, w);
        if (r >= 0)
                r = start_thread(w);
        if (r < 0) {
                free_parts(w);
                return hv_err_errno(err, r, "the thread for work on the disk cannot be started");
        }
        *ret = w;
        return 0;
}

void hv_worker_add(struct hv_worker *w, struct hv_job *job) {
        job->dropped = false;
        (void) pthread_mutex_lock(&w->lock);
        if (w->ended)
                hv_job_cancel(
                        job); /* a done() that goes on while the worker ends: it gets its own done() at once */
        TAILQ_INSERT_TAIL(w->ended ? &w->finished : &w->waiting, job, entry);
        (void) pthread_cond_signal(&w->changed);
        (void) pthread_mutex_unlock(&w->lock);
}

struct hv_worker *hv_worker_free(struct hv_worker *w) {
        struct hv_job *job;

        if (!w)
                return NULL;
        (void) pthread_mutex_lock(&w->lock);
        w->ending = true;
        if (w->running)
                hv_job_cancel(w->running);
        (void) pthread_cond_signal(&w->changed);
        (void) pthread_mutex_unlock(&w->lock);
        (void) pthread_join(w->thread, NULL);
        w->ended = true;
        TAILQ_CONCAT(&w->finished, &w->waiting, entry);
        while ((job = take_finished(w))) {
                hv_job_cancel(job);
                job->dropped = true;
                job->done(job);
        }
        free_parts(w);
        return NULL;
}
