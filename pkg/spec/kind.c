/* spec/kind.c - see kind.h. */
#include "spec/kind.h"

#include <string.h>
#include <strings.h>

#include "base/macros.h"

static const struct {
        const char *name, *label, *plural, *brief;
} kinds[HV_N_KINDS] = {
        [HV_KIND_NONE] = { "", "", "", "" },
        [HV_KIND_NODESTATE] = { "NodeState", "nodeState", "nodestates", "node" },
        [HV_KIND_SERVICE] = { "Service", "service", "services", "svc" },
        [HV_KIND_TASK] = { "Task", "task", "tasks", "task" },
        [HV_KIND_CRONTASK] = { "CronTask", "cronTask", "crontasks", "cron" },
        [HV_KIND_NETWORK] = { "Network", "network", "networks", "net" },
        [HV_KIND_VOLUME] = { "Volume", "volume", "volumes", "vol" },
        [HV_KIND_SECRET] = { "Secret", "secret", "secrets", "sec" },
        [HV_KIND_CONFIG] = { "Config", "config", "configs", "cfg" },
        [HV_KIND_IMAGE] = { "Image", "image", "images", "img" },
        [HV_KIND_REGISTRY] = { "Registry", "registry", "registries", "reg" },
        [HV_KIND_WIREGUARD] = { "WireGuard", "wireguard", "wireguards", "wg" },
};

const char *hv_kind_name(enum hv_kind kind) {
        return (unsigned) kind < HV_N_KINDS ? kinds[kind].name : "";
}

const char *hv_kind_label(enum hv_kind kind) {
        return (unsigned) kind < HV_N_KINDS ? kinds[kind].label : "";
}

enum hv_kind hv_kind_parse(const char *text) {
        if (hv_str_empty(text))
                return HV_KIND_NONE;
        for (int k = HV_KIND_NONE + 1; k < HV_N_KINDS; k++)
                if (strcasecmp(text, kinds[k].name) == 0 || strcasecmp(text, kinds[k].plural) == 0 ||
                    strcasecmp(text, kinds[k].brief) == 0)
                        return (enum hv_kind) k;
        return HV_KIND_NONE;
}
