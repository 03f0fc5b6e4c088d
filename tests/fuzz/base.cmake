sl_fuzz_target(fuzz_parse sl_base)
