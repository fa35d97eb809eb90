/* What GPUs did in the last hour, as the API tells it. */
#include "testing.h"

#include "ask.h"
#include "base/alloc.h"
#include "base/time.h"
#include "gpu/history.h"

static void gpus_have_a_history(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_gpu_history_freep) struct hv_gpu_history *seen = hv_gpu_history_new();
        _hv_cleanup_free_ struct hv_gpus *g = HV_NEW(struct hv_gpus);
        _hv_cleanup_(answer_done) struct answer now = {}, history = {};

        (void) state;
        *g = (struct hv_gpus){ .is_known = true,
                               .v = { { .uuid = "GPU-a",
                                        .memory_used_bytes = 4096,
                                        .use_percent = 40,
                                        .temperature_c = -1 } },
                               .n = 1 };
        hv_gpu_history_add(seen, g, s->wall_us);
        s->usage.gpus = g;
        s->usage.gpu_history = seen;
        now = get(s, "/api/v1/usage");
        assert_int_equal(hv_json_as_int(at(now.json, "gpus.0.use"), 0), 40);
        assert_null(at(now.json, "gpus.0.history"));
        history = get(s, "/api/v1/usage?history=1");
        assert_int_equal(hv_json_as_int(at(history.json, "gpus.0.history.0.use"), 0), 40);
        assert_int_equal(hv_json_as_int(at(history.json, "gpus.0.history.0.memory"), 0), 4096);
        assert_int_equal(hv_json_type(at(history.json, "gpus.0.history.0.temperatureCelsius")), HV_JSON_NULL);
        assert_string_equal(text_at(history.json, "gpus.0.history.0.at"),
                            text_at(history.json, "host.history.0.at"));
        assert_null(at(history.json, "gpus.0.history.1"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(gpus_have_a_history),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
