/* hivepool/schedule.c - see schedule.h. */
#include "hivepool/schedule.h"

/* --- rooms --- */

bool hv_room_fits(const struct hv_room *asked, const struct hv_room *total, const struct hv_room *taken) {
        for (size_t i = 0; i < HV_N_ROOMS; i++)
                if (asked->of[i] > 0 &&
                    (taken->of[i] > total->of[i] || asked->of[i] > total->of[i] - taken->of[i]))
                        return false;
        return true;
}

void hv_room_add(struct hv_room *to, const struct hv_room *more) {
        for (size_t i = 0; i < HV_N_ROOMS; i++)
                to->of[i] = to->of[i] > UINT64_MAX - more->of[i] ? UINT64_MAX : to->of[i] + more->of[i];
}

void hv_room_take(struct hv_room *from, const struct hv_room *less) {
        for (size_t i = 0; i < HV_N_ROOMS; i++)
                from->of[i] -= HV_MIN(from->of[i], less->of[i]);
}

/* --- order --- */

bool hv_schedule_before(const struct hv_schedule_task *a, const struct hv_schedule_task *b) {
        return a->priority != b->priority ? a->priority > b->priority : a->seq < b->seq;
}

/* --- what was in vain: whoever asks for as much or more fails too, for room only shrinks in a run --- */

#define N_VAIN 16 /* shapes of tasks are few; one that is not remembered is only looked at again */

struct vain {
        const struct hv_schedule_task *of[N_VAIN];
        size_t n, next;
};

static bool asks_as_much(const struct hv_schedule_task *t, const struct hv_schedule_task *other) {
        for (size_t i = 0; i < HV_N_ROOMS; i++)
                if (t->asked.of[i] < other->asked.of[i])
                        return false;
        return (t->needs & other->needs) == other->needs && t->trust >= other->trust;
}

static bool is_in_vain(const struct vain *v, const struct hv_schedule_task *t) {
        for (size_t i = 0; i < v->n; i++)
                if (asks_as_much(t, v->of[i]))
                        return true;
        return false;
}

static void remember(struct vain *v, const struct hv_schedule_task *t) {
        v->of[v->next] = t;
        v->next = (v->next + 1) % N_VAIN;
        v->n = HV_MIN(v->n + 1, (size_t) N_VAIN);
}

/* --- the choice --- */

static bool has_slot(const struct hv_schedule_node *n) {
        return n->is_open && n->n_tasks < n->max_tasks;
}

static bool can_take(const struct hv_schedule_node *n, const struct hv_schedule_task *t) {
        return has_slot(n) && n->trust >= t->trust && (n->has & t->needs) == t->needs &&
               hv_room_fits(&t->asked, &n->total, &n->taken);
}

/* How full the fullest of its rooms is with the task in it, in thousandths. */
static uint64_t fullness(const struct hv_schedule_node *n, const struct hv_schedule_task *t) {
        struct hv_room taken = n->taken;
        uint64_t worst = 0;

        hv_room_add(&taken, &t->asked);
        for (size_t i = 0; i < HV_N_ROOMS; i++)
                worst = HV_MAX(worst, taken.of[i] / (n->total.of[i] / 1000 + 1));
        return worst;
}

struct merit {
        bool is_new;
        enum hv_trust_group trust;
        uint64_t fullness;
        unsigned n_tasks;
};

static bool is_better(const struct merit *a, const struct merit *b) {
        if (a->is_new != b->is_new)
                return a->is_new;
        if (a->trust != b->trust)
                return a->trust > b->trust;
        if (a->fullness != b->fullness)
                return a->fullness < b->fullness;
        return a->n_tasks < b->n_tasks;
}

static size_t best_node(const struct hv_schedule_task *t, const struct hv_schedule_node *nodes,
                        size_t n_nodes) {
        struct merit best = {};
        size_t found = SIZE_MAX;

        for (size_t i = 0; i < n_nodes; i++) {
                struct merit m;

                if (!can_take(&nodes[i], t))
                        continue;
                m = (struct merit){ .is_new = i != t->had_it,
                                    .trust = nodes[i].trust,
                                    .fullness = fullness(&nodes[i], t),
                                    .n_tasks = nodes[i].n_tasks };
                if (found == SIZE_MAX || is_better(&m, &best)) {
                        found = i;
                        best = m;
                }
        }
        return found;
}

size_t hv_schedule_run(const struct hv_schedule_task *const *tasks, size_t n_tasks,
                       struct hv_schedule_node *nodes, size_t n_nodes, struct hv_schedule_assignment *ret,
                       size_t max) {
        struct vain vain = {};
        size_t n_slots = 0, n = 0;

        for (size_t i = 0; i < n_nodes; i++)
                n_slots += has_slot(&nodes[i]) ? nodes[i].max_tasks - nodes[i].n_tasks : 0;
        for (size_t i = 0; i < n_tasks && n < max && n_slots > 0; i++) {
                size_t node;

                if (is_in_vain(&vain, tasks[i]))
                        continue;
                node = best_node(tasks[i], nodes, n_nodes);
                if (node == SIZE_MAX) {
                        remember(&vain, tasks[i]);
                        continue;
                }
                hv_room_add(&nodes[node].taken, &tasks[i]->asked);
                nodes[node].n_tasks++;
                n_slots--;
                ret[n++] = (struct hv_schedule_assignment){ .task = i, .node = node };
        }
        return n;
}
