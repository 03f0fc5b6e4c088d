sl_unit_test(test_scripts sl_scripts)
