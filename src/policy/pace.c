/* pace: see pace.h. */
#include "sluice/pace.h"

void sl_pace_begin(sl_pace_t *pace, uint64_t now_us, uint64_t grace_us)
{
    *pace = (sl_pace_t){.due_us = now_us + grace_us};
}

bool sl_pace_keeps(sl_pace_t *pace, uint64_t now_us, uint64_t bytes, uint64_t rate, uint64_t rest_us)
{
    if (rate == 0)
        return true;
    double earned_us = bytes > pace->bytes ? (double)(bytes - pace->bytes) * 1e6 / (double)rate : 0;
    uint64_t latest_us = now_us + rest_us;
    if (earned_us > 0) {
        bool is_rested = pace->due_us >= latest_us || earned_us >= (double)(latest_us - pace->due_us);
        uint64_t due_us = is_rested ? latest_us : pace->due_us + (uint64_t)earned_us;
        pace->due_us = due_us > pace->due_us ? due_us : pace->due_us; /* what was granted is not taken back */
    }
    pace->bytes = bytes;
    return now_us <= pace->due_us;
}
