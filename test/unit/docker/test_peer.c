/* peer.c: whose word the kernel's word stands beside. A real engine is asked in test/integration. */
#include "testing.h"

#include "base/macros.h"
#include "docker/peer.h"

static void who_is_a_neighbour(void **state) {
        static const struct {
                const char *status;
                bool is;
        } rows[] = {
                { "Name:\tdockerd\nUmask:\t0022\nNSpid:\t77\nNSpgid:\t77\n", true },
                { "Name:\tpodman\nNSpid:\t4711\n", true },
                { "Name:\tsystemd\nNSpid:\t1\n", true },       /* docker.socket */
                { "Name:\tdockerd\nNSpid:\t77\t12\n", false }, /* in a container */
                { "Name:\tssh\nNSpid:\t77\n", false },         /* leads elsewhere */
                { "Name:\tdockerd-proxy\nNSpid:\t77\n", false },
                { "Name:\tdocker\nNSpid:\t77\n", false },
                { "Name:\tsocat\nOther:\tdockerd\nNSpid:\t77\n", false },
                { "Name:\tdockerd\nNSpid:\t\n", false },
                { "Name:\tdockerd\n", false }, /* a kernel that does not say */
                { "NSpid:\t77\n", false },
                { "", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_docker_status_is_neighbours(rows[i].status) != rows[i].is)
                        fail_msg("row %zu: %s", i, rows[i].status);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(who_is_a_neighbour) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
