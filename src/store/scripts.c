/*
 * scripts: how a script of ours is called, and how a server learns them all.
 *
 * Redis neither saves nor replicates scripts: after a restart, a failover or SCRIPT FLUSH the name means nothing there.
 * So each new connection loads them before its first question, and a NOSCRIPT in between costs one call with the text,
 * which also loads it.
 */
#include "scripts.h"
#include "resp.h"

void sl_scripts_call(sl_text_t *out, sl_script_id_t script, bool with_text, size_t keys, size_t words)
{
    char count[2] = {(char)('0' + keys)};

    sl_resp_array(out, 3 + words);
    sl_resp_bulk(out, with_text ? SL_LIT("EVAL") : SL_LIT("EVALSHA"));
    sl_resp_bulk(out, sl_bytes_of(with_text ? sl_scripts[script].text : sl_scripts[script].sha1));
    sl_resp_bulk(out, sl_bytes(count, 1));
}

void sl_scripts_load(sl_text_t *out)
{
    for (size_t i = 0; i != SL_SCRIPT_COUNT; ++i)
        sl_resp_command(out, 3, (const char *[]){"SCRIPT", "LOAD", sl_scripts[i].text});
}
