#include "engine/base/nearest.h"
#include "engine/postgres/client/connection_state.h"

namespace tributary::postgres {
namespace {

// libpq takes the first @ or / for the end of a URI's password, and the rest of a password that holds one for host,
// port or database, which errors name.
bool has_stray_at(std::string_view conninfo) {
  const std::size_t scheme = conninfo.find("://");
  if (!conninfo.starts_with("postgres") || scheme == conninfo.npos) return false;
  const std::string_view rest = conninfo.substr(scheme + 3);
  const std::string_view place = rest.substr(0, rest.find('?'));
  const std::size_t first = place.find('@');
  return first != place.npos && (place.find('@', first + 1) != place.npos || place.find('/') < first);
}

using Options = std::unique_ptr<PQconninfoOption, Freed>;

// The keyword that was meant where libpq's message quotes one that it does not know, "" where nothing is like it. What
// was written is not repeated: it may be a part of a password with blanks.
std::string meant_by(std::string_view message) {
  const std::size_t open = message.find('"');
  const std::size_t close = message.rfind('"');
  if (open == message.npos || close <= open) return "";
  std::vector<std::string> keywords;
  const Options known(PQconninfoParse("", nullptr));
  for (const PQconninfoOption* option = known.get(); option != nullptr && option->keyword != nullptr; ++option)
    keywords.emplace_back(option->keyword);
  return nearest(message.substr(open + 1, close - open - 1), keywords);
}

}  // namespace

Result<Parameters> parse_conninfo(const std::string& conninfo) {
  char* message = nullptr;
  const Options options(PQconninfoParse(conninfo.c_str(), &message));
  // libpq's message may repeat parts of the text, and so a password: it is dropped.
  const std::string meant = message == nullptr ? "" : meant_by(message);
  PQfreemem(message);
  if (!meant.empty())
    return Error{Fault::invalid, "the connection string has a keyword that is not known",
                 "did you mean " + meant + "?"};
  if (!options || has_stray_at(conninfo)) {
    return Error{
        Fault::invalid, "the connection string is malformed",
        "write postgresql://user@host:port/dbname or host=... dbname=...; encode : / @ % in a password as %XX"};
  }
  Parameters parameters;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters[option->keyword] = option->val;
  }
  return parameters;
}

std::string describe(const Parameters& parameters) {
  const auto value = [&](const char* keyword, const char* otherwise) {
    const auto found = parameters.find(keyword);
    return found == parameters.end() || found->second.empty() ? std::string(otherwise) : found->second;
  };
  std::string text = value("host", value("hostaddr", "localhost").c_str()) + ":" + value("port", "5432");
  const std::string database = value("dbname", "");
  if (!database.empty()) text += "/" + database;
  const std::string user = value("user", "");
  if (!user.empty()) text += " as " + user;
  return text;
}

}  // namespace tributary::postgres
