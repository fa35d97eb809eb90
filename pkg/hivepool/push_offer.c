/* hivepool/push_offer.c - tasks on their way to nodes that are called: ExecuteTask and StopTaskExecution.
 *
 *      new --round--> called --taken--> runs --result--> (gone)
 *       ^               |  '--refused--> given back to the pool
 *       |               '--no answer--> unsure --round--> called
 */
#include <errno.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/time.h"
#include "base/vec.h"
#include "hivepool/message.h"
#include "hivepool/push_private.h"
#include "hivepool/reach.h"
#include "log/log.h"
#include "rpc/call.h"
#include "rpc/channel.h"

#define DIGEST_US (200 * HV_USEC_PER_MSEC) /* SEEN: 0.15 to 0.2 s until the deployed pool writes RUNNING */
#define STOP_TIMEOUT_US (50 * HV_USEC_PER_SEC)
#define ZIP_TAG 0x12 /* field 2, bytes */

/* --- offers --- */

void hv_push_offer_free(void *offer) {
        struct hv_offer *o = offer;

        o->digest = sd_event_source_disable_unref(o->digest);
        free(o->task);
        free(o->node);
        free(o);
}

struct looking {
        struct hv_push *p;
        const char *node;
};

static void see(void *userdata, const struct hv_hivepool_assigned *a) {
        struct looking *l = userdata;
        struct hv_offer *o = hv_map_get(l->p->offers, a->id);

        if (o && o->lease != a->lease) {
                (void) hv_map_remove(l->p->offers, a->id);
                o = NULL;
        }
        if (!o) {
                o = HV_NEW(struct hv_offer);
                o->push = l->p;
                o->task = hv_strdup(a->id);
                o->node = hv_strdup(l->node);
                o->lease = a->lease;
                /* What was given before this program began was probably taken. */
                o->state = l->p->is_fresh ? HV_OFFER_UNSURE : HV_OFFER_NEW;
                hv_map_put(l->p->offers, o->task, o);
        }
        o->is_seen = true;
        if (a->is_cancelled && o->state == HV_OFFER_NEW)
                o->is_stopping = true; /* given back in the next round: nobody has it */
}

static void stop(struct hv_push *p, struct hv_offer *o);

static void stop_cancelled(void *userdata, const struct hv_hivepool_assigned *a) {
        struct hv_push *p = userdata;
        struct hv_offer *o = hv_map_get(p->offers, a->id);

        if (o && a->is_cancelled && !o->is_stopping) {
                o->is_stopping = true;
                stop(p, o);
        }
}

void hv_push_look(struct hv_push *p, const char *node) {
        struct looking looking = { .p = p, .node = node };
        struct hv_offer *o;
        struct hv_err err = {};
        const char *task;
        size_t it = 0;

        while (hv_map_next(p->offers, &it, NULL, (void **) &o))
                if (hv_streq(o->node, node))
                        o->is_seen = false;
        if (hv_hivepool_assigned(p->options.pool, node, see, &looking, &err) < 0) {
                hv_log_warn(err.code, "the tasks of node %s cannot be read: %s", node, err.msg);
                return;
        }
        it = 0;
        while (hv_map_next(p->offers, &it, &task, (void **) &o))
                if (hv_streq(o->node, node) && !o->is_seen)
                        (void) hv_map_remove(p->offers, task);
        (void) hv_hivepool_assigned(p->options.pool, node, stop_cancelled, p, &err);
}

void hv_push_changed(struct hv_push *p, const char *node) {
        hv_push_look(p, node);
}

/* --- the way to a node --- */

struct facts {
        const struct hv_reach *reach;
        const char *node;
        char *target;
        bool is_local;
};

static void find_node(void *userdata, const struct hv_hivepool_node_state *n) {
        struct facts *f = userdata;
        Hivemind__RegisterWorkerNodeRequest *said;
        struct hv_err err = {};

        if (!hv_streq(n->id, f->node) || n->dialect != HV_STORE_HIVEMIND)
                return;
        said = hivemind__register_worker_node_request__unpack(NULL, n->said_len, n->said);
        if (!said)
                return;
        f->is_local = !*said->hostname || hv_streq(said->hostname, "127.0.0.1");
        /* It was judged when it came, perhaps by other rules: of an earlier start of this program. */
        if (hv_reach_check(f->reach, said->hostname, said->port, &err) < 0)
                hv_log_notice("node %s is not called: %s", n->id, err.msg);
        else
                f->target = hv_asprintf(strchr(said->hostname, ':') ? "[%s]:%d" : "%s:%d", said->hostname,
                                        said->port > 0 ? said->port : 50053);
        hivemind__register_worker_node_request__free_unpacked(said, NULL);
}

static struct hv_rpc_channel *channel_to(struct hv_push *p, const char *target) {
        struct hv_rpc_channel *channel = hv_map_get(p->channels, target);
        const struct hv_rpc_channel_options options = { .target = target, .credentials = p->plain };
        struct hv_err err = {};

        if (!channel && hv_rpc_channel_new(p->options.rpc, &options, &channel, &err) < 0) {
                hv_log_warn(err.code, "a node cannot be called at %s: %s", target, err.msg);
                return NULL;
        }
        hv_map_put(p->channels, target, channel);
        return channel;
}

void hv_push_drop_channels(struct hv_push *p) {
        struct hv_rpc_channel *channel;
        size_t it = 0;

        while (hv_map_next(p->channels, &it, NULL, (void **) &channel))
                (void) hv_rpc_channel_free(channel);
        hv_map_clear(p->channels);
}

/* What a call remembers: the offer may be gone when its answer comes. */
struct asked {
        struct hv_push *p;
        char *task;
        uint64_t lease;
};

static struct asked *remember(struct hv_push *p, const struct hv_offer *o) {
        struct asked *a = HV_NEW(struct asked);

        *a = (struct asked){ .p = p, .task = hv_strdup(o->task), .lease = o->lease };
        return a;
}

static struct hv_offer *recall(const struct asked *a) {
        struct hv_offer *o = hv_map_get(a->p->offers, a->task);

        return o && o->lease == a->lease ? o : NULL;
}

static void asked_free(struct asked *a) {
        free(a->task);
        free(a);
}

/* --- StopTaskExecution --- */

static void on_stopped(void *userdata, const struct hv_rpc_end *end) {
        struct asked *a = userdata;

        if (end->status != HV_RPC_OK) {
                hv_log_notice("the node was not told to stop task %s: %s", a->task, end->text);
                if (recall(a))
                        recall(a)->is_unheard = true;
        }
        (void) hv_rpc_bytes_free(end->reply);
        asked_free(a);
}

static void stop(struct hv_push *p, struct hv_offer *o) {
        Hivemind__StopTaskExecutionRequest m = HIVEMIND__STOP_TASK_EXECUTION_REQUEST__INIT;
        struct hv_rpc_call_options options = { .method = "/nodepool.WorkerNodeService/StopTaskExecution",
                                               .timeout_us = STOP_TIMEOUT_US,
                                               .on_end = on_stopped };
        struct facts facts = { .reach = p->options.reach, .node = o->node };
        struct hv_rpc_channel *channel;
        struct hv_err err = {};

        hv_hivepool_nodes(p->options.pool, find_node, &facts);
        channel = facts.target ? channel_to(p, facts.target) : NULL;
        free(facts.target);
        o->is_unheard = !channel;
        if (!channel)
                return;
        m.task_id = o->task;
        options.request = hv_message_write(&m.base);
        options.userdata = remember(p, o);
        if (hv_rpc_call_start(channel, &options, NULL, &err) < 0)
                asked_free(options.userdata);
}

/* --- ExecuteTask --- */

static int on_digested(sd_event_source *source, uint64_t at_us, void *userdata) {
        struct hv_offer *o = userdata;

        (void) at_us;
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        o->state = HV_OFFER_RUNS;
        return 0;
}

static void give_back(struct hv_push *p, struct hv_offer *o, const char *why) {
        struct hv_err err = {};

        if (hv_hivepool_give_back(p->options.pool, o->task, o->lease, why, &err) < 0)
                hv_log_warn(err.code, "task %s cannot be taken back from node %s: %s", o->task, o->node,
                            err.msg);
        (void) hv_map_remove(p->offers, o->task);
}

static void take_answer(struct hv_push *p, struct hv_offer *o, const struct hv_rpc_end *end) {
        Hivemind__Ack *ack = end->reply ? hivemind__ack__unpack(NULL, hv_rpc_bytes_len(end->reply),
                                                                hv_rpc_bytes_flat(end->reply))
                                        : NULL;
        uint64_t now;

        if (!ack) {
                hv_log_notice("node %s did not answer to task %s: %s", o->node, o->task, end->text);
                o->state = HV_OFFER_UNSURE;
        } else if (!ack->success && !o->was_unsure) {
                hv_log_notice("node %s refused task %s: %.200s", o->node, o->task, ack->message);
                give_back(p, o, "its node refused it");
        } else if (p->options.like_deployed && ack->success &&
                   sd_event_now(p->options.event, CLOCK_MONOTONIC, &now) >= 0 &&
                   sd_event_add_time_relative(p->options.event, &o->digest, CLOCK_MONOTONIC, DIGEST_US, 1000,
                                              on_digested, o) >= 0) {
                ; /* state stays "called" until then */
        } else {
                o->state = HV_OFFER_RUNS;
                if (o->is_stopping)
                        stop(p, o);
        }
        if (ack)
                hivemind__ack__free_unpacked(ack, NULL);
}

static void on_executed(void *userdata, const struct hv_rpc_end *end) {
        struct asked *a = userdata;
        struct hv_offer *o = recall(a);

        if (o && o->state == HV_OFFER_CALLED)
                take_answer(a->p, o, end);
        (void) hv_rpc_bytes_free(end->reply);
        asked_free(a);
}

struct spec {
        const char *task;
        Hivemind__UploadTaskRequest *m;
};

static void find_spec(void *userdata, const struct hv_hivepool_assigned *a) {
        struct spec *s = userdata;

        if (hv_streq(a->id, s->task))
                s->m = hivemind__upload_task_request__unpack(NULL, a->spec_len, a->spec);
}

static size_t put_varint(unsigned char *at, uint64_t value) {
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                at[n++] = (unsigned char) (value | 0x80);
        at[n++] = (unsigned char) value;
        return n;
}

/* The message, with the zip as the file it is. NULL: it is not there. */
static struct hv_rpc_bytes *execute_message(struct hv_push *p, const struct hv_offer *o,
                                            const Hivemind__UploadTaskRequest *spec, uint64_t *ret_size) {
        Hivemind__ExecuteTaskRequest m = HIVEMIND__EXECUTE_TASK_REQUEST__INIT;
        _hv_cleanup_free_ char *sha256 = hv_strndup((const char *) spec->task_zip.data, spec->task_zip.len);
        _hv_cleanup_(hv_fd_closep) int fd =
                hv_blobs_open(hv_hivepool_blobs(p->options.pool), sha256, ret_size);
        struct hv_rpc_bytes *b;
        unsigned char tag[12] = { ZIP_TAG };
        struct hv_err err = {};

        if (fd < 0)
                return NULL;
        m.task_id = o->task;
        m.cpu_usage = (float) spec->cpu_score;
        m.gpu_usage = (float) spec->gpu_score;
        m.memory_gb = spec->memory_gb;
        m.gpu_memory_gb = spec->gpu_memory_gb;
        b = hv_message_write(&m.base);
        hv_rpc_bytes_add(b, tag, 1 + put_varint(tag + 1, *ret_size));
        if (*ret_size > 0 && hv_rpc_bytes_add_file(b, fd, 0, *ret_size, &err) < 0)
                return hv_rpc_bytes_free(b);
        return b;
}

/* As the deployed pool: 30 s and 2 s for each MiB, at least 10 s for them, at most 120 s. */
static uint64_t timeout_for(uint64_t size) {
        uint64_t s = 30 + HV_MAX(2 * (size >> 20), (uint64_t) 10);

        return HV_MIN(s, (uint64_t) 120) * HV_USEC_PER_SEC;
}

static void offer(struct hv_push *p, struct hv_offer *o, struct hv_rpc_channel *channel) {
        struct hv_rpc_call_options options = { .method = "/nodepool.WorkerNodeService/ExecuteTask",
                                               .on_end = on_executed };
        struct spec spec = { .task = o->task };
        struct hv_err err = {};
        uint64_t size = 0;

        (void) hv_hivepool_assigned(p->options.pool, o->node, find_spec, &spec, &err);
        options.request = spec.m ? execute_message(p, o, spec.m, &size) : NULL;
        if (spec.m)
                hivemind__upload_task_request__free_unpacked(spec.m, NULL);
        if (!options.request) {
                hv_log_warn(-EIO, "the zip of task %s cannot be read", o->task);
                return;
        }
        options.timeout_us = timeout_for(size);
        options.userdata = remember(p, o);
        o->was_unsure = o->state == HV_OFFER_UNSURE;
        o->state = HV_OFFER_CALLED;
        hv_rpc_channel_connect(channel);
        if (hv_rpc_call_start(channel, &options, NULL, &err) < 0) {
                o->state = HV_OFFER_UNSURE;
                asked_free(options.userdata);
        }
}

/* --- rounds --- */

static void offer_one(struct hv_push *p, struct hv_offer *o) {
        struct facts facts = { .reach = p->options.reach, .node = o->node };
        struct hv_rpc_channel *channel;

        if (o->is_unheard) {
                o->is_unheard = false;
                stop(p, o);
                return;
        }
        if (o->is_stopping && o->state == HV_OFFER_NEW) {
                give_back(p, o, "cancelled before a node had it");
                return;
        }
        hv_hivepool_nodes(p->options.pool, find_node, &facts);
        if (p->options.like_deployed && facts.is_local) {
                hv_log_notice("node %s is skipped: it says that its address is 127.0.0.1", o->node);
                free(facts.target);
                return;
        }
        channel = facts.target ? channel_to(p, facts.target) : NULL;
        free(facts.target);
        if (channel)
                offer(p, o, channel);
}

struct names {
        HV_VEC(char *) list;
};

static void look_at(void *userdata, const struct hv_hivepool_node_state *n) {
        struct names *names = userdata;

        if (n->dialect == HV_STORE_HIVEMIND)
                hv_vec_push(&names->list, hv_strdup(n->id));
}

/* Those that were there when the program began. */
static void look_once(struct hv_push *p) {
        struct names names = {};

        hv_hivepool_nodes(p->options.pool, look_at, &names);
        for (size_t i = 0; i < names.list.n; i++) {
                hv_push_look(p, names.list.v[i]);
                free(names.list.v[i]);
        }
        hv_vec_done(&names.list);
        p->is_fresh = false;
}

static int on_round(sd_event_source *source, uint64_t at_us, void *userdata) {
        struct hv_push *p = userdata;
        HV_VEC(char *) due = {};
        const struct hv_offer *o;
        size_t it = 0;

        while (hv_map_next(p->offers, &it, NULL, (void **) &o))
                if (o->state == HV_OFFER_NEW || o->state == HV_OFFER_UNSURE || o->is_unheard)
                        hv_vec_push(&due, hv_strdup(o->task));
        for (size_t i = 0; i < due.n; i++) {
                struct hv_offer *next = hv_map_get(p->offers, due.v[i]);

                if (next)
                        offer_one(p, next);
                free(due.v[i]);
        }
        hv_vec_done(&due);
        (void) sd_event_source_set_time(source, at_us + p->options.round_us);
        return 0;
}

int hv_push_start_rounds(struct hv_push *p, struct hv_err *err) {
        int r;

        look_once(p);
        r = sd_event_add_time_relative(p->options.event, &p->round, CLOCK_MONOTONIC, p->options.round_us,
                                       HV_USEC_PER_MSEC, on_round, p);
        if (r >= 0)
                r = sd_event_source_set_enabled(p->round, SD_EVENT_ON);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the rounds") : 0;
}
