/* task/download.c - see download.h. */
#include "task/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "base/parse.h"
#include "task/address_policy.h"
#include "task/spool.h"
#include "transfer/transfer.h"

#define TRIES_WITHOUT_PROGRESS 5u
#define REDIRECTS_MAX 5u
#define RETRY_US HV_USEC_PER_SEC
#define IDLE_US (30 * HV_USEC_PER_SEC)
#define ACCURACY_US (10 * HV_USEC_PER_MSEC)

enum tag {
        TAG_DATA,
        TAG_RESTART, /* one byte: what was written is thrown away */
};

struct hv_download {
        struct hv_arena *arena;
        struct hv_download_options o;
        struct hv_spool *spool; /* NULL: ended */
        struct hv_request *request;
        sd_event_source *timer; /* the next try */
        uint64_t deadline_us;
        bool silent;

        const char *url; /* where redirects led */
        unsigned n_redirects, n_tries;
        uint64_t got_bytes, got_before_bytes; /* of the file; when this try began */
        const char *etag;                     /* of what is being fetched; NULL: cannot go on in the middle */
        unsigned status;
        const char *forbidden; /* what an address was that was refused */
        int error;             /* of the loop: the first one */
        char *message;

        /* of the thread */
        int fd;
        uint64_t size_bytes;
        struct hv_sha256 sha256;
        char hex[HV_SHA256_HEX_SIZE];
};

/* --- on the thread --- */

static int open_file(struct hv_download *d) {
        if (d->fd >= 0)
                return 0;
        d->fd = openat(d->o.dir_fd, d->o.name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        hv_sha256_init(&d->sha256);
        return d->fd < 0 ? -errno : 0;
}

static int use(void *userdata, unsigned tag, const char *data, size_t len) {
        struct hv_download *d = userdata;
        int r = open_file(d);

        if (r < 0)
                return r;
        if (tag == TAG_RESTART) {
                hv_sha256_init(&d->sha256);
                d->size_bytes = 0;
                return ftruncate(d->fd, 0) < 0 || lseek(d->fd, 0, SEEK_SET) < 0 ? -errno : 0;
        }
        hv_sha256_add(&d->sha256, data, len);
        d->size_bytes += len;
        return hv_fd_write(d->fd, data, len);
}

static int last(void *userdata) {
        struct hv_download *d = userdata;
        int r = open_file(d);

        if (r >= 0)
                hv_sha256_finish_hex(&d->sha256, d->hex);
        return r;
}

static void clean_up(void *userdata) {
        struct hv_download *d = userdata;

        hv_fd_closep(&d->fd);
}

/* --- the end --- */

static void free_all(struct hv_download *d) {
        d->timer = sd_event_source_disable_unref(d->timer);
        hv_fd_closep(&d->o.dir_fd);
        free(d->message);
        (void) hv_arena_free(d->arena);
        free(d);
}

/* The URL without what may be secret in it. */
static char *shown(const struct hv_download *d) {
        return hv_strndup(d->url, strcspn(d->url, "?#"));
}

static void judge(struct hv_download *d, int error, struct hv_downloaded *ret) {
        _hv_cleanup_free_ char *url = shown(d);

        *ret = (struct hv_downloaded){ .error = d->error,
                                       .message = d->message,
                                       .size_bytes = d->size_bytes };
        strcpy(ret->sha256, d->hex);
        if (d->error == 0 && error < 0) {
                d->message = hv_asprintf("what %s gives cannot be written: %s", url, strerror(-error));
                ret->error = error;
        } else if (d->error == 0 && d->o.sha256 && !hv_streq(d->o.sha256, d->hex)) {
                d->message = hv_asprintf("%s has sha256 %s, expected %s", url, d->hex, d->o.sha256);
                ret->error = -EBADMSG;
        }
        ret->message = d->message ? d->message : "";
}

static void on_ended(void *userdata, int error, bool dropped) {
        struct hv_download *d = userdata;
        struct hv_downloaded result;

        d->spool = NULL;
        judge(d, error, &result);
        if (!d->silent && !dropped)
                d->o.done(d->o.userdata, &result);
        free_all(d);
}

static void fail(struct hv_download *d, int error, char *message) {
        d->error = error;
        d->message = message;
        hv_spool_cancel(d->spool);
}

/* --- requests --- */

static void begin_try(struct hv_download *d);

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        begin_try(userdata);
        return 0;
}

static void try_in(struct hv_download *d, uint64_t wait_us) {
        uint64_t at_us = hv_time_add(hv_transfer_now_us(), wait_us);

        d->timer = sd_event_source_disable_unref(d->timer);
        if (sd_event_add_time(d->o.event, &d->timer, CLOCK_MONOTONIC, at_us, ACCURACY_US, on_timer, d) < 0)
                fail(d, -EIO, hv_strdup("no timer can be set"));
}

/* Another try, unless the last ones brought nothing, or time is over. */
static void try_again(struct hv_download *d, const char *why) {
        uint64_t wait_us = d->o.retry_us;

        if (d->etag && d->got_bytes > d->got_before_bytes)
                d->n_tries = 0;
        if (++d->n_tries >= TRIES_WITHOUT_PROGRESS) {
                fail(d, -EIO, hv_strdup(why));
                return;
        }
        wait_us <<= d->n_tries - 1;
        if (hv_time_add(hv_transfer_now_us(), wait_us) >= d->deadline_us) {
                fail(d, -ETIMEDOUT, hv_asprintf("%s; the time for it is over", why));
                return;
        }
        try_in(d, wait_us);
}

static bool may_connect(void *userdata, const struct sockaddr *address) {
        struct hv_download *d = userdata;
        const char *fault = d->o.allow_private ? NULL : hv_address_policy_fault(address);

        if (fault)
                d->forbidden = fault;
        return !fault;
}

static void on_open(void *userdata, unsigned status) {
        struct hv_download *d = userdata;

        d->status = status;
        if (status >= 200 && status <= 299 && status != 206 && d->got_bytes > 0) {
                d->got_bytes = d->got_before_bytes =
                        0; /* it is another one by now, or the server cannot go on */
                (void) hv_spool_add(d->spool, TAG_RESTART, "", 1);
        }
}

static int on_data(void *userdata, const char *data, size_t len) {
        struct hv_download *d = userdata;

        if (hv_spool_error(d->spool) < 0)
                return hv_spool_error(d->spool);
        if (len > d->o.max_bytes - d->got_bytes)
                return -EMSGSIZE;
        d->got_bytes += len;
        if (!hv_spool_add(d->spool, TAG_DATA, data, len))
                hv_request_pause(d->request, true);
        return 0;
}

static void on_drained(void *userdata) {
        struct hv_download *d = userdata;

        if (d->request)
                hv_request_pause(d->request, false);
}

/* --- what a reply means --- */

/* Length of "https://host:port". */
static size_t origin_len(const char *url) {
        const char *host = strstr(url, "://");

        return host ? (size_t) (host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

static void redirect(struct hv_download *d, const char *to) {
        size_t len = origin_len(d->url);
        _hv_cleanup_free_ char *url = shown(d);

        if (!to || ++d->n_redirects > REDIRECTS_MAX) {
                fail(d, -EBADMSG,
                     hv_asprintf("%s: it is redirected %s", url, to ? "too often" : "to nowhere"));
                return;
        }
        if (to[0] == '/' && to[1] != '/')
                d->url = hv_arena_printf(d->arena, "%.*s%s", (int) len, d->url, to);
        else if (origin_len(to) == len && strncmp(to, d->url, len) == 0)
                d->url = hv_arena_strdup(d->arena, to);
        else {
                fail(d, -EBADMSG, hv_asprintf("%s: a redirect to another host is not followed", url));
                return;
        }
        try_in(d, 0);
}

static bool is_temporary(unsigned status) {
        return status >= 500 || status == 408 || status == 425 || status == 429;
}

/* Does the 206 begin where we asked, with what we have the beginning of? */
static bool goes_on(const struct hv_download *d, const struct hv_reply *reply) {
        const char *range = hv_reply_header(reply, "Content-Range");
        unsigned long long from;

        return range && sscanf(range, "bytes %llu-", &from) == 1 && from == d->got_before_bytes;
}

static void on_status(struct hv_download *d, const struct hv_reply *reply) {
        _hv_cleanup_free_ char *url = shown(d), *why = hv_asprintf("%s answers %u", url, reply->status);

        if (reply->status >= 300 && reply->status <= 399 && reply->status != 304)
                redirect(d, hv_reply_header(reply, "Location"));
        else if (reply->status == 416 || is_temporary(reply->status)) {
                if (reply->status == 416)
                        d->etag = NULL; /* from the beginning */
                try_again(d, why);
        } else
                fail(d, -EBADMSG, HV_STEAL(why));
}

static void on_failure(struct hv_download *d, const struct hv_reply *reply) {
        _hv_cleanup_free_ char *url = shown(d);

        if (d->forbidden)
                fail(d, -EBADMSG,
                     hv_asprintf("%s leads to an address that is %s: only public ones are fetched from", url,
                                 d->forbidden));
        else if (reply->end == HV_TRANSFER_ABORTED && reply->error == -EMSGSIZE)
                fail(d, -EBADMSG,
                     hv_asprintf("%s has more than %llu bytes", url, (unsigned long long) d->o.max_bytes));
        else if (reply->end == HV_TRANSFER_ABORTED)
                hv_spool_end(d->spool); /* it could not be written, and says why */
        else if (reply->end == HV_TRANSFER_LATE)
                fail(d, -ETIMEDOUT, hv_asprintf("%s: the time for it is over", url));
        else
                try_again(d, reply->message);
}

static void note_etag(struct hv_download *d, const struct hv_reply *reply) {
        const char *etag = hv_reply_header(reply, "ETag");

        if (reply->status != 200)
                return;
        /* A weak one says that it means the same, not that it is the same bytes. */
        d->etag = etag && etag[0] == '"' ? hv_arena_strdup(d->arena, etag) : NULL;
}

static void on_done(void *userdata, const struct hv_reply *reply) {
        struct hv_download *d = userdata;

        d->request = NULL;
        note_etag(d, reply);
        if (d->status == 206 && !goes_on(d, reply))
                fail(d, -EBADMSG, hv_strdup("the server sends another part than the one that was asked for"));
        else if (reply->end != HV_TRANSFER_DONE)
                on_failure(d, reply);
        else if (reply->status == 200 || reply->status == 206)
                hv_spool_end(d->spool);
        else
                on_status(d, reply);
}

static void begin_try(struct hv_download *d) {
        _hv_cleanup_free_ char *range = NULL, *condition = NULL;
        const char *headers[] = { NULL, NULL, NULL };
        uint64_t now_us = hv_transfer_now_us();
        struct hv_err err = {};
        struct hv_request_options o = { .method = HV_METHOD_GET,
                                        .lane = HV_LANE_STREAMS,
                                        .url = d->url,
                                        .headers = headers,
                                        .idle_us = d->o.idle_us,
                                        .max_body_bytes = 65536,
                                        .may_connect = may_connect,
                                        .on_open = on_open,
                                        .on_data = on_data,
                                        .on_done = on_done,
                                        .userdata = d };

        if (now_us >= d->deadline_us) {
                fail(d, -ETIMEDOUT, hv_strdup("the time for it is over"));
                return;
        }
        o.timeout_us = d->deadline_us - now_us;
        d->status = 0;
        d->forbidden = NULL;
        d->got_before_bytes = d->etag ? d->got_bytes : 0;
        if (d->etag && d->got_bytes > 0) {
                headers[0] = range = hv_asprintf("Range: bytes=%llu-", (unsigned long long) d->got_bytes);
                headers[1] = condition = hv_asprintf("If-Range: %s", d->etag);
        }
        if (hv_transfer_start(d->o.transfer, &o, &d->request, &err) < 0)
                fail(d, -EBADMSG, hv_strdup(err.msg));
}

/* --- life --- */

static const char *url_fault(const struct hv_download_options *o) {
        if (hv_has_prefix(o->url, "http://") && !o->sha256)
                return "http:// needs sha256 (use https or add it)";
        if (!hv_has_prefix(o->url, "https://") && !hv_has_prefix(o->url, "http://"))
                return "only https:// and http:// are fetched";
        return memchr(o->url, '@', origin_len(o->url)) ? "a URL must not hold a user or a password" : NULL;
}

static int begin(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_download *d = userdata;
        const char *fault = url_fault(&d->o);

        if (fault) {
                fail(d, -EBADMSG, hv_strdup(fault));
                return 0;
        }
        return on_timer(s, usec, d);
}

struct hv_download *hv_download_new(const struct hv_download_options *options) {
        struct hv_download *d = HV_NEW(struct hv_download);
        struct hv_spool_options spool = { .worker = options->worker,
                                          .use = use,
                                          .last = last,
                                          .clean_up = clean_up,
                                          .drained = on_drained,
                                          .ended = on_ended,
                                          .userdata = d };

        d->arena = hv_arena_new();
        d->o = *options;
        d->url = d->o.url = hv_arena_strdup(d->arena, options->url);
        d->o.sha256 = hv_arena_strdup(d->arena, options->sha256);
        d->o.name = hv_arena_strdup(d->arena, options->name);
        d->o.dir_fd = fcntl(options->dir_fd, F_DUPFD_CLOEXEC, 0);
        d->o.retry_us = options->retry_us ? options->retry_us : RETRY_US;
        d->o.idle_us = options->idle_us ? options->idle_us : IDLE_US;
        d->fd = -1;
        d->deadline_us = hv_time_add(hv_transfer_now_us(), options->timeout_us);
        d->spool = hv_spool_new(&spool);
        if (sd_event_add_time(d->o.event, &d->timer, CLOCK_MONOTONIC, 0, ACCURACY_US, begin, d) < 0)
                fail(d, -EIO, hv_strdup("no timer can be set"));
        return d;
}

struct hv_download *hv_download_free(struct hv_download *d) {
        if (!d)
                return NULL;
        d->silent = true;
        d->timer = sd_event_source_disable_unref(d->timer);
        if (d->request)
                hv_request_cancel(d->request);
        d->request = NULL;
        hv_spool_cancel(d->spool);
        return NULL;
}
