/* file: see file.h. */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *read_regular(int file, char *bytes, size_t max, size_t *len)
{
    static char too_large[48];
    struct stat status;
    if (fstat(file, &status) != 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "not a file";
    for (ssize_t got; (got = read(file, bytes + *len, max + 1 - *len)) != 0; *len += (size_t)got)
        if (got < 0)
            return strerror(errno);
    snprintf(too_large, sizeof(too_large), "larger than %zuKiB", max / 1024);
    return *len > max ? too_large : NULL;
}

const char *sl_file_read(const char *path, char *bytes, size_t max, size_t *len)
{
    *len = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return strerror(errno);
    const char *error = read_regular(file, bytes, max, len);
    close(file);
    return error;
}
