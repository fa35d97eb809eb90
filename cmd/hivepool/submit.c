/* hivepool submit - a task from options and a file; its inputs go first. */
#include <errno.h>
#include <fcntl.h>
#include <nodepool_admin.pb-c.h>
#include <nodepool_hivemind.pb-c.h>
#include <nodepool_v1.pb-c.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/quantity.h"
#include "base/sha256.h"
#include "base/time.h"
#include "client.h"
#include "hivepool/shape.h"
#include "show.h"
#include "task_file.h"
#include "json/write.h"

#define PIECE_BYTES ((size_t) 1 << 20)

struct submission {
        struct cli *cli;
        struct client *client;
        struct hv_arena *arena;
        struct task_file file;
        HV_VEC(struct task_input) inputs;
        HV_VEC(Hivepool__Input *) sent;
};

/* --- inputs --- */

static int hash_file(int fd, char ret[HV_SHA256_HEX_SIZE], uint64_t *ret_size) {
        _hv_cleanup_free_ char *piece = hv_malloc(PIECE_BYTES);
        struct hv_sha256 hash;
        ssize_t n;

        hv_sha256_init(&hash);
        *ret_size = 0;
        while ((n = read(fd, piece, PIECE_BYTES)) > 0) {
                hv_sha256_add(&hash, piece, (size_t) n);
                *ret_size += (uint64_t) n;
        }
        hv_sha256_finish_hex(&hash, ret);
        return n < 0 ? -errno : 0;
}

static int send_pieces(struct submission *s, int fd, const Hivepool__Input *input) {
        _hv_cleanup_free_ unsigned char *piece = hv_malloc(PIECE_BYTES);
        Hivepool__PutBlobRequest m = HIVEPOOL__PUT_BLOB_REQUEST__INIT;
        bool is_over = false;

        m.sha256 = input->sha256;
        m.total = input->size;
        while (!is_over) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                Hivepool__PutBlobResponse *answer = NULL;
                ssize_t n = pread(fd, piece, PIECE_BYTES, (off_t) m.offset);
                int code;

                if (n < 0)
                        return fail(HV_EXIT_ERROR, "%s: %s", input->name, strerror(errno));
                m.data.data = piece;
                m.data.len = (size_t) n;
                code = client_call(s->client, "PutBlob", &m.base, &hivepool__put_blob_response__descriptor,
                                   arena, &answer);
                if (code != HV_EXIT_OK)
                        return code;
                is_over = answer->next_offset >= input->size;
                m.offset = answer->next_offset;
        }
        return HV_EXIT_OK;
}

static int send_input(struct submission *s, const struct task_input *input) {
        _hv_cleanup_(hv_fd_closep) int fd = open(input->path, O_RDONLY | O_CLOEXEC);
        Hivepool__Input *m = HV_ARENA_NEW(s->arena, Hivepool__Input);
        struct stat st;
        int code;

        if (fd < 0 || fstat(fd, &st) < 0)
                return fail(HV_EXIT_ERROR, "%s: %s", input->path, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return fail(HV_EXIT_ERROR, "%s is no regular file", input->path);
        hivepool__input__init(m);
        m->name = hv_arena_strdup(s->arena, input->name);
        m->sha256 = hv_arena_alloc(s->arena, HV_SHA256_HEX_SIZE);
        if (hash_file(fd, m->sha256, &m->size) < 0)
                return fail(HV_EXIT_ERROR, "%s: cannot read it", input->path);
        code = send_pieces(s, fd, m);
        if (code == HV_EXIT_OK)
                hv_vec_push(&s->sent, m);
        return code;
}

static int send_inputs(struct submission *s) {
        int code = HV_EXIT_OK;

        for (size_t i = 0; code == HV_EXIT_OK && i < s->inputs.n; i++)
                code = send_input(s, &s->inputs.v[i]);
        return code;
}

/* NAME=FILE, or FILE under its own name. */
static void name_inputs(struct submission *s) {
        for (size_t i = 0; i < s->file.n_inputs; i++)
                hv_vec_push(&s->inputs, s->file.inputs[i]);
        for (size_t i = 0; i < s->cli->inputs.n; i++) {
                const char *said = s->cli->inputs.v[i], *equals = strchr(said, '='),
                           *slash = strrchr(said, '/');

                if (equals)
                        hv_vec_push(&s->inputs,
                                    ((struct task_input){
                                            hv_arena_strndup(s->arena, said, (size_t) (equals - said)),
                                            equals + 1 }));
                else
                        hv_vec_push(&s->inputs, ((struct task_input){ slash ? slash + 1 : said, said }));
        }
}

/* --- a task of dialect v1 --- */

/* Words as a shell would need them to be written: the node splits them again. */
static char *join_words(struct hv_arena *arena, char *const *words, size_t n) {
        _hv_cleanup_(hv_buf_done) struct hv_buf line = {};

        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        hv_buf_putc(&line, ' ');
                hv_buf_putc(&line, '\'');
                for (const char *p = words[i]; *p; p++) {
                        if (*p == '\'')
                                hv_buf_puts(&line, "'\\''");
                        else
                                hv_buf_putc(&line, *p);
                }
                hv_buf_putc(&line, '\'');
        }
        return hv_arena_strdup(arena, hv_buf_str(&line));
}

static int add_env(struct submission *s, V1__Task *t) {
        size_t n = t->n_environment, more = s->cli->env.n;
        V1__Task__EnvironmentEntry **list =
                HV_ARENA_NEW_N(s->arena, V1__Task__EnvironmentEntry *, n + more + 1);

        if (n > 0)
                memcpy(list, t->environment, n * sizeof *list);
        for (size_t i = 0; i < more; i++) {
                V1__Task__EnvironmentEntry *e = HV_ARENA_NEW(s->arena, V1__Task__EnvironmentEntry);
                const char *said = s->cli->env.v[i], *equals = strchr(said, '=');

                if (!equals || equals == said)
                        return usage_error(s->cli, "--env: expected NAME=VALUE, found %s", said);
                v1__task__environment_entry__init(e);
                e->key = hv_arena_strndup(s->arena, said, (size_t) (equals - said));
                e->value = (char *) equals + 1;
                list[n++] = e;
        }
        t->environment = list;
        t->n_environment = n;
        return HV_EXIT_OK;
}

static int read_code(struct submission *s, V1__Task *t) {
        const char *path = s->cli->values[OPT_CODE];
        _hv_cleanup_(hv_fd_closep) int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        struct stat st;

        if (!path)
                return HV_EXIT_OK;
        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > (1 << 20))
                return fail(HV_EXIT_ERROR, "--code: %s: %s", path, fd < 0 ? strerror(errno) : "above 1 MiB");
        t->code = hv_arena_alloc(s->arena, (size_t) st.st_size + 1);
        if (read(fd, t->code, (size_t) st.st_size) != (ssize_t) st.st_size)
                return fail(HV_EXIT_ERROR, "--code: %s: cannot read it", path);
        return HV_EXIT_OK;
}

static int read_amounts(struct submission *s, V1__Task *t) {
        const char *cpu = s->cli->values[OPT_CPU], *priority = s->cli->values[OPT_PRIORITY];
        uint64_t gpus = 0, retries = 0, seconds_us = 0;
        char *end = NULL;
        int code;

        if (!t->required_resources) {
                t->required_resources = HV_ARENA_NEW(s->arena, V1__Resources);
                v1__resources__init(t->required_resources);
        }
        if (cpu) {
                t->required_resources->cpu = strtod(cpu, &end);
                if (end == cpu || *end || !(t->required_resources->cpu > 0))
                        return usage_error(s->cli, "--cpu: expected a number such as 0.5 or 2, found %s",
                                           cpu);
                t->cpu_quota = (int64_t) (t->required_resources->cpu * 100000);
        }
        if (priority) {
                t->priority_is_case = V1__TASK__PRIORITY_IS_PRIORITY;
                t->priority = (int32_t) strtol(priority, &end, 10);
                if (end == priority || *end)
                        return usage_error(s->cli, "--priority: expected a number, found %s", priority);
        }
        code = option_number(s->cli, OPT_GPU, 0, 1000, 0, &gpus);
        if (code == HV_EXIT_OK)
                code = option_number(s->cli, OPT_RETRIES, 0, 1000, 0, &retries);
        if (code == HV_EXIT_OK)
                code = option_duration(s->cli, OPT_TASK_TIMEOUT, 0, &seconds_us);
        if (option_is_given(s->cli, OPT_GPU))
                t->required_resources->gpu = (double) gpus;
        if (option_is_given(s->cli, OPT_RETRIES)) {
                t->retries_is_case = V1__TASK__RETRIES_IS_RETRIES;
                t->retries = (uint32_t) retries;
        }
        if (seconds_us > 0)
                t->timeout = (int64_t) ((seconds_us + HV_USEC_PER_SEC - 1) / HV_USEC_PER_SEC);
        return code;
}

static int make_v1(struct submission *s, Hivepool__SubmitTaskRequest *m) {
        const struct {
                enum option_id id;
                char **to;
        } texts[] = {
                { OPT_ID, &s->file.task->id },
                { OPT_IMAGE, &s->file.task->docker_image },
                { OPT_TYPE, &s->file.task->type },
                { OPT_MEMORY, &s->file.task->memory_limit },
                { OPT_TRUST, &s->file.task->required_trust },
        };
        V1__Task *t = s->file.task;
        int code;

        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++)
                if (s->cli->values[texts[i].id])
                        *texts[i].to = (char *) s->cli->values[texts[i].id];
        if (s->cli->n_args > 0)
                t->command = join_words(s->arena, s->cli->args, s->cli->n_args);
        code = add_env(s, t);
        if (code == HV_EXIT_OK)
                code = read_code(s, t);
        if (code == HV_EXIT_OK)
                code = read_amounts(s, t);
        if (code == HV_EXIT_OK && !*t->docker_image && (!*t->type || hv_streq(t->type, "container")))
                code = usage_error(s->cli, "--image is missing (or --file, or --zip)");
        m->dialect = (char *) "v1";
        m->task.data = hv_arena_alloc(s->arena, v1__task__get_packed_size(t) + 1);
        m->task.len = v1__task__pack(t, m->task.data);
        name_inputs(s);
        return code;
}

/* --- a task of dialect hivemind --- */

static int make_hivemind(struct submission *s, Hivepool__SubmitTaskRequest *m) {
        Hivemind__UploadTaskRequest t = HIVEMIND__UPLOAD_TASK_REQUEST__INIT;
        const char *cpu = s->cli->values[OPT_CPU], *memory = s->cli->values[OPT_MEMORY];
        uint64_t gpus = 0, bytes = 0;
        char *end = NULL;
        int code;

        if (s->cli->values[OPT_FILE] || s->cli->n_args > 0 || s->cli->values[OPT_IMAGE] ||
            s->cli->inputs.n > 0)
                return usage_error(s->cli, "--zip says it all: no file, image, input or command beside it");
        if (cpu)
                t.cpu_score = (int32_t) (strtod(cpu, &end) * 100);
        if (cpu && (end == cpu || *end || t.cpu_score < 0))
                return usage_error(s->cli, "--cpu: expected a number such as 0.5 or 2, found %s", cpu);
        if (memory && hv_quantity_parse_docker_bytes(memory, &bytes) != HV_PARSE_OK)
                return usage_error(s->cli, "--memory: expected a size such as 512m or 2g, found %s", memory);
        t.memory_gb = (int32_t) ((bytes + (1 << 30) - 1) >> 30);
        code = option_number(s->cli, OPT_GPU, 0, 1000, 0, &gpus);
        t.gpu_score = (int32_t) gpus * 100;
        if (s->cli->values[OPT_ID])
                t.task_id = (char *) s->cli->values[OPT_ID];
        m->dialect = (char *) "hivemind";
        m->task.data = hv_arena_alloc(s->arena, hivemind__upload_task_request__get_packed_size(&t) + 1);
        m->task.len = hivemind__upload_task_request__pack(&t, m->task.data);
        hv_vec_push(&s->inputs, ((struct task_input){ "task.zip", s->cli->values[OPT_ZIP] }));
        return code;
}

/* --- the call --- */

static int submit(struct submission *s) {
        Hivepool__SubmitTaskRequest m = HIVEPOOL__SUBMIT_TASK_REQUEST__INIT;
        Hivepool__SubmitTaskResponse *answer = NULL;
        struct hv_err err = {};
        int code = HV_EXIT_OK;

        s->file.task = HV_ARENA_NEW(s->arena, V1__Task);
        v1__task__init(s->file.task);
        if (s->cli->values[OPT_FILE] &&
            task_file_read(s->cli->values[OPT_FILE], s->arena, &s->file, &err) < 0)
                return fail(HV_EXIT_ERROR, "%s", err.msg);
        code = s->cli->values[OPT_ZIP] ? make_hivemind(s, &m) : make_v1(s, &m);
        if (code == HV_EXIT_OK)
                code = send_inputs(s);
        if (code != HV_EXIT_OK)
                return code;
        m.inputs = s->sent.v;
        m.n_inputs = s->sent.n;
        code = client_call(s->client, "SubmitTask", &m.base, &hivepool__submit_task_response__descriptor,
                           s->arena, &answer);
        if (code != HV_EXIT_OK)
                return code;
        if (option_is_given(s->cli, OPT_JSON)) {
                _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
                struct hv_json_writer w = { .buf = &buf };

                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "id", answer->id);
                hv_json_put_bool(&w, "created", answer->created);
                hv_json_end(&w);
                (void) printf("%s\n", hv_buf_str(&buf));
        } else {
                (void) printf("%s\n", answer->id);
        }
        (void) fflush(stdout);
        return option_is_given(s->cli, OPT_WAIT) ? wait_for_task(s->client, answer->id) : HV_EXIT_OK;
}

int run_submit(struct cli *cli) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(client_freep) struct client *client = client_new(cli);
        struct submission s = { .cli = cli, .client = client, .arena = arena };
        int code = submit(&s);

        hv_vec_done(&s.inputs);
        hv_vec_done(&s.sent);
        return code;
}
