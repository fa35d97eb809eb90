/* agent/pressure.c - how the machine is, after each round of samples: what waits for memory, what is free of the disks, how busy its CPUs
 * are and how hot it is. What follows from it is the core's (reconcile/pressure.h). Nothing is read for it: it is the monitor's last
 * sample (agent/monitor.h), so that one look at the machine serves all. */
#include "reconcile/pressure.h"
#include "agent/gc.h"
#include "agent/monitor.h"
#include "agent/private.h"
#include "host/disk_space.h"
#include "log/log.h"

static uint64_t apart(uint64_t a, uint64_t b) {
        return a > b ? a - b : b - a;
}

/* A thousandth of the disk changes nothing: a machine at rest is not planned for anew with each sample. */
static bool is_as_told(const struct hv_seen_pressure *a, const struct hv_seen_pressure *b) {
        return a->has_memory == b->has_memory && a->memory_some10_centi == b->memory_some10_centi &&
               a->disk_bytes == b->disk_bytes && a->is_gc_stuck == b->is_gc_stuck &&
               a->engine_disk_percent == b->engine_disk_percent && a->has_cpu == b->has_cpu &&
               a->cpu_permille == b->cpu_permille && a->has_temperature == b->has_temperature &&
               a->decicelsius == b->decicelsius &&
               apart(a->disk_free_bytes, b->disk_free_bytes) <= a->disk_bytes / 1000;
}

/* What no rule asks for is not told, for it moves with each sample. */
static struct hv_seen_pressure seen_by(const struct hv_agent *a, const struct hv_pressure_rules *rules,
                                       const struct hv_host_sample *s) {
        const struct hv_file_system *work = hv_agent_monitor_disk(a, "work"),
                                    *engine = hv_agent_monitor_disk(a, "engine");
        struct hv_seen_pressure seen = { .is_gc_stuck = hv_agent_gc_is_stuck(a) };

        if (work) {
                seen.disk_bytes = work->total_bytes;
                seen.disk_free_bytes = work->available_bytes;
        }
        if (engine) {
                const struct hv_disk_space space = { engine->used_bytes + engine->available_bytes,
                                                     engine->available_bytes, 0 };

                seen.engine_disk_percent = hv_disk_space_used_percent(&space);
        }
        if (!s)
                return seen;
        seen.has_memory = s->memory_pressure.is_known;
        seen.memory_some10_centi = (unsigned) (s->memory_pressure.some_percent * 100 + 0.5);
        if (rules->cpu_used_percent && s->cpu_is_known) {
                seen.has_cpu = true;
                seen.cpu_permille = (unsigned) (s->cpu_percent * 10 + 0.5);
        }
        if (rules->max_celsius && s->temperature_is_known) {
                seen.has_temperature = true;
                seen.decicelsius = (unsigned) (HV_MAX(s->temperature_celsius, 0.0) * 10 + 0.5);
        }
        return seen;
}

static void tell(struct hv_agent *a, const struct hv_pressure_rules *rules) {
        struct hv_seen_pressure seen = seen_by(a, rules, hv_agent_monitor_host(a));
        const struct hv_input in = { .type = HV_INPUT_PRESSURE, .pressure = &seen };

        if (a->pressure_is_told && is_as_told(&seen, &a->pressure))
                return;
        a->pressure = seen;
        a->pressure_is_told = true;
        (void) hv_agent_input(a, &in, NULL);
}

/* Memory in use is no shortage, and ends nobody: what was kept for its own sake goes, once for each time that the mark is passed. */
static void collect_for_memory(struct hv_agent *a, const struct hv_pressure_rules *rules) {
        const struct hv_host_sample *s = hv_agent_monitor_host(a);
        bool is_above = s && rules->memory_used_percent &&
                        hv_host_memory_percent(&s->memory) > (double) rules->memory_used_percent;

        if (is_above && !a->memory_is_above) {
                hv_log_info(
                        "%.1f %% of the memory are used, more than %u %% (gc.pressure.memoryUsed): what may go is collected",
                        hv_host_memory_percent(&s->memory), rules->memory_used_percent);
                hv_agent_gc_soon(a);
        }
        a->memory_is_above = is_above;
}

void hv_agent_pressure_sampled(struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);

        if (!d)
                return;
        collect_for_memory(a, &d->settings.pressure);
        if (a->pressure_is_followed)
                tell(a, &d->settings.pressure);
}

/* The first word comes before anybody can be admitted. */
void hv_agent_pressure_begin(struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);
        const struct hv_pressure_rules none = {};

        if (a->pressure_is_followed)
                return;
        a->pressure_is_followed = true;
        hv_agent_monitor_look_at_disks(a);
        tell(a, d ? &d->settings.pressure : &none);
}
