/* scripts: how a script of ours is called, and how a server learns them all. */
#ifndef SLUICE_STORE_SCRIPTS_H
#define SLUICE_STORE_SCRIPTS_H

#include "sluice/bytes.h"
#include "sluice/scripts.h"

/* The head of a call by name (EVALSHA), or with the whole text (EVAL) for a server that does not know the name; the
 * KEYS and ARGV words follow, `words` in all. */
void sl_scripts_call(sl_text_t *out, sl_script_id_t script, bool with_text, size_t keys, size_t words);
/* SCRIPT LOAD of each; SL_SCRIPT_COUNT answers. */
void sl_scripts_load(sl_text_t *out);

#endif
