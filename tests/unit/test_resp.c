/* Commands in Redis' wire form. */
#include "store/resp.h"
#include <criterion/criterion.h>

static void expect_text(const sl_text_t *text, const char *expected)
{
    cr_assert_eq(text->size, strlen(expected), "got %.*s", (int)text->size, text->base);
    cr_assert_arr_eq(text->base, expected, text->size);
}

Test(resp, a_command_is_an_array_of_bulk_strings)
{
    sl_text_t out = {0};

    sl_resp_command(&out, 2, (const char *[]){"SELECT", "15"});

    expect_text(&out, "*2\r\n$6\r\nSELECT\r\n$2\r\n15\r\n");
    sl_text_dispose(&out);
}

Test(resp, words_may_hold_any_bytes)
{
    sl_text_t out = {0};

    sl_resp_bulk(&out, SL_LIT("a\r\n\0b"));
    sl_resp_bulk(&out, sl_bytes(NULL, 0));

    cr_assert_eq(out.size, 4 + 5 + 2 + 6);
    cr_assert_arr_eq(out.base, "$5\r\na\r\n\0b\r\n$0\r\n\r\n", out.size);
    sl_text_dispose(&out);
}

Test(resp, words_are_counted_and_cleared)
{
    sl_words_t words = {0};

    sl_words_number(&words, 0);
    sl_words_number(&words, UINT64_MAX);
    cr_assert_eq(words.count, 2);
    expect_text(&words.text, "$1\r\n0\r\n$20\r\n18446744073709551615\r\n");

    sl_words_clear(&words);
    cr_assert_eq(words.count, 0);
    cr_assert_eq(words.text.size, 0);
    sl_text_dispose(&words.text);
}

Test(resp, a_key_wears_its_name_in_braces)
{
    sl_words_t words = {0};

    sl_words_key(&words, SL_LIT("sluice"), SL_LIT("breaker"), SL_LIT("search"));

    expect_text(&words.text, "$23\r\nsluice:breaker:{search}\r\n");
    cr_assert_eq(words.count, 1);
    sl_text_dispose(&words.text);
}

Test(resp, a_reader_is_midway_wherever_a_reply_is_cut)
{
    static const char *const reply = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n*2\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n";
    size_t len = strlen(reply);

    for (size_t cut = 0; cut <= len; ++cut) {
        redisReader *reader = redisReaderCreate();
        for (int round = 0; round != 40; ++round) { /* more than hiredis keeps of what it has read */
            void *found = NULL;
            redisReaderFeed(reader, reply, cut);
            cr_assert_eq(redisReaderGetReply(reader, &found), REDIS_OK);
            cr_assert_eq(found != NULL, cut == len);
            cr_assert_eq(sl_resp_is_midway(reader), cut != 0 && cut != len, "%zu, round %d", cut, round);
            if (found == NULL) {
                redisReaderFeed(reader, reply + cut, len - cut);
                cr_assert_eq(redisReaderGetReply(reader, &found), REDIS_OK);
            }
            freeReplyObject(found);
            cr_assert_eq(redisReaderGetReply(reader, &found), REDIS_OK); /* as long as there are replies, it is asked */
            cr_assert_null(found);
            cr_assert(!sl_resp_is_midway(reader), "%zu, round %d", cut, round);
        }
        redisReaderFree(reader);
    }
}
