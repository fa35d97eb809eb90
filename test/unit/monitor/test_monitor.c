/* Rounds of samples: who is followed, who is asked for and how often, rates, history; on a made /proc and a made tree of cgroups. */
#include <stdio.h>
#include <unistd.h>

#include "../source/scratch.h"

#include "base/alloc.h"
#include "base/time.h"
#include "monitor/gpu_use.h"
#include "monitor/monitor.h"

#define S HV_USEC_PER_SEC
#define NET_HEADER "Inter-| Receive | Transmit\n face |bytes packets\n"

static struct hv_monitor *make(const struct scratch *s) {
        _hv_cleanup_free_ char *mounts =
                hv_asprintf("41 31 0:38 / %s/unified rw - cgroup2 cgroup2 rw\n", s->path);
        _hv_cleanup_free_ char *mountinfo = hv_asprintf("%s/mountinfo", s->path);
        struct hv_monitor_options options = { .mountinfo = mountinfo, .proc = s->path };

        scratch_write(s, "mountinfo", mounts);
        scratch_mkdir(s, "unified");
        return hv_monitor_new(&options);
}

static void use_disk(const struct scratch *s, const char *id, uint64_t read, uint64_t written) {
        _hv_cleanup_free_ char *stat = hv_asprintf("unified/%s/io.stat", id);
        char text[100];

        (void) snprintf(text, sizeof text, "8:0 rbytes=%llu wbytes=%llu rios=1 wios=1\n",
                        (unsigned long long) read, (unsigned long long) written);
        scratch_write(s, stat, text);
}

static void use(const struct scratch *s, const char *id, uint64_t cpu_us, uint64_t memory, uint64_t rx) {
        _hv_cleanup_free_ char *dir = hv_asprintf("unified/%s", id), *cpu = hv_asprintf("%s/cpu.stat", dir);
        _hv_cleanup_free_ char *current = hv_asprintf("%s/memory.current", dir);
        char text[200];

        if (access(scratch_path(s, dir), F_OK) < 0)
                scratch_mkdir(s, dir);
        (void) snprintf(text, sizeof text, "usage_usec %llu\n", (unsigned long long) cpu_us);
        scratch_write(s, cpu, text);
        (void) snprintf(text, sizeof text, "%llu\n", (unsigned long long) memory);
        scratch_write(s, current, text);
        (void) snprintf(text, sizeof text,
                        NET_HEADER
                        "lo: 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0\neth0: %llu 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n",
                        (unsigned long long) rx);
        if (access(scratch_path(s, "7"), F_OK) < 0) {
                scratch_mkdir(s, "7");
                scratch_mkdir(s, "7/net");
        }
        scratch_write(s, "7/net/dev", text);
        (void) snprintf(text, sizeof text, "0::/%s\n", id);
        scratch_write(s, "7/cgroup", text);
}

static const struct hv_monitor_ref web = { "hive-web", HV_KIND_SERVICE, "web", 1, 100, NULL };

static struct hv_container_sample sample_of(struct hv_monitor *m) {
        struct hv_monitor_view v;

        hv_monitor_look(m, &v);
        assert_int_equal(v.n_containers, 1);
        return v.containers[0].sample;
}

static void a_container_is_followed_from_its_start_to_its_end(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        struct hv_container_sample found;
        struct hv_monitor_view v;

        use(s, "aa", 1000000, 4096, 1000);
        use_disk(s, "aa", 100, 5000);
        hv_monitor_look(m, &v);
        assert_null(v.host); /* no sample is not the same as a machine that does nothing */
        assert_int_equal(v.generation, 0);
        hv_monitor_follow(m, &web, 1);
        hv_monitor_round(m, 10 * S, 1000 * S);
        assert_int_equal(sample_of(m).wall_us, 0); /* it is not known where it is */
        assert_null(hv_monitor_sample(m, "hive-web"));
        assert_string_equal(hv_monitor_next_unknown(m, 10 * S), "hive-web");
        assert_null(hv_monitor_next_unknown(m, 10 * S)); /* once is enough */
        hv_monitor_found(m, "hive-web", "aa", 7, true, 11 * S, 1001 * S);
        found = sample_of(m);
        assert_int_equal(found.wall_us, 1001 * S);
        assert_false(found.rates_are_known);
        assert_int_equal(found.figures.memory_bytes, 4096);
        assert_int_equal(found.rx_bytes, 1000); /* without loopback */
        assert_true(found.network_is_known);

        use_disk(s, "aa", 300, 9000);
        use(s, "aa", 4000000, 8192, 3000); /* 3 s of CPU in 2 s: one processor and a half */
        hv_monitor_round(m, 13 * S, 1003 * S);
        found = sample_of(m);
        assert_true(found.rates_are_known && found.cpu_percent == 150 && found.rx_bytes_per_s == 1000);
        assert_true(found.read_bytes_per_s == 100 && found.written_bytes_per_s == 2000);
        assert_ptr_equal(hv_monitor_sample(m, "hive-other"), NULL);
        assert_int_equal(hv_monitor_sample(m, "hive-web")->figures.memory_bytes, 8192);
        hv_monitor_look(m, &v);
        assert_int_equal(hv_history_size(v.containers[0].history), 1);
        assert_true(hv_history_at(v.containers[0].history, 0)->cpu_percent == 150.0F);
        assert_true(hv_history_at(v.containers[0].history, 0)->read_bytes_per_s == 100.0F);
        assert_true(hv_history_at(v.containers[0].history, 0)->written_bytes_per_s == 2000.0F);
        assert_int_equal(v.generation, 3);
        assert_non_null(v.host);

        hv_monitor_follow(m, NULL, 0);
        hv_monitor_look(m, &v);
        assert_int_equal(v.n_containers, 0);
        hv_monitor_found(m, "hive-web", "aa", 7, true, 14 * S,
                         1004 * S); /* too late, and nobody's business any more */
}

static void kill(const struct scratch *s, unsigned n_in_all) {
        char text[100];

        (void) snprintf(text, sizeof text, "oom %u\noom_kill %u\n", n_in_all, n_in_all);
        scratch_write(s, "unified/aa/memory.events", text);
}

/* Two kills were there when the container was seen first, at 1001 s; the first round was at 1000 s. */
static void a_third_is_killed(const struct scratch *s, uint64_t started_wall_us, bool are_told) {
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        struct hv_monitor_ref ref = web;
        struct hv_monitor_oom oom;

        use(s, "aa", 1, 4096, 0);
        kill(s, 2);
        hv_monitor_round(m, 10 * S, 1000 * S);
        ref.started_wall_us = started_wall_us;
        hv_monitor_follow(m, &ref, 1);
        hv_monitor_found(m, "hive-web", "aa", 7, true, 11 * S, 1001 * S);
        assert_false(hv_monitor_next_oom(m, &oom));
        kill(s, 3);
        hv_monitor_round(m, 15 * S, 1005 * S);
        assert_int_equal(hv_monitor_next_oom(m, &oom), are_told);
        if (are_told)
                assert_int_equal(oom.n, 2);
        hv_monitor_round(m, 20 * S, 1010 * S);
        assert_false(hv_monitor_next_oom(m, &oom)); /* the third may have been the container's own end */
        hv_monitor_round(m, 25 * S, 1015 * S);
        assert_true(hv_monitor_next_oom(m, &oom));
        assert_int_equal(oom.n, 1);
        assert_string_equal(oom.container, "hive-web");
        assert_string_equal(oom.object, "web");
        hv_monitor_round(m, 30 * S, 1020 * S);
        assert_false(hv_monitor_next_oom(m, &oom));
}

/* Of the first process the engine tells; of another one nobody does. */
static void a_child_that_is_killed_is_told_once_its_container_has_outlived_it(void **state) {
        a_third_is_killed(*state, 1001 * S, true);
}

static void what_was_killed_before_the_agent_began_is_not_told(void **state) {
        a_third_is_killed(*state, 900 * S, false);
}

static void oom_group_is(const struct scratch *s, char wanted) {
        char found = 0;
        FILE *f = fopen(scratch_path(s, "unified/aa/memory.oom.group"), "re");

        assert_non_null(f);
        assert_int_equal(fread(&found, 1, 1, f), 1);
        (void) fclose(f);
        assert_int_equal(found, wanted);
}

/* Of those that are found before and after it is told; what somebody else writes stays until it is told again. */
static void containers_end_whole_when_memory_runs_out(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);

        use(s, "aa", 1000000, 4096, 1000);
        scratch_write(s, "unified/aa/memory.oom.group", "0\n");
        hv_monitor_follow(m, &web, 1);
        assert_string_equal(hv_monitor_next_unknown(m, S), "hive-web");
        hv_monitor_found(m, "hive-web", "aa", 7, true, S, S);
        oom_group_is(s, '0'); /* nobody said how it is to be */
        hv_monitor_oom_group(m, true);
        oom_group_is(s, '1');
        scratch_write(s, "unified/aa/memory.oom.group", "0\n");
        hv_monitor_oom_group(m, true);
        oom_group_is(s, '1');
        hv_monitor_oom_group(m, false);
        oom_group_is(s, '0');
        hv_monitor_oom_group(m, true);
        hv_monitor_follow(m, NULL, 0);
        hv_monitor_follow(m, &web, 1);
        scratch_write(s, "unified/aa/memory.oom.group", "0\n");
        assert_string_equal(hv_monitor_next_unknown(m, S), "hive-web");
        hv_monitor_found(m, "hive-web", "aa", 7, true, S, S);
        oom_group_is(s, '1');
}

static void another_start_is_another_container(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        struct hv_monitor_ref again = web, unknown = web;

        again.started_wall_us = 200;
        unknown.started_wall_us = 0;
        use(s, "aa", 1, 4096, 0);
        hv_monitor_follow(m, &unknown, 1);
        (void) hv_monitor_next_unknown(m, S);
        hv_monitor_found(m, "hive-web", "aa", 7, true, S, S);
        hv_monitor_follow(m, &web, 1); /* only now it is told when it began */
        assert_non_null(hv_monitor_sample(m, "hive-web"));
        hv_monitor_follow(m, &unknown, 1);
        assert_non_null(hv_monitor_sample(m, "hive-web"));
        hv_monitor_follow(m, &again, 1);
        assert_null(hv_monitor_sample(m, "hive-web"));
        assert_string_equal(hv_monitor_next_unknown(m, S), "hive-web");
}

static void what_cannot_be_found_is_asked_for_again_later(void **state) {
        static const struct {
                const char *what, *id;
                int pid;
        } rows[] = {
                { "it does not run", "aa", 0 },          { "the process is not here", "aa", 8 },
                { "the process is another's", "bb", 7 }, { "it has no id", "", 7 },
                { "nobody could say", NULL, 0 },
        };
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        uint64_t now = S;

        use(s, "aa", 1, 4096, 0);
        hv_monitor_follow(m, &web, 1);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                if (!hv_streq(hv_monitor_next_unknown(m, now), "hive-web"))
                        fail_msg("%s: it is not asked for", rows[i].what);
                if (rows[i].id)
                        hv_monitor_found(m, "hive-web", rows[i].id, rows[i].pid, true, now, now);
                else
                        hv_monitor_not_found(m, "hive-web", now);
                if (hv_monitor_sample(m, "hive-web") ||
                    hv_monitor_next_unknown(m, now + HV_MONITOR_TRY_AGAIN_US - 1))
                        fail_msg("%s: not taken for unknown", rows[i].what);
                now += HV_MONITOR_TRY_AGAIN_US;
        }
        (void) hv_monitor_next_unknown(m, now);
        hv_monitor_found(m, "hive-web", "aa", 7, true, now, now);
        assert_non_null(hv_monitor_sample(m, "hive-web"));
}

static void the_hosts_network_is_nobodys_own(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);

        use(s, "aa", 1, 4096, 7777);
        hv_monitor_follow(m, &web, 1);
        (void) hv_monitor_next_unknown(m, S);
        hv_monitor_found(m, "hive-web", "aa", 7, false, S, S);
        assert_false(sample_of(m).network_is_known);
        assert_int_equal(sample_of(m).rx_bytes, 0);
}

static void the_slice_is_all_of_them(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        struct hv_monitor_view v;

        hv_monitor_follow_slice(m, "/aa");
        hv_monitor_round(m, 1 * S, S);
        hv_monitor_look(m, &v);
        assert_null(v.slice); /* nothing runs yet: there is none */
        use(s, "aa", 0, 4096, 0);
        hv_monitor_round(m, 2 * S, S);
        use(s, "aa", 500000, 4096, 0);
        hv_monitor_round(m, 3 * S, S);
        hv_monitor_look(m, &v);
        assert_true(v.slice->rates_are_known && v.slice->cpu_percent == 50);
        hv_monitor_follow_slice(m, NULL);
        hv_monitor_look(m, &v);
        assert_null(v.slice);
}

static void history_is_bounded_and_in_order(void **state) {
        _hv_cleanup_(hv_history_freep) struct hv_history *h = hv_history_new(3);

        (void) state;
        for (uint64_t i = 1; i <= 5; i++) {
                hv_history_add(h, &(struct hv_history_point){ .wall_us = i });
                assert_int_equal(hv_history_size(h), HV_MIN(i, (uint64_t) 3));
                assert_int_equal(hv_history_at(h, hv_history_size(h) - 1)->wall_us, i);
        }
        assert_int_equal(hv_history_at(h, 0)->wall_us, 3);
        assert_int_equal(sizeof(struct hv_history_point), 48); /* what docs/resources.md says of memory */
}

static void no_more_are_followed_than_there_is_room_for(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        static struct hv_monitor_ref refs[HV_MONITOR_CONTAINERS_MAX + 5];
        static char names[HV_ARRAY_SIZE(refs)][16];
        struct hv_monitor_view v;

        for (size_t i = 0; i < HV_ARRAY_SIZE(refs); i++) {
                (void) snprintf(names[i], sizeof names[i], "c%04zu", i);
                refs[i] = (struct hv_monitor_ref){ names[i], HV_KIND_SERVICE, "web", 1, 1, NULL };
        }
        hv_monitor_follow(m, refs, HV_ARRAY_SIZE(refs));
        hv_monitor_look(m, &v);
        assert_int_equal(v.n_containers, HV_MONITOR_CONTAINERS_MAX);
        assert_string_equal(v.containers[0].name, "c0000"); /* by name */
        assert_string_equal(v.containers[v.n_containers - 1].name, "c1023");
}

#define MIB (INT64_C(1) << 20)

/* Process 7 is in the container (use()), 8 is not, 9 has ended. */
static struct hv_gpus *two_gpus(const struct scratch *s) {
        struct hv_gpus *g = HV_NEW(struct hv_gpus);

        *g = (struct hv_gpus){ .is_known = true, .n = 2 };
        g->v[0] = (struct hv_gpu){ .uuid = "GPU-a",
                                   .memory_bytes = 100 * MIB,
                                   .n_processes = 3,
                                   .processes_are_listed = true,
                                   .processes = { { 7, 10 * MIB, 30 }, { 8, 20 * MIB, 40 }, { 9, 1, 1 } } };
        g->v[1] = (struct hv_gpu){ .uuid = "GPU-b", .memory_bytes = 50 * MIB, .processes_are_listed = true };
        if (access(scratch_path(s, "8"), F_OK) < 0)
                scratch_mkdir(s, "8");
        scratch_write(s, "8/cgroup", "0::/bb\n");
        return g;
}

static struct hv_monitor_container find_web(struct hv_monitor *m, const struct scratch *s, const char *gpus) {
        struct hv_monitor_ref ref = web;
        struct hv_monitor_view v;

        ref.gpus = gpus;
        use(s, "aa", 1, 4096, 0);
        hv_monitor_follow(m, &ref, 1);
        (void) hv_monitor_next_unknown(m, S);
        hv_monitor_found(m, "hive-web", "aa", 7, true, S, S);
        hv_monitor_look(m, &v);
        assert_int_equal(v.n_containers, 1);
        return v.containers[0];
}

static struct hv_monitor_container tell_gpus(struct hv_monitor *m, const struct hv_gpus *gpus) {
        struct hv_monitor_view v;

        hv_monitor_gpus(m, gpus);
        hv_monitor_look(m, &v);
        return v.containers[0];
}

static void what_a_process_takes_of_a_gpu_is_its_containers(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        _hv_cleanup_free_ struct hv_gpus *g = two_gpus(s);
        struct hv_monitor_container c = find_web(m, s, "GPU-a,GPU-b,GPU-gone");
        struct hv_container_gpus_sum sum;

        assert_int_equal(c.n_gpus, 3); /* before the driver told anything */
        assert_int_equal(c.gpus[0].memory_used_bytes, -1);
        assert_int_equal(c.gpus[0].use_percent, -1);
        c = tell_gpus(m, g);
        assert_int_equal(c.n_gpus, 3);
        assert_string_equal(c.gpus[0].uuid, "GPU-a");
        assert_int_equal(c.gpus[0].memory_bytes, 100 * MIB);
        assert_int_equal(c.gpus[0].memory_used_bytes, 10 * MIB);
        assert_int_equal(c.gpus[0].use_percent, 30);
        assert_int_equal(c.gpus[0].n_processes, 1);
        assert_string_equal(c.gpus[1].uuid, "GPU-b"); /* given, and idle */
        assert_int_equal(c.gpus[1].memory_used_bytes, 0);
        assert_int_equal(c.gpus[1].use_percent, 0);
        assert_true(c.gpus[1].is_given);
        assert_string_equal(c.gpus[2].uuid, "GPU-gone"); /* nobody can say */
        assert_int_equal(c.gpus[2].memory_used_bytes, -1);
        assert_int_equal(hv_monitor_gpus_sum(m, "hive-web").use_percent, -1);
        c = find_web(m, s, "GPU-a,GPU-b,GPU-gone");
        c = tell_gpus(m, g); /* the same again is not twice as much */
        assert_int_equal(c.gpus[0].memory_used_bytes, 10 * MIB);
        assert_int_equal(hv_monitor_gpus_sum(m, "hive-other").memory_used_bytes, -1);
        g->n = 0; /* the driver does not answer any more */
        c = tell_gpus(m, g);
        assert_int_equal(c.n_gpus, 3);
        assert_int_equal(c.gpus[0].use_percent, -1);
        sum = hv_monitor_gpus_sum(m, "hive-web");
        assert_int_equal(sum.memory_bytes, 0);
}

/* Its peaks and its mean outlive it, for as long as somebody asks for them. */
static void what_was_used_of_gpus_is_kept(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        _hv_cleanup_free_ struct hv_gpus *g = two_gpus(s);
        struct hv_monitor_ref ended = web;
        struct hv_gpu_use use;

        use = hv_monitor_gpu_use(m, "hive-web", NULL);
        assert_int_equal(use.memory_peak_bytes, -1);
        (void) find_web(m, s, "GPU-a,GPU-b");
        (void) tell_gpus(m, g);
        g->v[0].processes[0] = (struct hv_gpu_process){ 7, 40 * MIB, 10 };
        (void) tell_gpus(m, g);
        g->v[0].processes[0] =
                (struct hv_gpu_process){ 7, 20 * MIB, -1 }; /* a sample that tells no percents is none */
        (void) tell_gpus(m, g);
        g->v[0].processes[0] = (struct hv_gpu_process){ 7, 20 * MIB, 31 };
        (void) tell_gpus(m, g);
        use = hv_monitor_gpu_use(m, "hive-web", "aa");
        assert_int_equal(use.memory_peak_bytes, 40 * MIB);
        assert_int_equal(use.use_peak_percent, 31);
        assert_int_equal(use.use_mean_percent, 24); /* of 30, 10 and 31 */
        assert_int_equal(hv_monitor_gpu_use(m, "hive-web", "cc").use_peak_percent,
                         -1); /* another container */
        ended.has_ended = true;
        hv_monitor_follow(m, &ended, 1);
        assert_null(hv_monitor_sample(m, "hive-web"));
        use = hv_monitor_gpu_use(m, "hive-web", NULL);
        assert_int_equal(use.memory_peak_bytes, 40 * MIB);
        hv_monitor_follow(m, NULL, 0);
        assert_int_equal(hv_monitor_gpu_use(m, "hive-web", NULL).memory_peak_bytes, -1);
}

/* ... and what was made anew under the same name has used nothing yet. */
static void one_that_was_made_anew_begins_at_nothing(void **state) {
        const struct hv_container_gpus_sum much = { .memory_used_bytes = 40 * MIB, .use_percent = 90 },
                                           little = { .memory_used_bytes = 10 * MIB, .use_percent = 20 };
        struct hv_gpu_uses *u = hv_gpu_uses_new();
        struct hv_gpu_use use;

        (void) state;
        hv_gpu_uses_add(u, "hive-web", "aa", &much);
        hv_gpu_uses_add(u, "hive-web", "bb", &little);
        use = hv_gpu_uses_get(u, "hive-web", "bb");
        assert_int_equal(use.memory_peak_bytes, 10 * MIB);
        assert_int_equal(use.use_peak_percent, 20);
        assert_int_equal(use.use_mean_percent, 20);
        assert_int_equal(hv_gpu_uses_get(u, "hive-web", "aa").memory_peak_bytes, -1);
        assert_null(hv_gpu_uses_free(u));
}

/* Before it is found nobody's processes are its own, and a container without GPUs has no figures. */
static void what_was_not_seen_counts_for_nothing(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        _hv_cleanup_free_ struct hv_gpus *g = two_gpus(s);
        struct hv_monitor_ref ref = web;

        ref.gpus = "GPU-b";
        hv_monitor_follow(m, &ref, 1);
        hv_monitor_gpus(m, g);
        assert_int_equal(hv_monitor_gpu_use(m, "hive-web", NULL).memory_peak_bytes, -1);
        g->v[0].n_processes = 0;
        hv_monitor_follow(m, NULL, 0);
        (void) find_web(m, s, NULL);
        (void) tell_gpus(m, g);
        assert_int_equal(hv_monitor_gpu_use(m, "hive-web", "aa").memory_peak_bytes, -1);
        hv_monitor_follow(m, NULL, 0);
        (void) find_web(m, s, "GPU-b");
        (void) tell_gpus(m, g); /* given, and idle: that is known */
        assert_int_equal(hv_monitor_gpu_use(m, "hive-web", "aa").memory_peak_bytes, 0);
        assert_int_equal(hv_monitor_gpu_use(m, "hive-web", "aa").use_mean_percent, 0);
}

static void a_gpu_that_nobody_gave_is_shown_too(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        _hv_cleanup_free_ struct hv_gpus *g = two_gpus(s);
        struct hv_monitor_container c = find_web(m, s, NULL);
        struct hv_container_gpus_sum sum;

        assert_int_equal(c.n_gpus, 0);
        g->v[1] = g->v[0];
        (void) snprintf(g->v[1].uuid, sizeof g->v[1].uuid, "GPU-b");
        g->v[1].processes[1].pid =
                7; /* two of its processes, which took more than there is: rounded by the driver */
        g->v[1].processes[1].use_percent = 80;
        c = tell_gpus(m, g);
        assert_int_equal(c.n_gpus, 2);
        assert_false(c.gpus[0].is_given);
        assert_int_equal(c.gpus[1].memory_used_bytes, 30 * MIB);
        assert_int_equal(c.gpus[1].use_percent, 100);
        assert_int_equal(c.gpus[1].n_processes, 2);
        sum = hv_monitor_gpus_sum(m, "hive-web");
        assert_int_equal(sum.use_percent, 130);
        assert_int_equal(sum.memory_used_bytes, 40 * MIB);
        assert_int_equal(sum.memory_bytes, 200 * MIB);
        assert_int_equal(sum.n, 2);
}

static void what_is_not_told_of_a_process_is_not_known_of_its_container(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        _hv_cleanup_free_ struct hv_gpus *g = two_gpus(s);
        struct hv_monitor_container c = find_web(m, s, "GPU-a");

        g->v[0].processes[1] = (struct hv_gpu_process){ 7, -1, -1 };
        g->v[0].processes[2] = (struct hv_gpu_process){ 7, MIB, 5 };
        c = tell_gpus(m, g);
        assert_int_equal(c.gpus[0].n_processes, 3);
        assert_int_equal(c.gpus[0].memory_used_bytes, -1);
        assert_int_equal(c.gpus[0].use_percent, -1);
        g->v[0].processes_are_listed = false; /* there are more than there is room for */
        c = tell_gpus(m, g);
        assert_int_equal(c.gpus[0].n_processes, 0);
        assert_int_equal(c.gpus[0].memory_used_bytes, -1);
}

static void history_has_the_gpus_of_a_container(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = make(s);
        _hv_cleanup_free_ struct hv_gpus *g = two_gpus(s);
        struct hv_monitor_container c = find_web(m, s, "GPU-a");

        hv_monitor_round(m, 2 * S, 2 * S);
        c = tell_gpus(m, g);
        hv_monitor_round(m, 3 * S, 3 * S);
        assert_int_equal(hv_history_size(c.history), 2);
        assert_true(hv_history_at(c.history, 0)->gpu_percent == -1);
        assert_int_equal(hv_history_at(c.history, 0)->gpu_memory_mib, -1);
        assert_true(hv_history_at(c.history, 1)->gpu_percent == 30);
        assert_int_equal(hv_history_at(c.history, 1)->gpu_memory_mib, 10);
}

static void files_are_left_for_others(void **state) {
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = hv_monitor_new(
                &(struct hv_monitor_options){ .n_files_max = 3 * HV_MONITOR_FILES_PER_CONTAINER - 1 });
        const struct hv_monitor_ref refs[] = { { "a", HV_KIND_SERVICE, "web", 1, 1, NULL },
                                               { "b", HV_KIND_SERVICE, "web", 2, 1, NULL },
                                               { "c", HV_KIND_SERVICE, "web", 3, 1, NULL } };
        struct hv_monitor_view v;

        (void) state;
        hv_monitor_follow(m, refs, HV_ARRAY_SIZE(refs));
        hv_monitor_look(m, &v);
        assert_int_equal(v.n_containers, 2);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                ROW(a_container_is_followed_from_its_start_to_its_end),
                ROW(containers_end_whole_when_memory_runs_out),
                ROW(another_start_is_another_container),
                ROW(what_cannot_be_found_is_asked_for_again_later),
                ROW(the_hosts_network_is_nobodys_own),
                ROW(the_slice_is_all_of_them),
                ROW(no_more_are_followed_than_there_is_room_for),
                ROW(a_child_that_is_killed_is_told_once_its_container_has_outlived_it),
                ROW(what_was_killed_before_the_agent_began_is_not_told),
                ROW(what_a_process_takes_of_a_gpu_is_its_containers),
                ROW(what_was_used_of_gpus_is_kept),
                cmocka_unit_test(one_that_was_made_anew_begins_at_nothing),
                ROW(what_was_not_seen_counts_for_nothing),
                ROW(a_gpu_that_nobody_gave_is_shown_too),
                ROW(what_is_not_told_of_a_process_is_not_known_of_its_container),
                ROW(history_has_the_gpus_of_a_container),
                cmocka_unit_test(files_are_left_for_others),
                cmocka_unit_test(history_is_bounded_and_in_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
