/* wireguard/resolve.c - see resolve.h.
 *
 * `shared` belongs to the resolver and to every thread that runs; whoever lets go last frees it. A lookup is the loop's until its
 * thread begins, the thread's until it is in `finished`, and then the loop's again.
 */
#include "wireguard/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"

TAILQ_HEAD(lookups, hv_wg_lookup);

struct shared {
        pthread_mutex_t lock;
        /* under the lock */
        unsigned n_owners;
        bool is_closed; /* the resolver is gone */
        struct lookups finished;
        int wake_fd; /* eventfd: something is in `finished` */
};

struct hv_wg_lookup {
        TAILQ_ENTRY(hv_wg_lookup) entry;
        struct shared *shared;
        char *host;
        hv_wg_found_fn done; /* the loop's; NULL: it was given up */
        void *userdata;

        struct hv_wg_found found;
        struct hv_err err;
};

struct hv_wg_resolver {
        struct shared *shared;
        sd_event_source *source;
        struct lookups waiting;
        unsigned n_running;
};

static struct hv_wg_lookup *lookup_free(struct hv_wg_lookup *l) {
        free(l->host);
        free(l);
        return NULL;
}

static void free_all(struct lookups *list) {
        struct hv_wg_lookup *l;

        while ((l = TAILQ_FIRST(list))) {
                TAILQ_REMOVE(list, l, entry);
                (void) lookup_free(l);
        }
}

/* Unlocks, and frees what nobody holds any more. */
static void let_go(struct shared *s) {
        bool is_last = --s->n_owners == 0;

        (void) pthread_mutex_unlock(&s->lock);
        if (!is_last)
                return;
        free_all(&s->finished);
        hv_fd_closep(&s->wake_fd);
        (void) pthread_mutex_destroy(&s->lock);
        free(s);
}

/* --- on the thread --- */

static void take_address(struct hv_wg_found *found, const struct sockaddr *a) {
        struct hv_address *to = &found->v[found->n];

        if (a->sa_family == AF_INET)
                memcpy(to->bytes, &((const struct sockaddr_in *) (const void *) a)->sin_addr, 4);
        else if (a->sa_family == AF_INET6)
                memcpy(to->bytes, &((const struct sockaddr_in6 *) (const void *) a)->sin6_addr, 16);
        else
                return;
        to->is_v6 = a->sa_family == AF_INET6;
        found->n++;
}

static void look_up(struct hv_wg_lookup *l) {
        const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                        .ai_socktype = SOCK_DGRAM,
                                        .ai_flags = AI_ADDRCONFIG };
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct addrinfo *all = NULL;
        int r = getaddrinfo(l->host, NULL, &hints, &all);

        if (r != 0) {
                (void) hv_err_set(&l->err, r == EAI_AGAIN ? -EAGAIN : -ENOENT,
                                  "the name %s leads nowhere: %s", hv_text_quote(l->host, quoted),
                                  gai_strerror(r));
                return;
        }
        for (const struct addrinfo *a = all; a && l->found.n < HV_WG_ADDRESSES_MAX; a = a->ai_next)
                take_address(&l->found, a->ai_addr);
        freeaddrinfo(all);
        if (l->found.n == 0)
                (void) hv_err_set(&l->err, -ENOENT, "the name %s has no address",
                                  hv_text_quote(l->host, quoted));
}

static void *run(void *userdata) {
        struct hv_wg_lookup *l = userdata;
        struct shared *s = l->shared;
        uint64_t one = 1;

        look_up(l);
        (void) pthread_mutex_lock(&s->lock);
        if (s->is_closed)
                (void) lookup_free(l);
        else {
                TAILQ_INSERT_TAIL(&s->finished, l, entry);
                (void) !write(s->wake_fd, &one, sizeof one);
        }
        let_go(s);
        return NULL;
}

/* Signals belong to the loop: the thread takes none. */
static int start_thread(struct hv_wg_lookup *l) {
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        (void) pthread_attr_init(&attributes);
        (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attributes, run, l);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void) pthread_attr_destroy(&attributes);
        return -r;
}

/* --- on the loop --- */

static void start_waiting(struct hv_wg_resolver *r) {
        struct shared *s = r->shared;
        struct hv_wg_lookup *l;

        while (r->n_running < HV_WG_LOOKUPS_MAX && (l = TAILQ_FIRST(&r->waiting))) {
                int result;

                TAILQ_REMOVE(&r->waiting, l, entry);
                (void) pthread_mutex_lock(&s->lock);
                s->n_owners++;
                (void) pthread_mutex_unlock(&s->lock);
                result = start_thread(l);
                r->n_running++;
                if (result == 0)
                        continue;
                (void) hv_err_errno(&l->err, result, "the name cannot be looked up: no thread");
                (void) pthread_mutex_lock(&s->lock);
                TAILQ_INSERT_TAIL(&s->finished, l, entry);
                (void) !write(s->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
                let_go(s);
        }
}

static struct hv_wg_lookup *take_finished(struct shared *s) {
        struct hv_wg_lookup *l;

        (void) pthread_mutex_lock(&s->lock);
        l = TAILQ_FIRST(&s->finished);
        if (l)
                TAILQ_REMOVE(&s->finished, l, entry);
        (void) pthread_mutex_unlock(&s->lock);
        return l;
}

static int on_finished(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct hv_wg_resolver *r = userdata;
        struct hv_wg_lookup *l;
        uint64_t n;

        (void) source;
        (void) revents;
        (void) !read(fd, &n, sizeof n);
        while ((l = take_finished(r->shared))) {
                r->n_running--;
                if (l->done)
                        l->done(l->userdata, l->err.code ? NULL : &l->found, &l->err);
                (void) lookup_free(l);
        }
        start_waiting(r);
        return 0;
}

struct hv_wg_lookup *hv_wg_resolve(struct hv_wg_resolver *r, const char *host, hv_wg_found_fn done,
                                   void *userdata) {
        struct hv_wg_lookup *l = HV_NEW(struct hv_wg_lookup);

        l->shared = r->shared;
        l->host = hv_strdup(host);
        l->done = done;
        l->userdata = userdata;
        TAILQ_INSERT_TAIL(&r->waiting, l, entry);
        start_waiting(r);
        return l;
}

/* Not out of the list: the thread may have it. `done` is the loop's alone. */
void hv_wg_lookup_cancel(struct hv_wg_lookup *l) {
        if (l)
                l->done = NULL;
}

int hv_wg_resolver_new(struct sd_event *event, struct hv_wg_resolver **ret, struct hv_err *err) {
        struct hv_wg_resolver *r = HV_NEW(struct hv_wg_resolver);
        struct shared *s = HV_NEW(struct shared);
        int result;

        r->shared = s;
        TAILQ_INIT(&r->waiting);
        TAILQ_INIT(&s->finished);
        (void) pthread_mutex_init(&s->lock, NULL);
        s->n_owners = 1;
        s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        result = s->wake_fd < 0 ? -errno
                                : sd_event_add_io(event, &r->source, s->wake_fd, EPOLLIN, on_finished, r);
        if (result < 0) {
                (void) hv_wg_resolver_free(r);
                return hv_err_errno(err, result, "names cannot be looked up");
        }
        *ret = r;
        return 0;
}

struct hv_wg_resolver *hv_wg_resolver_free(struct hv_wg_resolver *r) {
        if (!r)
                return NULL;
        sd_event_source_disable_unref(r->source);
        free_all(&r->waiting);
        (void) pthread_mutex_lock(&r->shared->lock);
        r->shared->is_closed = true;
        let_go(r->shared);
        free(r);
        return NULL;
}
