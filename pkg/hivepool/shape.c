/* hivepool/shape.c - see shape.h: numbers and words, and the dialect v1. */
#include "hivepool/shape.h"

#include <errno.h>
#include <math.h>
#include <nodepool_v1.pb-c.h>

#include "base/quantity.h"
#include "base/text.h"
#include "hivepool/shape_private.h"

#define AMOUNT_MAX 1e9 /* processors, GB: above is a mistake, and below nothing overflows */
#define BYTES_PER_GB 1073741824.0
#define N_WORDS_MAX 64
#define WORD_MAX 64

/* --- amounts --- */

static int amount(const char *what, double value, double unit, bool up, uint64_t *ret, struct hv_err *err) {
        if (!isfinite(value) || value < 0 || value > AMOUNT_MAX)
                return hv_err_set(err, -EINVAL, "%s: expected a number from 0 to %.0f, found %g", what,
                                  AMOUNT_MAX, value);
        *ret = (uint64_t) (up ? ceil(value * unit) : floor(value * unit));
        return 0;
}

int hv_shape_room(const struct hv_shape_amounts *a, bool up, struct hv_room *ret, struct hv_err *err) {
        const struct {
                const char *what;
                double value, unit;
                enum hv_room_kind kind;
        } rows[] = {
                { "cpu", a->cpus, 1000, HV_ROOM_CPU },
                { "memory", a->memory_gb, BYTES_PER_GB, HV_ROOM_MEMORY },
                { "disk", a->disk_gb, BYTES_PER_GB, HV_ROOM_DISK },
                { "gpu", a->gpus, 1000, HV_ROOM_GPU },
                { "GPU memory", a->gpu_memory_gb, BYTES_PER_GB, HV_ROOM_GPU_MEMORY },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                int r = amount(rows[i].what, rows[i].value, rows[i].unit, up, &ret->of[rows[i].kind], err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- words --- */

static const char *const trust_names[HV_N_TRUST_GROUPS] = { "low", "medium", "high" };

bool hv_shape_trust(const char *word, enum hv_trust_group *ret) {
        if (hv_str_empty(word))
                word = trust_names[HV_TRUST_LOW];
        for (size_t i = 0; i < HV_N_TRUST_GROUPS; i++)
                if (hv_streq(word, trust_names[i])) {
                        *ret = (enum hv_trust_group) i;
                        return true;
                }
        return false;
}

const char *hv_shape_trust_name(enum hv_trust_group group) {
        return trust_names[group];
}

bool hv_shape_is_word(const char *text) {
        size_t len = strlen(text);

        if (len == 0 || len > WORD_MAX)
                return false;
        for (size_t i = 0; i < len;) {
                struct hv_character c = hv_text_character(text + i, len - i);

                if (!c.is_valid || !c.is_shown)
                        return false;
                i += c.len;
        }
        return true;
}

/* --- dialect v1 --- */

/* Score and groups as the nodes count them (docs/tasks.md): high from 80 on, medium from 50 on. */
static enum hv_trust_group group_of(int score) {
        return score >= 80 ? HV_TRUST_HIGH : score >= 50 ? HV_TRUST_MEDIUM : HV_TRUST_LOW;
}

static int ask_of(const V1__Task *t, struct hv_room *ret, struct hv_err *err) {
        const V1__Resources *asked = t->required_resources;
        struct hv_shape_amounts a = {};
        uint64_t memory = 0;
        int r;

        if (asked)
                a = (struct hv_shape_amounts){ .cpus = asked->cpu,
                                               .memory_gb = asked->memory_gb,
                                               .disk_gb = asked->disk_gb,
                                               .gpus = asked->gpu,
                                               .gpu_memory_gb = asked->gpu_memory_gb };
        r = hv_shape_room(&a, true, ret, err);
        if (r < 0)
                return r;
        if (*t->memory_limit && hv_quantity_parse_docker_bytes(t->memory_limit, &memory) != HV_PARSE_OK)
                return hv_err_set(err, -EINVAL,
                                  "memory_limit: expected a size such as 512m or 1g, found \"%.40s\"",
                                  t->memory_limit);
        if (t->cpu_quota < 0 || t->cpu_quota > INT64_C(100000) * 1000000)
                return hv_err_set(err, -EINVAL,
                                  "cpu_quota: expected 0 or more (100000 is one CPU), found %lld",
                                  (long long) t->cpu_quota);
        /* A limit is what the task may use, and so what it is given where it asks for less. */
        ret->of[HV_ROOM_MEMORY] = HV_MAX(ret->of[HV_ROOM_MEMORY], memory);
        ret->of[HV_ROOM_CPU] = HV_MAX(ret->of[HV_ROOM_CPU], ((uint64_t) t->cpu_quota + 99) / 100);
        return 0;
}

static int shape_task(const V1__Task *t, struct hv_arena *arena, struct hv_hivepool_wish *ret,
                      struct hv_err *err) {
        const char **needs = HV_ARENA_NEW_N(arena, const char *, 2);
        bool is_container = !*t->type || hv_streq(t->type, "container");
        int r;

        r = ask_of(t, &ret->asked, err);
        if (r < 0)
                return r;
        if (!hv_shape_trust(t->required_trust, &ret->trust))
                return hv_err_set(err, -EINVAL,
                                  "required_trust: expected low, medium or high, found \"%.40s\"",
                                  t->required_trust);
        if (!is_container && !hv_shape_is_word(t->type))
                return hv_err_set(err, -EINVAL, "type: expected a word of at most %d characters", WORD_MAX);
        if (t->timeout < 0)
                return hv_err_set(err, -EINVAL, "timeout: expected seconds, found %lld",
                                  (long long) t->timeout);
        ret->id = hv_arena_strdup(arena, t->id);
        ret->priority = t->priority_is_case == V1__TASK__PRIORITY_IS_PRIORITY ? t->priority : 0;
        ret->retries = t->retries_is_case == V1__TASK__RETRIES_IS_RETRIES ? t->retries : 0;
        if (ret->retries > 1000)
                return hv_err_set(err, -EINVAL, "retries: expected 0 to 1000, found %u", ret->retries);
        needs[0] = "dialect:v1";
        needs[1] = is_container ? "docker" : hv_arena_strdup(arena, t->type);
        ret->needs = needs;
        ret->n_needs = 2;
        return 0;
}

static double gpu_memory(const V1__RegisterNodeRequest *m) {
        double sum = 0;

        for (size_t i = 0; i < m->n_gpus; i++)
                sum += m->gpus[i]->memory_gb;
        return sum;
}

static int shape_node(const V1__RegisterNodeRequest *m, struct hv_arena *arena, struct hv_hivepool_node *ret,
                      struct hv_err *err) {
        const struct hv_shape_amounts a = { .cpus = m->cpu_cores,
                                            .memory_gb = m->memory_gb,
                                            .disk_gb = m->disk_gb,
                                            .gpus = (double) m->n_gpus,
                                            .gpu_memory_gb = gpu_memory(m) };
        const char **has = HV_ARENA_NEW_N(arena, const char *, N_WORDS_MAX + 1);
        int r;

        r = hv_shape_room(&a, false, &ret->total, err);
        if (r < 0)
                return r;
        if (m->n_capabilities > N_WORDS_MAX)
                return hv_err_set(err, -EINVAL, "capabilities: expected at most %d, found %zu", N_WORDS_MAX,
                                  m->n_capabilities);
        for (size_t i = 0; i < m->n_capabilities; i++) {
                if (!hv_shape_is_word(m->capabilities[i]) || strchr(m->capabilities[i], ':'))
                        return hv_err_set(err, -EINVAL,
                                          "capabilities: expected words of at most %d characters", WORD_MAX);
                has[ret->n_has++] = hv_arena_strdup(arena, m->capabilities[i]);
        }
        ret->has_any = m->n_capabilities == 0;
        has[ret->n_has++] = "dialect:v1";
        ret->has = has;
        ret->id = hv_arena_strdup(arena, m->node_id);
        ret->trust = group_of(m->trust_score);
        return 0;
}

/* --- either --- */

int hv_shape_task(enum hv_store_dialect dialect, const void *spec, size_t len, struct hv_arena *arena,
                  struct hv_hivepool_wish *ret, struct hv_err *err) {
        V1__Task *t;
        int r;

        *ret = (struct hv_hivepool_wish){ .dialect = dialect, .spec = spec, .spec_len = len };
        if (dialect == HV_STORE_HIVEMIND)
                return hv_shape_task_hivemind(spec, len, arena, ret, err);
        t = v1__task__unpack(NULL, len, spec);
        if (!t)
                return hv_err_set(err, -EBADMSG, "%zu bytes that are no task of the dialect v1", len);
        r = shape_task(t, arena, ret, err);
        v1__task__free_unpacked(t, NULL);
        return r;
}

int hv_shape_node(enum hv_store_dialect dialect, const void *said, size_t len, struct hv_arena *arena,
                  struct hv_hivepool_node *ret, struct hv_err *err) {
        V1__RegisterNodeRequest *m;
        int r;

        *ret = (struct hv_hivepool_node){ .dialect = dialect, .said = said, .said_len = len };
        if (dialect == HV_STORE_HIVEMIND)
                return hv_shape_node_hivemind(said, len, arena, ret, err);
        m = v1__register_node_request__unpack(NULL, len, said);
        if (!m)
                return hv_err_set(err, -EBADMSG, "%zu bytes that are no registration of the dialect v1", len);
        r = shape_node(m, arena, ret, err);
        v1__register_node_request__free_unpacked(m, NULL);
        return r;
}
