/* What the files of this room ask of a body that is still to come (judge.c). */
#ifndef SLUICE_GUARD_JUDGE_H
#define SLUICE_GUARD_JUDGE_H

#include "sluice/guard.h"

/* Is its head refused whatever the body is? False where nobody judges. */
bool sl_guard_refuses_head(const sl_head_question_t *question);

#endif
