/* environment: "${NAME}", "${NAME:-default}" and "$$" inside the values of the file. */
#ifndef SLUICE_CONFIG_ENVIRONMENT_H
#define SLUICE_CONFIG_ENVIRONMENT_H

#include "sluice/bytes.h"

/*
 * Appends `text` with every "${...}" replaced to `out`; "$$" becomes one "$", any other "$" stays. As in a shell, the
 * default also stands in for an empty variable, and may hold references itself. False when it cannot be done; `problem`
 * then says why.
 */
bool sl_environment_expand(h2o_iovec_t text, sl_text_t *out, sl_text_t *problem);

#endif
