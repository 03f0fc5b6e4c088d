add_library(store_house STATIC ${CMAKE_CURRENT_LIST_DIR}/store_house.c)
target_link_libraries(store_house PUBLIC sl_store PkgConfig::CRITERION)

sl_unit_test(test_redis_errors sl_store)
sl_unit_test(test_resp sl_store)
sl_unit_test(test_store_breakers store_house)
sl_unit_test(test_store_link store_house)
sl_unit_test(test_store_party store_house)
sl_unit_test(test_store_unknown store_house)
