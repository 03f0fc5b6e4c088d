/* config_secrets: what errors say of a file, they say without its secrets. */
#include "config_expect.h"

#define SERVICE "services: {s: {instances: \"http://h:1\"}}\n"

Test(config_secrets, no_message_repeats_a_secret)
{
    EXPECT("routes: []\n"
           "services:\n"
           "  s: {instances: [\"http://u:hid/d@en@h:1\", \"http://u:hid/d@en@h:1\", \"u:hidden@h:1\"]}\n",
           "f:3:19: 'instances' takes no path (a route's 'prefix' puts one in front), not 'http://********@h:1'\n"
           "f:3:44: 'http://********@h:1' stands in 'instances' twice\n"
           "f:3:69: 'instances' takes URLs such as http://127.0.0.1:8001 or http://unix:/run/search.sock:, not "
           "'********@h:1'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /, service: s, request_headers: {set: {X-My-Token: \"hid\\x01den\"}}}\n",
           "f:3:63: 'set' takes a field value: no control characters, no blanks at its ends\n");
}
