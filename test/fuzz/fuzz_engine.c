/* fuzz_engine.c - what an engine answers: replies in one piece, and the streams of events, pulls and logs.
 *
 * The first byte chooses the call. Of a stream the second says in which pieces the rest comes; what is told must be the same as
 * when it comes as a whole. The calls are made by the client's own functions on a client that was never connected, so that
 * nothing is sent, and their hooks are called as call.c calls them.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "docker/call.h"
#include "docker/container.h"
#include "docker/events.h"
#include "docker/image.h"
#include "docker/network.h"
#include "docker/private.h"
#include "docker/volume.h"

static struct hv_docker *d;

static const struct hv_reply whole_reply = {
        .end = HV_TRANSFER_DONE, .sent = true, .status = 200, .body = "", .message = ""
};

/* --- what is told: every text and number is looked at --- */

static void tell_text(struct hv_buf *told, const char *text) {
        FUZZ_CHECK(text);
        hv_buf_printf(told, "\"%s\" ", text);
}

static void tell_words(struct hv_buf *told, const struct hv_strv *words) {
        for (size_t i = 0; i < words->n; i++)
                tell_text(told, words->v[i]);
}

static void tell_pairs(struct hv_buf *told, const struct hv_pairs *pairs) {
        for (size_t i = 0; i < pairs->n; i++) {
                FUZZ_CHECK(i == 0 || strcmp(pairs->v[i - 1].name, pairs->v[i].name) < 0);
                tell_text(told, pairs->v[i].name);
                tell_text(told, pairs->v[i].value);
        }
}

static void tell_container(struct hv_buf *told, const struct hv_docker_container *c) {
        const char *const texts[] = { c->id,       c->name,           c->image,
                                      c->image_id, c->network_mode,   c->error,
                                      c->user,     c->restart_policy, c->cgroup_parent,
                                      c->hostname, c->stop_signal,    c->log_driver };

        FUZZ_CHECK(*c->id);
        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++)
                tell_text(told, texts[i]);
        tell_text(told, hv_docker_state_name(c->state));
        tell_pairs(told, &c->labels);
        for (size_t i = 0; i < c->n_endpoints; i++) {
                const struct hv_docker_endpoint *e = &c->endpoints[i];

                FUZZ_CHECK(i == 0 || strcmp(e[-1].network, e->network) < 0);
                tell_text(told, e->network_id);
                tell_text(told, e->ip);
                tell_text(told, e->gateway);
                tell_text(told, e->mac);
                tell_words(told, &e->aliases);
        }
        for (size_t i = 0; i < c->n_mounts; i++) {
                const struct hv_docker_mount_seen *m = &c->mounts[i];

                FUZZ_CHECK(i == 0 || strcmp(m[-1].target, m->target) <= 0);
                tell_text(told, m->type);
                tell_text(told, m->name);
                tell_text(told, m->source);
        }
        for (size_t i = 0; i < c->n_ports; i++) {
                const struct hv_docker_port_seen *p = &c->ports[i];

                FUZZ_CHECK(i == 0 || p[-1].container <= p->container);
                tell_text(told, p->protocol);
                tell_text(told, p->address);
        }
        tell_words(told, &c->cap_add);
        tell_words(told, &c->cap_drop);
        tell_words(told, &c->security_opt);
        tell_words(told, &c->command);
        tell_words(told, &c->args);
        hv_buf_printf(told, "%d %d %u %d %llu", c->exit_code, c->pid, c->restart_count, c->health,
                      (unsigned long long) c->started_us);
}

static void tell_network(struct hv_buf *told, const struct hv_docker_network *n) {
        FUZZ_CHECK(*n->name);
        tell_text(told, n->id);
        tell_text(told, n->driver);
        tell_text(told, n->scope);
        tell_text(told, n->subnet);
        tell_text(told, n->gateway);
        tell_pairs(told, &n->labels);
        tell_pairs(told, &n->options);
        tell_words(told, &n->containers);
}

static void tell_volume(struct hv_buf *told, const struct hv_docker_volume *v) {
        FUZZ_CHECK(*v->name);
        tell_text(told, v->driver);
        tell_text(told, v->mountpoint);
        tell_pairs(told, &v->labels);
        tell_pairs(told, &v->options);
}

static void tell_image(struct hv_buf *told, const struct hv_docker_image *i) {
        FUZZ_CHECK(*i->id);
        tell_text(told, i->architecture);
        tell_text(told, i->os);
        tell_text(told, i->user);
        tell_words(told, &i->tags);
        tell_words(told, &i->digests);
        tell_words(told, &i->volumes);
        tell_pairs(told, &i->labels);
}

static void tell_engine(struct hv_buf *told, const struct hv_docker_engine *e) {
        tell_text(told, e->id);
        tell_text(told, e->name);
        tell_text(told, e->version);
        tell_text(told, e->storage_driver);
        tell_text(told, e->root_dir);
        tell_text(told, e->api_version);
        FUZZ_CHECK(e->cgroup_version == 1 || e->cgroup_version == 2);
}

/* Which one it is says the call. */
static void tell(char which, struct hv_buf *told, const struct hv_docker_result *r) {
        switch (which) {
        case 'a':
                for (size_t i = 0; i < r->containers->n; i++)
                        tell_container(told, &r->containers->v[i]);
                break;
        case 'b':
                tell_container(told, r->container);
                break;
        case 'c':
                FUZZ_CHECK(*r->created->id);
                tell_words(told, &r->created->warnings);
                break;
        case 'd':
                tell_text(told, r->exit->error);
                break;
        case 'e':
                FUZZ_CHECK(r->usage->memory_bytes <= INT64_MAX);
                break;
        case 'f':
                for (size_t i = 0; i < r->networks->n; i++)
                        tell_network(told, &r->networks->v[i]);
                break;
        case 'g':
                tell_network(told, r->network);
                break;
        case 'h':
                for (size_t i = 0; i < r->volumes->n; i++)
                        tell_volume(told, &r->volumes->v[i]);
                break;
        case 'i':
                tell_volume(told, r->volume);
                break;
        case 'j':
                for (size_t i = 0; i < r->images->n; i++)
                        tell_image(told, &r->images->v[i]);
                break;
        case 'k':
                tell_image(told, r->image);
                break;
        default:
                tell_engine(told, r->engine);
                break;
        }
}

/* --- the calls --- */

static void on_event(void *told, const struct hv_docker_event *e) {
        FUZZ_CHECK(*e->type && !strchr(e->action, ':'));
        tell_text(told, e->type);
        tell_text(told, e->action);
        tell_text(told, e->id);
        tell_text(told, e->name);
        tell_text(told, e->container);
        tell_pairs(told, &e->attributes);
        hv_buf_printf(told, "%d %llu;", e->has_exit_code ? e->exit_code : -1,
                      (unsigned long long) e->time_ns);
}

static void on_progress(void *told, const struct hv_docker_progress *p) {
        FUZZ_CHECK(p->n_layers_done <= p->n_layers);
        hv_buf_printf(told, "%u %u %llu %llu %s;", p->n_layers_done, p->n_layers,
                      (unsigned long long) p->current_bytes, (unsigned long long) p->total_bytes, p->text);
}

static void on_log(void *told, const struct hv_docker_log *log) {
        FUZZ_CHECK(log->len > 0 && log->data[log->len] == '\0');
        FUZZ_CHECK(log->output == HV_DOCKER_STDOUT || log->output == HV_DOCKER_STDERR);
        hv_buf_printf(told, "%d %llu %zu:", log->output, (unsigned long long) log->time_us, log->len);
        hv_buf_add(told, log->data, log->len);
}

static struct hv_docker_call *stream_of(char which, struct hv_buf *told) {
        const struct hv_docker_then then = {};
        struct hv_docker_logs logs = { .tail = -1, .fn = on_log, .userdata = told };

        switch (which) {
        case 'm':
                return hv_docker_events(
                        d, &(struct hv_docker_events){ .on_event = on_event, .userdata = told }, then);
        case 'n':
                return hv_docker_image_pull(d,
                                            &(struct hv_docker_pull){ .image = "a",
                                                                      .on_progress = on_progress,
                                                                      .userdata = told },
                                            then);
        case 'o':
        case 'p':
        case 'q':
                logs.timestamps = which != 'o';
                logs.tty = which == 'q';
                return hv_docker_container_logs(d, "a", &logs, then);
        default:
                return NULL;
        }
}

static struct hv_docker_call *call_of(char which) {
        const struct hv_docker_then then = {};

        switch (which) {
        case 'a':
                return hv_docker_container_list(d, false, then);
        case 'b':
                return hv_docker_container_inspect(d, "a", then);
        case 'c':
                return hv_docker_network_create(d, &(struct hv_docker_network_create){ .name = "a" }, then);
        case 'd':
                return hv_docker_container_wait(d, "a", HV_DOCKER_WAIT_NEXT_EXIT, then);
        case 'e':
                return hv_docker_container_stats(d, "a", then);
        case 'f':
                return hv_docker_network_list(d, false, then);
        case 'g':
                return hv_docker_network_inspect(d, "a", then);
        case 'h':
                return hv_docker_volume_list(d, false, then);
        case 'i':
                return hv_docker_volume_inspect(d, "a", then);
        case 'j':
                return hv_docker_image_list(d, then);
        case 'k':
                return hv_docker_image_inspect(d, "a", then);
        default:
                return hv_docker_info(d, then);
        }
}

/* --- driving them --- */

static void end(struct hv_docker_call *c, struct hv_docker_result *result, struct hv_buf *told) {
        if (c->at_end)
                c->at_end(c, &whole_reply, result);
        if (result->message)
                tell_text(told, result->message);
        hv_buf_printf(told, " = %s %d", hv_docker_outcome_name(result->outcome), result->error);
        hv_docker_call_cancel(c);
}

static void reply(char which, const char *text, size_t size, struct hv_buf *told) {
        struct hv_docker_call *c = call_of(which);
        struct hv_docker_result result = { .arena = hv_arena_new(), .op = c->op };
        struct hv_json *j = NULL;
        int r;

        hv_docker_judge(c->op, HV_DOCKER_KIND_DOCKER, &whole_reply, "", &result);
        r = hv_json_parse(text, size, HV_JSON_MAX_BYTES, &j, NULL);
        if (r == 0)
                r = c->parse(j, &result);
        (void) hv_json_free(j); /* nothing of the result may point into it */
        if (r < 0)
                hv_docker_judge_garbled(r, &result);
        end(c, &result, told);
        if (r == 0)
                tell(which, told, &result);
        (void) hv_arena_free(result.arena);
}

static void stream(char which, size_t piece, const char *text, size_t size, struct hv_buf *told) {
        struct hv_docker_call *c = stream_of(which, told);
        struct hv_docker_result result = { .arena = hv_arena_new(), .op = c->op };
        int r = 0;

        hv_docker_judge(c->op, HV_DOCKER_KIND_DOCKER, &whole_reply, "", &result);
        for (size_t at = 0, n; r == 0 && at < size; at += n) {
                char *exact;

                n = HV_MIN(piece ? piece : size, size - at);
                exact = malloc(n); /* exactly as long: a read behind the end is seen */
                memcpy(exact, text + at, n);
                r = c->on_data(c, exact, n);
                free(exact);
        }
        if (r < 0)
                hv_docker_judge_garbled(r, &result);
        end(c, &result, told);
        (void) hv_arena_free(result.arena);
}

/* The engine's words in a refusal, as people see them. */
static void refusal(const char *text, size_t size, struct hv_buf *told) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_reply answer = whole_reply;
        const char *message;

        answer.status = 500;
        answer.body = text;
        answer.body_len = size;
        message = hv_call_message(arena, &answer);
        FUZZ_CHECK(strlen(message) <= 1000);
        tell_text(told, message);
}

static void once(const char *text, size_t size, size_t piece, struct hv_buf *told) {
        char which = *text;

        if (which >= 'm' && which <= 'q')
                stream(which, piece, text + 2, size - 2, told);
        else if (which == 'r')
                refusal(text + 2, size - 2, told);
        else
                reply(which, text + 2, size - 2, told);
}

static void connect_never(void) {
        struct sd_event *event = NULL;
        const struct hv_docker_options options = { .url = "unix:///nowhere" };

        FUZZ_CHECK(sd_event_new(&event) >= 0 && hv_docker_new(event, &options, &d, NULL) == 0);
        sd_event_unref(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _hv_cleanup_(hv_buf_done) struct hv_buf first = {}, again = {};
        char *text;

        if (size < 2)
                return 0;
        if (!d)
                connect_never();
        text = malloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        once(text, size, 0, &first);
        once(text, size, data[1] % 64 + 1, &again);
        FUZZ_CHECK(first.len == again.len && memcmp(hv_buf_str(&first), hv_buf_str(&again), first.len) == 0);
        free(text);
        return 0;
}
