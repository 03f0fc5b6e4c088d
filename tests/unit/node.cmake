sl_unit_test(test_bound sl_node)
