/* guard: is it noticed when the library does not come to our functions? The same cases are linked twice, once as the
 * program is, once with everything of the rooms hidden from the dynamic linker (SL_HIDDEN). */
#include "sluice/guard.h"
#include <criterion/criterion.h>

#ifdef SL_HIDDEN

Test(guard_hidden, an_interposition_that_does_not_work_is_named)
{
    cr_assert_not_null(sl_guard_http1_obstacle());
    cr_expect_str_eq(sl_guard_http1_obstacle(), "the library does not come to our phr_parse_request");
    cr_expect_not_null(sl_guard_http2_obstacle());
    cr_expect_not(sl_guard_http2_is_effective());
}

#else

Test(guard, the_library_comes_to_our_functions)
{
    cr_expect_null(sl_guard_http1_obstacle(), "%s", sl_guard_http1_obstacle());
    cr_expect_null(sl_guard_http2_obstacle(), "%s", sl_guard_http2_obstacle());
    cr_expect(sl_guard_http2_is_effective());
}

#endif
