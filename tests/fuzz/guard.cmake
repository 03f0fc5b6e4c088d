sl_fuzz_target(fuzz_http1_head sl_guard)
target_include_directories(fuzz_http1_head SYSTEM PRIVATE ${PROJECT_SOURCE_DIR}/src/exchange/libh2o) # as in src/guard
