#include "engine/postgres/catalog/partition_routes.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

const model::Name low{"public", "low"};
const model::Name middle{"public", "middle"};
const model::Name top{"public", "top"};
const std::vector<model::Name> above{low, middle, top};

TEST(TheRouteOfALeaf, is_direct_where_every_choice_above_it_holds) {
  EXPECT_FALSE(route_of(above, {}, true));
  EXPECT_FALSE(route_of({}, {{top, Holds::nowhere_else}}, false));
}

TEST(TheRouteOfALeaf, begins_at_the_topmost_table_that_must_choose_anew) {
  EXPECT_EQ(route_of(above, {{low, Holds::nowhere_else}}, true), low);
  EXPECT_EQ(route_of(above, {{low, Holds::nowhere_else}, {middle, Holds::nowhere_else}}, true), middle);
}

TEST(TheRouteOfALeaf, regards_text_only_where_the_encoding_differs) {
  const PartitionChoices choices{{low, Holds::nowhere_else}, {top, Holds::in_its_encoding}};
  EXPECT_EQ(route_of(above, choices, true), low);
  EXPECT_EQ(route_of(above, choices, false), top);
}

}  // namespace
}  // namespace tributary::postgres
