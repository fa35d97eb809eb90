/* spec/kind.h - the kinds of object a desired state is made of. */
#pragma once

enum hv_kind {
        HV_KIND_NONE,
        HV_KIND_NODESTATE,
        HV_KIND_SERVICE,
        HV_KIND_TASK,
        HV_KIND_CRONTASK,
        HV_KIND_NETWORK,
        HV_KIND_VOLUME,
        HV_KIND_SECRET,
        HV_KIND_CONFIG,
        HV_KIND_IMAGE,
        HV_KIND_REGISTRY,
        HV_KIND_WIREGUARD,
        HV_N_KINDS
};

/* "Service", "CronTask", ...; "" for HV_KIND_NONE. */
const char *hv_kind_name(enum hv_kind kind);

/* "service", "cronTask": the form used in labels, paths and metrics. */
const char *hv_kind_label(enum hv_kind kind);

/* Either form, any of kubectl's habits ("services", "svc", "cron", "net", "vol", "sec", "cfg", "wg", "img");
 * HV_KIND_NONE when unknown. */
enum hv_kind hv_kind_parse(const char *text);
