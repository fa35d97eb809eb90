#include "log/events.h"

static const struct {
        const char *name, *message_id, *meaning;
        int level;
} EVENTS[HV_EVENT_COUNT] = {
#define HV_EVENT_ROW(id, name_, level_, message_id_, meaning_) \
        [HV_EVENT_##id] = { name_, message_id_, meaning_, level_ },
        HV_EVENT_TABLE(HV_EVENT_ROW)
#undef HV_EVENT_ROW
};

static bool is_event(enum hv_event event) {
        return event > HV_EVENT_NONE && event < HV_EVENT_COUNT;
}

const char *hv_event_name(enum hv_event event) {
        return is_event(event) ? EVENTS[event].name : NULL;
}

const char *hv_event_message_id(enum hv_event event) {
        return is_event(event) ? EVENTS[event].message_id : NULL;
}

const char *hv_event_meaning(enum hv_event event) {
        return is_event(event) ? EVENTS[event].meaning : NULL;
}

int hv_event_level(enum hv_event event) {
        return is_event(event) ? EVENTS[event].level : LOG_INFO;
}

enum hv_event hv_event_from_name(const char *name) {
        for (enum hv_event e = HV_EVENT_NONE + 1; e < HV_EVENT_COUNT; e++)
                if (hv_streq(EVENTS[e].name, name))
                        return e;
        return HV_EVENT_NONE;
}
