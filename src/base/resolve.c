/* resolve: one name, one address. Resolvers rotate their answers; staying with the address in use keeps the connections
 * that workers hold to it. */
#include "sluice/resolve.h"
#include <netdb.h>
#include <stdio.h>

static const struct addrinfo *choose(const struct addrinfo *answers, const sl_address_slot_t *slot)
{
    struct sockaddr_storage present;
    socklen_t len = sl_address_load(slot, &present);
    for (const struct addrinfo *answer = answers; answer != NULL; answer = answer->ai_next)
        if (len != 0 && answer->ai_addrlen == len && memcmp(answer->ai_addr, &present, len) == 0)
            return answer;
    return answers;
}

const char *sl_resolve(const char *host, uint16_t port, sl_address_slot_t *slot)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV}, *answers;
    char port_text[6];
    snprintf(port_text, sizeof port_text, "%u", port);
    int failure = getaddrinfo(host, port_text, &hints, &answers);
    if (failure != 0)
        return gai_strerror(failure);
    const struct addrinfo *answer = choose(answers, slot);
    sl_address_store(slot, answer->ai_addr, answer->ai_addrlen);
    freeaddrinfo(answers);
    return NULL;
}
