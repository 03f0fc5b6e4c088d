/* config_errors: each class of mistake in a configuration, and the exact words that it is told with. The file is called
 * "f". */
#include "config_expect.h"

/* What a file needs besides the line that a case is about. */
#define REST                                                                                                           \
    "services: {s: {instances: \"http://h:1\"}}\n"                                                                     \
    "routes: []\n"
#define SERVICE "services: {s: {instances: \"http://h:1\"}}\n"

Test(config_errors, a_tab_as_indent_is_named)
{
    EXPECT("limits:\n"
           "\tbody: 1\n",
           "f:2:1: not YAML: found character that cannot start any token while scanning for the next token of line 2 "
           "(a tab cannot indent, use blanks)\n");
}

Test(config_errors, an_unquoted_variable_inside_braces_is_read_like_a_quoted_one)
{
    EXPECT("redis: {url: ${SLUICE_TEST_NOTHING}}\n" REST,
           "f:1:14: the environment variable SLUICE_TEST_NOTHING is not set and has no default "
           "(${SLUICE_TEST_NOTHING:-default})\n");
}

Test(config_errors, an_unclosed_variable_inside_braces_is_explained)
{
    EXPECT("redis: {url: ${X}\n", "f:2:1: not YAML: did not find expected ',' or '}' while parsing a flow mapping of "
                                  "line 1\n");
    EXPECT("redis: {url: ${X\n", "f:1:15: not YAML: did not find expected ',' or '}' while parsing a flow mapping of "
                                 "line 1 (does a ${ lack its '}'?)\n");
}

Test(config_errors, bytes_that_are_not_utf8_are_told_at_their_place)
{
    EXPECT("a: 1\n"
           "bb: \377\n",
           "f:2:5: not YAML: invalid leading UTF-8 octet\n");
}

Test(config_errors, an_empty_file_is_an_error)
{
    EXPECT("", "f:1:1: the configuration is empty\n");
    EXPECT("# nothing\n", "f:1:1: the configuration is empty\n");
}

Test(config_errors, anything_but_a_mapping_is_an_error)
{
    EXPECT("- a\n", "f:1:1: the configuration is a mapping of settings\n");
    EXPECT("text\n", "f:1:1: the configuration is a mapping of settings\n");
}

Test(config_errors, a_second_document_is_refused)
{
    EXPECT(SERVICE "routes: []\n"
                   "---\n"
                   "workers: 1\n",
           "f:3:1: a second document begins here; the configuration is one document\n");
}

Test(config_errors, an_unknown_setting_gets_the_nearest_name)
{
    EXPECT("lisen: \"*:1\"\n" REST, "f:1:1: the configuration has no setting 'lisen' (did you mean 'listen'?)\n");
    EXPECT("limits: {bdy: 1}\n" REST, "f:1:10: limits has no setting 'bdy' (did you mean 'body'?)\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", retrys: 1}\n",
           "f:3:32: a service has no setting 'retrys' (did you mean 'retries'?)\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, methd: GET}\n",
           "f:3:28: a route has no setting 'methd' (did you mean 'method'?)\n");
    EXPECT("redis: {sentinels: a}\n" REST,
           "f:1:9: redis has no setting 'sentinels'; it has data, url, username, password, password_file, database, "
           "prefix, connect_timeout, timeout, pending\n");
}

Test(config_errors, a_missing_setting_is_told_where_it_should_be)
{
    EXPECT("workers: 1\n", "f:1:1: the configuration needs 'services': the services behind the gateway, by name\n"
                           "f:1:1: the configuration needs 'routes': which request goes to which service\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {retries: 1}\n",
           "f:3:6: a service needs 'instances': where it listens, as URLs\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a}\n",
           "f:3:5: a route needs 'service': who answers (or 'calls' to several)\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {service: s}\n",
           "f:3:5: a route needs 'path': /a/b exactly, /a/{id} with a parameter, /a/* and everything below /a\n");
}

Test(config_errors, a_name_that_stands_twice_is_refused)
{
    EXPECT("workers: 1\n"
           "workers: 2\n" REST,
           "f:2:1: 'workers' is given twice, first in line 1\n");
    EXPECT("limits: {body: 1, body: 2}\n" REST, "f:1:19: 'body' is given twice, first in line 1\n");
}

Test(config_errors, a_name_must_be_a_scalar)
{
    EXPECT("[a]: 1\n" REST, "f:1:1: a name is expected here, then a colon\n");
}

Test(config_errors, a_setting_without_value_says_what_it_takes)
{
    EXPECT("workers:\n" REST, "f:1:9: 'workers' has no value; it takes a whole number from 0 to 128\n");
    EXPECT(
        "ops: ~\n" REST,
        "f:1:6: 'ops' has no value; it takes an address such as 127.0.0.1:9090 or unix:/run/sluice-ops.sock, or off\n");
    EXPECT("services:\n"
           "routes: []\n",
           "f:1:10: 'services' has no value; it takes a mapping of names to services\n");
}

Test(config_errors, the_wrong_type_is_refused)
{
    EXPECT("workers: many\n" REST, "f:1:10: 'workers' takes a whole number from 0 to 128, not 'many'\n");
    EXPECT("workers: [1]\n" REST, "f:1:10: 'workers' takes a whole number from 0 to 128, not a list\n");
    EXPECT("limits: 5\n" REST, "f:1:9: 'limits' takes a mapping, not '5'\n");
    EXPECT("keys: {bearer: maybe}\n" REST, "f:1:16: 'bearer' takes true or false, not 'maybe'\n");
    EXPECT("services: [a]\n"
           "routes: {}\n",
           "f:1:11: 'services' takes a mapping of names to services, not a list\n"
           "f:2:9: 'routes' takes a list of routes, not a mapping\n");
    EXPECT("routes: [a]\n"
           "services: {s: b}\n",
           "f:1:10: a route takes a mapping with 'path' and 'service'\n"
           "f:2:15: service 's' takes a mapping with 'instances'\n");
    EXPECT("listen: {a: b}\n" REST, "f:1:9: 'listen' takes addresses such as *:8080, 127.0.0.1:8080, [::1]:8080 or "
                                    "unix:/run/sluice.sock, not a mapping\n");
}

Test(config_errors, a_number_out_of_range_is_refused_with_the_range)
{
    EXPECT("workers: 129\n" REST, "f:1:10: 'workers' takes a whole number from 0 to 128, not '129'\n");
    EXPECT("keys: {burst: 18446744073709551616}\n" REST,
           "f:1:15: 'burst' takes a whole number from 0 to 1000000000, not '18446744073709551616'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, cost: 0}\n",
           "f:3:34: 'cost' takes a whole number from 1 to 1000000, not '0'\n");
}

Test(config_errors, a_bad_duration_is_refused)
{
    EXPECT("limits: {drain: 5}\n" REST,
           "f:1:17: 'drain' takes a duration such as 250ms, 1s or 5m from 0 to 1h, not '5'\n");
    EXPECT("keys: {remember_unknown: 6s}\n" REST,
           "f:1:26: 'remember_unknown' takes a duration such as 250ms, 1s or 5m from 0 to 5s, not '6s'\n");
    EXPECT("limits: {head_timeout: 0}\n" REST,
           "f:1:24: 'head_timeout' takes a duration such as 250ms, 1s or 5m from 10ms to 1d, not '0'\n");
    EXPECT("limits: {lifetime: 31d}\n" REST,
           "f:1:20: 'lifetime' takes a duration such as 250ms, 1s or 5m from 0 to 30d, not '31d'\n");
    EXPECT("limits: {stall: 2w}\n" REST,
           "f:1:17: 'stall' takes a duration such as 250ms, 1s or 5m from 100ms to 1d, not '2w'\n");
    EXPECT("redis: {timeout: 5m}\n" REST,
           "f:1:18: 'timeout' takes a duration such as 250ms, 1s or 5m from 1ms to 60s, not '5m'\n");
}

Test(config_errors, a_bad_size_is_refused)
{
    EXPECT("limits: {body: 10MIB}\n" REST,
           "f:1:16: 'body' takes a size such as 512, 64KiB or 10MiB from 0 to 64GiB, not '10MIB'\n");
    EXPECT("limits: {bodies: 1KiB}\n" REST,
           "f:1:18: 'bodies' takes a size such as 512, 64KiB or 10MiB from 64KiB to 64GiB, not '1KiB'\n");
    EXPECT("limits: {body_rate: fast}\n" REST,
           "f:1:21: 'body_rate' takes a size such as 512, 64KiB or 10MiB from 0 to 1GiB, not 'fast'\n");
    EXPECT("limits: {header: 1MiB}\n" REST,
           "f:1:18: 'header' takes a size such as 512, 64KiB or 10MiB from 1KiB to 256KiB, not '1MiB'\n");
}

Test(config_errors, a_bad_bound_is_refused)
{
    EXPECT("limits: {target: 1MiB}\n" REST,
           "f:1:18: 'target' takes a size such as 512, 64KiB or 10MiB from 256 to 128KiB, not '1MiB'\n");
    EXPECT("limits: {header_lines: 101}\n" REST,
           "f:1:24: 'header_lines' takes a whole number from 1 to 100, not '101'\n");
    EXPECT("limits: {streams: 0}\n" REST, "f:1:19: 'streams' takes a whole number from 1 to 100, not '0'\n");
    EXPECT("limits: {connections_per_address: -1}\n" REST,
           "f:1:35: 'connections_per_address' takes a whole number from 0 to 1000000, not '-1'\n");
    EXPECT("limits: {in_flight: 0}\n" REST, "f:1:21: 'in_flight' takes a whole number from 1 to 1000000, not '0'\n");
    EXPECT("limits: {in_flight_per_connection: 0}\n" REST,
           "f:1:36: 'in_flight_per_connection' takes a whole number from 1 to 1000000, not '0'\n");
    EXPECT("limits: {requests: many}\n" REST,
           "f:1:20: 'requests' takes a whole number from 0 to 1000000000, not 'many'\n");
    EXPECT("core_dumps: maybe\n" REST, "f:1:13: 'core_dumps' takes true or false, not 'maybe'\n");
}

Test(config_errors, a_bad_rate_is_refused)
{
    EXPECT("keys: {limit: 100}\n" REST,
           "f:1:15: 'limit' takes a rate such as 100/60s, at most 1000000000 and 31d, not '100'\n");
    EXPECT("keys: {limit: 0/1s}\n" REST,
           "f:1:15: 'limit' takes a rate such as 100/60s, at most 1000000000 and 31d, not '0/1s'\n");
    EXPECT("keys: {limit: 1/32d}\n" REST,
           "f:1:15: 'limit' takes a rate such as 100/60s, at most 1000000000 and 31d, not '1/32d'\n");
}

Test(config_errors, a_bad_choice_gets_the_nearest_word)
{
    EXPECT("log: {level: wran}\n" REST,
           "f:1:14: 'level' takes debug, info, warn or error, not 'wran' (did you mean 'warn'?)\n");
    EXPECT("log: {access: xml}\n" REST, "f:1:15: 'access' takes json, text or off, not 'xml'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, auth: nome}\n",
           "f:3:34: 'auth' takes none or key, not 'nome' (did you mean 'none'?)\n");
}

Test(config_errors, listeners_are_addresses)
{
    EXPECT("listen: \"localhost:80\"\n" REST, "f:1:9: 'listen' takes addresses such as *:8080, 127.0.0.1:8080, "
                                              "[::1]:8080 or unix:/run/sluice.sock, not 'localhost:80'\n");
    EXPECT("listen: [\"*:0\"]\n" REST, "f:1:10: 'listen' takes addresses such as *:8080, 127.0.0.1:8080, [::1]:8080 or "
                                       "unix:/run/sluice.sock, not '*:0'\n");
    EXPECT("listen: \"unix:relative\"\n" REST, "f:1:9: 'listen' takes addresses such as *:8080, 127.0.0.1:8080, "
                                               "[::1]:8080 or unix:/run/sluice.sock, not 'unix:relative'\n");
    EXPECT(
        "ops: \"1.2.3.4\"\n" REST,
        "f:1:6: 'ops' takes an address such as 127.0.0.1:9090 or unix:/run/sluice-ops.sock, or off, not '1.2.3.4'\n");
    EXPECT("listen: \"127.0.0.1:9090\"\n" REST,
           "f:1:1: 'ops' and 'listen' cannot have the same address '127.0.0.1:9090'\n");
    EXPECT("listen: []\n" REST, "f:1:9: 'listen' takes 1 to 64 elements, not 0\n");
    EXPECT("listen: [\"*:1\", \"*:1\", x, \"*:1\"]\n" REST,
           "f:1:17: '*:1' stands in 'listen' twice\n"
           "f:1:24: 'listen' takes addresses such as *:8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/sluice.sock, not "
           "'x'\n"
           "f:1:27: '*:1' stands in 'listen' twice\n");
}

#define LISTEN(terms) "listen: [{address: \"*:1\", " terms "}]\n" REST

Test(config_errors, the_terms_of_a_listener_must_fit_together)
{
    EXPECT("listen: [{http2: true}]\n" REST, "f:1:10: a listener needs 'address': where it listens\n");
    EXPECT("listen: [{address: \"*:0\"}]\n" REST,
           "f:1:20: 'address' takes an address such as *:8080, 127.0.0.1:8080, [::1]:8080 or "
           "unix:/run/sluice.sock, not '*:0'\n");
    EXPECT("listen: [\"*:1\", {address: \"*:1\"}]\n" REST, "f:1:9: two listeners have the address '*:1'\n");
    EXPECT("listen: [\"*:1\", \"127.0.0.1:1\", \"127.0.0.1:2\", \"[::]:2\"]\n" REST,
           "f:1:9: listeners cannot have both '*:1' and '127.0.0.1:1': one takes in the other\n"
           "f:1:9: listeners cannot have both '127.0.0.1:2' and '[::]:2': one takes in the other\n");
    EXPECT("listen: [\"0.0.0.0:1\", \"[::1]:1\", \"127.0.0.1:2\", \"127.0.0.2:2\", \"[0::1]:1\"]\n" REST,
           "f:1:9: listeners cannot have both '[::1]:1' and '[0::1]:1': one takes in the other\n");
    EXPECT("listen: \"*:1\"\nops: \"127.0.0.1:1\"\n" REST,
           "f:2:6: 'ops' cannot be '127.0.0.1:1' beside '*:1' in 'listen': one takes in the other\n");
    EXPECT(LISTEN("http3: true"), "f:1:27: a listener has no setting 'http3' (did you mean 'http2'?)\n");
    EXPECT(LISTEN("redirect: http"), "f:1:37: 'redirect' takes off or https, not 'http' (did you mean 'https'?)\n");
    EXPECT(LISTEN("redirect_port: 0"), "f:1:42: 'redirect_port' takes a whole number from 1 to 65535, not '0'\n");
    EXPECT(LISTEN("hsts: {}"), "f:1:33: 'hsts' is for listeners with 'tls'\n");
    EXPECT(LISTEN("proxy_protocol: v2"), "f:1:43: 'proxy_protocol' takes true or false, not 'v2'\n");
}

#define TLS(settings)                                                                                                  \
    "listen:\n"                                                                                                        \
    "  - address: \"*:1\"\n"                                                                                           \
    "    tls:\n"                                                                                                       \
    "      certificates: [{cert: /dev/null, key: /nowhere/key.pem}]\n"                                                 \
    "      " settings "\n" REST
#define NO_PAIR                                                                                                        \
    "f:4:29: 'cert' cannot be used from '/dev/null': not a file\n"                                                     \
    "f:4:45: 'key' cannot be used from '/nowhere/key.pem': No such file or directory\n"

Test(config_errors, tls_needs_certificates)
{
    EXPECT(LISTEN("tls: {}"), "f:1:32: tls needs 'certificates': certificates and their keys, chosen by the name that "
                              "the client asks for; the first is the default\n");
    EXPECT(LISTEN("tls: {certificates: []}"),
           "f:1:47: 'certificates' takes at least one mapping with 'cert' and 'key'\n");
    EXPECT(LISTEN("tls: {certificates: [a]}"),
           "f:1:48: 'certificates' takes a list of mappings with 'cert' and 'key', not 'a'\n");
    EXPECT(LISTEN("tls: {certificates: [{cert: a}]}"),
           "f:1:48: a certificate needs 'key': PEM file: its private key\n");
    EXPECT(TLS("session_tickets: true"), NO_PAIR);
}

Test(config_errors, versions_and_ciphers_of_tls_are_known_ones)
{
    EXPECT(TLS("min_version: 1.1"),
           NO_PAIR "f:5:20: 'min_version' takes 1.2 or 1.3, not '1.1' (did you mean '1.2'?)\n");
    EXPECT(TLS("ciphers: \"TLS_AES_128_GCM_SHA256:ROT13\""),
           NO_PAIR "f:5:16: 'ciphers' takes cipher suites that OpenSSL knows, which 'ROT13' is not, not "
                   "'TLS_AES_128_GCM_SHA256:ROT13'\n");
}

Test(config_errors, client_certificates_and_their_authority_go_together)
{
    EXPECT(TLS("client_certificates: optional"),
           NO_PAIR "f:5:28: 'client_certificates' needs 'client_ca' to check them against\n");
    EXPECT(TLS("client_ca: /nowhere/ca.pem"),
           NO_PAIR "f:5:18: 'client_ca' is of use only with 'client_certificates'\n");
    EXPECT(TLS("client_certificates: required\n"
               "      client_ca: /nowhere/ca.pem"),
           NO_PAIR "f:6:18: 'client_ca' cannot be used from '/nowhere/ca.pem': No such file or directory\n");
}

Test(config_errors, trusted_proxies_are_blocks)
{
    EXPECT(
        "trusted_proxies: [10.0.0.0/33, \"::1/129\", host, \"10.0.0\"]\n" REST,
        "f:1:19: 'trusted_proxies' takes addresses such as 10.0.0.0/8, 2001:db8::/32, 127.0.0.1 or unix, not "
        "'10.0.0.0/33'\n"
        "f:1:32: 'trusted_proxies' takes addresses such as 10.0.0.0/8, 2001:db8::/32, 127.0.0.1 or unix, not "
        "'::1/129'\n"
        "f:1:43: 'trusted_proxies' takes addresses such as 10.0.0.0/8, 2001:db8::/32, 127.0.0.1 or unix, not 'host'\n"
        "f:1:49: 'trusted_proxies' takes addresses such as 10.0.0.0/8, 2001:db8::/32, 127.0.0.1 or unix, not "
        "'10.0.0'\n");
}

Test(config_errors, under_an_unknown_name_nothing_else_is_told)
{
    EXPECT("rutes: [{path: /a, answer: {x: \"${a.body}\", y: $SLUICE_TEST_NOPE, z: [\"${SLUICE_TEST_NOPE}\"]}}]\n" REST,
           "f:1:1: the configuration has no setting 'rutes' (did you mean 'routes'?)\n");
    EXPECT(SERVICE "routes: [{path: /a, servise: \"${x.y}\", service: s}]\n",
           "f:2:21: a route has no setting 'servise' (did you mean 'service'?)\n");
}

Test(config_errors, an_undefined_variable_without_default_is_an_error)
{
    EXPECT("workers: ${SLUICE_TEST_NOPE}\n" REST, "f:1:10: the environment variable SLUICE_TEST_NOPE is not set and "
                                                  "has no default (${SLUICE_TEST_NOPE:-default})\n");
    EXPECT("workers: ${}\n" REST,
           "f:1:10: '${}' is no reference to a variable: ${NAME} or ${NAME:-default} ($$ is a dollar)\n");
    EXPECT("workers: ${A\n" REST,
           "f:1:10: '${A' is no reference to a variable: ${NAME} or ${NAME:-default} ($$ is a dollar)\n");
    EXPECT("workers: ${A:=1}\n" REST,
           "f:1:10: '${A:=1}' is no reference to a variable: ${NAME} or ${NAME:-default} ($$ is a dollar)\n");
    EXPECT("listen: [\"${SLUICE_TEST_NOPE}\", \"*:80\"]\n" REST,
           "f:1:10: the environment variable SLUICE_TEST_NOPE is not set and has no default "
           "(${SLUICE_TEST_NOPE:-default})\n");
    EXPECT("workers: ${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-1}}}}}}}}}}\n" REST,
           "f:1:10: defaults of environment variables are nested too deep\n");
}

Test(config_errors, what_a_broken_value_leaves_open_is_not_told_too)
{
    EXPECT("services: {s: {instances: \"${SLUICE_TEST_NOPE}\"}}\n"
           "routes: []\n",
           "f:1:27: the environment variable SLUICE_TEST_NOPE is not set and has no default "
           "(${SLUICE_TEST_NOPE:-default})\n");
}

Test(config_errors, a_value_from_the_environment_keeps_its_place)
{
    EXPECT("limits:\n"
           "  body: ${SLUICE_TEST_BAD:-many}\n" REST,
           "f:2:9: 'body' takes a size such as 512, 64KiB or 10MiB from 0 to 64GiB, not 'many'\n");
}

Test(config_errors, redis_urls_have_three_forms)
{
    EXPECT("redis: rediss://u:secret@h\n" REST,
           "f:1:8: 'url' takes embedded, redis://[user[:password]@]host[:port][/database] or unix:///path[?db=N]\n");
    EXPECT("redis: {url: redis://u:secret@h:0}\n" REST,
           "f:1:14: 'url' takes a URL with a host and a port from 1 to 65535\n");
    EXPECT("redis: redis://h/x\n" REST, "f:1:8: 'url' takes a URL whose database is a number from 0 to 65535\n");
    EXPECT("redis: unix://x\n" REST, "f:1:8: 'url' takes unix:// with an absolute path of at most 107 bytes\n");
    EXPECT("redis: unix:///x?a=1\n" REST, "f:1:8: 'url' takes unix:// with nothing but '?db=N' after the path\n");
    EXPECT("redis: redis://%zz@h\n" REST,
           "f:1:8: 'url' takes a URL whose user and password have well-formed %-escapes\n");
}

Test(config_errors, redis_settings_must_fit_together)
{
    EXPECT("redis: {url: redis://h, username: u}\n" REST, "f:1:8: 'username' of Redis needs a 'password'\n");
    EXPECT("redis: {password: secret}\n" REST,
           "f:1:8: 'password' is for a Redis of your own; the embedded one has a private socket\n");
    EXPECT("redis: {data: var}\n" REST, "f:1:15: 'data' takes an absolute path, not 'var'\n");
    EXPECT("redis: {prefix: \"a b\"}\n" REST,
           "f:1:17: 'prefix' takes up to 64 letters, digits, '-', '_', '.' and ':', not 'a b'\n");
    EXPECT(
        "redis: {data: "
        "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n" REST,
        "f:1:8: 'data' takes a path of at most 96 bytes: the socket lies below it\n");
}

Test(config_errors, a_secret_is_never_shown)
{
    EXPECT("keys: {pepper: [secret]}\n" REST, "f:1:16: 'pepper' takes a text, not a list\n");
    EXPECT("keys: {pepper: {secret: secret}}\n" REST, "f:1:16: 'pepper' takes a text, not a mapping\n");
}

Test(config_errors, a_file_that_cannot_be_read_is_an_error)
{
    EXPECT("keys: {pepper_file: /nonexistent/pepper}\n" REST,
           "f:1:21: 'pepper_file' cannot be read from '/nonexistent/pepper': No such file or directory\n");
    EXPECT("redis: {url: redis://h, password_file: /}\n" REST,
           "f:1:40: 'password_file' cannot be read from '/': not a file\n");
    EXPECT("keys: {pepper: a, pepper_file: /etc/hostname}\n" REST,
           "f:1:32: 'pepper_file' gives what is given already\n");
}

Test(config_errors, a_key_header_is_a_field_of_its_own)
{
    EXPECT("keys: {header: Host}\n" REST, "f:1:16: 'header' takes no field that frames the message or belongs to one "
                                          "connection (for Host there is 'host_header'), not 'Host'\n");
    EXPECT("keys: {header: \"a b\"}\n" REST, "f:1:16: 'header' takes the name of a header field, not 'a b'\n");
    EXPECT("keys: {realm: \"a\\\"b\"}\n" REST,
           "f:1:15: 'realm' takes printable ASCII characters without '\"' and '\\', not 'a\"b'\n");
    EXPECT("server_name: a b\n" REST,
           "f:1:14: 'server_name' takes a token (letters, digits and !#$%&'*+-.^_`|~), not 'a b'\n");
}

Test(config_errors, instances_are_plain_http_urls)
{
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: [\"https://h\", \"h:1\", \"http://h:1/x\", \"http://u@h\", \"http://h:99999\", "
           "\"http://-:1\", \"http://unix:x:\"]}\n",
           "f:3:19: 'instances' takes http:// only, TLS to services is not offered, not 'https://h'\n"
           "f:3:32: 'instances' takes URLs such as http://127.0.0.1:8001 or http://unix:/run/search.sock:, not 'h:1'\n"
           "f:3:39: 'instances' takes no path (a route's 'prefix' puts one in front), not 'http://h:1/x'\n"
           "f:3:55: 'instances' takes no user and password, not 'http://********@h'\n"
           "f:3:69: 'instances' takes a host and a port from 1 to 65535, not 'http://h:99999'\n"
           "f:3:87: 'instances' takes a host's name or address, not 'http://-:1'\n"
           "f:3:101: 'instances' takes an absolute path of at most 107 bytes after unix:, not 'http://unix:x:'\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: []}\n",
           "f:3:18: 'instances' takes 1 to 256 elements, not 0\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: [\"http://h:1\", \"http://h:1\"]}\n",
           "f:3:33: 'http://h:1' stands in 'instances' twice\n");
}

Test(config_errors, service_names_are_words)
{
    EXPECT("services: {\"a b\": {instances: \"http://h:1\"}}\n"
           "routes: []\n",
           "f:1:12: 'services' takes up to 64 letters, digits, '-', '_' and '.', not 'a b'\n");
}

Test(config_errors, breakers_must_make_sense)
{
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: {failures: 0}}\n",
           "f:3:41: a breaker needs 'failures' or 'ratio' above 0 (breaker: off goes without)\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: {recovery: 10m, recovery_max: 1m}}\n",
           "f:3:71: 'recovery_max' must not be shorter than 'recovery'\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: {statuses: [99, 600, 503-502, x]}}\n",
           "f:3:53: 'statuses' takes status codes such as 500 or 502-599, from 100 to 599, not '99'\n"
           "f:3:57: 'statuses' takes status codes such as 500 or 502-599, from 100 to 599, not '600'\n"
           "f:3:62: 'statuses' takes status codes such as 500 or 502-599, from 100 to 599, not '503-502'\n"
           "f:3:71: 'statuses' takes status codes such as 500 or 502-599, from 100 to 599, not 'x'\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: {errors: [conect]}}\n",
           "f:3:51: 'errors' takes connect, timeout and broken, not 'conect'\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: {ratio: 0.5}}\n",
           "f:3:49: 'ratio' takes a share such as 50% or 2.5% from 0% to 100%, not '0.5'\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: {ratio: 100.1%}}\n",
           "f:3:49: 'ratio' takes a share such as 50% or 2.5% from 0% to 100%, not '100.1%'\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: on}\n",
           "f:3:41: 'breaker' takes a mapping or off, not 'on'\n");
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: \"http://h:1\", breaker: {probes: 0}}\n",
           "f:3:50: 'probes' takes a whole number from 1 to 1000, not '0'\n");
}

Test(config_errors, a_service_that_is_not_there_gets_the_nearest_name)
{
    EXPECT("services: {search: {instances: \"http://h:1\"}}\n"
           "routes: [{path: /a, service: serch}, {path: /b, service: x}]\n",
           "f:2:30: there is no service 'serch' (did you mean 'search'?)\n"
           "f:2:58: there is no service 'x'\n");
}

Test(config_errors, a_bad_path_is_refused)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: a, service: s}\n",
           "f:3:12: 'path' cannot be 'a': must begin with '/'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: \"/a/{b\", service: s}\n",
           "f:3:12: 'path' cannot be '/a/{b': '{' without '}'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: \"/a*\", service: s}\n",
           "f:3:12: 'path' cannot be '/a*': '*' stands only at the end, as a whole segment\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a/../b, service: s}\n",
           "f:3:12: 'path' cannot be '/a/../b': '.' and '..' are resolved before matching\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: \"\", service: s}\n",
           "f:3:12: 'path' takes a path such as /a/b, /a/{id} or /a/*, not ''\n");
}

Test(config_errors, routes_that_collide_name_each_other)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s}\n"
                   "  - {path: /a, service: s}\n",
           "f:4:12: route '/a #2' gets in the way of route '/a' of line 3: host, method and headers do not tell them "
           "apart\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {name: one, path: \"/a/{x}\", method: [GET, POST], service: s}\n"
                   "  - {path: \"/a/{y}\", method: POST, service: s}\n",
           "f:4:12: route 'POST /a/{y}' gets in the way of route 'one' of line 3: host, method and headers do not tell "
           "them apart\n");
}

Test(config_errors, a_route_that_is_hidden_names_the_one_that_hides_it)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {name: wide, path: /a, headers: {X-A: \"1\"}, service: s}\n"
                   "  - {name: narrow, path: /a, headers: {x-a: \"*\", X-A: \"1\"}, service: s}\n",
           "f:4:26: route 'narrow' gets in the way of route 'wide' of line 3: host, method and headers do not tell "
           "them apart\n");
}

Test(config_errors, route_names_are_unique)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {name: r, path: /a, service: s}\n"
                   "  - {name: r, path: /b, service: s}\n",
           "f:4:12: the route of line 3 has the name 'r' too\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {name: 'a\"b', path: /a, service: s}\n",
           "f:3:12: 'name' takes up to 99 printable ASCII characters without '\"' and '\\', not 'a\"b'\n");
}

Test(config_errors, the_health_path_is_reserved)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /health, service: s}\n",
           "f:3:12: '/health' is the gateway's own health answer; 'health' can move it or switch it off\n");
    EXPECT("health: /alive\n"
           "services: {s: {instances: \"http://h:1\"}}\n"
           "routes:\n"
           "  - {path: /alive, service: s}\n",
           "f:4:12: '/alive' is the gateway's own health answer; 'health' can move it or switch it off\n");
    EXPECT("health: /a/*\n" REST, "f:1:9: 'health' takes one path such as /health, or off, not '/a/*'\n");
    EXPECT("health: x\n" REST, "f:1:9: 'health' cannot be 'x': must begin with '/'\n");
}

Test(config_errors, hosts_and_methods_are_checked)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, host: \"a:80\"}\n",
           "f:3:34: 'host' takes hosts such as api.example or *.example, without port, not 'a:80'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, host: \"*\"}\n",
           "f:3:34: 'host' takes hosts such as api.example or *.example, without port, not '*'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, method: [CONNECT, \"G T\"]}\n",
           "f:3:37: 'method' takes methods such as GET or POST (CONNECT is none), not 'CONNECT'\n"
           "f:3:46: 'method' takes methods such as GET or POST (CONNECT is none), not 'G T'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, method: GET GET}\n",
           "f:3:36: 'GET' stands in 'method' twice\n");
}

Test(config_errors, prefixes_must_fit_the_path)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a/*, service: s, strip_prefix: /b}\n",
           "f:3:44: 'strip_prefix' must be the beginning of 'path', whole segments of it\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /api/*, service: s, strip_prefix: /ap}\n",
           "f:3:46: 'strip_prefix' must be the beginning of 'path', whole segments of it\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, prefix: x}\n",
           "f:3:36: 'prefix' takes a path in normal form such as /v2, not 'x'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, prefix: /a//b}\n",
           "f:3:36: 'prefix' takes a path in normal form such as /v2, not '/a//b'\n");
}

Test(config_errors, the_gateways_own_header_fields_are_refused)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, request_headers: {set: {Host: x, content-length: \"1\"}, append: "
                   "{Transfer-Encoding: x}, remove: [Connection]}}\n",
           "f:3:52: 'set' takes no field that frames the message or belongs to one connection (for Host there is "
           "'host_header'), not 'Host'\n"
           "f:3:61: 'set' takes no field that frames the message or belongs to one connection (for Host there is "
           "'host_header'), not 'content-length'\n"
           "f:3:92: 'append' takes no field that frames the message or belongs to one connection (for Host there is "
           "'host_header'), not 'Transfer-Encoding'\n"
           "f:3:124: 'remove' takes no field that frames the message or belongs to one connection (for Host there is "
           "'host_header'), not 'Connection'\n");
}

Test(config_errors, header_names_and_values_follow_rfc_9110)
{
    EXPECT(SERVICE
           "routes:\n"
           "  - {path: /a, service: s, request_headers: {set: {\"a b\": x, c: \"d\\n\", e: \" f\", g: [h], i: }}}\n",
           "f:3:52: 'set' takes the name of a header field, not 'a b'\n"
           "f:3:65: 'set' takes a field value: no control characters, no blanks at its ends, not 'd '\n"
           "f:3:75: 'set' takes a field value: no control characters, no blanks at its ends, not ' f'\n"
           "f:3:84: 'set' takes a value for each field, not a list\n"
           "f:3:92: 'set' takes a value for each field, not ''\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, response_headers: {set: {x-a: b, X-A: c}}}\n",
           "f:3:61: 'X-A' stands in 'set' twice\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, headers: {\"a b\": c}}\n",
           "f:3:38: 'headers' takes a token (letters, digits and !#$%&'*+-.^_`|~), not 'a b'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, host_header: a b}\n",
           "f:3:41: 'host_header' takes preserve, service, or a host such as api.example:8080, not 'a b'\n");
}

Test(config_errors, a_fallback_is_an_answer_or_a_service)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, fallback: {}}\n",
           "f:3:38: a fallback is either an answer ('status', 'content_type', 'body') or a 'service'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, fallback: {service: s}}\n",
           "f:3:38: the fallback of a route is another service than its own\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, fallback: {body: x, service: s}}\n",
           "f:3:38: a fallback is either an answer ('status', 'content_type', 'body') or a 'service'\n"
           "f:3:38: the fallback of a route is another service than its own\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, fallback: {status: 100}}\n",
           "f:3:47: 'status' takes a status code from 200 to 599, not '100'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, fallback: {status: 204, body: x}}\n",
           "f:3:58: an answer 204 has no body\n");
}

Test(config_errors, scopes_are_words)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, scopes: [\"a\\\"b\"]}\n",
           "f:3:37: 'scopes' takes words of printable ASCII without '\"' and '\\', not 'a\"b'\n");
}

Test(config_errors, scopes_need_a_key)
{
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, scopes: admin, auth: none}\n",
           "f:3:36: 'scopes' are of keys, and 'auth: none' asks for no key\n");
}

Test(config_errors, all_errors_are_told_in_the_order_of_the_file)
{
    EXPECT("workers: x\n"
           "routes:\n"
           "  - {path: /a, service: t}\n"
           "services: {s: {instances: x}}\n"
           "listen: y\n",
           "f:1:10: 'workers' takes a whole number from 0 to 128, not 'x'\n"
           "f:3:25: there is no service 't'\n"
           "f:4:27: 'instances' takes URLs such as http://127.0.0.1:8001 or http://unix:/run/search.sock:, not 'x'\n"
           "f:5:9: 'listen' takes addresses such as *:8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/sluice.sock, not "
           "'y'\n");
}

Test(config_errors, a_long_value_is_cut_in_the_error)
{
    EXPECT("workers: "
           "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
           "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
           "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
           "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\n" REST,
           "f:1:10: 'workers' takes a whole number from 0 to 128, not "
           "'\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
           "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
           "\303\251\303\251\303\251\303\251'\n");
}
