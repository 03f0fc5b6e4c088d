sl_fuzz_target(fuzz_config sl_config)
