/* hivepool/server.c - see server.h. */
#include "hivepool/server.h"

#include <errno.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/map.h"
#include "hivepool/accounts.h"
#include "hivepool/admin.h"
#include "hivepool/push.h"
#include "hivepool/reach.h"
#include "hivepool/v1.h"
#include "log/log.h"
#include "rpc/credentials.h"

#define RETRY_US (5 * HV_USEC_PER_SEC) /* after the store failed */
#define CLEAN_US (10 * HV_USEC_PER_MIN)
#define UNFINISHED_US (24 * HV_USEC_PER_HOUR) /* an upload that is not gone on with is kept this long */

struct hv_hivepool_server {
        struct hv_hivepool_server_options options;
        struct sd_event *event;
        sd_event_source *due, *timer, *cleaner;
        uint64_t keep_us;
        struct hv_secret *token;
        struct hv_hivepool *pool;
        struct hv_map *changed, *over; /* nodes whose list is another one, tasks that ended: keys only */
        struct hv_rpc *rpc;
        struct hv_rpc_credentials *credentials, *plain;

        struct hv_v1 *v1;
        struct hv_rpc_server *v1_server, *admin_server;
        struct hv_push *push;
        struct hv_accounts *accounts;
        struct hv_reach *reach;
        struct hv_rpc_server *push_server;
        struct hv_admin admin;
        char *address, *push_address;
};

static uint64_t now_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_BOOTTIME, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

/* --- the pass --- */

static void on_pool_due(void *userdata) {
        struct hv_hivepool_server *s = userdata;

        (void) sd_event_source_set_enabled(s->due, SD_EVENT_ONESHOT);
}

static void on_pool_node(void *userdata, const char *node) {
        struct hv_hivepool_server *s = userdata;

        hv_map_put(s->changed, node, s);
        on_pool_due(s);
}

static void on_pool_over(void *userdata, const char *task) {
        struct hv_hivepool_server *s = userdata;

        hv_map_put(s->over, task, s);
        on_pool_due(s);
}

static void tell(struct hv_hivepool_server *s) {
        _hv_cleanup_(hv_map_freep) struct hv_map *changed = s->changed, *over = s->over;
        const char *name;
        size_t it = 0;

        s->changed = hv_map_new(NULL);
        s->over = hv_map_new(NULL);
        while (s->v1 && hv_map_next(changed, &it, &name, NULL))
                hv_v1_changed(s->v1, name);
        it = 0;
        while (s->push && hv_map_next(changed, &it, &name, NULL))
                hv_push_changed(s->push, name);
        it = 0;
        while (hv_map_next(over, &it, &name, NULL))
                hv_admin_over(&s->admin, name);
}

static void arm(struct hv_hivepool_server *s, uint64_t at_us) {
        (void) sd_event_source_set_time(s->timer, at_us);
        (void) sd_event_source_set_enabled(s->timer,
                                           at_us == HV_TIME_NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static void pass(struct hv_hivepool_server *s) {
        struct hv_err err = {};
        uint64_t next = HV_TIME_NEVER;
        int r;

        r = hv_hivepool_pass(s->pool, now_us(), &next, &err);
        if (r < 0) {
                hv_log_error(r, "tasks cannot be given out: %s", err.msg);
                next = HV_MIN(next, now_us() + RETRY_US);
        }
        arm(s, next);
        tell(s);
}

static int on_due(sd_event_source *source, void *userdata) {
        (void) source;
        pass(userdata);
        return 0;
}

static int on_time(sd_event_source *source, uint64_t at_us, void *userdata) {
        (void) source, (void) at_us;
        pass(userdata);
        return 0;
}

/* --- what is old --- */

static int on_clean(sd_event_source *source, uint64_t at_us, void *userdata) {
        struct hv_hivepool_server *s = userdata;
        uint64_t wall_us = hv_pool_wall_us(), next_us = CLEAN_US;
        struct hv_err err = {};
        int r = 0;

        (void) at_us;
        if (s->keep_us != HV_TIME_NEVER && wall_us > s->keep_us)
                r = hv_hivepool_expire(s->pool, wall_us - s->keep_us, &err);
        if (r < 0)
                hv_log_error(r, "what is older than --keep stays for now: %s", err.msg);
        else if (r > 0) /* others have their turn between */
                next_us = HV_USEC_PER_SEC;
        else
                hv_hivepool_clean(s->pool, wall_us - UNFINISHED_US, false);
        (void) sd_event_source_set_time_relative(source, next_us);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

/* --- doors --- */

static void on_grpc_log(void *userdata, int level, const char *line) {
        (void) userdata;
        (void) hv_log_full(level, 0, NULL, "gRPC: %s", line);
}

static char *address_of(const char *listen, uint16_t port) {
        const char *colon = strrchr(listen, ':');

        return colon && port > 0 ? hv_asprintf("%.*s:%u", (int) (colon - listen), listen, port)
                                 : hv_strdup(listen);
}

static int open_v1(struct hv_hivepool_server *s, struct hv_err *err) {
        const struct hv_v1_options options = { .pool = s->pool,
                                               .now_us = now_us,
                                               .token = s->token,
                                               .names = s->options.client_ca_file &&
                                                        !s->options.shared_certificate,
                                               .lease_us = s->options.lease_us };
        struct hv_rpc_server_options server = { .listen = s->options.listen,
                                                .credentials = s->credentials,
                                                .methods = hv_v1_methods,
                                                .n_methods = hv_v1_n_methods,
                                                .max_calls = 4096,
                                                .max_held_bytes = (size_t) 400 << 20 };
        int r;

        if (!s->options.listen)
                return 0;
        s->v1 = hv_v1_new(&options);
        server.userdata = s->v1;
        r = hv_rpc_server_new(s->rpc, &server, &s->v1_server, err);
        if (r < 0)
                return hv_err_prefix(err, r, "cannot listen for nodes on %s", s->options.listen);
        s->address = address_of(s->options.listen, hv_rpc_server_port(s->v1_server));
        return 0;
}

/* The dialect knows nothing but plain text. */
static int open_push(struct hv_hivepool_server *s, struct hv_err *err) {
        struct hv_push_options options = { .event = s->event,
                                           .rpc = s->rpc,
                                           .pool = s->pool,
                                           .now_us = now_us,
                                           .round_us = s->options.hivemind_round_us,
                                           .like_deployed = s->options.hivemind_like_deployed };
        struct hv_rpc_server_options server = { .listen = s->options.hivemind_listen,
                                                .credentials = s->plain,
                                                .methods = hv_push_methods,
                                                .n_methods = hv_push_n_methods,
                                                .max_calls = 1024 };
        int r;

        if (!s->options.hivemind_listen)
                return 0;
        r = hv_accounts_check(s->options.accounts_file, err);
        if (r < 0)
                return r;
        r = hv_accounts_new(&(struct hv_accounts_options){ .event = s->event,
                                                           .path = s->options.accounts_file,
                                                           .token_life_us = s->options.token_life_us,
                                                           .now_us = now_us },
                            &s->accounts, err);
        if (r < 0)
                return r;
        r = hv_reach_new(s->options.node_networks, s->options.n_node_networks, &s->reach, err);
        if (r < 0)
                return hv_err_prefix(err, r, "--node-network");
        options.accounts = s->accounts;
        options.reach = s->reach;
        r = hv_push_new(&options, &s->push, err);
        if (r < 0)
                return r;
        server.userdata = s->push;
        r = hv_rpc_server_new(s->rpc, &server, &s->push_server, err);
        if (r < 0)
                return hv_err_prefix(err, r, "cannot listen on %s", s->options.hivemind_listen);
        s->push_address = address_of(s->options.hivemind_listen, hv_rpc_server_port(s->push_server));
        return 0;
}

static int open_admin(struct hv_hivepool_server *s, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/" HV_HIVEPOOL_SOCKET, s->options.data_dir);
        _hv_cleanup_free_ char *listen = hv_asprintf("unix:%s", path);
        struct hv_rpc_server_options server = { .listen = listen,
                                                .credentials = s->plain,
                                                .methods = hv_admin_methods,
                                                .n_methods = hv_admin_n_methods,
                                                .userdata = &s->admin };
        int r;

        s->admin = (struct hv_admin){ .pool = s->pool,
                                      .now_us = now_us,
                                      .lease_us = s->options.lease_us,
                                      .listen = s->address ? s->address : "",
                                      .hivemind_listen = s->push_address ? s->push_address : "" };
        /* Left by one that was killed: the store is ours alone, so nobody listens there. */
        (void) unlink(path);
        r = hv_rpc_server_new(s->rpc, &server, &s->admin_server, err);
        return r < 0 ? hv_err_prefix(err, r, "cannot listen on %s", path) : 0;
}

static int make_credentials(struct hv_hivepool_server *s, struct hv_err *err) {
        const struct hv_rpc_tls_files files = { .ca_file = s->options.client_ca_file,
                                                .cert_file = s->options.cert_file,
                                                .key_file = s->options.key_file };

        s->plain = hv_rpc_credentials_new_insecure();
        if (s->options.insecure) {
                s->credentials = hv_rpc_credentials_ref(s->plain);
                return 0;
        }
        return s->options.listen ? hv_rpc_credentials_new_server(&files, &s->credentials, err) : 0;
}

/* --- life --- */

static int make_sources(struct hv_hivepool_server *s, struct hv_err *err) {
        int r;

        r = sd_event_add_defer(s->event, &s->due, on_due, s);
        if (r >= 0)
                r = sd_event_add_time(s->event, &s->timer, CLOCK_BOOTTIME, HV_TIME_NEVER, 10 * 1000, on_time,
                                      s);
        if (r >= 0)
                r = sd_event_add_time(s->event, &s->cleaner, CLOCK_BOOTTIME, 0, HV_USEC_PER_SEC, on_clean, s);
        if (r >= 0) /* after the calls that wait, too */
                r = sd_event_source_set_priority(s->cleaner, SD_EVENT_PRIORITY_NORMAL + 20);
        /* After the calls that wait: many of them make one pass. */
        if (r >= 0)
                r = sd_event_source_set_priority(s->due, SD_EVENT_PRIORITY_NORMAL + 10);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the loop") : 0;
}

static int open_pool(struct hv_hivepool_server *s, struct hv_err *err) {
        const struct hv_hivepool_options options = { .dir = s->options.data_dir,
                                                     .lease_us = s->options.lease_us,
                                                     .max_tasks = s->options.max_tasks,
                                                     .max_blob_bytes = s->options.max_blob_bytes,
                                                     .max_log_bytes = s->options.max_log_bytes,
                                                     .on_due = on_pool_due,
                                                     .on_node = on_pool_node,
                                                     .on_over = on_pool_over,
                                                     .userdata = s };
        int r;

        if (mkdir(s->options.data_dir, 0700) < 0 && errno != EEXIST)
                return hv_err_errno(err, -errno, "%s: cannot make it", s->options.data_dir);
        r = hv_hivepool_new(&options, now_us(), &s->pool, err);
        if (r >= 0) /* nobody waits yet */
                hv_hivepool_clean(s->pool, hv_pool_wall_us() - UNFINISHED_US, true);
        return r;
}

int hv_hivepool_server_new(const struct hv_hivepool_server_options *options, struct hv_hivepool_server **ret,
                           struct hv_err *err) {
        _hv_cleanup_(hv_hivepool_server_freep) struct hv_hivepool_server *s =
                HV_NEW(struct hv_hivepool_server);
        int r;

        s->options = *options;
        s->keep_us = options->keep_us;
        s->event = sd_event_ref(options->event);
        s->changed = hv_map_new(NULL);
        s->over = hv_map_new(NULL);
        if (options->token)
                s->token = hv_secret_new(hv_secret_bytes(options->token), hv_secret_len(options->token));
        r = make_sources(s, err);
        if (r >= 0)
                r = open_pool(s, err);
        if (r >= 0)
                r = make_credentials(s, err);
        if (r < 0)
                return r;
        s->rpc = hv_rpc_new(s->event, &(struct hv_rpc_options){ .on_log = on_grpc_log });
        r = open_v1(s, err);
        if (r >= 0)
                r = open_push(s, err);
        if (r >= 0)
                r = open_admin(s, err);
        if (r < 0)
                return r;
        s->options = (struct hv_hivepool_server_options){}; /* its texts are the caller's */
        *ret = HV_STEAL(s);
        return 0;
}

struct hv_hivepool_server *hv_hivepool_server_free(struct hv_hivepool_server *s) {
        if (!s)
                return NULL;
        (void) hv_rpc_server_free(s->admin_server);
        (void) hv_rpc_server_free(s->v1_server);
        (void) hv_v1_free(s->v1);
        (void) hv_rpc_server_free(s->push_server);
        (void) hv_push_free(s->push);
        (void) hv_accounts_free(s->accounts);
        (void) hv_reach_free(s->reach);
        (void) hv_rpc_free(s->rpc);
        (void) hv_rpc_credentials_free(s->credentials);
        (void) hv_rpc_credentials_free(s->plain);
        (void) hv_hivepool_free(s->pool);
        (void) hv_map_free(s->changed);
        (void) hv_map_free(s->over);
        hv_admin_done(&s->admin);
        (void) hv_secret_free(s->token);
        s->due = sd_event_source_disable_unref(s->due);
        s->timer = sd_event_source_disable_unref(s->timer);
        s->cleaner = sd_event_source_disable_unref(s->cleaner);
        (void) sd_event_unref(s->event);
        free(s->address);
        free(s->push_address);
        free(s);
        return NULL;
}

const char *hv_hivepool_server_address(const struct hv_hivepool_server *s) {
        return s->address;
}

const char *hv_hivepool_server_hivemind_address(const struct hv_hivepool_server *s) {
        return s->push_address;
}

int hv_hivepool_server_reload(struct hv_hivepool_server *s, struct hv_err *err) {
        return s->credentials && !hv_rpc_credentials_is_insecure(s->credentials)
                       ? hv_rpc_credentials_reload(s->credentials, NULL, err)
                       : 0;
}
