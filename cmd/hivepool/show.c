/* hivepool ls, show, nodes, status - answers as tables for people, and as JSON for programs. */
#include "show.h"

#include <inttypes.h>
#include <nodepool_admin.pb-c.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "base/time.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "json_message.h"

/* --- small things --- */

static uint64_t wall_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

/* "45s", "12m", "3h", "5d". */
static const char *span(uint64_t us, char ret[24]) {
        uint64_t s = us / HV_USEC_PER_SEC;

        if (s < 120)
                (void) snprintf(ret, 24, "%" PRIu64 "s", s);
        else if (s < 7200)
                (void) snprintf(ret, 24, "%" PRIu64 "m", s / 60);
        else if (s < 2 * 86400)
                (void) snprintf(ret, 24, "%" PRIu64 "h", s / 3600);
        else
                (void) snprintf(ret, 24, "%" PRIu64 "d", s / 86400);
        return ret;
}

static const char *age(uint64_t at_us, char ret[24]) {
        uint64_t now = wall_us();

        return at_us == 0 ? "-" : span(now > at_us ? now - at_us : 0, ret);
}

static void print_table(struct hv_table *table) {
        _hv_cleanup_free_ char *text =
                hv_table_text(table, &(struct hv_table_style){ .is_tty = isatty(STDOUT_FILENO),
                                                               .width = hv_terminal_width(STDOUT_FILENO),
                                                               .headings = true });

        (void) fputs(text, stdout);
}

/* For one line of text from outside. */
static void print_line(const char *name, const char *text) {
        _hv_cleanup_(hv_buf_done) struct hv_buf safe = {};

        if (hv_str_empty(text))
                return;
        hv_terminal_puts(&safe, isatty(STDOUT_FILENO), text);
        (void) printf("%-10s %s\n", name, hv_buf_str(&safe));
}

/* Asks; who wants JSON gets the answer as it came. *ret NULL: nothing is left to be shown. */
static int ask(struct cli *cli, const char *method, const ProtobufCMessage *request,
               const ProtobufCMessageDescriptor *descriptor, struct hv_arena *arena, void *ret) {
        _hv_cleanup_(client_freep) struct client *client = client_new(cli);
        const char *format = cli->values[OPT_FORMAT];
        ProtobufCMessage *answer = NULL;
        int code;

        if (format && !hv_streq(format, "table") && !hv_streq(format, "json"))
                return usage_error(cli, "--output: expected table or json, found %s", format);
        code = client_call(client, method, request, descriptor, arena, &answer);
        if (code == HV_EXIT_OK && (option_is_given(cli, OPT_JSON) || hv_streq(format, "json")))
                json_message_print(answer);
        else
                *(ProtobufCMessage **) ret = answer;
        return code;
}

/* --- ls --- */

static const char *remark_of(const Hivepool__Task *t) {
        return *t->waits_for ? t->waits_for : t->message;
}

static void print_tasks(Hivepool__Task *const *tasks, size_t n) {
        _hv_cleanup_(hv_table_freep) struct hv_table *table = hv_table_new();
        char a[24];

        hv_table_column(table, "ID", 0);
        hv_table_column(table, "STATE", 0);
        hv_table_column(table, "NODE", 0);
        hv_table_column(table, "ATTEMPT", HV_TABLE_RIGHT);
        hv_table_column(table, "AGE", HV_TABLE_RIGHT);
        hv_table_column(table, "REMARK", HV_TABLE_CUT);
        for (size_t i = 0; i < n; i++) {
                hv_table_row(table);
                hv_table_cell(table, tasks[i]->id);
                hv_table_cell(table, tasks[i]->state);
                hv_table_cell(table, tasks[i]->node);
                hv_table_cellf(table, "%u/%u", tasks[i]->attempts, tasks[i]->retries + 1);
                hv_table_cell(table, age(tasks[i]->created_us, a));
                hv_table_cell(table, remark_of(tasks[i]));
        }
        print_table(table);
}

int run_ls(struct cli *cli) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__ListTasksRequest m = HIVEPOOL__LIST_TASKS_REQUEST__INIT;
        Hivepool__ListTasksResponse *answer = NULL;
        uint64_t limit = 0;
        int code;

        code = option_number(cli, OPT_LIMIT, 1, 1000, 100, &limit);
        m.limit = (uint32_t) limit;
        m.states = (char **) cli->states.v;
        m.n_states = cli->states.n;
        if (code == HV_EXIT_OK)
                code = ask(cli, "ListTasks", &m.base, &hivepool__list_tasks_response__descriptor, arena,
                           &answer);
        if (answer)
                print_tasks(answer->tasks, answer->n_tasks);
        return code;
}

/* --- show --- */

static void print_attempts(Hivepool__Attempt *const *list, size_t n) {
        _hv_cleanup_(hv_table_freep) struct hv_table *table = hv_table_new();
        char a[24];

        hv_table_column(table, "ATTEMPT", HV_TABLE_RIGHT);
        hv_table_column(table, "NODE", 0);
        hv_table_column(table, "END", 0);
        hv_table_column(table, "EXIT", HV_TABLE_RIGHT);
        hv_table_column(table, "TOOK", HV_TABLE_RIGHT);
        hv_table_column(table, "RESULT", HV_TABLE_RIGHT);
        hv_table_column(table, "LOG", HV_TABLE_RIGHT);
        hv_table_column(table, "REASON", HV_TABLE_CUT);
        for (size_t i = 0; i < n; i++) {
                uint64_t until = list[i]->ended_us > 0 ? list[i]->ended_us : wall_us();

                hv_table_row(table);
                hv_table_cellf(table, "%u", list[i]->number);
                hv_table_cell(table, list[i]->node);
                hv_table_cell(table, list[i]->end);
                if (list[i]->exit_code >= 0)
                        hv_table_cellf(table, "%d", list[i]->exit_code);
                else
                        hv_table_cell(table, NULL);
                hv_table_cell(table, span(until > list[i]->given_us ? until - list[i]->given_us : 0, a));
                if (*list[i]->result)
                        hv_table_cellf(table, "%" PRIu64, list[i]->result_bytes);
                else
                        hv_table_cell(table, NULL);
                hv_table_cellf(table, "%" PRIu64, list[i]->log_bytes);
                hv_table_cell(table, *list[i]->reason ? list[i]->reason : list[i]->state);
        }
        print_table(table);
}

static void print_task(const Hivepool__GetTaskResponse *m) {
        const Hivepool__Task *t = m->task;
        char at[HV_RFC3339_SIZE];

        print_line("Id:", t->id);
        print_line("Dialect:", t->dialect);
        print_line("Owner:", t->owner);
        print_line("State:", t->state);
        print_line("Node:", t->node);
        print_line("Waits for:", t->waits_for);
        print_line("Message:", t->message);
        hv_rfc3339_format(t->created_us, at);
        print_line("Created:", at);
        if (t->ended_us > 0) {
                hv_rfc3339_format(t->ended_us, at);
                print_line("Ended:", at);
        }
        (void) printf("%-10s %u of at most %u\n", "Attempts:", t->attempts, t->retries + 1);
        if (m->n_attempts > 0) {
                (void) printf("\n");
                print_attempts(m->attempts, m->n_attempts);
        }
}

int run_show(struct cli *cli) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__GetTaskRequest m = HIVEPOOL__GET_TASK_REQUEST__INIT;
        Hivepool__GetTaskResponse *answer = NULL;
        int code;

        m.id = cli->args[0];
        code = ask(cli, "GetTask", &m.base, &hivepool__get_task_response__descriptor, arena, &answer);
        if (answer)
                print_task(answer);
        return code;
}

int wait_for_task(struct client *c, const char *id) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__GetTaskRequest m = HIVEPOOL__GET_TASK_REQUEST__INIT;
        Hivepool__GetTaskResponse *answer = NULL;
        int code;

        m.id = (char *) id;
        code = client_wait(c, "WaitTask", &m.base, &hivepool__get_task_response__descriptor, arena, &answer);
        if (code != HV_EXIT_OK)
                return code;
        if (hv_streq(answer->task->state, "Completed"))
                return HV_EXIT_OK;
        return fail(HV_EXIT_ERROR, "task %s is %s%s%s", id, answer->task->state,
                    *answer->task->message ? ": " : "", answer->task->message);
}

/* --- nodes --- */

static void print_room(struct hv_table *table, double taken, double total) {
        hv_table_cellf(table, "%.4g/%.4g", taken, total);
}

static void print_nodes(Hivepool__Node *const *nodes, size_t n) {
        _hv_cleanup_(hv_table_freep) struct hv_table *table = hv_table_new();
        static const char *const numbers[] = { "TASKS", "CPU", "MEMORY", "GPU", "HEARD" };
        char a[24];

        hv_table_column(table, "NODE", 0);
        hv_table_column(table, "STATE", 0);
        hv_table_column(table, "TRUST", 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(numbers); i++)
                hv_table_column(table, numbers[i], HV_TABLE_RIGHT);
        hv_table_column(table, "ADDRESS", 0);
        hv_table_column(table, "STATUS", HV_TABLE_CUT);
        for (size_t i = 0; i < n; i++) {
                const Hivepool__Node *m = nodes[i];

                hv_table_row(table);
                hv_table_cell(table, m->id);
                hv_table_cell(table, !m->alive ? "Gone" : m->open ? "Ready" : "Closed");
                hv_table_cell(table, m->trust);
                hv_table_cellf(table, "%u", m->tasks);
                print_room(table, m->taken->cpu, m->total->cpu);
                print_room(table, m->taken->memory_gb, m->total->memory_gb);
                print_room(table, m->taken->gpu, m->total->gpu);
                hv_table_cell(table, span(m->heard_s * HV_USEC_PER_SEC, a));
                hv_table_cell(table, m->address);
                hv_table_cell(table, m->status);
        }
        print_table(table);
}

int run_nodes(struct cli *cli) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__ListNodesRequest m = HIVEPOOL__LIST_NODES_REQUEST__INIT;
        Hivepool__ListNodesResponse *answer = NULL;
        int code = ask(cli, "ListNodes", &m.base, &hivepool__list_nodes_response__descriptor, arena, &answer);

        if (answer)
                print_nodes(answer->nodes, answer->n_nodes);
        return code;
}

/* --- status --- */

static void print_status(const Hivepool__GetPoolResponse *m) {
        print_line("Version:", m->version);
        print_line("Nodes at:", *m->listen ? m->listen : "not served");
        print_line("Hivemind:", *m->hivemind_listen ? m->hivemind_listen : "not served");
        (void) printf("%-10s %u, %u of them there\n", "Nodes:", m->nodes, m->nodes_alive);
        (void) printf("%-10s", "Tasks:");
        for (size_t i = 0; i < m->n_tasks; i++)
                (void) printf("%s %" PRIu64 " %s", i > 0 ? "," : "", m->tasks[i]->n, m->tasks[i]->state);
        (void) printf("\n");
}

int run_status(struct cli *cli) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__GetPoolRequest m = HIVEPOOL__GET_POOL_REQUEST__INIT;
        Hivepool__GetPoolResponse *answer = NULL;
        int code = ask(cli, "GetPool", &m.base, &hivepool__get_pool_response__descriptor, arena, &answer);

        if (answer)
                print_status(answer);
        return code;
}
