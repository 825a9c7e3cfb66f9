#include "engine/postgres/roles/provider.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

TEST(AProvider, is_told_by_the_roles_of_its_service) {
  EXPECT_EQ(provider_of({"postgres", "rds_superuser", "rdsadmin"}), Provider::rds);
  EXPECT_EQ(provider_of({"postgres", "cloudsqlsuperuser"}), Provider::cloud_sql);
  EXPECT_EQ(provider_of({"postgres", "alloydbsuperuser"}), Provider::alloydb);
  EXPECT_EQ(provider_of({"azure_pg_admin", "azuresu"}), Provider::azure);
  EXPECT_EQ(provider_of({"neon_superuser", "neondb_owner"}), Provider::neon);
  EXPECT_EQ(provider_of({"postgres", "aws_uploader", "rds_reader", "cloud_admin"}), Provider::none);
}

TEST(AProvider, has_roles_that_are_known_and_others_that_may_be_its_own) {
  for (const char* name : {"rdsadmin", "rds_superuser", "rdsrepladmin"})
    EXPECT_EQ(belonging(name, Provider::rds), Belonging::provider) << name;
  EXPECT_EQ(belonging("rds_reader", Provider::rds), Belonging::unclear);
  EXPECT_EQ(belonging("cloudsqlnew", Provider::cloud_sql), Belonging::unclear);
  EXPECT_EQ(belonging("cloud_admin", Provider::neon), Belonging::provider);
  for (const char* name : {"app", "rdsapp", "aws_uploader", "cloudsqlsuperuser"})
    EXPECT_EQ(belonging(name, Provider::rds), Belonging::users) << name;
  EXPECT_EQ(belonging("neondb_owner", Provider::neon), Belonging::users);
  EXPECT_EQ(belonging("rds_superuser", Provider::none), Belonging::users);
}

}  // namespace
}  // namespace tributary::postgres
