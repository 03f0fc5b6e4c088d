sl_unit_test(test_framing sl_policy sl_base)
sl_unit_test(test_framing_http2 sl_policy sl_base)
sl_unit_test(test_chunk_decoder sl_policy sl_base)
sl_unit_test(test_http2_budget sl_policy sl_base)
