/* config_yaml: what is wrong with a file before any setting is looked at: its YAML, aliases, merges, bytes. */
#include "config_expect.h"

/* What a file needs besides the line that a case is about. */
#define REST                                                                                                           \
    "services: {s: {instances: \"http://h:1\"}}\n"                                                                     \
    "routes: []\n"

Test(config_yaml, broken_yaml_is_told_at_its_place)
{
    EXPECT("listen: [a\n" REST,
           "f:2:9: not YAML: did not find expected ',' or ']' while parsing a flow sequence of line 1\n");
    EXPECT("listen: \"a\n",
           "f:2:1: not YAML: found unexpected end of stream while scanning a quoted scalar of line 1\n");
    EXPECT("workers: 1\n"
           " bad: 2\n",
           "f:2:5: not YAML: mapping values are not allowed in this context\n");
}

Test(config_yaml, an_alias_of_itself_is_refused)
{
    EXPECT("keys: &a {header: *a}\n" REST, "f:1:7: nested too deep (does an alias contain itself?)\n");
}

Test(config_yaml, aliases_cannot_multiply_without_end)
{
    EXPECT("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
           "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
           "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
           "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
           "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
           "f:1:26: too many values (do aliases multiply?)\n");
}

Test(config_yaml, a_merge_takes_a_mapping)
{
    EXPECT("limits: {<<: 5}\n" REST, "f:1:14: '<<' takes a mapping (an alias such as *name) or a list of them\n");
}

Test(config_yaml, a_nul_is_refused)
{
    EXPECT("server_name: \"a\\0b\"\n" REST, "f:1:14: a NUL character cannot stand in a value\n");
}

Test(config_yaml, what_an_alias_repeats_is_told_once)
{
    EXPECT(
        "routes: []\n"
        "services: {a: &a {instances: nope}, b: *a}\n",
        "f:2:30: 'instances' takes URLs such as http://127.0.0.1:8001 or http://unix:/run/search.sock:, not 'nope'\n");
}
