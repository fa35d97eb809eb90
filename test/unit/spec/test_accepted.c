/* spec: what looks like a mistake and is none. Each row is accepted, and what it names is not said. */
#include "testing.h"

#include "set.h"

#define WEB "{name: web, image: nginx:1.27, "
#define API "{name: api, image: nginx:1.27, "
#define KEY "  secrets: [{name: key, generate: wireguard}]\n"
#define TUNNEL KEY "  wireguard: [{name: hive0, privateKey: {secret: key}, addresses: [10.0.0.17/24]}]\n"

static void look_alikes_are_accepted(void **state) {
        static const struct {
                const char *what, *spec, *silent; /* a code that is not said; NULL: no error is enough */
        } rows[] = {
                { "one port, two protocols",
                  "  services:\n    - " WEB "ports: [{container: 53, host: 5353}]}\n"
                  "    - " API "ports: [{container: 53, host: 5353, protocol: udp}]}\n",
                  NULL },
                { "one port, two addresses of the loopback",
                  "  services:\n    - " WEB "ports: [{container: 80, host: 8080, bind: 127.0.0.2}]}\n"
                  "    - " API "ports: [{container: 80, host: 8080}]}\n",
                  NULL },
                { "one port, loopback and tunnel",
                  TUNNEL "  node: {policy: {publish: [loopback, wireguard]}}\n"
                         "  services:\n    - " WEB "ports: [{container: 80, host: 8080, bind: wireguard}]}\n"
                         "    - " API "ports: [{container: 80, host: 8080}]}\n",
                  NULL },
                { "hivelet's port on another address",
                  TUNNEL "  node: {policy: {publish: [loopback, wireguard]}}\n"
                         "  services:\n    - " WEB "ports: [{container: 80, host: 5000, bind: wireguard}]}\n",
                  NULL },
                { "the tunnel's address counts as the tunnel",
                  TUNNEL "  node: {policy: {publish: [wireguard]}}\n"
                         "  services:\n    - " WEB "ports: [{container: 80, host: 8080, bind: 10.0.0.17}]}\n",
                  NULL },
                { "a listener of hivelet that was moved frees its port",
                  "  http: {listen: \"127.0.0.1:5005\"}\n"
                  "  services:\n    - " WEB "ports: [{container: 80, host: 5000}]}\n",
                  NULL },
                { "no host port needs no range",
                  "  services:\n    - " WEB "replicas: 3, ports: [{container: 80}]}\n", NULL },
                { "the spare port of startFirst",
                  "  services:\n    - " WEB "replicas: 2, ports: [{container: 80, host: 8080-8082}],\n"
                  "       update: {strategy: startFirst}}\n",
                  NULL },
                { "two addresses of one tunnel",
                  KEY
                  "  wireguard: [{name: hive0, privateKey: {secret: key}, addresses: [10.0.0.17/24, 10.0.0.18/24]}]\n",
                  NULL },
                { "neighbouring subnets",
                  "  networks: [{name: a, subnet: 172.30.0.0/25}, {name: b, subnet: 172.30.0.128/25}]\n",
                  NULL },
                { "a network of each family",
                  "  networks: [{name: a, subnet: 172.30.0.0/25}, {name: b, subnet: \"fd00::/64\"}]\n",
                  NULL },
                { "a peer's network inside another's",
                  KEY
                  "  wireguard:\n    - name: hive0\n      privateKey: {secret: key}\n      peers:\n"
                  "        - {name: a, publicKey: r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw=, allowedIPs: [10.0.0.0/8]}\n"
                  "        - {name: b, publicKey: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=, allowedIPs: [10.0.0.0/24]}\n",
                  NULL },
                { "the network made on demand", "  services:\n    - " WEB "networks: [{name: hivemind}]}\n",
                  NULL },
                { "that network declared, and joined by default",
                  "  networks: [{name: hivemind}]\n  services:\n    - " WEB "}\n", "W022" },
                { "a network that only a task joins",
                  "  networks: [{name: inner}]\n  tasks: [{name: t, image: python:3.12, network: inner}]\n",
                  "W022" },
                { "a secret that only a registry uses",
                  "  secrets: [{name: login, fromCredential: x}]\n"
                  "  registries: [{name: r, host: h.example, auth: {secret: login}}]\n",
                  "W022" },
                { "no list of images is no limit", "  services:\n    - {name: web, image: quay.io/x/y:1}\n",
                  NULL },
                { "no network needs no policy", "  services:\n    - " WEB "network: none}\n", NULL },
                { "what the policy allows",
                  "  node: {policy: {privileged: allow, hostNetwork: allow, capabilities: [CAP_NET_ADMIN], hostPaths: [/srv]}}\n"
                  "  networks: [{name: lan, driver: macvlan}]\n"
                  "  tasks: [{name: t, image: python:3.12, security: {user: \"0\"}}]\n"
                  "  services:\n    - " WEB "network: host, mounts: [{hostPath: /srv/a, target: /a}],\n"
                  "       security: {privileged: true, addCapabilities: [net_admin]}}\n",
                  NULL },
                { "nothing but itself is below a read-only mount",
                  "  services:\n    - " WEB
                  "mounts: [{tmpfs: 1Mi, target: /a, readOnly: true}, {tmpfs: 1Mi, target: /ab}]}\n",
                  NULL },
                { "mounts inside a writable one",
                  "  services:\n    - " WEB
                  "mounts: [{tmpfs: 1Mi, target: /a}, {tmpfs: 1Mi, target: /a/b}]}\n",
                  NULL },
                { "the default timeout beside a short period",
                  "  services:\n    - " WEB "liveness: {tcp: {port: 80}, period: 500ms}}\n", NULL },
                { "a diamond is no circle",
                  "  services:\n    - {name: a, image: x:1, dependsOn: [{service: b}, {service: c}]}\n"
                  "    - {name: b, image: x:1, dependsOn: [{service: d}]}\n"
                  "    - {name: c, image: x:1, dependsOn: [{service: d}]}\n    - {name: d, image: x:1}\n",
                  NULL },
                { "an exclusive volume and two objects that take turns",
                  "  volumes: [{name: data, access: exclusive}]\n"
                  "  services:\n    - " WEB "mounts: [{volume: data, target: /data}]}\n"
                  "  tasks: [{name: t, image: python:3.12, mounts: [{volume: data, target: /data}]}]\n",
                  NULL },
                { "a readiness that somebody waits for",
                  "  services:\n    - " WEB "readiness: {tcp: {port: 80}}}\n"
                  "    - " API "dependsOn: [{service: web, condition: ready}]}\n",
                  "W023" },
                { "requests that fill the node",
                  "  resources: {reserved: {cpu: 1}, limits: {cpu: 3}, overcommit: {cpu: 1.5}}\n"
                  "  services:\n    - " WEB "replicas: 3, resources: {requests: {cpu: 1}}}\n",
                  NULL },
                { "an http input with its sum",
                  "  tasks:\n    - name: t\n      image: python:3.12\n      inputs:\n"
                  "        - {path: a, url: \"http://h/a\",\n"
                  "           sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae}\n",
                  NULL },
                { "an archive that holds a folder for another input",
                  "  node: {policy: {hostPaths: [/srv]}}\n"
                  "  tasks:\n    - name: t\n      image: python:3.12\n      inputs:\n"
                  "        - {path: data, archive: /srv/x.zip}\n        - {path: data/more.csv, inline: x}\n",
                  NULL },
                { "a pool in plain text, asked for",
                  "  secrets: [{name: p, fromCredential: x}]\n"
                  "  master: {address: \"h:1\", insecure: true, credentials: {username: a, passwordSecret: p}}\n",
                  NULL },
                { "a pool that a tunnel's address answers",
                  "  master: {address: \"h:1\", listen: \":50053\"}\n", NULL },
                { "localhost by name and by IPv6", "  http: {listen: \"[::1]:5000\"}\n", NULL },
                { "a window over midnight", "  images: {pull: {window: \"22:00-06:00\"}}\n", NULL },
                { "a source beside the file", "  sources: [{name: local, dir: /etc/hivelet/conf.d}]\n",
                  NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf(SET_HEAD "%s", rows[i].spec);
                struct set s = {};

                if (set_load_text(&s, text) < 0)
                        fail_msg("%s: %s", rows[i].what, hv_buf_str(&s.said));
                if (rows[i].silent && strstr(hv_buf_str(&s.said), rows[i].silent))
                        fail_msg("%s: %s", rows[i].what, hv_buf_str(&s.said));
                set_done(&s);
        }
}

/* What stands in a file that cannot be read may be just what the other one names. */
static void a_broken_file_is_not_blamed_on_the_others(void **state) {
        struct set s = {};

        (void) state;
        set_add(&s, "node.yaml",
                SET_HEAD "  volumes: [{name: data}]\n"
                         "  services:\n    - " WEB "mounts: [{volume: cache, target: /c}]}\n");
        set_add(&s, "conf.d/10.yaml", "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: cache\n");
        assert_true(set_load(&s) < 0);
        assert_non_null(strstr(hv_buf_str(&s.said), "conf.d/10.yaml:"));
        assert_null(strstr(hv_buf_str(&s.said), "E0361"));
        assert_null(strstr(hv_buf_str(&s.said), "W022"));
        set_done(&s);
}

/* A password in a URL, a private key in the place of the public one: the message does not hold it, nor does the line. */
static void what_may_be_secret_is_not_shown(void **state) {
        static const char *const specs[] = {
                "  sources: [{name: s, url: \"https://a:MARKER@h/x\"}]\n",
                KEY
                "  wireguard: [{name: w, privateKey: {secret: key}, peers: [{name: p, publicKey: MARKER}]}]\n",
                "  wireguard: [{name: w, privateKey: MARKER}]\n",
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(specs); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf(SET_HEAD "%s", specs[i]);
                _hv_cleanup_(hv_buf_done) struct hv_buf shown = {};
                struct set s = {};

                assert_true(set_load_text(&s, text) < 0);
                hv_diags_render(s.diags, false, &shown);
                assert_non_null(strstr(hv_buf_str(&shown), "error["));
                assert_null(strstr(hv_buf_str(&shown), "MARKER"));
                set_done(&s);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(look_alikes_are_accepted),
                cmocka_unit_test(a_broken_file_is_not_blamed_on_the_others),
                cmocka_unit_test(what_may_be_secret_is_not_shown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
