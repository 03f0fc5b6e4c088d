/*
 * embedded_redis: the private redis-server of a node whose configuration names none. It listens on a Unix socket in its
 * data directory only, keeps every write in an append-only file, and never evicts: a lost bucket would be a fresh one.
 *
 * Two servers on one append-only file would destroy it. Hence a lock on the directory, which redis-server inherits: it
 * is free again when the last of supervisor and server has ended, in whatever order and by whatever death.
 */
#include "sluice/log.h"
#include "supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCK_TRIES 50 /* 100 ms apart: a predecessor's server may still be writing its last second */

static bool make_directories(const char *path)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(part, path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

static bool lock_patiently(int fd)
{
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (errno != EWOULDBLOCK || tries == LOCK_TRIES)
            return false;
        usleep(100000);
    }
    return true;
}

static bool fits_socket_path(const char *directory, sl_text_t *error)
{
    struct sockaddr_un address;
    size_t len = strlen(directory) + strlen("/redis.sock");
    if (len < sizeof address.sun_path)
        return true;
    sl_text_format(error, "the path of Redis' socket, %s/redis.sock, has %zu bytes: at most %zu are possible",
                   directory, len, sizeof address.sun_path - 1);
    return false;
}

int sl_redis_prepare(const sl_redis_settings_t *settings, sl_text_t *error)
{
    char directory[PATH_MAX];
    if (!make_directories(settings->data) || realpath(settings->data, directory) == NULL) {
        sl_text_format(error, "cannot make the data directory %s: %s", settings->data, strerror(errno));
        return -1;
    }
    if (!fits_socket_path(directory, error))
        return -1;
    int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int lock = directory_fd != -1 ? openat(directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (directory_fd != -1)
        close(directory_fd);
    if (lock != -1 && lock_patiently(lock))
        return lock;
    if (lock != -1 && errno == EWOULDBLOCK)
        sl_text_format(error, "the data directory %s is in use by another node", directory);
    else
        sl_text_format(error, "cannot use the data directory %s: %s", directory, strerror(errno));
    if (lock != -1)
        close(lock);
    return -1;
}

/* Dies with the supervisor, is not hit by the terminal's Ctrl-C, and starts with the signals as a program expects them.
 */
static void tie_to_supervisor(void)
{
    pid_t supervisor = getppid();
    sigset_t none;
    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != supervisor)
        _exit(1); /* it died before the wish was known to the kernel */
}

void sl_redis_become(const sl_redis_settings_t *settings, int lock)
{
    char directory[PATH_MAX], socket_path[PATH_MAX + 16], log_path[PATH_MAX + 16];
    tie_to_supervisor();
    if (realpath(settings->data, directory) == NULL) {
        sl_log(SL_LOG_ERROR, "redis_start_failed", "data directory %s: %s", settings->data, strerror(errno));
        _exit(1);
    }
    snprintf(socket_path, sizeof socket_path, "%s/redis.sock", directory);
    snprintf(log_path, sizeof log_path, "%s/redis.log", directory);
    fcntl(lock, F_SETFD, 0);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--unixsocketperm", "700",
           "--dir", directory, "--logfile", log_path, "--loglevel", "notice", "--daemonize", "no", "--save", "",
           "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", (char *)NULL);
    sl_log(SL_LOG_ERROR, "redis_start_failed", "cannot run redis-server: %s", strerror(errno));
    _exit(127);
}
