/* Whatever the bytes: no crash; either errors or a snapshot, never both; and what a snapshot prints is read back and
 * prints the same. */
#include "sluice/config.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sl_config_t *read(h2o_iovec_t yaml)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read("f", yaml, &errors);
    size_t lines = 0;
    for (size_t i = 0; i < errors.text.size; ++i)
        lines += errors.text.base[i] == '\n';
    if ((config == NULL) != (errors.count != 0) || lines != errors.count)
        abort();
    sl_config_errors_dispose(&errors);
    return config;
}

static void check_round_trip(const sl_config_t *config)
{
    sl_text_t first = {0}, second = {0};
    sl_config_dump(config, &first);
    sl_config_t *again = read(sl_bytes(first.base, first.size));
    if (again == NULL)
        abort();
    sl_config_dump(again, &second);
    if (!sl_bytes_equal(sl_bytes(first.base, first.size), sl_bytes(second.base, second.size)))
        abort();
    sl_text_dispose(&first);
    sl_text_dispose(&second);
    sl_config_release(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sl_config_t *config = read(sl_bytes((const char *)data, size));
    if (config != NULL) {
        check_round_trip(config);
        sl_config_release(config);
    }
    return 0;
}
