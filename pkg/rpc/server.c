/* rpc/server.c - the listening side; see server.h. server_call.c is the life of a call.
 *
 * gRPC is asked for any call rather than for those of registered methods: an unknown one has to be answered too, or it
 * would hang until its client's deadline, and this way there is one path for both.
 */
#include "rpc/server.h"

#include <errno.h>
#include <strings.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "rpc/credentials_core.h"
#include "rpc/number.h"
#include "rpc/server_core.h"
#include "rpc/target.h"

#define MAX_CALLS 100u
#define REQUEST_US (5 * HV_USEC_PER_MIN)
#define KEEPALIVE_US (30 * HV_USEC_PER_SEC)
#define KEEPALIVE_TIMEOUT_US (10 * HV_USEC_PER_SEC)
#define PING_MIN_US (5 * HV_USEC_PER_SEC)
#define IDLE_US (5 * HV_USEC_PER_MIN)
#define HANDSHAKE_US (10 * HV_USEC_PER_SEC) /* gRPC's own is 2 minutes, for anybody who connects */

#define HEADER_BYTES_MAX 16384 /* of all headers of a call; a token has some hundred */
#define SLOTS 8u               /* calls that gRPC may hand over before the loop looks */

struct slot {
        struct hv_rpc_server *server;
        struct rpc_tag tag;
        struct rpc_arrival arrival;
};

uint64_t rpc_now_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

/* --- calls that arrive --- */

static void slot_free(struct slot *slot) {
        slot->server->n_slots--;
        grpc_call_details_destroy(&slot->arrival.details);
        grpc_metadata_array_destroy(&slot->arrival.headers);
        free(slot);
}

static void on_arrival(void *owner, bool ok);

static void ask_for_call(struct hv_rpc_server *s) {
        struct slot *slot = HV_NEW(struct slot);

        slot->server = s;
        slot->tag = (struct rpc_tag){ .fn = on_arrival, .owner = slot };
        grpc_call_details_init(&slot->arrival.details);
        grpc_metadata_array_init(&slot->arrival.headers);
        s->n_slots++;
        if (grpc_server_request_call(s->core, &slot->arrival.call, &slot->arrival.details,
                                     &slot->arrival.headers, rpc_queue(s->rpc), rpc_queue(s->rpc),
                                     rpc_arm(s->rpc, &slot->tag)) != GRPC_CALL_OK) {
                rpc_disarm(s->rpc, &slot->tag);
                slot_free(slot);
        }
}

static void on_arrival(void *owner, bool ok) {
        struct slot *slot = owner;
        struct hv_rpc_server *s = slot->server;

        if (ok && s->freed)
                grpc_call_unref(slot->arrival.call);
        else if (ok) {
                ask_for_call(s);
                rpc_server_call_begin(s, &slot->arrival);
        }
        slot_free(slot);
        rpc_server_free_if_over(s);
}

/* --- calls whose message comes --- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct hv_rpc_server *s = userdata;
        struct hv_rpc_server_call *call;

        (void) source;
        (void) usec;
        while ((call = TAILQ_FIRST(&s->coming)) && rpc_server_call_until_us(call) <= rpc_now_us())
                rpc_server_call_is_late(call);
        rpc_server_look_again(s);
        return 0;
}

void rpc_server_look_again(struct hv_rpc_server *s) {
        struct hv_rpc_server_call *first = TAILQ_FIRST(&s->coming);

        if (!first || s->freed) {
                if (s->timer)
                        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time(s->timer, rpc_server_call_until_us(first));
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

/* Whoever fits goes on, in the order of arrival: a large message that has to wait keeps no small one from coming. */
static void on_room(void *owner) {
        struct hv_rpc_server *s = owner;
        struct hv_rpc_server_call *next;

        for (struct hv_rpc_server_call *call = TAILQ_FIRST(&s->coming); call; call = next) {
                next = rpc_server_call_next_coming(call);
                (void) rpc_server_call_try_read(call);
        }
        rpc_server_look_again(s);
}

/* --- listening --- */

static grpc_arg number(const char *key, int value) {
        return (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *) key, .value.integer = value };
}

static grpc_server *create(const struct hv_rpc_server_options *o, size_t largest) {
        grpc_arg args[] = {
                number(GRPC_ARG_ALLOW_REUSEPORT,
                       0), /* two agents on one port would each get half of the calls */
                number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, rpc_int_of(largest)),
                number(GRPC_ARG_MAX_METADATA_SIZE, HEADER_BYTES_MAX),
                number(GRPC_ARG_MAX_CONCURRENT_STREAMS, rpc_int_of(o->max_calls)),
                number(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, rpc_ms_of(o->handshake_us)),
                number(GRPC_ARG_KEEPALIVE_TIME_MS, rpc_ms_of(o->keepalive_us)),
                number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, rpc_ms_of(o->keepalive_timeout_us)),
                number(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
                number(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
                number(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, rpc_ms_of(o->ping_min_us)),
                number(GRPC_ARG_MAX_CONNECTION_IDLE_MS, rpc_ms_of(o->idle_us)),
                number(GRPC_ARG_MAX_CONNECTION_AGE_MS, rpc_ms_of(o->age_us)),
                number(GRPC_ARG_ENABLE_CHANNELZ, 0),
                /* What a compressed message unfolds to has no limit in gRPC: none is taken. */
                number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1u << GRPC_COMPRESS_NONE),
                number(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        };

        return grpc_server_create(&(grpc_channel_args){ .args = args, .num_args = HV_ARRAY_SIZE(args) },
                                  NULL);
}

/* gRPC only says that it could not: the kernel says why. */
static int why_not(const char *text, const struct sockaddr_storage *address, socklen_t len,
                   struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int one = 1;

        if (fd >= 0 && address->ss_family != AF_UNIX)
                (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (fd < 0 || bind(fd, (const struct sockaddr *) address, len) < 0 || listen(fd, 1) < 0)
                return hv_err_errno(err, -errno, "cannot listen on %s", text);
        return hv_err_set(err, -EIO, "cannot listen on %s: gRPC gave no reason", text);
}

static int listen_on(struct hv_rpc_server *s, const char *text, struct hv_err *err) {
        grpc_server_credentials *credentials;
        struct sockaddr_storage address;
        socklen_t len;
        int port, r;

        r = rpc_listen_parse(text, &address, &len, err);
        if (r < 0)
                return r;
        credentials = rpc_credentials_for_server(s->credentials, s->options.credentials);
        port = grpc_server_add_http2_port(s->core, text, credentials);
        grpc_server_credentials_release(credentials);
        if (port <= 0)
                return why_not(text, &address, len, err);
        s->port = address.ss_family == AF_UNIX ? 0 : (uint16_t) port;
        return 0;
}

static uint64_t or_default(uint64_t value, uint64_t otherwise) {
        return value ? value : otherwise;
}

static size_t largest_request(const struct hv_rpc_server_options *o) {
        size_t largest = 0;

        for (size_t i = 0; i < o->n_methods; i++)
                largest = HV_MAX(largest,
                                 or_default(o->methods[i].max_request_bytes, HV_RPC_MESSAGE_BYTES_DEFAULT));
        return largest;
}

static struct hv_rpc_server *server_new(struct hv_rpc *rpc, const struct hv_rpc_server_options *options) {
        struct hv_rpc_server *s = HV_NEW(struct hv_rpc_server);
        struct hv_rpc_server_options *o = &s->options;
        size_t largest = largest_request(options);

        s->rpc = rpc;
        *o = *options;
        o->listen = NULL;
        o->max_calls = (unsigned) or_default(o->max_calls, MAX_CALLS);
        o->max_held_bytes = or_default(o->max_held_bytes, 2 * largest);
        o->request_us = or_default(o->request_us, REQUEST_US);
        o->handshake_us = or_default(o->handshake_us, HANDSHAKE_US);
        o->keepalive_us = or_default(o->keepalive_us, KEEPALIVE_US);
        o->keepalive_timeout_us = or_default(o->keepalive_timeout_us, KEEPALIVE_TIMEOUT_US);
        o->ping_min_us = or_default(o->ping_min_us, PING_MIN_US);
        o->idle_us = or_default(o->idle_us, IDLE_US);
        o->age_us = or_default(o->age_us, HV_TIME_NEVER);
        TAILQ_INIT(&s->calls);
        TAILQ_INIT(&s->coming);
        s->credentials = HV_NEW(struct rpc_server_credentials);
        s->room = rpc_room_new(o->max_held_bytes, on_room, s);
        s->core = create(o, largest);
        grpc_server_register_completion_queue(s->core, rpc_queue(rpc), NULL);
        return s;
}

int hv_rpc_server_new(struct hv_rpc *rpc, const struct hv_rpc_server_options *options,
                      struct hv_rpc_server **ret, struct hv_err *err) {
        _hv_cleanup_(hv_rpc_server_freep) struct hv_rpc_server *s = NULL;
        int r;

        if (!rpc_credentials_fit(options->credentials, true))
                return hv_err_set(err, -EINVAL, "%s: a server was given the credentials of a client",
                                  options->listen);
        r = rpc_start(rpc, err);
        if (r < 0)
                return r;
        s = server_new(rpc, options);
        r = sd_event_add_time(rpc_event(rpc), &s->timer, CLOCK_MONOTONIC, 0, 10 * HV_USEC_PER_MSEC, on_timer,
                              s);
        if (r < 0)
                return hv_err_errno(err, r, "rpc: timer");
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        (void) sd_event_source_set_description(s->timer, "rpc-requests");
        r = listen_on(s, options->listen, err);
        if (r < 0)
                return r;
        grpc_server_start(s->core);
        for (unsigned i = 0; i < SLOTS; i++)
                ask_for_call(s);
        *ret = HV_STEAL(s);
        return 0;
}

uint16_t hv_rpc_server_port(const struct hv_rpc_server *s) {
        return s->port;
}

size_t hv_rpc_server_calls(const struct hv_rpc_server *s) {
        return s->n_calls;
}

size_t hv_rpc_server_held_bytes(const struct hv_rpc_server *s) {
        return rpc_room_held_bytes(s->room);
}

/* --- the end --- */

void rpc_server_free_if_over(struct hv_rpc_server *s) {
        if (!s->freed || !s->stopped || s->n_slots > 0 || s->n_calls > 0)
                return;
        grpc_server_destroy(s->core);
        rpc_server_credentials_done(s->credentials);
        free(s->credentials);
        free(s);
}

static void on_stopped(void *owner, bool ok) {
        struct hv_rpc_server *s = owner;

        (void) ok;
        s->stopped = true;
        if (!s->freed && s->on_drained)
                s->on_drained(s->options.userdata);
        rpc_server_free_if_over(s);
}

static void stop(struct hv_rpc_server *s) {
        if (s->stopping)
                return;
        s->stopping = true;
        s->stop_tag = (struct rpc_tag){ .fn = on_stopped, .owner = s };
        grpc_server_shutdown_and_notify(s->core, rpc_queue(s->rpc), rpc_arm(s->rpc, &s->stop_tag));
}

void hv_rpc_server_drain(struct hv_rpc_server *s, void (*on_drained)(void *userdata)) {
        s->on_drained = on_drained;
        stop(s);
}

struct hv_rpc_server *hv_rpc_server_free(struct hv_rpc_server *s) {
        if (!s)
                return NULL;
        s->freed = true;
        s->timer = sd_event_source_disable_unref(s->timer);
        s->room = rpc_room_free(s->room);
        rpc_server_calls_drop(s);
        stop(s);
        grpc_server_cancel_all_calls(s->core);
        rpc_server_free_if_over(s);
        return NULL;
}
