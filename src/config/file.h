/* file: small files that settings name: secrets, certificates. */
#ifndef SLUICE_CONFIG_FILE_H
#define SLUICE_CONFIG_FILE_H

#include <stddef.h>

/* All of it; `bytes` has room for one more than `max`. NULL for well, else what an error says after the file's name.
 * Only regular files are read: a pipe would hold up whoever checks a configuration. */
const char *sl_file_read(const char *path, char *bytes, size_t max, size_t *len);

#endif
