# JSON and what is made of it: parts of the policy room.
sl_unit_test(test_json sl_policy)
sl_unit_test(test_json_corpus sl_policy)
sl_unit_test(test_json_edit sl_policy)
sl_unit_test(test_template sl_policy)
sl_unit_test(test_media sl_policy)
sl_unit_test(test_msgpack sl_policy)
sl_unit_test(test_template_holes sl_policy)
