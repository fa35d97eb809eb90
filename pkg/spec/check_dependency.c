/* spec/check_dependency.c - dependsOn: what can be waited for, by whom, and never in a circle (E0368, E0369).
 *
 * Services and tasks are the nodes of a graph, tunnels its leaves. A depth-first search from each node in the order of
 * names finds every circle once, at the edge by which its first member enters it. */
#include "base/alloc.h"
#include "base/buf.h"
#include "spec/check_internal.h"

enum colour { WHITE, GREY, BLACK };

struct search {
        const struct hv_check *check;
        enum colour *colours;                    /* one a unit */
        size_t *stack;                           /* units on the way here */
        const struct hv_spec_depends_on **edges; /* edge by which stack[i] goes on */
        size_t depth;
};

static const struct hv_node *node_of(const struct hv_spec_depends_on *d) {
        const struct hv_node *n = hv_node_get(d->node, d->service ? "service"
                                                       : d->task  ? "task"
                                                                  : "wireguard");

        return n ? n : d->node;
}

/* The unit that a dependency names, or SIZE_MAX. */
static size_t target_of(const struct hv_check *c, const struct hv_spec_depends_on *d) {
        const struct hv_check_unit *u = d->service ? hv_check_find(c, HV_KIND_SERVICE, d->service)
                                                   : hv_check_find(c, HV_KIND_TASK, d->task);

        return u ? (size_t) (u - c->units) : SIZE_MAX;
}

static void check_condition(const struct hv_check *c, const struct hv_spec_depends_on *d) {
        const struct hv_node *at = hv_check_field(d->node, "condition");
        const char *says = NULL;

        if (d->task && d->condition != HV_WANT_COMPLETED)
                says = "a task can only be waited for with \"completed\"";
        else if (d->service && d->condition == HV_WANT_HEALTHY)
                says = "a service can only be waited for with \"started\", \"ready\" or \"completed\"";
        else if (d->wireguard && d->condition != HV_WANT_STARTED && d->condition != HV_WANT_HEALTHY)
                says = "a tunnel can only be waited for with \"started\" or \"healthy\"";
        if (says)
                hv_diag_error(c->diags, at, "E0369", "%s", says);
}

static void report_cycle(const struct search *s, size_t from) {
        _hv_cleanup_(hv_buf_done) struct hv_buf way = {};
        const struct hv_check *c = s->check;

        for (size_t i = from; i < s->depth; i++)
                hv_buf_printf(&way, "%s -> ", c->units[s->stack[i]].object->name);
        hv_buf_puts(&way, c->units[s->stack[from]].object->name);
        hv_diag_error(c->diags, node_of(s->edges[from]), "E0368", "cycle: %s", hv_buf_str(&way));
}

/* Iterative, since a document decides how deep it goes: next[] is the edge to follow from each unit on the stack. */
static void visit_from(struct search *s, size_t start, size_t *next) {
        const struct hv_check *c = s->check;

        s->depth = 0;
        s->stack[s->depth++] = start;
        s->colours[start] = GREY;
        while (s->depth > 0) {
                size_t at = s->stack[s->depth - 1], to;
                const struct hv_check_unit *u = &c->units[at];

                if (next[at] == u->n_depends_on) {
                        s->colours[at] = BLACK;
                        s->depth--;
                        continue;
                }
                s->edges[s->depth - 1] = &u->depends_on[next[at]++];
                to = target_of(c, s->edges[s->depth - 1]);
                if (to == SIZE_MAX || to == at)
                        continue;
                if (s->colours[to] == GREY) {
                        size_t from = s->depth - 1;

                        while (s->stack[from] != to)
                                from--;
                        report_cycle(s, from);
                } else if (s->colours[to] == WHITE) {
                        s->colours[to] = GREY;
                        s->stack[s->depth++] = to;
                }
        }
}

void hv_check_dependencies(const struct hv_check *c) {
        _hv_cleanup_free_ enum colour *colours = HV_NEW_N(enum colour, c->n_units + 1);
        _hv_cleanup_free_ size_t *stack = HV_NEW_N(size_t, c->n_units + 1),
                                 *next = HV_NEW_N(size_t, c->n_units + 1);
        _hv_cleanup_free_ const struct hv_spec_depends_on **edges =
                HV_NEW_N(const struct hv_spec_depends_on *, c->n_units + 1);
        struct search s = { c, colours, stack, edges, 0 };

        for (size_t i = 0; i < c->n_units; i++)
                for (size_t j = 0; j < c->units[i].n_depends_on; j++) {
                        const struct hv_spec_depends_on *d = &c->units[i].depends_on[j];

                        check_condition(c, d);
                        if (target_of(c, d) == i)
                                hv_diag_error(c->diags, node_of(d), "E0369", "%s %s depends on itself",
                                              hv_check_word(c->units[i].kind),
                                              hv_diag_quote(c->diags, c->units[i].object->name));
                }
        for (size_t i = 0; i < c->n_units; i++)
                if (colours[i] == WHITE)
                        visit_from(&s, i, next);
}
