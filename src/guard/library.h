/*
 * library: what libh2o-evloop 2.2.5 exports without declaring it, and how a function of ours that stands before one of
 * the library's finds the one behind it.
 *
 * The library calls its own exported functions by way of the dynamic linker, which looks into the program first: a
 * function of the same name here is called instead. effective.c proves at the start that it is so.
 */
#ifndef SLUICE_GUARD_LIBRARY_H
#define SLUICE_GUARD_LIBRARY_H

#include <dlfcn.h>
#include <h2o.h>
#include <h2o/http2.h>
#include <h2o/http2_internal.h>

struct phr_header {
    const char *name; /* NULL: a folded line */
    size_t name_len;
    const char *value;
    size_t value_len;
};

int phr_parse_request(const char *buf, size_t len, const char **method, size_t *method_len, const char **path,
                      size_t *path_len, int *minor_version, struct phr_header *headers, size_t *num_headers,
                      size_t last_len);
ssize_t phr_decode_chunked(void *decoder, char *buf, size_t *bufsz);

/* Declares `real`, the function behind ours. */
#define REAL(function)                                                                                                 \
    static __typeof__(&function) real;                                                                                 \
    if (real == NULL)                                                                                                  \
    real = (__typeof__(&function))dlsym(RTLD_NEXT, #function)

#endif
