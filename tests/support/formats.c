/*
 * formats: the conversions of the policy room for those who stand outside of it.
 *
 *   sluice-formats convert          frames on standard input: one letter, the length in four bytes (most significant
 *                                   first), the bytes; answers in the same form: 'y' with the result or 'n' with the
 *                                   error. Letters: i index (answers nothing), p JSON to MessagePack, u back, f form
 *   sluice-formats measure FILE...  MB/s of index and conversions over JSON files, and the bytes that MessagePack saves
 */
#include "sluice/media.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const sl_media_limits_t limits = {.depth = 64, .values = 10000000, .bytes_max = 1 << 30};

/* --- convert --- */

static const char *index_only(h2o_iovec_t text, size_t *offset)
{
    sl_json_t json = {0};
    const char *error = sl_json_index(&json, text, NULL, offset);
    sl_json_dispose(&json);
    return error;
}

static const char *convert(char letter, h2o_iovec_t input, sl_text_t *out)
{
    size_t offset;
    switch (letter) {
    case 'i':
        return index_only(input, &offset);
    case 'p':
        return sl_json_to_msgpack(input, &limits, out, &offset);
    case 'u':
        return sl_msgpack_to_json(input, &limits, out, &offset);
    case 'f':
        return sl_form_to_json(input, &limits, out, &offset);
    default:
        return "no such letter";
    }
}

static void put_frame(char letter, h2o_iovec_t bytes)
{
    const char head[5] = {letter, (char)(bytes.len >> 24), (char)(bytes.len >> 16), (char)(bytes.len >> 8),
                          (char)bytes.len};
    fwrite(head, 1, sizeof(head), stdout);
    if (bytes.len != 0)
        fwrite(bytes.base, 1, bytes.len, stdout);
}

static int convert_frames(void)
{
    unsigned char head[5];
    sl_text_t input = {0}, out = {0};
    while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
        size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
        sl_text_clear(&input);
        sl_text_clear(&out);
        if (fread(sl_text_reserve(&input, len), 1, len, stdin) != len)
            return 1;
        const char *error = convert((char)head[0], sl_bytes(input.base, len), &out);
        put_frame(error == NULL ? 'y' : 'n', error == NULL ? sl_bytes(out.base, out.size) : sl_bytes_of(error));
    }
    sl_text_dispose(&input);
    sl_text_dispose(&out);
    return 0;
}

/* --- measure --- */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* The best of twenty rounds: others work on this machine, too. */
static double megabytes_per_second(char letter, h2o_iovec_t input)
{
    sl_text_t out = {0};
    double best = 0;
    for (int round = 0; round != 20; ++round) {
        size_t times = 2000000 / (input.len + 1) + 1;
        double begin = now();
        for (size_t i = 0; i != times; ++i) {
            sl_text_clear(&out);
            convert(letter, input, &out);
        }
        double speed = (double)(input.len * times) / (now() - begin) * 1e-6;
        best = speed > best ? speed : best;
    }
    sl_text_dispose(&out);
    return best;
}

static bool read_file(const char *path, sl_text_t *text)
{
    FILE *file = fopen(path, "rb");
    size_t got;
    if (file == NULL)
        return false;
    while ((got = fread(sl_text_reserve(text, 65536), 1, 65536, file)) != 0)
        text->size += got;
    fclose(file);
    return true;
}

static bool measure(const char *path)
{
    sl_text_t json = {0}, packed = {0};
    const char *error = read_file(path, &json) ? NULL : "cannot be read";
    h2o_iovec_t text = sl_bytes(json.base, json.size);
    if (error == NULL)
        error = convert('p', text, &packed);
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", path, error);
    } else {
        h2o_iovec_t bytes = sl_bytes(packed.base, packed.size);
        printf("%-28s %9zu %9zu %6.1f%% %7.0f %7.0f %7.0f\n", path, text.len, bytes.len,
               100.0 - 100.0 * (double)bytes.len / (double)text.len, megabytes_per_second('i', text),
               megabytes_per_second('p', text), megabytes_per_second('u', bytes));
    }
    sl_text_dispose(&json);
    sl_text_dispose(&packed);
    return error == NULL;
}

int main(int argc, char **argv)
{
    bool is_well = argc > 1;
    if (argc == 2 && strcmp(argv[1], "convert") == 0)
        return convert_frames();
    printf("%-28s %9s %9s %7s %7s %7s %7s\n", "file", "JSON", "msgpack", "saved", "index", "pack", "unpack");
    for (int i = 2; i < argc; ++i)
        is_well = measure(argv[i]) && is_well;
    return is_well ? 0 : 1;
}
