/* default_config: one place decides which file is meant, so that `serve` and `key create` on one machine speak of the
 * same node. */
#include "command.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SYSTEM_WIDE "/etc/sluice/sluice.yaml"

const char *sl_cli_default_config(void)
{
    const char *named = getenv("SLUICE_CONFIG");
    if (named != NULL && named[0] != '\0')
        return named;
    if (access("sluice.yaml", F_OK) == 0)
        return "sluice.yaml";
    if (access(SYSTEM_WIDE, F_OK) != 0)
        fputs("sluice: no configuration: -c FILE names one, or $SLUICE_CONFIG, and there is no ./sluice.yaml\n",
              stderr);
    return SYSTEM_WIDE;
}
