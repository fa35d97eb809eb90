/* reconcile/task_queue.c - who is admitted: the queue of one core against admission.h.
 *
 * Nobody is admitted before the engine was seen completely and the machine's size is known: what is alive could not be
 * counted. What is alive holds its room until its end is certain, a container that is being stopped or that nobody knows
 * about included. */
#include <stdio.h>

#include "base/duration.h"
#include "reconcile/gpu_books.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

/* It was begun and never ran. Until its end is durable a process after this one would find it so, and start it anew: whoever had
 * been given its room would find it taken. */
static bool may_start_anew(const struct task *t) {
        const struct slot *s = t->slot;

        return t->live->begun && s && s->have && s->have->ours && s->have->state == HV_CONTAINER_CREATED;
}

bool hv_task_holds_room(const struct task *t) {
        switch (t->step) {
        case TASK_STEP_PREPARE:
        case TASK_STEP_MAKE:
                return true;
        case TASK_STEP_RUN:
                return t->live->ending == HV_CAUSE_NONE || !HV_MUTANT(HV_MUTANT_ROOM_FREED_EARLY);
        case TASK_STEP_COLLECT:
        case TASK_STEP_END:
                return hv_task_is_alive(t) || may_start_anew(t);
        case TASK_STEP_TIDY:
                return hv_task_is_alive(t);
        default:
                return false;
        }
}

/* Its files are there until they were cleaned away. */
static bool holds_disk(const struct task *t) {
        return t->step >= TASK_STEP_PREPARE && t->step < TASK_STEP_DONE && !t->live->cleaned;
}

static struct hv_room room(const struct hv_amounts *a, unsigned n_slots) {
        return (struct hv_room){
                .nano_cpus = a->nano_cpus,
                .memory_bytes = a->memory_bytes,
                .disk_bytes = a->disk_bytes,
                .n_slots = n_slots,
        };
}

struct hv_room hv_task_allocatable(const struct hv_core *c) {
        const struct hv_settings *s = &c->active->settings;
        const struct hv_room_settings rules = {
                .limits = room(&s->limits, s->max_concurrent_tasks),
                .reserved = room(&s->reserved, 0),
                .overcommit_cpu_milli = s->overcommit_cpu_milli,
                .overcommit_memory_milli = s->overcommit_memory_milli,
        };

        struct hv_room all = hv_room_allocatable(&c->machine, &rules);

        hv_gpu_room(c, HV_GPUS_IN_ALL, &all);
        return all;
}

struct hv_room hv_task_room(const struct hv_core *c) {
        struct hv_room all = hv_task_allocatable(c), services = room(&c->active->services, 0);

        hv_room_take(&all, &services);
        hv_gpu_room(c, HV_GPUS_FOR_TASKS, &all);
        return all;
}

struct hv_room hv_task_free_room(const struct hv_core *c) {
        struct hv_room left = hv_task_room(c);
        unsigned n_left;

        if (c->caps[HV_CAPS_TASKS].has_quiet_gpus)
                left.n_gpus = HV_MIN(left.n_gpus, c->caps[HV_CAPS_TASKS].n_quiet_gpus);
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                const struct task *t = c->live_tasks.v[i];
                struct hv_room held = {};

                if (!t->task)
                        continue;
                if (hv_task_holds_room(t))
                        held = hv_room_of(&t->task->booking);
                else if (holds_disk(t))
                        held.disk_bytes = t->task->booking.disk_bytes;
                if (HV_MUTANT(HV_MUTANT_DISK_FREED_EARLY))
                        held.disk_bytes = 0;
                hv_room_take(&left, &held);
        }
        n_left = left.n_gpus;
        hv_gpu_room(c, HV_GPUS_FREE, &left);
        if (c->caps[HV_CAPS_TASKS].has_quiet_gpus)
                left.n_gpus = HV_MIN(left.n_gpus, n_left);
        return left;
}

static bool dependencies_are_met(const struct hv_core *c, const struct task *t) {
        const struct hv_unit *u = &t->task->unit;

        for (size_t i = 0; i < u->n_depends_on; i++)
                if (!hv_dependency_is_met(c, &u->depends_on[i]))
                        return false;
        return true;
}

static bool by_turn(const struct task *a, const struct task *b) {
        if (a->task->priority != b->task->priority)
                return a->task->priority > b->task->priority;
        if (a->accepted_wall_us != b->accepted_wall_us)
                return a->accepted_wall_us < b->accepted_wall_us;
        return a->number < b->number;
}

static int compare_turns(const void *pa, const void *pb) {
        const struct task *const *a = pa, *const *b = pb;

        return *a == *b ? 0 : by_turn(*a, *b) ? -1 : 1;
}

/* `gpus` becomes its slot's. */
static void admit(struct hv_core *c, struct task *t, char *gpus) {
        t->step = TASK_STEP_PREPARE;
        t->attempt++;
        t->live->lacks = HV_RESOURCE_NONE;
        t->wait_told = false;
        hv_task_bind(c, t);
        free(t->slot->gpus);
        t->slot->gpus = gpus;
        t->slot->gpu_memory_bytes = t->slot->want->gpu_memory_bytes;
        hv_note_task(c, t, HV_NOTE_TASK_ADMITTED, HV_REASON_SYNCED, "admitted: attempt %u", t->attempt);
}

enum hv_reason hv_task_waiting_reason(const struct hv_core *c, enum hv_resource lacks) {
        if (lacks == HV_RESOURCE_GPU && c->caps[HV_CAPS_TASKS].has_quiet_gpus)
                return HV_REASON_QUIET_HOURS;
        switch (lacks) {
        case HV_RESOURCE_CPU:
        case HV_RESOURCE_CPU_USE:
                return HV_REASON_WAITING_CPU;
        case HV_RESOURCE_MEMORY:
                return HV_REASON_WAITING_MEMORY;
        case HV_RESOURCE_DISK:
                return HV_REASON_WAITING_DISK;
        case HV_RESOURCE_GPU:
        case HV_RESOURCE_GPU_MEMORY:
                return HV_REASON_WAITING_GPU;
        case HV_RESOURCE_PRESSURE:
                return HV_REASON_WAITING_PRESSURE;
        case HV_RESOURCE_CONSENT:
                return HV_REASON_CORDONED;
        default:
                return HV_REASON_WAITING_SLOT;
        }
}

static const char *left_of(const struct hv_core *c, enum hv_resource lacks) {
        return hv_task_waiting_reason(c, lacks) == HV_REASON_QUIET_HOURS
                       ? "are left in quiet hours (resources.quietHours)"
                       : "are left";
}

/* While the node is cordoned a pool can give it to somebody else; everybody else wants it here, when it is open again. */
bool hv_task_wait_ends(const struct task *t) {
        return t->task->wait_for_resources_us != HV_TIME_NEVER &&
               (t->live->lacks != HV_RESOURCE_CONSENT || t->source == HV_TASK_FROM_POOL);
}

static void wait(struct hv_core *c, struct task *t, uint64_t now_us, enum hv_resource lacks,
                 const char *text) {
        c->changed |= t->live->lacks != lacks || !hv_streq(t->live->lacks_text, text);
        t->live->lacks = lacks;
        hv_set_text(&t->live->lacks_text, text);
        if (!t->wait_told) {
                t->wait_told = true;
                hv_note_task(c, t, HV_NOTE_WAITING, hv_task_waiting_reason(c, lacks), "waits: %s",
                             t->live->lacks_text);
        }
        if (hv_task_wait_ends(t) && now_us - t->live->queued_since_us >= t->task->wait_for_resources_us)
                hv_task_over(c, t, HV_CAUSE_RESOURCES, "Insufficient resources: %s", t->live->lacks_text);
}

bool hv_task_never_fits(const struct hv_core *c, const struct hv_booking *b, const struct hv_room *all,
                        char text[HV_ROOM_TEXT_SIZE]) {
        struct hv_room asked = hv_room_of(b);
        enum hv_resource lacks;

        if (c->gpus.is_told) { /* the books tell more exactly */
                asked.n_gpus = 0;
                asked.gpu_memory_bytes = 0;
                if (!hv_gpu_ever_fits(c, b, text))
                        return true;
        }
        lacks = hv_room_lacks(all, &asked);
        if (lacks == HV_RESOURCE_NONE || lacks == HV_RESOURCE_SLOTS)
                return false;
        (void) hv_room_describe(lacks, &asked, all, HV_ROOM_FOR_TASKS, text);
        return true;
}

/* Ends that need no turn: asked to stop, refused by policy, bigger than the node. */
static bool ends_in_queue(struct hv_core *c, struct task *t, const struct hv_room *all) {
        char text[HV_ROOM_TEXT_SIZE];

        if (t->stop_asked) {
                if (t->stop_durable)
                        hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s before it started",
                                     t->stop_by ? t->stop_by : "somebody");
                return true;
        }
        if (hv_task_goes_back(t) && !HV_MUTANT(HV_MUTANT_HANDED_BACK_RUNS)) {
                hv_task_over_by_hand_back(c, t);
                return true;
        }
        if (t->task->refused) {
                hv_task_over(c, t, HV_CAUSE_REJECTED, "%s", t->task->refused);
                return true;
        }
        if (!hv_task_never_fits(c, &t->task->booking, all, text))
                return false;
        hv_task_over(c, t, HV_CAUSE_REJECTED, "never fits: %s", text);
        return true;
}

/* What is left while the queue is gone through. */
struct left {
        struct hv_room room;
        struct gpu_books gpus;
        unsigned n_gpus_held; /* for those that wait: who comes later does not take them away */
};

/* Quiet hours bound how many tasks may use, whoever else leaves some. */
static unsigned n_allowed(const struct hv_core *c, const struct left *l, const struct hv_booking *b) {
        unsigned n = hv_gpu_books_count(&l->gpus, b->gpu_memory_bytes);

        return c->caps[HV_CAPS_TASKS].has_quiet_gpus ? HV_MIN(n, l->room.n_gpus) : n;
}

/* GPUs are given by name: how many are left says not yet which. */
static enum hv_resource find_gpus(const struct hv_core *c, struct left *l, const struct hv_booking *b,
                                  char **ret, char text[HV_ROOM_TEXT_SIZE]) {
        if (!c->gpus.is_told || !b->n_gpus)
                return HV_RESOURCE_NONE;
        if (!c->gpus.is_known || (c->gpus.is_silent && !HV_MUTANT(HV_MUTANT_GPU_UNSEEN_GIVEN)))
                (void) snprintf(text, HV_ROOM_TEXT_SIZE, "the GPUs of this machine are not known: %s",
                                c->gpus.message ? c->gpus.message : "nobody has told yet");
        else if (n_allowed(c, l, b) >= b->n_gpus + l->n_gpus_held)
                *ret = hv_gpu_books_pick(&l->gpus, b->n_gpus, b->gpu_memory_bytes);
        else
                hv_gpu_describe(b, n_allowed(c, l, b),
                                l->n_gpus_held ? "are left, and others wait before it"
                                               : left_of(c, HV_RESOURCE_GPU),
                                text);
        if (!*ret)
                return HV_RESOURCE_GPU;
        l->room.n_gpus -= HV_MIN(l->room.n_gpus, b->n_gpus);
        return HV_RESOURCE_NONE;
}

static void take_turn(struct hv_core *c, struct task *t, uint64_t now_us, struct left *l) {
        struct hv_room asked = hv_room_of(&t->task->booking);
        _hv_cleanup_free_ char *gpus = NULL;
        char text[HV_ROOM_TEXT_SIZE] = "";
        enum hv_resource lacks;

        if (c->gpus.is_told) {
                asked.n_gpus = 0;
                asked.gpu_memory_bytes = 0;
        }
        lacks = hv_pressure_lacks(c);
        if (lacks == HV_RESOURCE_NONE)
                lacks = hv_room_lacks(&l->room, &asked);
        if (hv_resource_is_of_machine(lacks))
                (void) snprintf(text, sizeof text, "%s", hv_pressure_text(c));
        else if (lacks != HV_RESOURCE_NONE)
                (void) hv_room_describe(lacks, &asked, &l->room, left_of(c, lacks), text);
        else
                lacks = find_gpus(c, l, &t->task->booking, &gpus, text);
        if (lacks == HV_RESOURCE_NONE || HV_MUTANT(HV_MUTANT_ADMITS_ALL))
                admit(c, t, HV_STEAL(gpus));
        else
                wait(c, t, now_us, lacks, text);
        if (t->step == TASK_STEP_END) /* it has waited for too long, and asks for nothing any more */
                return;
        hv_room_take(&l->room, &asked);
        if (t->step == TASK_STEP_QUEUED)
                l->n_gpus_held += t->task->booking.n_gpus;
}

void hv_task_admit(struct hv_core *c, uint64_t now_us) {
        HV_VEC(struct task *) queue = {};
        struct left left = {};
        struct hv_room all;

        if (!c->machine_known || !c->active)
                return;
        all = hv_task_room(c);
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                struct task *t = c->live_tasks.v[i];

                if (t->step != TASK_STEP_QUEUED || t->effect || t->stopping)
                        continue;
                t->live->lacks = HV_RESOURCE_NONE;
                if (!ends_in_queue(c, t, &all) && t->live->not_before_us <= now_us &&
                    dependencies_are_met(c, t))
                        hv_vec_push(&queue, t);
        }
        if (queue.n > 0 && c->engine.state == HV_ENGINE_READY) {
                qsort(queue.v, queue.n, sizeof *queue.v, compare_turns);
                left.room = hv_task_free_room(c);
                hv_gpu_books_open(c, HV_GPUS_FREE, &left.gpus);
                for (size_t i = 0; i < queue.n; i++)
                        take_turn(c, queue.v[i], now_us, &left);
                hv_gpu_books_done(&left.gpus);
        }
        hv_vec_done(&queue);
}
