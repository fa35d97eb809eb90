/* fail_point.c - HIVELET_KILL_AT=action:when[:n] kills the agent the n-th time that it comes there (the first, when no n is
 * given), as a power cut would: with SIGKILL, nothing flushed, nothing told.
 *
 * A name that does not exist ends the program at its first action, so that no test waits for a place that is never reached. */
#include "execute/fail_point.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

static const char *const types[HV_N_ACTIONS] = {
        [HV_ACTION_CONNECT] = "connect",
        [HV_ACTION_LIST] = "list",
        [HV_ACTION_INSPECT] = "inspect",
        [HV_ACTION_INSPECT_IMAGE] = "inspect_image",
        [HV_ACTION_PULL] = "pull",
        [HV_ACTION_NETWORK_CREATE] = "network_create",
        [HV_ACTION_NETWORK_REMOVE] = "network_remove",
        [HV_ACTION_NETWORK_CONNECT] = "network_connect",
        [HV_ACTION_NETWORK_DISCONNECT] = "network_disconnect",
        [HV_ACTION_VOLUME_CREATE] = "volume_create",
        [HV_ACTION_VOLUME_REMOVE] = "volume_remove",
        [HV_ACTION_CREATE] = "create",
        [HV_ACTION_START] = "start",
        [HV_ACTION_STOP] = "stop",
        [HV_ACTION_UNPAUSE] = "unpause",
        [HV_ACTION_REMOVE] = "remove",
        [HV_ACTION_UPDATE] = "update",
        [HV_ACTION_TASK_ACCEPT] = "task_accept",
        [HV_ACTION_TASK_STOPPING] = "task_stopping",
        [HV_ACTION_TASK_EVICTING] = "task_evicting",
        [HV_ACTION_TASK_BEGIN] = "task_begin",
        [HV_ACTION_TASK_END] = "task_end",
        [HV_ACTION_TASK_FORGET] = "task_forget",
        [HV_ACTION_TASK_PREPARE] = "task_prepare",
        [HV_ACTION_TASK_PACKAGES] = "task_packages",
        [HV_ACTION_TASK_CANCEL] = "task_cancel",
        [HV_ACTION_TASK_COLLECT] = "task_collect",
        [HV_ACTION_TASK_CLEAN] = "task_clean",
        [HV_ACTION_TASK_WITHHOLD] = "task_withhold",
        [HV_ACTION_TASK_RESTORE] = "task_restore",
        [HV_ACTION_CRON_ADVANCE] = "cron_advance",
        [HV_ACTION_CRON_SUSPEND] = "cron_suspend",
};
static const char *const insides[] = { "packages_made",   "packages_started",   "packages_installed",
                                       "packages_kept",   "trial_begun",        "trial_stored",
                                       "trial_in_force",  "trial_confirming",   "trial_confirmed",
                                       "trial_reverting", "trial_objects_back", "trial_base_kept",
                                       "trial_reverted" };
static const char *const whens[] = {
        [HV_FAIL_BEFORE] = "before",
        [HV_FAIL_AFTER] = "after",
        [HV_FAIL_DONE] = "done",
};

struct place {
        bool is_set;
        const char *inside; /* NULL: type and when */
        enum hv_action_type type;
        enum hv_fail_when when;
        unsigned n; /* times to come */
};

static bool name_is(const char **text, const char *name) {
        size_t len = strlen(name);

        if (strncmp(*text, name, len) != 0 || ((*text)[len] != ':' && (*text)[len] != '\0'))
                return false;
        *text += len + ((*text)[len] == ':');
        return true;
}

static bool parse(const char *text, struct place *ret) {
        size_t type = 0, when = 0;
        char *end;

        for (size_t i = 0; i < HV_ARRAY_SIZE(insides); i++)
                if (strcmp(text, insides[i]) == 0) {
                        *ret = (struct place){ .is_set = true, .inside = insides[i], .n = 1 };
                        return true;
                }

        while (type < HV_N_ACTIONS && !(types[type] && name_is(&text, types[type])))
                type++;
        while (when < HV_ARRAY_SIZE(whens) && !name_is(&text, whens[when]))
                when++;
        if (type == HV_N_ACTIONS || when == HV_ARRAY_SIZE(whens))
                return false;
        *ret = (struct place){ .is_set = true, .type = type, .when = when, .n = 1 };
        if (*text == '\0')
                return true;
        ret->n = (unsigned) strtoul(text, &end, 10);
        return *end == '\0' && ret->n > 0;
}

static struct place *the_place(void) {
        static bool was_read;
        static struct place place;
        const char *text = getenv("HIVELET_KILL_AT");

        if (!was_read && text && !parse(text, &place)) {
                (void) fprintf(stderr,
                               "HIVELET_KILL_AT=%s is no place: action:before|after|done[:n], or %s, ...\n",
                               text, insides[0]);
                exit(64);
        }
        was_read = true;
        return &place;
}

void hv_fail_point(enum hv_action_type type, enum hv_fail_when when) {
        struct place *p = the_place();

        if (p->is_set && !p->inside && p->type == type && p->when == when && --p->n == 0)
                (void) kill(getpid(), SIGKILL);
}

void hv_fail_place(const char *name) {
        const struct place *p = the_place();

        if (p->is_set && p->inside && strcmp(p->inside, name) == 0)
                (void) kill(getpid(), SIGKILL);
}
