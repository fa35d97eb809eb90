#include "http/conditions.h"

#include "base/arena.h"
#include "base/quantity.h"
#include "base/rfc3339.h"
#include "gpu/gpu.h"
#include "spec/gpu_select.h"

#define REVISION_SHOWN 8 /* digits of a revision in a sentence */

const char *hv_condition_type_name(enum hv_condition_type type) {
        static const char *const names[HV_N_CONDITIONS] = {
                [HV_CONDITION_READY] = "Ready",
                [HV_CONDITION_CONVERGED] = "Converged",
                [HV_CONDITION_ENGINE_REACHABLE] = "EngineReachable",
                [HV_CONDITION_CONFIG_VALID] = "ConfigValid",
                [HV_CONDITION_LISTENING] = "Listening",
                [HV_CONDITION_CAPPED] = "Capped",
                [HV_CONDITION_ADMITTING] = "Admitting",
                [HV_CONDITION_DISK_SUFFICIENT] = "DiskSufficient",
                [HV_CONDITION_PRELOADED] = "Preloaded",
                [HV_CONDITION_GPU_HEALTHY] = "GPUHealthy",
                [HV_CONDITION_CONFIRM_PENDING] = "ConfirmPending",
        };

        return names[type];
}

const char *hv_condition_status_name(enum hv_condition_status status) {
        static const char *const names[] = {
                [HV_CONDITION_UNKNOWN] = "Unknown",
                [HV_CONDITION_TRUE] = "True",
                [HV_CONDITION_FALSE] = "False",
                [HV_CONDITION_ABSENT] = "Unknown",
        };

        return names[status];
}

static struct hv_condition yes(const char *message) {
        return (struct hv_condition){ HV_CONDITION_TRUE, "Ok", message };
}

static struct hv_condition no(enum hv_reason reason, const char *message) {
        return (struct hv_condition){ HV_CONDITION_FALSE, hv_reason_name(reason), message };
}

static struct hv_condition unknown(enum hv_reason reason, const char *message) {
        return (struct hv_condition){ HV_CONDITION_UNKNOWN, hv_reason_name(reason), message };
}

static const char *engine_says(const struct hv_api_snapshot *s, const char *otherwise) {
        return hv_str_empty(s->status->engine_message) ? otherwise : s->status->engine_message;
}

static struct hv_condition judge_engine(const struct hv_api_snapshot *s, struct hv_arena *a) {
        switch (s->status->engine) {
        case HV_ENGINE_DOWN:
                return no(HV_REASON_DOCKER_DOWN, engine_says(s, "the container engine cannot be reached"));
        case HV_ENGINE_UNRESPONSIVE:
                return no(HV_REASON_DOCKER_UNRESPONSIVE,
                          engine_says(s, "the container engine does not answer"));
        case HV_ENGINE_CONNECTING:
                return unknown(HV_REASON_WAITING_ENGINE, "the container engine was not reached yet");
        case HV_ENGINE_LOOKING:
        case HV_ENGINE_READY:
                break;
        }
        if (s->engine.name && s->engine.version)
                return yes(hv_arena_printf(a, "%s %s answers", s->engine.name, s->engine.version));
        return yes("the container engine answers");
}

static struct hv_condition judge_config(const struct hv_api_snapshot *s, struct hv_arena *a) {
        size_t n = 0;
        const struct hv_diag *diags = s->diags ? hv_diags_all(s->diags, &n) : NULL;

        if (s->refused) {
                for (size_t i = 0; i < n; i++) {
                        if (diags[i].severity == HV_SEVERITY_ERROR)
                                return no(HV_REASON_REVISION_REJECTED,
                                          hv_arena_printf(a, "%zu %s: %s:%u:%u: %s: %s: %s",
                                                          hv_diags_errors(s->diags),
                                                          hv_diags_errors(s->diags) == 1
                                                                  ? "error"
                                                                  : "errors; the first",
                                                          diags[i].file, diags[i].line, diags[i].column,
                                                          diags[i].code, diags[i].path, diags[i].message));
                }
                return no(HV_REASON_REVISION_REJECTED, "what the sources say was refused");
        }
        for (size_t i = 0; i < s->n_sources; i++) {
                if (s->sources[i].state == HV_API_SOURCE_STALE)
                        return no(HV_REASON_SOURCE_STALE,
                                  hv_arena_printf(a, "source %s cannot be read: %s", s->sources[i].name,
                                                  s->sources[i].error ? s->sources[i].error : "no answer"));
        }
        if (!s->loaded_wall_us)
                return unknown(HV_REASON_PENDING, "the sources were not read yet");
        if (s->diags && hv_diags_warnings(s->diags) > 0)
                return yes(hv_arena_printf(a, "valid, with %zu warnings", hv_diags_warnings(s->diags)));
        return yes("valid");
}

static struct hv_condition judge_ready(const struct hv_api_snapshot *s, struct hv_arena *a) {
        struct hv_condition engine = judge_engine(s, a);

        if (engine.status != HV_CONDITION_TRUE)
                return (struct hv_condition){ HV_CONDITION_FALSE, engine.reason, engine.message };
        if (!s->status->observed)
                return no(HV_REASON_PENDING, "the first look at the engine is under way");
        if (!s->desired)
                return no(s->refused ? HV_REASON_REVISION_REJECTED : HV_REASON_PENDING,
                          "no revision of the desired state is in force");
        return yes("the agent does its work");
}

static enum hv_reason taken_back(const struct hv_api_trial *t) {
        return t->state == HV_API_TRIAL_ROLLED_BACK ? HV_REASON_ROLLED_BACK : HV_REASON_REVERTED;
}

static struct hv_condition judge_converged(const struct hv_api_snapshot *s, struct hv_arena *a) {
        struct hv_condition ready = judge_ready(s, a);

        if (s->status->parked_revision)
                return no(HV_REASON_PRUNE_BLOCKED,
                          hv_arena_printf(a, "revision %.*s waits for consent: %s", REVISION_SHOWN,
                                          s->status->parked_revision,
                                          s->status->parked_message ? s->status->parked_message
                                                                    : "it removes too much"));
        if (s->refused)
                return no(HV_REASON_REVISION_REJECTED, "what the sources say now was refused");
        if (s->trial.holds_files)
                return no(taken_back(&s->trial), "what the files say was taken back, and they are held off");
        if (ready.status != HV_CONDITION_TRUE) {
                ready.status = HV_CONDITION_UNKNOWN;
                return ready;
        }
        if (s->status->synced)
                return yes(hv_status_line(s->status, a));
        for (size_t i = 0; i < s->status->n_unit_status; i++) {
                if (!s->status->units[i].in_sync)
                        return no(s->status->units[i].reason, hv_status_line(s->status, a));
        }
        for (size_t i = 0; i < s->status->n_objects; i++) {
                if (!s->status->objects[i].in_sync)
                        return no(s->status->objects[i].reason, hv_status_line(s->status, a));
        }
        return no(HV_REASON_PENDING, hv_status_line(s->status, a));
}

static struct hv_condition judge_listening(const struct hv_api_snapshot *s, struct hv_arena *a) {
        if (s->listen_error)
                return no(HV_REASON_NOT_LISTENING,
                          hv_arena_printf(a, "http.listen: %s; it is tried again, and the unix socket serves",
                                          s->listen_error));
        return yes(s->listen ? hv_arena_printf(a, "%s is served", s->listen)
                             : "no address is asked for; the unix socket serves");
}

const char *hv_condition_caps_text(const struct hv_caps_status *k, struct hv_arena *a) {
        char cpu[HV_QUANTITY_SIZE] = "all", memory[HV_QUANTITY_SIZE] = "all";

        if (k->wanted.limits.nano_cpus)
                hv_quantity_format_cpu(k->wanted.limits.nano_cpus, cpu);
        if (k->wanted.limits.memory_bytes)
                hv_quantity_format_bytes(k->wanted.limits.memory_bytes, memory);
        return hv_arena_printf(a, "%s: CPU %s, memory %s", k->slice ? k->slice : "the slice of this node",
                               cpu, memory);
}

static struct hv_condition judge_capped(const struct hv_api_snapshot *s, struct hv_arena *a) {
        const struct hv_caps_status *caps = s->status->caps;
        const char *text = NULL;

        for (int i = 0; i < HV_N_CAPS; i++) {
                const char *slice = caps[i].slice ? caps[i].slice : "the slice of this node";

                if (caps[i].is_capped && !caps[i].slice)
                        return unknown(HV_REASON_PENDING, "the slices were not looked at yet");
                if (!caps[i].in_sync && (caps[i].is_capped || caps[i].is_known))
                        return no(HV_REASON_CAPS_FAILED,
                                  hv_arena_printf(a, "%s: %s", slice, caps[i].message));
                if (caps[i].is_capped)
                        text = text ? hv_arena_printf(a, "%s; %s", text, hv_condition_caps_text(&caps[i], a))
                                    : hv_condition_caps_text(&caps[i], a);
        }
        return yes(text ? text : "neither resources.limits nor resources.reserved asks for a cap");
}

/* One that failed is told before those whose turn has not come. */
static struct hv_condition judge_preloaded(const struct hv_api_snapshot *s, struct hv_arena *a) {
        const struct hv_api_image *missing = NULL;
        size_t n = 0;

        for (size_t i = 0; i < s->n_images; i++) {
                const struct hv_api_image *image = &s->images[i];

                if (image->is_ready)
                        continue;
                if (!missing || (hv_str_empty(missing->message) && !hv_str_empty(image->message)))
                        missing = image;
                n++;
        }
        if (!s->n_images)
                return yes("images.preload asks for none");
        if (!missing)
                return yes(hv_arena_printf(a, "%zu of %zu images are there", s->n_images, s->n_images));
        return no(missing->reason,
                  hv_arena_printf(a, "%zu of %zu images are there; %s: %s", s->n_images - n, s->n_images,
                                  missing->name,
                                  hv_str_empty(missing->message) ? missing->phase : missing->message));
}

/* The first entry of resources.gpus.select that none of them is like; n_select: each has one. */
static size_t find_unmatched(const struct hv_gpu_rules *rules, const struct hv_gpus *gpus) {
        for (size_t i = 0; i < rules->n_select; i++) {
                unsigned k = 0;

                while (k < gpus->n && !hv_gpu_is_like(&rules->select[i], gpus->v[k].uuid, gpus->v[k].name,
                                                      gpus->v[k].memory_bytes))
                        k++;
                if (k == gpus->n)
                        return i;
        }
        return rules->n_select;
}

static struct hv_condition judge_gpus(const struct hv_api_snapshot *s, struct hv_arena *a) {
        static const struct hv_gpu_rules no_rules;
        const struct hv_gpu_rules *rules = s->desired ? &s->desired->settings.gpus : &no_rules;
        const struct hv_gpus *told = s->gpus_told;
        size_t unmatched;

        if (rules->n_select == 0 && (!told || (told->is_known && told->n == 0)))
                return (struct hv_condition){ HV_CONDITION_ABSENT, "Ok", "there are no GPUs" };
        if (!told)
                return unknown(HV_REASON_PENDING, "their driver was not asked yet");
        if (!told->is_known)
                return no(HV_REASON_GPU_UNREACHABLE, hv_arena_strdup(a, told->problem));
        for (unsigned i = 0; i < told->n; i++)
                if (told->v[i].state == HV_GPU_LOST)
                        return no(HV_REASON_GPU_LOST,
                                  hv_arena_printf(a, "GPU %u (%s) is lost: its driver does not reach it", i,
                                                  *told->v[i].uuid ? told->v[i].uuid : "never seen"));
        for (unsigned i = 0; i < told->n; i++)
                if (told->v[i].slowdown_c > 0 && told->v[i].temperature_c >= told->v[i].slowdown_c)
                        return no(HV_REASON_GPU_TOO_HOT,
                                  hv_arena_printf(a, "%s has %d C; from %d C on it slows itself down",
                                                  told->v[i].uuid, told->v[i].temperature_c,
                                                  told->v[i].slowdown_c));
        unmatched = find_unmatched(rules, told);
        if (unmatched < rules->n_select)
                return no(HV_REASON_GPU_UNREACHABLE,
                          hv_arena_printf(a, "none of %u GPUs is like resources.gpus.select[%zu]", told->n,
                                          unmatched));
        return yes(hv_arena_printf(a, "%u GPU%s, NVIDIA driver %s", told->n, told->n == 1 ? "" : "s",
                                   told->driver));
}

static const char *instant(struct hv_arena *a, uint64_t wall_us) {
        char text[HV_RFC3339_SIZE];

        hv_rfc3339_format(wall_us / HV_USEC_PER_SEC * HV_USEC_PER_SEC, text);
        return hv_arena_strdup(a, text);
}

static struct hv_condition judge_confirm(const struct hv_api_snapshot *s, struct hv_arena *a) {
        const struct hv_api_trial *t = &s->trial;

        if (t->state == HV_API_TRIAL_PENDING)
                return (struct hv_condition){
                        HV_CONDITION_TRUE, hv_reason_name(HV_REASON_CONFIRM_PENDING),
                        hv_arena_printf(
                                a,
                                "revision %.*s is on trial until %s; without hivectl confirm, revision %.*s "
                                "comes back",
                                REVISION_SHOWN, t->revision, instant(a, hv_api_wall_us(s, t->deadline_us)),
                                REVISION_SHOWN, t->base)
                };
        if (t->state != HV_API_TRIAL_NONE)
                return no(taken_back(t),
                          hv_arena_printf(a, "revision %.*s was taken back at %s, because %s%s",
                                          REVISION_SHOWN, t->revision, instant(a, t->ended_wall_us), t->why,
                                          t->holds_files
                                                  ? "; the files still say it, and are held off until they "
                                                    "change or hivectl apply takes them as they are"
                                                  : ""));
        return (struct hv_condition){ HV_CONDITION_FALSE, "Ok", "nothing waits to be confirmed" };
}

struct hv_condition hv_condition_judge(enum hv_condition_type type, const struct hv_api_snapshot *s,
                                       struct hv_arena *a) {
        switch (type) {
        case HV_CONDITION_READY:
                return judge_ready(s, a);
        case HV_CONDITION_CONVERGED:
                return judge_converged(s, a);
        case HV_CONDITION_ENGINE_REACHABLE:
                return judge_engine(s, a);
        case HV_CONDITION_LISTENING:
                return judge_listening(s, a);
        case HV_CONDITION_CAPPED:
                return judge_capped(s, a);
        case HV_CONDITION_ADMITTING:
                if (s->status->pressure)
                        return no(s->status->is_cordoned ? HV_REASON_CORDONED
                                  : s->status->is_busy   ? HV_REASON_WAITING_CPU
                                                         : HV_REASON_WAITING_PRESSURE,
                                  s->status->pressure);
                return yes("the machine does not run short");
        case HV_CONDITION_DISK_SUFFICIENT:
                if (s->status->disk_pressure)
                        return no(HV_REASON_WAITING_DISK, s->status->disk_pressure);
                return yes("no disk runs short");
        case HV_CONDITION_PRELOADED:
                return judge_preloaded(s, a);
        case HV_CONDITION_GPU_HEALTHY:
                return judge_gpus(s, a);
        case HV_CONDITION_CONFIRM_PENDING:
                return judge_confirm(s, a);
        case HV_CONDITION_CONFIG_VALID:
        case HV_N_CONDITIONS:
                break;
        }
        return judge_config(s, a);
}

void hv_conditions_update(struct hv_conditions *c, const struct hv_api_snapshot *s, struct hv_arena *a,
                          struct hv_condition ret[HV_N_CONDITIONS]) {
        for (int i = 0; i < HV_N_CONDITIONS; i++) {
                ret[i] = hv_condition_judge((enum hv_condition_type) i, s, a);
                if (c->since_wall_us[i] == 0 || c->last[i] != ret[i].status) {
                        c->last[i] = ret[i].status;
                        c->since_wall_us[i] = s->now_wall_us;
                }
        }
}
