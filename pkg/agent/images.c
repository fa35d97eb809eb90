/* agent/images.c - see images.h. */
#include "agent/images.h"

#include "execute/image_record.h"
#include "log/log.h"

static const struct hv_secret *secret_of(void *userdata, const char *name) {
        const struct hv_agent *a = userdata;

        return hv_agent_secret(a, name);
}

static void on_came(void *userdata, uint64_t bytes) {
        const struct hv_agent *a = userdata;

        hv_metrics_pulled(hv_api_metrics(a->api), bytes);
}

void hv_agent_images_begin(struct hv_agent *a) {
        const char *dir = a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR;
        struct hv_agent_images *i = HV_NEW(struct hv_agent_images);
        struct hv_err err = {};

        if (hv_image_record_open(dir, &i->record, &err) < 0)
                (void) hv_log_error(err.code, "%s", err.msg);
        i->source = (struct hv_image_source){
                .event = a->event,
                .docker = a->docker,
                .is_local = !a->docker_url || hv_has_prefix(a->docker_url, "unix:"),
                .record = i->record,
                .secret = secret_of,
                .came = on_came,
                .userdata = a,
        };
        a->images = i;
}

const struct hv_image_source *hv_agent_images_source(const struct hv_agent *a) {
        return &a->images->source;
}

void hv_agent_images_ended(struct hv_agent *a, const struct hv_action *action, enum hv_outcome outcome) {
        if (a->images && action->type == HV_ACTION_CREATE && outcome == HV_OUTCOME_OK)
                hv_image_record_touch(a->images->record, action->unit->image, hv_agent_wall_us());
}

void hv_agent_images_end(struct hv_agent *a) {
        if (!a->images)
                return;
        a->images->record = hv_image_record_free(a->images->record);
        free(a->images);
        a->images = NULL;
}
