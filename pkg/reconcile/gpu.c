/* reconcile/gpu.c - see gpu.h: what is told of GPUs, who is given some, and what follows from losing one. */
#include "reconcile/gpu.h"

#include <stdio.h>

#include "base/quantity.h"
#include "reconcile/eviction.h"
#include "reconcile/gpu_books.h"
#include "reconcile/mutant.h"
#include "reconcile/pass.h"
#include "reconcile/task_state.h"
#include "spec/gpu_select.h"

/* ---- the inventory ---- */

static void clear(struct gpus *g) {
        for (size_t i = 0; i < g->v.n; i++) {
                free(g->v.v[i].uuid);
                free(g->v.v[i].name);
        }
        hv_vec_clear(&g->v);
}

void hv_gpus_end(struct hv_core *c) {
        clear(&c->gpus);
        hv_vec_done(&c->gpus.v);
        free(c->gpus.message);
        free(c->gpus.withheld);
}

static void add(struct gpus *g, const char *uuid, const char *name, uint64_t memory_bytes, bool is_whole,
                bool works) {
        hv_vec_push(&g->v, ((struct gpu){ hv_strdup(uuid), hv_strdup(name), memory_bytes, is_whole, works }));
}

void hv_gpus_input(struct hv_core *c, const struct hv_seen_gpus *seen) {
        struct gpus *g = &c->gpus;

        c->seq++;
        g->is_told = true;
        g->is_silent = !seen->is_known;
        hv_set_text(&g->message, seen->is_known ? NULL : seen->message);
        hv_set_text(&g->withheld, seen->withheld);
        if (!seen->is_known)
                return;
        g->is_known = true;
        clear(g);
        for (size_t i = 0; i < seen->n; i++)
                if (!hv_str_empty(seen->v[i].uuid))
                        add(g, seen->v[i].uuid, seen->v[i].name, seen->v[i].memory_bytes, seen->v[i].is_whole,
                            seen->v[i].works);
}

void hv_gpus_like(struct hv_core *c, const struct hv_core *other) {
        const struct gpus *from = &other->gpus;

        c->gpus.is_told = from->is_told;
        c->gpus.is_known = from->is_known;
        c->gpus.is_silent = from->is_silent;
        hv_set_text(&c->gpus.message, from->message);
        hv_set_text(&c->gpus.withheld, from->withheld);
        clear(&c->gpus);
        for (size_t i = 0; i < from->v.n; i++)
                add(&c->gpus, from->v.v[i].uuid, from->v.v[i].name, from->v.v[i].memory_bytes,
                    from->v.v[i].is_whole, from->v.v[i].works);
}

bool hv_core_gpus_are_known(const struct hv_core *c) {
        return c->gpus.is_known || !c->gpus.is_told;
}

/* ---- lists of UUIDs ---- */

static const char *next_uuid(const char **list, size_t *ret_len) {
        const char *at = *list;

        if (hv_str_empty(at))
                return NULL;
        *ret_len = strcspn(at, ",");
        *list = at + *ret_len + (at[*ret_len] == ',');
        return at;
}

static bool lists(const char *list, const char *uuid) {
        const char *at;
        size_t len;

        while ((at = next_uuid(&list, &len)))
                if (strlen(uuid) == len && strncmp(at, uuid, len) == 0)
                        return true;
        return false;
}

static const struct gpu *find(const struct hv_core *c, const char *uuid, size_t len) {
        for (size_t i = 0; i < c->gpus.v.n; i++)
                if (strlen(c->gpus.v.v[i].uuid) == len && strncmp(c->gpus.v.v[i].uuid, uuid, len) == 0)
                        return &c->gpus.v.v[i];
        return NULL;
}

/* The first of them that does not work any more, into buf; NULL: all do, or nobody can say. */
static const char *lost_one(const struct hv_core *c, const char *list, char *buf, size_t size) {
        const struct gpu *g;
        const char *at;
        size_t len;

        while (c->gpus.is_known && (at = next_uuid(&list, &len))) {
                g = find(c, at, len);
                if (g && g->works)
                        continue;
                (void) snprintf(buf, size, "%.*s %s", (int) len, at,
                                g ? "does not work any more" : "is gone");
                return buf;
        }
        return NULL;
}

/* ---- books ---- */

bool hv_gpu_is_selected(const struct hv_gpu_rules *rules, const char *uuid, const char *name,
                        uint64_t memory_bytes) {
        for (size_t i = 0; i < rules->n_select; i++)
                if (hv_gpu_is_like(&rules->select[i], uuid, name, memory_bytes))
                        return true;
        return rules->n_select == 0;
}

/* One holder of all that stand in one list or the other; either may be NULL. */
static void hold(struct gpu_books *b, const char *list, const char *other, uint64_t memory_bytes) {
        for (size_t i = 0; i < b->v.n; i++) {
                struct gpu_book *k = &b->v.v[i];

                if (!(lists(list, k->gpu->uuid) || lists(other, k->gpu->uuid)) ||
                    HV_MUTANT(HV_MUTANT_GPU_GIVEN_TWICE))
                        continue;
                k->n_holders++;
                if (b->is_shared && memory_bytes && memory_bytes < k->free_bytes)
                        k->free_bytes -= memory_bytes;
                else
                        k->free_bytes = 0;
        }
}

static bool has_some(const struct container *k) {
        return k && k->ours && k->gpus;
}

/* What a container was given stands on it; what is given to one that is not made yet, on its slot. */
const char *hv_slot_gpus(const struct slot *s) {
        return has_some(s->have) ? s->have->gpus : s->gpus;
}

static bool runs(const struct container *k) {
        return k->state != HV_CONTAINER_EXITED && k->state != HV_CONTAINER_DEAD &&
               k->state != HV_CONTAINER_CREATED;
}

/* That stands on the container, too. Of one whose maker wrote nothing of it what is wanted now is all that is known. */
static uint64_t made_with(const struct slot *s) {
        if (s->have->tells_gpu_memory && !HV_MUTANT(HV_MUTANT_GPU_SHARE_AS_WANTED))
                return s->have->gpu_memory_bytes;
        return s->want ? s->want->gpu_memory_bytes : 0;
}

/* None named is all of it. */
static uint64_t larger(uint64_t a, uint64_t b) {
        return a && b ? HV_MAX(a, b) : 0;
}

/* Until it is made anew a container has what it was made with, and its service's turn is not another's to take: what others get now
 * fits beside this one and beside the next one. */
static uint64_t held_of_each(const struct slot *s, enum hv_gpu_scope scope) {
        uint64_t wanted = s->want ? s->want->gpu_memory_bytes : 0;
        uint64_t given = has_some(s->have) ? made_with(s) : s->gpu_memory_bytes;

        if (scope == HV_GPUS_FOR_TASKS)
                return wanted;
        return scope == HV_GPUS_FREE && s->want && s->want->n_gpus ? larger(given, wanted) : given;
}

/* A container that an agent before this one made, and that was never started, goes before the one that is made with what was given
 * now: until then both are held, for either may be the one that runs. */
static const char *given_besides(const struct slot *s, enum hv_gpu_scope scope) {
        return scope == HV_GPUS_FREE && s->have && !runs(s->have) ? s->gpus : NULL;
}

static bool holds(const struct slot *s, enum hv_gpu_scope scope) {
        bool is_service = s->want && !s->task;

        if (!hv_slot_gpus(s) || scope == HV_GPUS_IN_ALL || (scope == HV_GPUS_FOR_TASKS && !is_service))
                return false;
        if (scope == HV_GPUS_IDLE)
                return (has_some(s->have) && runs(s->have)) ||
                       (s->effect && s->effect->action.type == HV_ACTION_START);
        if (s->task)
                return hv_task_holds_room(s->task);
        return is_service || s->effect || (s->doubt && !s->audited) || (s->have && runs(s->have));
}

void hv_gpu_books_open(const struct hv_core *c, enum hv_gpu_scope scope, struct gpu_books *ret) {
        const struct hv_gpu_rules *rules = &c->active->settings.gpus;
        const struct slot *s;
        size_t it = 0;

        *ret = (struct gpu_books){ .is_shared = rules->is_shared };
        for (size_t i = 0; !c->gpus.withheld && i < c->gpus.v.n; i++) {
                const struct gpu *g = &c->gpus.v.v[i];

                if (g->is_whole && (g->works || scope != HV_GPUS_FREE) &&
                    hv_gpu_is_selected(rules, g->uuid, g->name, g->memory_bytes))
                        hv_vec_push(&ret->v, ((struct gpu_book){ g, g->memory_bytes, 0 }));
        }
        while (ret->v.n > 0 && hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (holds(s, scope))
                        hold(ret, hv_slot_gpus(s), given_besides(s, scope), held_of_each(s, scope));
}

void hv_gpu_books_done(struct gpu_books *b) {
        hv_vec_done(&b->v);
}

static bool can_take(const struct gpu_books *b, const struct gpu_book *k, uint64_t memory_bytes) {
        if (k->n_holders == 0)
                return k->gpu->memory_bytes >= memory_bytes;
        return b->is_shared && memory_bytes > 0 && k->free_bytes >= memory_bytes;
}

unsigned hv_gpu_books_count(const struct gpu_books *b, uint64_t memory_bytes) {
        unsigned n = 0;

        for (size_t i = 0; i < b->v.n; i++)
                n += can_take(b, &b->v.v[i], memory_bytes);
        return n;
}

static struct gpu_book *smallest(struct gpu_books *b, uint64_t memory_bytes, const char *without) {
        struct gpu_book *best = NULL;

        for (size_t i = 0; i < b->v.n; i++) {
                struct gpu_book *k = &b->v.v[i];

                if (can_take(b, k, memory_bytes) && !lists(without, k->gpu->uuid) &&
                    (!best || k->free_bytes < best->free_bytes))
                        best = k;
        }
        return best;
}

char *hv_gpu_books_pick(struct gpu_books *b, unsigned n, uint64_t memory_bytes) {
        _hv_cleanup_free_ char *list = hv_strdup("");

        if (n == 0 || hv_gpu_books_count(b, memory_bytes) < n)
                return NULL;
        for (unsigned i = 0; i < n; i++) {
                const char *uuid = smallest(b, memory_bytes, list)->gpu->uuid;
                size_t size = strlen(list) + strlen(uuid) + 2;
                char *longer = hv_malloc(size);

                (void) snprintf(longer, size, "%s%s%s", list, *list ? "," : "", uuid);
                free(list);
                list = longer;
        }
        hold(b, list, NULL, memory_bytes);
        return HV_STEAL(list);
}

bool hv_gpus_are_anothers(const struct hv_core *c, const struct slot *s) {
        struct gpu_books b;
        bool are_anothers = false;

        if (!s->have->gpus || !c->gpus.is_told)
                return false;
        hv_gpu_books_open(c, HV_GPUS_IDLE, &b);
        for (size_t i = 0; i < b.v.n; i++)
                are_anothers |= b.v.v[i].n_holders > 0 && lists(s->have->gpus, b.v.v[i].gpu->uuid) &&
                                !can_take(&b, &b.v.v[i], made_with(s));
        hv_gpu_books_done(&b);
        return are_anothers;
}

void hv_gpu_room(const struct hv_core *c, enum hv_gpu_scope scope, struct hv_room *room) {
        struct gpu_books b;

        if (!c->gpus.is_told)
                return;
        hv_gpu_books_open(c, scope, &b);
        room->n_gpus = 0;
        room->gpu_memory_bytes = 0;
        for (size_t i = 0; i < b.v.n; i++) {
                if (b.v.v[i].free_bytes == 0)
                        continue;
                room->n_gpus++;
                room->gpu_memory_bytes += b.v.v[i].free_bytes;
        }
        hv_gpu_books_done(&b);
}

void hv_gpu_describe(const struct hv_booking *asked, unsigned n_there, const char *of,
                     char buf[HV_ROOM_TEXT_SIZE]) {
        char memory[HV_QUANTITY_SIZE];

        hv_quantity_format_bytes(asked->gpu_memory_bytes, memory);
        (void) snprintf(buf, HV_ROOM_TEXT_SIZE, "asks for %u GPU%s%s%s, %u such %s", asked->n_gpus,
                        asked->n_gpus == 1 ? "" : "s", asked->gpu_memory_bytes ? " with " : "",
                        asked->gpu_memory_bytes ? memory : "", n_there, of);
}

static bool are_withheld(const struct hv_core *c, const struct hv_booking *asked,
                         char buf[HV_ROOM_TEXT_SIZE]) {
        if (c->gpus.withheld)
                (void) snprintf(buf, HV_ROOM_TEXT_SIZE, "asks for %u GPU%s: %s", asked->n_gpus,
                                asked->n_gpus == 1 ? "" : "s", c->gpus.withheld);
        return c->gpus.withheld;
}

bool hv_gpu_ever_fits(const struct hv_core *c, const struct hv_booking *asked, char buf[HV_ROOM_TEXT_SIZE]) {
        struct gpu_books b;
        bool fits;

        if (!asked->n_gpus)
                return true;
        if (are_withheld(c, asked, buf))
                return false;
        if (!c->gpus.is_known)
                return true;
        hv_gpu_books_open(c, HV_GPUS_FOR_TASKS, &b);
        fits = hv_gpu_books_count(&b, asked->gpu_memory_bytes) >= asked->n_gpus;
        if (!fits)
                hv_gpu_describe(asked, hv_gpu_books_count(&b, asked->gpu_memory_bytes), HV_ROOM_FOR_TASKS,
                                buf);
        hv_gpu_books_done(&b);
        return fits;
}

bool hv_gpu_fits_now(const struct hv_core *c, const struct hv_booking *asked, unsigned at_most,
                     char buf[HV_ROOM_TEXT_SIZE]) {
        struct gpu_books b;
        unsigned n;

        if (!asked->n_gpus)
                return true;
        if (are_withheld(c, asked, buf))
                return false;
        if (!c->gpus.is_known) {
                (void) snprintf(buf, HV_ROOM_TEXT_SIZE, "the GPUs of this machine are not known: %s",
                                c->gpus.message ? c->gpus.message : "nobody has told yet");
                return false;
        }
        hv_gpu_books_open(c, HV_GPUS_FREE, &b);
        n = HV_MIN(hv_gpu_books_count(&b, asked->gpu_memory_bytes), at_most);
        hv_gpu_books_done(&b);
        if (n < asked->n_gpus)
                hv_gpu_describe(asked, n, "are left now", buf);
        return n >= asked->n_gpus;
}

/* ---- who is given some ---- */

static bool needs_some(const struct slot *s) {
        return s && s->want && s->want->n_gpus && !has_some(s->have);
}

static void give(struct gpu_books *b, struct slot *s) {
        if (!needs_some(s) || s->gpus)
                return;
        s->gpus = hv_gpu_books_pick(b, s->want->n_gpus, s->want->gpu_memory_bytes);
        s->gpu_memory_bytes = s->want->gpu_memory_bytes;
}

/* What was given to a task and not used yet, and does not work any more, is given back. */
static void take_back(const struct hv_core *c, struct slot *s) {
        char text[HV_GPU_FAULT_SIZE];

        if (!s || s->effect || !s->gpus) /* it may be made with them just now */
                return;
        if (c->gpus.withheld || lost_one(c, s->gpus, text, sizeof text))
                free(HV_STEAL(s->gpus));
}

/* Somebody said by hand that nothing is made of it for now. */
static bool is_put_off(const struct hv_core *c, const struct slot *s) {
        return hv_order_to_stop(c, s) || hv_order_to_hold(c, s) || hv_slot_is_paused(c, s);
}

/* What is set aside for a service stands nowhere but here: kept from pass to pass it would be another's after a restart. Neither
 * does it count then who had some before, where he waits for something else. */
static void set_aside_anew(struct hv_core *c) {
        struct slot *s;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s)) {
                if (s->task)
                        continue;
                if (s->want && (hv_slot_lacks_item(c, s) || (s->have && !s->have->ours)))
                        s->had_gpus = false;
                if (!s->effect && !s->doubt && !HV_MUTANT(HV_MUTANT_GPU_SET_ASIDE_STAYS))
                        free(HV_STEAL(s->gpus)); /* else it may be made with them just now */
        }
}

static void keep_what_is_shown(struct hv_core *c) {
        struct slot *s;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                s->gpus_before = hv_strdup(s->gpus);
}

static void tell_what_moved(struct hv_core *c) {
        struct slot *s;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s)) {
                c->changed |= !hv_streq(s->gpus, s->gpus_before);
                free(HV_STEAL(s->gpus_before));
        }
}

static void give_services(const struct hv_core *c, struct gpu_books *b, bool made_anew) {
        for (size_t i = 0; i < c->active->n_units; i++) {
                struct slot *s = hv_map_get(c->slots, c->active->units[i].container);

                if (needs_some(s) && !is_put_off(c, s) && s->had_gpus == made_anew)
                        give(b, s);
        }
}

/* Nothing of its attempt runs or may come to run; a stranger's container of that name is none of it. While something is written or
 * installed for it (`effect`) it is ended by nobody: no state is known in which that would do harm, and none has to be looked for. */
static bool is_before_its_start(const struct task *t) {
        return (t->step == TASK_STEP_MAKE ||
                (t->step == TASK_STEP_RUN && t->live->start == START_NOT_SENT)) &&
               t->task && !t->effect && !t->stopping && t->slot && !t->slot->doubt;
}

/* It was admitted, and lost what it was given before its container was made. Others that will do may be free one day; where
 * there are none it would wait for ever, and hold its room. */
static void end_if_stranded(struct hv_core *c, struct task *t) {
        char text[HV_ROOM_TEXT_SIZE];

        if (!is_before_its_start(t) || !needs_some(t->slot) || t->slot->gpus)
                return;
        if (!hv_gpu_ever_fits(c, &t->task->booking, text))
                hv_task_over(c, t, t->live->begun ? HV_CAUSE_NODE_ERROR : HV_CAUSE_REJECTED, "never fits: %s",
                             text);
}

/* First who was promised some: of tasks only what a process before this one admitted, for others are given theirs with their
 * admission. Then services, for they are declared: those whose container is made anew before those that never had any. */
static void give_all(struct hv_core *c) {
        struct gpu_books b;

        if (c->gpus.is_silent && !HV_MUTANT(HV_MUTANT_GPU_UNSEEN_GIVEN))
                return;
        hv_gpu_books_open(c, HV_GPUS_FREE, &b);
        for (size_t i = 0; i < c->live_tasks.n; i++)
                if (hv_task_holds_room(c->live_tasks.v[i])) /* who has ended needs none */
                        give(&b, c->live_tasks.v[i]->slot);
        give_services(c, &b, true);
        give_services(c, &b, false);
        hv_gpu_books_done(&b);
        for (size_t i = 0; i < c->live_tasks.n; i++)
                end_if_stranded(c, c->live_tasks.v[i]);
}

/* ---- who loses one ---- */

static void fault(struct hv_core *c, struct slot *s, uint64_t now_us, const char *text) {
        if (hv_streq(s->gpu_fault_id, s->have->id))
                return;
        hv_set_text(&s->gpu_fault_id, s->have->id);
        hv_set_text(&s->gpu_fault, text);
        if (s->task || !s->want)
                return;
        hv_backoff_exited(&s->restart, &s->want->backoff, now_us,
                          s->running_since_us ? now_us - s->running_since_us : 0, false);
        hv_note_slot(c, s, HV_NOTE_FAILED, HV_REASON_GPU_LOST, "lost its GPU: %s", text);
}

void hv_gpu_access_lost(struct hv_core *c, uint64_t now_us, const char *container_id, const char *text) {
        struct slot *s = hv_map_get(c->ids, container_id);

        c->seq++;
        if (s && has_some(s->have) && runs(s->have))
                fault(c, s, now_us, text);
}

static void find_lost(struct pass *p) {
        char text[HV_GPU_FAULT_SIZE];
        struct slot *s;
        size_t it = 0;

        while (hv_map_next(p->c->slots, &it, NULL, (void **) &s)) {
                bool may_run = has_some(s->have) && (s->task || !s->want || !hv_slot_is_finished(p->c, s));

                if (may_run && lost_one(p->c, s->have->gpus, text, sizeof text))
                        fault(p->c, s, p->now_us, text);
                /* Again until it may be: since when it runs may have to be asked first. */
                if (s->task && hv_slot_has_gpu_fault(s))
                        hv_task_evict(s->task, HV_EVICTION_GPU_LOST, s->gpu_fault);
        }
}

void hv_pass_gpus(struct pass *p) {
        if (!p->c->gpus.is_told)
                return;
        find_lost(p);
        keep_what_is_shown(p->c);
        set_aside_anew(p->c);
        for (size_t i = 0; i < p->c->live_tasks.n; i++)
                take_back(p->c, p->c->live_tasks.v[i]->slot);
        give_all(p->c);
        tell_what_moved(p->c);
}

bool hv_slot_has_gpu_fault(const struct slot *s) {
        return s->have && s->gpu_fault_id && hv_streq(s->gpu_fault_id, s->have->id) &&
               !HV_MUTANT(HV_MUTANT_GPU_LOSS_UNNOTICED);
}

/* ---- for people ---- */

static const char *const *holders_of(const struct hv_core *c, const struct gpu *g, struct hv_arena *arena,
                                     size_t *ret_n) {
        const char **v = HV_ARENA_NEW_N(arena, const char *, hv_map_size(c->slots) + 1);
        const struct slot *s;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (holds(s, HV_GPUS_FREE) &&
                    (lists(hv_slot_gpus(s), g->uuid) || lists(given_besides(s, HV_GPUS_FREE), g->uuid)))
                        v[(*ret_n)++] = hv_arena_strdup(arena, s->name);
        return v;
}

void hv_core_gpus(const struct hv_core *c, struct hv_arena *arena, struct hv_gpus_status *ret) {
        struct hv_gpu_status *v = HV_ARENA_NEW_N(arena, struct hv_gpu_status, c->gpus.v.n + 1);
        struct gpu_books b = {};

        *ret = (struct hv_gpus_status){ .is_known = c->gpus.is_known,
                                        .message = hv_arena_strdup(arena, c->gpus.message),
                                        .v = v,
                                        .n = c->gpus.v.n };
        if (c->active)
                hv_gpu_books_open(c, HV_GPUS_FREE, &b);
        for (size_t i = 0; i < c->gpus.v.n; i++) {
                const struct gpu *g = &c->gpus.v.v[i];

                v[i] = (struct hv_gpu_status){ .uuid = hv_arena_strdup(arena, g->uuid),
                                               .name = hv_arena_strdup(arena, g->name),
                                               .memory_bytes = g->memory_bytes,
                                               .works = g->works };
                v[i].is_given =
                        c->active && g->is_whole && !c->gpus.withheld &&
                        hv_gpu_is_selected(&c->active->settings.gpus, g->uuid, g->name, g->memory_bytes);
                v[i].holders = holders_of(c, g, arena, &v[i].n_holders);
                for (size_t k = 0; k < b.v.n; k++)
                        if (b.v.v[k].gpu == g)
                                v[i].held_bytes = g->memory_bytes - b.v.v[k].free_bytes;
        }
        hv_gpu_books_done(&b);
}
