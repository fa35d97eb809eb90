/* Images, networks and volumes of a real engine. */
#include "harness.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "transfer/transfer.h"

/* --- networks --- */

static const struct hv_docker_network *find_network(const struct hv_docker_networks *list, const char *name) {
        for (size_t i = 0; i < list->n; i++)
                if (hv_streq(list->v[i].name, name))
                        return &list->v[i];
        return NULL;
}

static const struct hv_docker_endpoint *endpoint(const struct hv_docker_container *c, const char *network) {
        for (size_t i = 0; i < c->n_endpoints; i++)
                if (hv_streq(c->endpoints[i].network, network))
                        return &c->endpoints[i];
        return NULL;
}

static void test_network(void **state) {
        static const struct hv_pair labels[] = { { "io.hivelet.managed", "true" }, { "note", "x y" } };
        const struct hv_docker_network_create create_net = {
                .name = "hive-net",
                .subnet = "10.123.0.0/24",
                .gateway = "10.123.0.1",
                .internal = true,
                .labels = { labels, 2 },
        };
        struct fixture *x = *state;
        const struct hv_docker_network *n;
        const struct hv_docker_result *r;

        r = CALL(x, hv_docker_network_create, &create_net);
        expect(r, HV_DOCKER_OK);
        assert_true(*r->created->id);
        expect(CALL(x, hv_docker_network_create, &create_net), HV_DOCKER_CONFLICT);
        r = CALL(x, hv_docker_network_inspect, "hive-net");
        expect(r, HV_DOCKER_OK);
        n = r->network;
        assert_string_equal(n->driver, "bridge");
        assert_string_equal(n->subnet, "10.123.0.0/24");
        assert_string_equal(n->gateway, "10.123.0.1");
        assert_true(n->internal && n->created_us > 0);
        assert_int_equal(n->labels.n, 2);
        assert_string_equal(n->labels.v[1].value, "x y");

        r = CALL(x, hv_docker_network_list, true);
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->networks->n, 1);
        r = CALL(x, hv_docker_network_list, false);
        assert_non_null(find_network(r->networks, "hive-net"));
        assert_true(r->networks->n >= 2);
        expect(CALL(x, hv_docker_network_remove, "hive-net"), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_network_remove, "hive-net"), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_network_inspect, "hive-net"), HV_DOCKER_NOT_FOUND);
}

static void test_container_in_networks(void **state) {
        static const char *const aliases[] = { "db", "db-main", NULL };
        const struct hv_docker_network_create first = { .name = "hive-n1" }, second = { .name = "hive-n2" };
        const struct hv_docker_create more = {
                .network = "hive-n1",
                .aliases = { aliases, 1 },
                .stop_grace_us = HV_TIME_NEVER,
        };
        const struct hv_strv both = { aliases, 2 };
        struct fixture *x = *state;
        struct hv_docker_create c = container("hive-in", "sleep 600", &more);
        const struct hv_docker_container *seen;
        const struct hv_docker_result *r;

        expect(CALL(x, hv_docker_network_create, &first), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_network_create, &second), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_start, "hive-in"), HV_DOCKER_OK);
        seen = inspect(x, "hive-in");
        assert_int_equal(seen->n_endpoints, 1);
        assert_true(*seen->endpoints[0].ip && *seen->endpoints[0].network_id);
        assert_string_equal(seen->endpoints[0].aliases.v[0], "db");

        expect(CALL(x, hv_docker_network_connect, "hive-n2", "hive-in", &both), HV_DOCKER_OK);
        r = CALL(x, hv_docker_network_connect, "hive-n2", "hive-in", &both);
        assert_true(r->outcome == HV_DOCKER_DENIED || r->outcome == HV_DOCKER_CONFLICT); /* Docker says 403 */
        seen = inspect(x, "hive-in");
        assert_int_equal(seen->n_endpoints, 2);
        assert_string_equal(endpoint(seen, "hive-n2")->aliases.v[1], "db-main");
        r = CALL(x, hv_docker_container_list, false); /* a list shows them too: drift needs no inspect */
        assert_int_equal(find(r->containers, "hive-in")->n_endpoints, 2);

        expect(CALL(x, hv_docker_network_remove, "hive-n2"), x->differs->remove_network_in_use);
        expect(CALL(x, hv_docker_network_disconnect, "hive-n2", "hive-in", false), HV_DOCKER_OK);
        assert_null(endpoint(inspect(x, "hive-in"), "hive-n2"));
        expect(CALL(x, hv_docker_network_remove, "hive-n2"), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_network_connect, "hive-n2", "hive-in", NULL), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_remove, "hive-in", true, true), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_network_remove, "hive-n1"), HV_DOCKER_OK);
}

static void test_published_port(void **state) {
        static const struct hv_port ports[] = {
                { .container = 80, .host = 18080, .protocol = "tcp", .address = "127.0.0.1" },
                { .container = 53, .host = 0, .protocol = "udp", .address = "127.0.0.1" },
        };
        const struct hv_docker_network_create net = { .name = "hive-np" };
        const struct hv_docker_create more = {
                .network = "hive-np",
                .ports = ports,
                .n_ports = 2,
                .stop_grace_us = HV_TIME_NEVER,
        };
        struct fixture *x = *state;
        struct hv_docker_create c = container("hive-port", "sleep 600", &more);
        const struct hv_docker_container *seen;
        const struct hv_docker_result *r;

        expect(CALL(x, hv_docker_network_create, &net), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_start, "hive-port"), HV_DOCKER_OK);
        seen = inspect(x, "hive-port");
        for (int way = 0; way < 2; way++) {
                assert_int_equal(seen->n_ports, 2);
                assert_int_equal(seen->ports[0].container, 53);
                assert_true(seen->ports[0].host > 0); /* chosen by the engine */
                assert_int_equal(seen->ports[1].host, 18080);
                assert_string_equal(seen->ports[1].address, "127.0.0.1");
                assert_string_equal(seen->ports[1].protocol, "tcp");
                r = CALL(x, hv_docker_container_list, false);
                seen = find(r->containers, "hive-port");
        }
        expect(CALL(x, hv_docker_container_remove, "hive-port", true, true), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_network_remove, "hive-np"), HV_DOCKER_OK);
}

/* --- volumes --- */

static void test_volume(void **state) {
        static const struct hv_pair labels[] = { { "io.hivelet.managed", "true" } };
        static const struct hv_mount mounts[] = {
                { .type = HV_MOUNT_VOLUME, .source = "hive-vol", .target = "/data" }
        };
        const struct hv_docker_volume_create volume = { .name = "hive-vol", .labels = { labels, 1 } };
        const struct hv_docker_create more = { .mounts = mounts,
                                               .n_mounts = 1,
                                               .stop_grace_us = HV_TIME_NEVER };
        struct fixture *x = *state;
        struct hv_docker_create c = container("hive-v", "sleep 600", &more);
        const struct hv_docker_container *seen;
        const struct hv_docker_result *r;

        r = CALL(x, hv_docker_volume_create, &volume);
        expect(r, HV_DOCKER_OK);
        assert_string_equal(r->volume->name, "hive-vol");
        assert_string_equal(r->volume->driver, "local");
        assert_string_equal(r->volume->labels.v[0].name, "io.hivelet.managed");
        assert_true(*r->volume->mountpoint == '/' && r->volume->created_us > 0);
        expect(CALL(x, hv_docker_volume_create, &volume), HV_DOCKER_OK); /* the one that is there */
        r = CALL(x, hv_docker_volume_list, true);
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->volumes->n, 1);
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_start, "hive-v"), HV_DOCKER_OK);
        seen = inspect(x, "hive-v");
        assert_int_equal(seen->n_mounts, 1);
        assert_string_equal(seen->mounts[0].type, "volume");
        assert_string_equal(seen->mounts[0].name, "hive-vol");
        assert_string_equal(seen->mounts[0].target, "/data");
        assert_false(seen->mounts[0].read_only);
        expect(CALL(x, hv_docker_volume_remove, "hive-vol"), HV_DOCKER_CONFLICT);
        expect(CALL(x, hv_docker_container_remove, "hive-v", true, true), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_volume_inspect, "hive-vol"), HV_DOCKER_OK); /* a named one stays */
        expect(CALL(x, hv_docker_volume_remove, "hive-vol"), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_volume_remove, "hive-vol"), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_volume_inspect, "hive-vol"), HV_DOCKER_NOT_FOUND);
        r = CALL(x, hv_docker_volume_list, false);
        assert_int_equal(r->volumes->n, 0);
}

/* --- images --- */

static bool has_text(const struct hv_strv *v, const char *part) {
        for (size_t i = 0; i < v->n; i++)
                if (strstr(v->v[i], part))
                        return true;
        return false;
}

static void test_image(void **state) {
        struct fixture *x = *state;
        const struct hv_docker_result *r;
        const char *id;

        r = CALL(x, hv_docker_image_inspect, "hv/busybox:1");
        expect(r, HV_DOCKER_OK);
        id = r->image->id;
        assert_true(r->image->size_bytes > 100000 && has_text(&r->image->tags, "hv/busybox:1"));
        assert_string_equal(r->image->os, "linux");
        expect(CALL(x, hv_docker_image_tag, "hv/busybox:1", "docker.io/hv/other", "two"), HV_DOCKER_OK);
        r = CALL(x, hv_docker_image_inspect, "docker.io/hv/other:two");
        expect(r, HV_DOCKER_OK);
        assert_string_equal(r->image->id, id);
        r = CALL(x, hv_docker_image_list);
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->images->n, 1);
        assert_true(has_text(&r->images->v[0].tags, "hv/other:two"));
        expect(CALL(x, hv_docker_image_remove, "docker.io/hv/other:two", false), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_image_inspect, "docker.io/hv/other:two"), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_image_remove, "docker.io/hv/other:two", false), HV_DOCKER_NOT_FOUND);

        run(x, "hive-uses", "sleep 600");
        expect(CALL(x, hv_docker_image_remove, id, false), HV_DOCKER_CONFLICT);
}

struct download {
        struct fixture *x;
        int fd;
        unsigned status;
        bool done;
};

static int on_download(void *userdata, const char *data, size_t len) {
        struct download *d = userdata;

        return write(d->fd, data, len) == (ssize_t) len ? 0 : -1;
}

static void on_downloaded(void *userdata, const struct hv_reply *reply) {
        struct download *d = userdata;

        d->status = reply->status;
        d->done = true;
}

/* GET /images/NAME/get: what `docker save` does. */
static void save_image(struct fixture *x, const char *path) {
        struct download d = { .x = x, .fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) };
        const struct hv_request_options options = {
                .lane = HV_LANE_STREAMS,
                .url = "http://docker/v1.41/images/hv/busybox:1/get",
                .unix_socket = hv_engine_url(x->engine) + strlen("unix://"),
                .on_data = on_download,
                .on_done = on_downloaded,
                .userdata = &d,
        };
        struct hv_transfer *t;

        assert_true(d.fd >= 0);
        assert_int_equal(hv_transfer_new(x->event, NULL, &t, NULL), 0);
        assert_int_equal(hv_transfer_start(t, &options, NULL, NULL), 0);
        hv_test_run_until(x->event, d.done);
        assert_int_equal(d.status, 200);
        hv_transfer_free(t);
        close(d.fd);
}

static void test_load(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *path = hv_asprintf("/tmp/hv-image-%d.tar", (int) getpid());
        const struct hv_docker_result *r;

        save_image(x, path);
        expect(CALL(x, hv_docker_image_remove, "hv/busybox:1", true), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_image_inspect, "hv/busybox:1"), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_image_load, &(const struct hv_docker_load){ .path = path }), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_image_inspect, "hv/busybox:1"), HV_DOCKER_OK);
        assert_true(hv_docker_counters(x->d, HV_DOCKER_OP_IMAGE_LOAD)->bytes_out > 1000000);
        (void) unlink(path);

        r = CALL(x, hv_docker_image_load, &(const struct hv_docker_load){ .path = path });
        expect(r, HV_DOCKER_REFUSED);
        assert_non_null(strstr(r->message, path));
        expect(CALL(x, hv_docker_image_load, &(const struct hv_docker_load){ .path = "/tmp" }),
               HV_DOCKER_REFUSED);
        /* No archive: an error, in a 200 or not. */
        r = CALL(x, hv_docker_image_load, &(const struct hv_docker_load){ .path = "/proc/self/maps" });
        assert_int_not_equal(r->outcome, HV_DOCKER_OK);
        assert_true(*r->message);
}

/* Nobody listens at the registry: 500 before, or an error inside of, the stream. */
static void test_pull_without_a_registry(void **state) {
        const struct hv_docker_pull pull = { .image = "127.0.0.1:1/absent/image:1" };
        struct fixture *x = *state;
        const struct hv_docker_result *r = CALL(x, hv_docker_image_pull, &pull);

        assert_true(r->outcome == HV_DOCKER_ENGINE_ERROR || r->outcome == HV_DOCKER_NOT_FOUND);
        assert_non_null(strstr(r->message, "127.0.0.1:1"));
        expect(CALL(x, hv_docker_image_inspect, "127.0.0.1:1/absent/image:1"), HV_DOCKER_NOT_FOUND);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_network),
                TEST(test_container_in_networks),
                TEST(test_published_port),
                TEST(test_volume),
                TEST(test_image),
                TEST(test_load),
                TEST(test_pull_without_a_registry),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
