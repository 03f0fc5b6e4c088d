/* party: requests that ask Redis the same of the same key in one turn of the loop, and so ask once for all of them. */
#ifndef SLUICE_STORE_PARTY_H
#define SLUICE_STORE_PARTY_H

#include "parts.h"

typedef struct sl_party_t sl_party_t;

/* `words` are the link's, with their hole where the units go. Joins an open party of the same words; without
 * `may_share` it is a party of one. */
void sl_party_seat(sl_store_t *store, const sl_admission_question_t *question, const sl_words_t *words, bool may_share,
                   sl_seat_t *seat);

#endif
