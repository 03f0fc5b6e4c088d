/* belongings: what the supervisor holds is given up in one place, by itself at its end and by every child at its
 * beginning. */
#include "supervisor.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void sl_supervisor_dispose(sl_supervisor_t *supervisor, bool is_child)
{
    for (size_t i = 0; i != supervisor->bound_count; ++i)
        sl_bound_close(&supervisor->bound[i], !is_child);
    free(supervisor->bound);
    if (supervisor->ops_bound.fd_count != 0)
        sl_bound_close(&supervisor->ops_bound, !is_child);
    if (supervisor->redis_lock != -1)
        close(supervisor->redis_lock);
    if (supervisor->signals != -1)
        close(supervisor->signals);
    if (supervisor->config != NULL)
        sl_config_release(supervisor->config);
    if (!is_child && supervisor->shared != NULL)
        munmap(supervisor->shared, sizeof *supervisor->shared);
}
