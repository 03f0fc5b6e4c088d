/* stages: the way in. Each is one file of src/request/; what it reads and writes stands at that file's head. */
#ifndef SLUICE_STAGES_H
#define SLUICE_STAGES_H

#include "sluice/exchange.h"

sl_verdict_t sl_redirect(sl_exchange_t *exchange);
sl_verdict_t sl_find_route(sl_exchange_t *exchange);
sl_verdict_t sl_count_hops(sl_exchange_t *exchange);
sl_verdict_t sl_find_version(sl_exchange_t *exchange);
sl_verdict_t sl_answer_health(sl_exchange_t *exchange);
sl_verdict_t sl_identify_caller(sl_exchange_t *exchange);
sl_verdict_t sl_check_breaker(sl_exchange_t *exchange);
sl_verdict_t sl_admit(sl_exchange_t *exchange);
sl_verdict_t sl_aggregate(sl_exchange_t *exchange);
sl_verdict_t sl_transform_request(sl_exchange_t *exchange);
sl_verdict_t sl_forward(sl_exchange_t *exchange); /* always answers */

/* Will one of redirect, route, version and identify refuse this head, whatever its body is? */
bool sl_judge_head(const sl_head_question_t *question);

#endif
