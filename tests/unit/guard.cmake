sl_unit_test(test_guard sl_guard)

add_executable(test_guard_hidden ${CMAKE_CURRENT_LIST_DIR}/test_guard.c)
target_compile_definitions(test_guard_hidden PRIVATE SL_HIDDEN)
target_link_libraries(test_guard_hidden PRIVATE sl_guard sl_common PkgConfig::CRITERION)
target_link_options(test_guard_hidden PRIVATE -Wl,--exclude-libs,ALL)
add_test(NAME test_guard_hidden COMMAND test_guard_hidden --jobs 1)
set_tests_properties(test_guard_hidden PROPERTIES LABELS unit TIMEOUT 300)
