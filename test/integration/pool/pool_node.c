/* A node that is nothing but its link to a pool, for test_v1.py: what an agent's ledger would keep is kept in memory.
 *
 *     pool_node ADDRESS DIRECTORY [OPTION=VALUE...]
 *
 * Tells what happens as lines of JSON on stdout; takes orders as lines on stdin (orders[]). Ends with stdin. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/time.h"
#include "base/vec.h"
#include "log/log.h"
#include "pool/pool.h"
#include "task/worker.h"
#include "json/write.h"

struct promise {
        unsigned attempt;
        uint64_t lease_epoch;
        char *document;
        bool over;
};

struct hv_pool_log {        /* of a task that runs: what `print` puts into it */
        hv_pool_log_fn *on; /* NULL: nobody listens */
        void *on_data;
        char *id;
        uint64_t written, told;
        bool paused;
        sd_event_source *source;
        struct node *node;
};

struct debt {
        uint64_t seq;
        char *id, *state;
        unsigned attempt, number;
        uint64_t lease_epoch, archive_bytes, log_bytes, log_sent;
};

struct node {
        sd_event *event;
        struct hv_worker *worker;
        struct hv_pool *pool;
        const char *directory, *advertised;
        struct hv_map *promises; /* id: struct promise */
        HV_VEC(struct debt) debts;
        struct hv_pool_log log; /* one is enough */
        uint64_t next_seq;
        uint64_t room;       /* tasks that are taken at most */
        uint64_t run_bytes;  /* of the result that each accepted task has at once; UINT64_MAX: none */
        uint64_t longest_us; /* turn of the loop, in CPU time, since somebody asked */
        bool settle_fails;   /* delivered() fails: the ledger is in trouble */
        bool engine_down;
        int gate[2];            /* at which the thread waits when it is told to */
        double task_percent[4]; /* of each: CPU, memory, GPU, its memory; below 0: not known */
        struct hv_buf in;
};

/* --- telling --- */

static void tell(const char *event, const char *id, const char *text, uint64_t number) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct hv_json_writer w = { .buf = &b };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "event", event);
        if (id)
                hv_json_put_str(&w, "id", id);
        if (text)
                hv_json_put_str(&w, "text", text);
        hv_json_put_uint(&w, "n", number);
        hv_json_end(&w);
        (void) printf("%s\n", hv_buf_str(&b));
        (void) fflush(stdout);
}

/* --- work on a thread --- */

struct work {
        struct hv_job job;
        void (*run)(void *data);
        void (*done)(void *data);
        void *data;
};

static void run_work(struct hv_job *job) {
        struct work *w = (struct work *) job;

        w->run(w->data);
}

static void end_work(struct hv_job *job) {
        struct work *w = (struct work *) job;

        w->done(w->data);
        free(w);
}

static void do_work(void *userdata, void (*run)(void *), void (*done)(void *), void *data) {
        struct node *n = userdata;
        struct work *w = HV_NEW(struct work);

        *w = (struct work){
                .job = { .run = run_work, .done = end_work }, .run = run, .done = done, .data = data
        };
        hv_worker_add(n->worker, &w->job);
}

/* Until somebody writes into the gate. */
static void wait_at_gate(void *data) {
        struct node *n = data;
        char c;

        if (read(n->gate[0], &c, 1) < 0)
                abort();
}

static void open_gate(struct node *n) {
        if (write(n->gate[1], "", 1) < 0)
                abort();
}

static void passed_gate(void *data) {
        (void) data;
}

/* --- the node and its promises --- */

static void describe(void *userdata, struct hv_arena *a, struct hv_pool_node *ret) {
        static const char *const capabilities[] = { "docker", "python" };
        struct node *n = userdata;
        struct hv_pool_task *tasks = HV_ARENA_NEW_N(a, struct hv_pool_task, hv_map_size(n->promises));
        const struct promise *p;
        const char *id;
        size_t it = 0, n_tasks = 0;

        while (hv_map_next(n->promises, &it, &id, (void **) &p))
                if (!p->over)
                        tasks[n_tasks++] = (struct hv_pool_task){ .id = hv_arena_strdup(a, id),
                                                                  .attempt = p->attempt,
                                                                  .number = 1,
                                                                  .lease_epoch = p->lease_epoch,
                                                                  .state = "Running",
                                                                  .cpu_percent = n->task_percent[0],
                                                                  .memory_percent = n->task_percent[1],
                                                                  .gpu_percent = n->task_percent[2],
                                                                  .gpu_memory_percent = n->task_percent[3] };
        *ret = (struct hv_pool_node){
                .address = n->advertised,
                .total = { .nano_cpus = 4000000000, .memory_bytes = UINT64_C(8) << 30 },
                .available = { .nano_cpus = 2000000000, .memory_bytes = UINT64_C(4) << 30 },
                .n_cpus = 4,
                .capabilities = capabilities,
                .n_capabilities = HV_ARRAY_SIZE(capabilities),
                .trust_score = 55,
                .engine_available = !n->engine_down,
                .cpu_percent = 12.5,
                .memory_percent = 50,
                .disk_percent = 1,
                .gpu_percent = -1,
                .tasks = tasks,
                .n_tasks = n_tasks,
                .n_running = (unsigned) n_tasks,
        };
}

static enum hv_pool_verdict judge(void *userdata, const struct hv_pool_assignment *a,
                                  const char **ret_message) {
        struct node *n = userdata;
        const struct promise *p = hv_map_get(n->promises, a->id);

        if (p && p->attempt == a->attempt && !hv_streq(p->document, a->document)) {
                *ret_message = "Conflict: another task has this id";
                return HV_POOL_REFUSED;
        }
        if (p && p->attempt >= a->attempt)
                return HV_POOL_KNOWN;
        if (strstr(a->document, "forbidden")) {
                *ret_message = "forbidden by the policy of this node";
                return HV_POOL_REFUSED;
        }
        return hv_map_size(n->promises) >= n->room ? HV_POOL_LATER : HV_POOL_ACCEPTED;
}

static void free_promise(void *p) {
        free(((struct promise *) p)->document);
        free(p);
}

static void owe(struct node *n, const char *id, const char *state, unsigned attempt, uint64_t lease_epoch,
                unsigned number, uint64_t archive_bytes, uint64_t log_bytes) {
        *hv_vec_add(&n->debts) = (struct debt){ .seq = ++n->next_seq,
                                                .id = hv_strdup(id),
                                                .state = hv_strdup(state),
                                                .attempt = attempt,
                                                .lease_epoch = lease_epoch,
                                                .number = number,
                                                .archive_bytes = archive_bytes,
                                                .log_bytes = log_bytes };
}

static void assign(void *userdata, const struct hv_pool_assignment *a, hv_pool_verdict_fn *done,
                   void *done_data) {
        struct node *n = userdata;
        const char *why = NULL;
        enum hv_pool_verdict verdict = judge(n, a, &why);
        struct promise *p;

        if (verdict == HV_POOL_ACCEPTED) {
                p = HV_NEW(struct promise);
                p->attempt = a->attempt;
                p->lease_epoch = a->lease_epoch;
                p->document = hv_strdup(a->document);
                hv_map_put(n->promises, a->id, p);
                tell("assigned", a->id, a->document, a->attempt);
                if (n->run_bytes != UINT64_MAX) {
                        p->over = true;
                        owe(n, a->id, "Completed", a->attempt, a->lease_epoch, 1, n->run_bytes, 100);
                }
        }
        done(done_data, verdict, why);
        if (verdict == HV_POOL_ACCEPTED)
                hv_pool_poke(n->pool);
}

static bool cancel(void *userdata, const char *id, const char *why) {
        struct node *n = userdata;
        struct promise *p = hv_map_get(n->promises, id);

        if (!p || p->over)
                return false;
        p->over = true;
        tell("cancelled", id, why, 0);
        return true;
}

static void only(void *userdata, const char *const *ids, size_t n_ids) {
        _hv_cleanup_(hv_map_freep) struct hv_map *named = hv_map_new(NULL);
        struct node *n = userdata;
        const char *id;
        size_t it = 0;

        tell("only", NULL, NULL, n_ids);
        for (size_t i = 0; i < n_ids; i++)
                hv_map_put(named, ids[i], n);
        while (hv_map_next(n->promises, &it, &id, NULL))
                if (!hv_map_get(named, id))
                        (void) cancel(n, id, "not among the pool's own");
}

static void unclaimed(void *userdata) {
        (void) userdata;
        tell("unclaimed", NULL, NULL, 0);
}

/* --- what is owed --- */

static struct debt *find_debt(struct node *n, uint64_t seq) {
        for (size_t i = 0; i < n->debts.n; i++)
                if (n->debts.v[i].seq == seq)
                        return &n->debts.v[i];
        return NULL;
}

static bool owed(void *userdata, uint64_t after, struct hv_arena *a, struct hv_pool_owed *ret) {
        struct node *n = userdata;

        for (size_t i = 0; i < n->debts.n; i++) {
                const struct debt *d = &n->debts.v[i];

                if (d->seq <= after)
                        continue;
                *ret = (struct hv_pool_owed){ .seq = d->seq,
                                              .id = hv_arena_strdup(a, d->id),
                                              .attempt = d->attempt,
                                              .lease_epoch = d->lease_epoch,
                                              .number = d->number,
                                              .state = hv_arena_strdup(a, d->state),
                                              .cause = hv_streq(d->state, "Completed") ? NULL : "ExitCode",
                                              .message =
                                                      hv_streq(d->state, "Completed") ? NULL : "exit code 3",
                                              .exit_code = d->number == 0                    ? -1
                                                           : hv_streq(d->state, "Completed") ? 0
                                                                                             : 3,
                                              .finished_wall_us = 1700000000 * HV_USEC_PER_SEC,
                                              .log_bytes = d->log_bytes,
                                              .log_sent = d->log_sent,
                                              .receipt = "{\"receipt\":1}" };
                return true;
        }
        return false;
}

/* Bytes that say where they are: the pool's side makes the same ones. */
static int make_file(const char *path, uint64_t size, char ret_sha256[HV_SHA256_HEX_SIZE]) {
        char block[65536];
        struct hv_sha256 h;
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        hv_sha256_init(&h);
        for (uint64_t at = 0; fd >= 0 && at < size;) {
                size_t len = (size_t) HV_MIN(size - at, sizeof block);

                for (size_t i = 0; i < len; i++)
                        block[i] = (char) ((at + i) * 31 / 7);
                if (hv_fd_write(fd, block, len) < 0)
                        abort();
                hv_sha256_add(&h, block, len);
                at += len;
        }
        hv_sha256_finish_hex(&h, ret_sha256);
        return fd;
}

struct packing {
        char *path;
        uint64_t size;
        struct hv_pool_package package;
        hv_pool_package_fn *done; /* NULL: cancelled */
        void *done_data;
};

static void run_packing(void *data) {
        struct packing *p = data;

        p->package.fd = make_file(p->path, p->size, p->package.sha256);
        p->package.size_bytes = p->size;
        (void) unlink(p->path);
}

static void end_packing(void *data) {
        struct packing *p = data;

        if (p->done)
                p->done(p->done_data, &p->package);
        else
                hv_fd_closep(&p->package.fd);
        free(p->path);
        free(p);
}

static void *package(void *userdata, const struct hv_pool_owed *o, enum hv_pool_shape shape,
                     hv_pool_package_fn *done, void *done_data) {
        struct node *n = userdata;
        struct packing *p = HV_NEW(struct packing);

        (void) shape;
        p->path = hv_asprintf("%s/archive.%" PRIu64, n->directory, o->seq);
        p->size = find_debt(n, o->seq)->archive_bytes;
        p->package.fd = -1;
        p->done = done;
        p->done_data = done_data;
        do_work(n, run_packing, end_packing, p);
        return p;
}

static void cancel_package(void *userdata, void *data) {
        struct packing *p = data;

        (void) userdata;
        p->done = NULL;
}

static int open_log(void *userdata, const struct hv_pool_owed *o, struct hv_err *err) {
        struct node *n = userdata;
        _hv_cleanup_free_ char *path = hv_asprintf("%s/log.%" PRIu64, n->directory, o->seq);
        char sha256[HV_SHA256_HEX_SIZE];
        int fd = make_file(path, o->log_bytes, sha256);

        (void) unlink(path);
        return fd < 0 ? hv_err_errno(err, -errno, "%s", path) : fd;
}

static int log_sent(void *userdata, uint64_t seq, uint64_t offset, struct hv_err *err) {
        (void) err;
        find_debt(userdata, seq)->log_sent = offset;
        return 0;
}

static int delivered(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_delivery how,
                     const char *message, struct hv_err *err) {
        struct node *n = userdata;
        struct debt *d = find_debt(n, owed->seq);

        if (n->settle_fails)
                return hv_err_set(err, -EIO, "the ledger is in trouble");
        tell(how == HV_POOL_COMMITTED ? "committed" : "unwanted", d->id, message, d->attempt);
        free(d->id);
        free(d->state);
        memmove(d, d + 1, (size_t) (n->debts.v + n->debts.n - (d + 1)) * sizeof *d);
        n->debts.n--;
        return 0;
}

/* Gives what was written and not told yet, in pieces. */
static int on_log_due(sd_event_source *s, void *userdata) {
        struct hv_pool_log *log = userdata;
        char piece[4096];
        size_t len = (size_t) HV_MIN(log->written - log->told, sizeof piece);

        (void) s;
        if (!log->on || log->paused || len == 0)
                return sd_event_source_set_enabled(log->source, SD_EVENT_OFF);
        for (size_t i = 0; i < len; i++)
                piece[i] = (char) ((log->told + i) * 31 / 7);
        log->told += len;
        log->paused = !log->on(log->on_data, piece, len);
        return 0;
}

static struct hv_pool_log *log_open(void *userdata, const char *id, hv_pool_log_fn *on, void *on_data) {
        struct node *n = userdata;

        if (!hv_streq(n->log.id, id))
                return NULL;
        n->log.on = on;
        n->log.on_data = on_data;
        n->log.told = 0;
        n->log.paused = false;
        (void) sd_event_source_set_enabled(n->log.source, SD_EVENT_ON);
        return &n->log;
}

static void log_resume(struct hv_pool_log *log) {
        log->paused = false;
        (void) sd_event_source_set_enabled(log->source, SD_EVENT_ON);
}

static void log_close(struct hv_pool_log *log) {
        log->on = NULL;
}

static void changed(void *userdata) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        static enum hv_pool_phase last = HV_N_POOL_PHASES;
        static int64_t balance;
        struct node *n = userdata;
        struct hv_pool_state s;

        hv_pool_state(n->pool, a, &s);
        if (s.phase != last)
                tell("phase", hv_pool_phase_name(s.phase), s.message, s.lease_until_us); /* id: which */
        last = s.phase;
        if (s.has_balance && s.balance != balance)
                tell("balance", NULL, NULL, (uint64_t) s.balance);
        balance = s.balance;
}

static const struct hv_pool_backend backend = {
        .node = describe,
        .work = do_work,
        .judge = judge,
        .assign = assign,
        .cancel = cancel,
        .only = only,
        .unclaimed = unclaimed,
        .owed = owed,
        .package = package,
        .cancel_package = cancel_package,
        .open_log = open_log,
        .log_sent = log_sent,
        .delivered = delivered,
        .log_open = log_open,
        .log_resume = log_resume,
        .log_close = log_close,
        .changed = changed,
};

/* --- orders --- */

static uint64_t cpu_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static uint64_t resident_bytes(void) {
        FILE *f = fopen("/proc/self/statm", "re");
        unsigned long size = 0, resident = 0;

        if (f) {
                if (fscanf(f, "%lu %lu", &size, &resident) != 2)
                        resident = 0;
                (void) fclose(f);
        }
        return (uint64_t) resident * (uint64_t) sysconf(_SC_PAGESIZE);
}

static void vouched(void *userdata, bool is_good) {
        (void) userdata;
        tell("vouched", is_good ? "yes" : "no", NULL, 0);
}

static void obey(struct node *n, const char *line) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        char id[128], state[32];
        unsigned long long attempt, number, archive, log_bytes;
        struct hv_pool_state s;

        if (sscanf(line, "owe %127s %31s %llu %llu %llu %llu", id, state, &attempt, &number, &archive,
                   &log_bytes) == 6) {
                owe(n, id, state, (unsigned) attempt, 0, (unsigned) number, archive, log_bytes);
                hv_pool_poke(n->pool);
        } else if (sscanf(line, "room %llu", &number) == 1) {
                n->room = number;
        } else if (sscanf(line, "run %llu", &number) == 1) {
                n->run_bytes = number;
        } else if (sscanf(line, "settle %llu", &number) == 1) {
                n->settle_fails = !number;
        } else if (sscanf(line, "busy %lf %lf %lf %lf", &n->task_percent[0], &n->task_percent[1],
                          &n->task_percent[2], &n->task_percent[3]) == 4) {
                hv_pool_poke(n->pool);
        } else if (sscanf(line, "engine %llu", &number) == 1) {
                n->engine_down = !number;
                hv_pool_poke(n->pool);
        } else if (sscanf(line, "print %127s %llu", id, &number) == 2) {
                free(n->log.id);
                n->log.id = hv_strdup(id);
                n->log.written += number;
                (void) sd_event_source_set_enabled(n->log.source, SD_EVENT_ON);
        } else if (sscanf(line, "end %127s", id) == 1) {
                ((struct promise *) hv_map_get(n->promises, id))->over = true;
                hv_pool_poke(n->pool);
        } else if (hv_streq(line, "poke")) {
                hv_pool_poke(n->pool);
        } else if (sscanf(line, "vouch %127s %31s", id, state) == 2) {
                hv_pool_vouch(n->pool, id, state, vouched, n);
        } else if (hv_streq(line, "drop")) {
                (void) sd_event_exit(n->event, 0);
        } else if (hv_streq(line, "hold")) {
                do_work(n, wait_at_gate, passed_gate, n);
        } else if (hv_streq(line, "let")) {
                open_gate(n);
        } else if (hv_streq(line, "sweep")) {
                hv_pool_keep_inputs(n->pool, NULL, 0);
                tell("swept", NULL, NULL, 0);
        } else if (hv_streq(line, "memory")) {
                (void) malloc_trim(0);
                tell("memory", NULL, NULL, resident_bytes());
        } else if (hv_streq(line, "turn")) {
                tell("turn", NULL, NULL, n->longest_us);
                n->longest_us = 0;
        } else if (hv_streq(line, "state")) {
                hv_pool_state(n->pool, a, &s);
                tell("state", hv_pool_phase_name(s.phase), s.message, n->debts.n);
        } else {
                tell("what?", NULL, line, 0);
        }
}

static int on_input(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct node *n = userdata;
        char room[4096];
        ssize_t len = read(fd, room, sizeof room);
        char *end;

        (void) s;
        (void) revents;
        if (len <= 0)
                return sd_event_exit(n->event, 0);
        hv_buf_add(&n->in, room, (size_t) len);
        while ((end = strchr(hv_buf_str(&n->in), '\n'))) {
                size_t used = (size_t) (end + 1 - n->in.data);

                *end = '\0';
                obey(n, n->in.data);
                memmove(n->in.data, n->in.data + used, n->in.len - used + 1);
                n->in.len -= used;
        }
        return 0;
}

static const char *option(char **argv, const char *name, const char *otherwise) {
        for (; *argv; argv++)
                if (hv_has_prefix(*argv, name) && (*argv)[strlen(name)] == '=')
                        return *argv + strlen(name) + 1;
        return otherwise;
}

static uint64_t number(char **argv, const char *name, const char *otherwise) {
        uint64_t value = 0;

        if (!hv_parse_uint(option(argv, name, otherwise), 0, UINT64_MAX / 2, &value)) {
                (void) fprintf(stderr, "%s is not a number\n", name);
                exit(2);
        }
        return value;
}

int main(int argc, char **argv) {
        struct node n = { .room = UINT64_MAX, .run_bytes = UINT64_MAX, .task_percent = { -1, -1, -1, -1 } };
        const char *password = option(argv, "password", NULL);
        struct hv_secret *secret = password ? hv_secret_new(password, strlen(password)) : NULL;
        struct hv_err err = {};
        int r;

        const char *const peers[] = { option(argv, "peers", NULL) };

        if (argc < 3)
                return 2;
        (void) mallopt(M_ARENA_MAX, 2);
        (void) signal(SIGPIPE, SIG_IGN);
        hv_log_open(HV_LOG_STDERR);
        hv_log_set_level(LOG_DEBUG);
        n.directory = argv[2];
        n.advertised = option(argv, "advertise", "10.0.0.17");
        n.promises = hv_map_new(free_promise);
        if (pipe2(n.gate, O_CLOEXEC) < 0)
                return 1;
        if (sd_event_new(&n.event) < 0 || hv_worker_new(n.event, &n.worker, &err) < 0)
                return 1;
        _hv_cleanup_free_ char *inbox = hv_asprintf("%s/inbox", n.directory);
        r = hv_pool_new(
                &(struct hv_pool_options){ .event = n.event,
                                           .backend = &backend,
                                           .userdata = &n,
                                           .dialect = hv_streq(option(argv, "dialect", "v1"), "hivemind")
                                                              ? HV_DIALECT_HIVEMIND
                                                              : HV_DIALECT_V1,
                                           .node_id = option(argv, "node", "n1"),
                                           .agent_version = "1.2.3",
                                           .address = argv[1],
                                           .listen = option(argv, "listen", "0.0.0.0:50053"),
                                           .listen_cert_file = option(argv, "listen_cert", NULL),
                                           .listen_key_file = option(argv, "listen_key", NULL),
                                           .listen_ca_file = option(argv, "listen_ca", NULL),
                                           .peers = peers,
                                           .n_peers = peers[0] ? 1 : 0,
                                           .username = option(argv, "user", NULL),
                                           .insecure = !option(argv, "ca", NULL),
                                           .ca_file = option(argv, "ca", NULL),
                                           .cert_file = option(argv, "cert", NULL),
                                           .key_file = option(argv, "key", NULL),
                                           .password = secret,
                                           .heartbeat_us = number(argv, "heartbeat_ms", "1000") * 1000,
                                           .retry_initial_us = number(argv, "retry_ms", "20") * 1000,
                                           .retry_max_us = 200 * HV_USEC_PER_MSEC,
                                           .retry_factor_milli = 2000,
                                           .inbox = inbox,
                                           .inbox_max_bytes = number(argv, "inbox_bytes", "0"),
                                           .seed = number(argv, "seed", "1") },
                &n.pool, &err);
        if (r < 0) {
                tell("failed", NULL, err.msg, 0);
                return 1;
        }
        (void) sd_event_add_io(n.event, NULL, STDIN_FILENO, EPOLLIN, on_input, &n);
        (void) sd_event_add_defer(n.event, &n.log.source, on_log_due, &n.log);
        (void) sd_event_source_set_enabled(n.log.source, SD_EVENT_OFF);
        tell("began", NULL, NULL, 0);
        while (sd_event_get_state(n.event) != SD_EVENT_FINISHED) {
                uint64_t begin_us = cpu_us();

                if (sd_event_run(n.event, UINT64_MAX) < 0)
                        return 1;
                n.longest_us = HV_MAX(n.longest_us, cpu_us() - begin_us);
        }
        hv_pool_free(n.pool);
        open_gate(&n); /* whoever still waits there */
        hv_worker_free(n.worker);
        hv_fd_closep(&n.gate[0]);
        hv_fd_closep(&n.gate[1]);
        for (size_t i = 0; i < n.debts.n; i++) {
                free(n.debts.v[i].id);
                free(n.debts.v[i].state);
        }
        hv_vec_done(&n.debts);
        sd_event_source_disable_unref(n.log.source);
        free(n.log.id);
        hv_map_free(n.promises);
        hv_buf_done(&n.in);
        hv_secret_free(secret);
        sd_event_unref(n.event);
        return 0;
}
