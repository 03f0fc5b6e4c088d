/* share: see share.h. */
#include "sluice/share.h"

size_t sl_share_take(sl_share_t *share, uint64_t turn)
{
    if (share->turn != turn) {
        share->turn = turn;
        share->before = share->takers;
        share->takers = 0;
    }
    ++share->takers;
    size_t takers = share->takers > share->before ? share->takers : share->before;
    size_t bytes = SL_SHARE_TURN_BYTES / takers;
    if (bytes > SL_SHARE_BYTES_MAX)
        return SL_SHARE_BYTES_MAX;
    return bytes < SL_SHARE_BYTES_MIN ? SL_SHARE_BYTES_MIN : bytes;
}
