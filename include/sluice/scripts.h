/*
 * scripts: the atomic decisions that run inside Redis (lua/), as text and SHA-1, put into the program when it is built.
 *
 * What each script takes and answers stands at its head. Send the text with SCRIPT LOAD when a link comes up, and again
 * with EVAL after a NOSCRIPT.
 */
#ifndef SLUICE_SCRIPTS_H
#define SLUICE_SCRIPTS_H

#include <stddef.h>

typedef enum {
    SL_SCRIPT_ADMIT,
    SL_SCRIPT_BREAKER_TRY,
    SL_SCRIPT_BREAKER_SETTLE,
    SL_SCRIPT_BREAKER_REPORT,
    SL_SCRIPT_BREAKER_READ,
    SL_SCRIPT_BREAKER_FORCE,
    SL_SCRIPT_PEEK,
    SL_SCRIPT_COUNT_VERSION,
    SL_SCRIPT_COUNT
} sl_script_id_t;

typedef struct sl_script_t {
    const char *name; /* "admit", like its file */
    const char *text;
    const char *sha1; /* 40 lower-case hex digits, the name of EVALSHA */
} sl_script_t;

extern const sl_script_t sl_scripts[SL_SCRIPT_COUNT];

#endif
