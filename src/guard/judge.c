/*
 * judge: heads that are refused whatever their body is (no such route, no key, too large ...), before the body has
 * come.
 *
 * libh2o calls a handler when all of the body is here. For a head that is refused anyway that costs the client an
 * upload, and the node its memory. So where the body is not here yet, whoever knows routes and keys is asked (the
 * pipeline sets the judge: this floor does not know them); and when he refuses, libh2o is told that there is no body.
 * The request then walks the usual road to the stage that refuses it, with its line in the log, its metrics and its
 * problem body; what still comes is thrown away, and HTTP/1 closes (node/linger.c), HTTP/2 resets without an error
 * (exchange/http2.c). `Expect: 100-continue` gets the refusal instead of the 100, for which the client waits.
 */
#include "judge.h"

static sl_head_judge_t judge;

void sl_guard_set_judge(sl_head_judge_t given)
{
    judge = given;
}

bool sl_guard_refuses_head(const sl_head_question_t *question)
{
    return judge != NULL && judge(question);
}
