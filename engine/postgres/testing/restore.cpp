#include "engine/postgres/testing/restore.h"

#include <filesystem>

#include "engine/testing/server_files.h"

namespace tributary::testbed {

std::string client_program(const std::string& name) {
  return (installation(18).parent_path() / "client-18/bin" / name).string();
}

void restore(const std::string& source, const std::string& target) {
  const auto folder = server_folder("/tmp", "restore");
  run_program({"/bin/sh", "-c",
               client_program("pg_dump") + " -Fc --no-publications --no-subscriptions --dbname='" + source + "' | " +
                   client_program("pg_restore") + " --dbname='" + target + "' || true"},
              folder / "log");
  std::filesystem::remove_all(folder);
}

}  // namespace tributary::testbed
