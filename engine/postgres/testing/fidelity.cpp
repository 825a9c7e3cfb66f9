#include "engine/postgres/testing/fidelity.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace tributary::testbed {
namespace {

std::string file(const std::string& name) {
  const std::string path = std::string(TRIBUTARY_FIDELITY_FOLDER) + "/" + name;
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot be read: " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Inside the data directory, so that the server alone knows where it is.
void create_tablespace(const Database& database) {
  Session session(database.uri());
  if (session.scalar("SELECT count(*) FROM pg_tablespace WHERE spcname = 'fidelity_space'") != "0") return;
  session.exec("SET allow_in_place_tablespaces = on");
  session.exec("CREATE TABLESPACE fidelity_space LOCATION ''");
}

}  // namespace

void create_fidelity_roles(PostgresServer& server) {
  server.exec("postgres", file("fidelity_roles.sql"));
}

void fill_with_everything(const Database& database, int major) {
  database.exec(file("fidelity_roles.sql"));
  create_tablespace(database);
  database.exec(file("fidelity.sql"));
  database.exec(file("fidelity_more.sql"));
  for (const int since : {13, 14, 15, 17, 18}) {
    if (major >= since) database.exec(file("fidelity_" + std::to_string(since) + ".sql"));
  }
}

}  // namespace tributary::testbed
