/* How busy the machine is: what its files say, and a real look against the kernel's own figures, bracketed by two of them. */
#include "testing.h"

#include "../source/scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/alloc.h"
#include "base/time.h"
#include "host/sample.h"

static void ticks(void **state) {
        static const struct hv_cpu_ticks rows[][2] = {
                { { 100, 1000 }, { 150, 1100 } }, /* 50 of 100 */
                { { 100, 1000 }, { 100, 1000 } }, /* no time has passed */
                { { 100, 1000 }, { 90, 1100 } },  /* a counter went back by some ticks */
        };
        struct hv_cpu_ticks t;
        double percent = -1;

        (void) state;
        assert_true(hv_host_cpu_ticks("cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1 2 3\n", &t));
        assert_int_equal(t.total, 531);
        assert_int_equal(t.busy, 81); /* neither idle nor waiting for a disk; guests are in user and nice */
        assert_false(hv_host_cpu_ticks("intr 1 2 3\n", &t));
        assert_true(hv_host_cpu_percent(&rows[0][0], &rows[0][1], &percent));
        assert_true(percent == 50);
        assert_false(hv_host_cpu_percent(&rows[1][0], &rows[1][1], &percent));
        assert_true(hv_host_cpu_percent(&rows[2][0], &rows[2][1], &percent));
        assert_true(percent == 0);
}

static void memory(void **state) {
        struct hv_host_memory m = {};

        (void) state;
        assert_true(
                hv_host_memory("MemTotal:       1024 kB\nMemFree:         100 kB\nMemAvailable:    256 kB\n"
                               "Cached:           12 kB\nSwapTotal:         8 kB\nSwapFree:          4 kB\n",
                               &m));
        assert_int_equal(m.total_bytes, 1 << 20);
        assert_int_equal(m.available_bytes, 256 << 10);
        assert_int_equal(m.swap_free_bytes, 4 << 10);
        assert_true(hv_host_memory_percent(&m) == 75);
        assert_false(hv_host_memory("MemTotal: 1024 kB\n", &m)); /* before Linux 3.14 */
        assert_false(hv_host_memory("MemTotal: 0 kB\nMemAvailable: 0 kB\n", &m));
        assert_int_equal(m.total_bytes, 1 << 20);
        m = (struct hv_host_memory){};
        assert_true(hv_host_memory_percent(&m) == 0);
}

static void load_and_model(void **state) {
        char model[HV_CPU_MODEL_SIZE];
        struct hv_host_load l;
        unsigned mhz;

        (void) state;
        assert_true(hv_host_load("5.22 8.97 106.20 2/99 2017\n", &l));
        assert_true(l.of_1_min == 5.22 && l.of_5_min == 8.97 && l.of_15_min == 106.20);
        assert_int_equal(l.n_running, 2);
        assert_int_equal(l.n_threads, 99);
        assert_false(hv_host_load("5.22 8.97\n", &l));
        hv_host_cpu_model(
                "processor\t: 0\nmodel name\t: AMD EPYC 7B13\nstepping\t: 1\ncpu MHz\t\t: 2596.150\n", model,
                &mhz);
        assert_string_equal(model, "AMD EPYC 7B13");
        assert_int_equal(mhz, 2596);
        hv_host_cpu_model("processor\t: 0\nBogoMIPS\t: 243.75\n", model, &mhz); /* ARM */
        assert_string_equal(model, "");
        assert_int_equal(mhz, 0);
}

static void what_counts_as_traffic(void **state) {
        (void) state;
        assert_true(hv_host_counts_interface("eth0", NULL));
        assert_true(hv_host_counts_interface("wlan0", "wlan"));
        assert_true(hv_host_counts_interface("bond0", "bond"));
        assert_false(hv_host_counts_interface("lo", NULL));
        assert_false(hv_host_counts_interface("vethab12", NULL));
        assert_false(hv_host_counts_interface("br-5bbde8de9df2", "bridge"));
        assert_false(hv_host_counts_interface("hive0", "wireguard"));
}

static uint64_t total_memory(void) {
        FILE *f = fopen("/proc/meminfo", "re");
        uint64_t kib = 0;
        char line[200];

        assert_non_null(f);
        while (fgets(line, sizeof line, f) && sscanf(line, "MemTotal: %" SCNu64, &kib) != 1)
                ;
        (void) fclose(f);
        return kib << 10;
}

/* A file system that others write to moves; the size of it does not. */
static void a_look_agrees_with_the_kernel(void **state) {
        _hv_cleanup_(hv_host_sampler_freep) struct hv_host_sampler *s = hv_host_sampler_new(NULL);
        const struct hv_host_sample *now;
        struct statvfs fs;

        (void) state;
        assert_null(hv_host_sampler_last(s));
        hv_host_sampler_watch(s, "work", "/var/lib/hivelet-is-not-here/tasks");
        hv_host_sampler_watch(s, "state", "/var/lib"); /* the same file system: shown once */
        hv_host_sampler_watch(s, "proc", "/proc");
        hv_host_sampler_look(s, 1000000, 5000000);
        now = hv_host_sampler_last(s);
        assert_int_equal(now->wall_us, 5000000);
        assert_int_equal(now->memory.total_bytes, total_memory());
        assert_true(now->memory.available_bytes > 0 &&
                    now->memory.available_bytes <= now->memory.total_bytes);
        assert_int_equal(now->n_cpus > 0, true);
        assert_true(now->n_processes > 0 && now->load.n_threads >= now->n_processes);
        assert_false(now->cpu_is_known); /* a mean since the start says nothing of now */
        assert_false(now->rates_are_known);
        assert_true(now->cpu_percent >= 0 && now->cpu_percent <= 100);
        assert_int_equal(statvfs("/var/lib", &fs), 0);
        assert_int_equal(now->n_file_systems, 2);
        assert_string_equal(now->file_systems[0].use, "work");
        assert_int_equal(now->file_systems[0].total_bytes, (uint64_t) fs.f_blocks * fs.f_frsize);
        assert_true(now->file_systems[0].available_bytes <= now->file_systems[0].total_bytes);
        assert_string_equal(now->file_systems[1].use, "proc");
        assert_true(hv_host_disk_percent(now, NULL) >= 0 && hv_host_disk_percent(now, NULL) <= 100);
}

static void forgotten_places_are_not_shown(void **state) {
        _hv_cleanup_(hv_host_sampler_freep) struct hv_host_sampler *s = hv_host_sampler_new(NULL);

        (void) state;
        hv_host_sampler_watch(s, "work", NULL);
        hv_host_sampler_watch(s, "state", "/proc");
        hv_host_sampler_look(s, 1, 1);
        assert_int_equal(hv_host_sampler_last(s)->n_file_systems, 1);
        hv_host_sampler_watch(s, "work", "/"); /* before it, as it was named first */
        hv_host_sampler_look(s, 2, 2);
        assert_int_equal(hv_host_sampler_last(s)->n_file_systems, 2);
        assert_string_equal(hv_host_sampler_last(s)->file_systems[0].use, "work");
        hv_host_sampler_watch(s, "state", NULL);
        assert_int_equal(hv_host_sampler_last(s)->n_file_systems, 0); /* their paths are gone */
        hv_host_sampler_look(s, 3, 3);
        assert_int_equal(hv_host_sampler_last(s)->n_file_systems, 1);
}

/* Time on the CPU passes by working for it: ten ticks of this process. */
static void the_second_look_knows_the_use_of_cpus(void **state) {
        _hv_cleanup_(hv_host_sampler_freep) struct hv_host_sampler *s = hv_host_sampler_new(NULL);
        const struct hv_host_sample *now;
        clock_t until;

        (void) state;
        hv_host_sampler_look(s, 1000000, 1);
        hv_host_sampler_look(s, 1000000, 1); /* at once: nothing new can be known, nothing is divided by 0 */
        until = clock() + CLOCKS_PER_SEC / 10;
        while (clock() < until)
                ;
        hv_host_sampler_look(s, 2000000, 2);
        now = hv_host_sampler_last(s);
        assert_true(now->cpu_is_known && now->rates_are_known);
        assert_true(now->cpu_percent > 0 && now->cpu_percent <= 100);
}

/* Who asks for the disk of the engine must find it, also where the workspaces are on it and it is shown as theirs. */
static void a_file_system_is_found_by_each_of_its_uses(void **state) {
        _hv_cleanup_(hv_host_sampler_freep) struct hv_host_sampler *s = hv_host_sampler_new(NULL);
        const struct hv_file_system *work, *proc;

        (void) state;
        hv_host_sampler_watch(s, "work", "/var/lib/hivelet-is-not-here/tasks");
        hv_host_sampler_watch(s, "state", "/var/lib");
        hv_host_sampler_look(s, 1000000, 5000000);
        work = hv_host_sampler_file_system(s, "work");
        assert_non_null(work);
        assert_ptr_equal(hv_host_sampler_file_system(s, "state"), work);
        assert_true(work->used_bytes > 0 && work->used_bytes + work->available_bytes <= work->total_bytes);
        assert_null(hv_host_sampler_file_system(s, "engine"));
        /* One that is named between two looks is known when it is looked at, not before; nothing else moves. */
        hv_host_sampler_watch(s, "engine", "/proc");
        assert_null(hv_host_sampler_file_system(s, "engine"));
        hv_host_sampler_look_at_disks(s);
        proc = hv_host_sampler_file_system(s, "engine");
        assert_non_null(proc);
        assert_string_equal(proc->use, "engine");
        assert_ptr_not_equal(proc, hv_host_sampler_file_system(s, "work"));
        assert_int_equal(hv_host_sampler_last(s)->at_us, 1000000);
        /* ... and one that is nowhere any more is not shown as somebody else's. */
        hv_host_sampler_watch(s, "work", NULL);
        hv_host_sampler_look_at_disks(s);
        assert_null(hv_host_sampler_file_system(s, "work"));
        assert_string_equal(hv_host_sampler_file_system(s, "state")->use, "state");
}

/* The hottest counts. A sensor that is asleep, frozen or broken has nothing to say; one that is not there is no reason to stop. */
static void the_hottest_zone_is_told(void **state) {
        _hv_cleanup_(hv_host_sampler_freep) struct hv_host_sampler *s = NULL;
        struct scratch *dir = *state;

        scratch_mkdir(dir, "thermal_zone0");
        scratch_mkdir(dir, "thermal_zone1");
        scratch_mkdir(dir, "thermal_zone3");
        scratch_write(dir, "thermal_zone0/temp", "-5000\n");
        scratch_write(dir, "thermal_zone1/temp", "");
        scratch_write(dir, "thermal_zone3/temp", "255000\n");
        s = hv_host_sampler_new(dir->path);
        hv_host_sampler_look(s, 1, 1);
        assert_false(hv_host_sampler_last(s)->temperature_is_known);
        scratch_write(dir, "thermal_zone1/temp", "61500\n");
        scratch_write(dir, "thermal_zone3/temp", "47000\n");
        hv_host_sampler_look(s, 2, 2);
        assert_true(hv_host_sampler_last(s)->temperature_is_known);
        assert_true(hv_host_sampler_last(s)->temperature_celsius == 61.5);
        scratch_write(dir, "thermal_zone0/temp", "72000\n");
        scratch_write(dir, "thermal_zone1/temp", "no\n");
        hv_host_sampler_look(s, 3, 3);
        assert_true(hv_host_sampler_last(s)->temperature_celsius == 72);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ticks),
                cmocka_unit_test(memory),
                cmocka_unit_test(load_and_model),
                cmocka_unit_test(what_counts_as_traffic),
                cmocka_unit_test(a_look_agrees_with_the_kernel),
                cmocka_unit_test(a_file_system_is_found_by_each_of_its_uses),
                cmocka_unit_test(forgotten_places_are_not_shown),
                cmocka_unit_test(the_second_look_knows_the_use_of_cpus),
                cmocka_unit_test_setup_teardown(the_hottest_zone_is_told, scratch_set_up, scratch_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
