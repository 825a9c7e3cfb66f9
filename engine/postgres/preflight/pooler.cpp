#include "engine/postgres/preflight/pooler.h"

#include <algorithm>

namespace tributary::postgres {
namespace {

constexpr Milliseconds patience{5'000};
constexpr int asked_alone = 3;
// A pooler may be several, each with a pool of its own, behind one address.
constexpr int further_sessions = 4;

struct Backend {
  int id = 0;
  std::string started;  // ids of servers behind one address may coincide
  bool operator==(const Backend&) const = default;
};

Result<Backend> backend_of(Connection& session, const Until& until) {
  const Rows rows = TRY(
      session.query_row("SELECT pg_catalog.pg_backend_pid(), (SELECT a.backend_start FROM pg_catalog.pg_stat_activity a"
                        " WHERE a.pid = pg_catalog.pg_backend_pid())",
                        {}, until));
  return Backend{static_cast<int>(rows.integer(0, 0)), rows.str(0, 1)};
}

// What the sessions of one address said so far.
class Answers {
 public:
  Answers(Connection& session, const Parameters& parameters, const Until& until)
      : first_(session), parameters_(parameters), until_(until) {}

  Result<bool> betray_a_pooler();

 private:
  Result<bool> betrayed_alone();
  Result<bool> betrayed_by_another();

  Connection& first_;
  const Parameters& parameters_;
  const Until& until_;
  std::vector<Connection> others_;
  std::vector<Backend> backends_;  // of the first session and of each other
};

// A pool that takes turns answers one session from several backends.
Result<bool> Answers::betrayed_alone() {
  backends_.push_back(TRY(backend_of(first_, until_)));
  for (int time = 1; time < asked_alone; ++time)
    if (TRY(backend_of(first_, until_)) != backends_[0]) return true;
  return false;
}

// One that prefers what was used last gives two idle sessions the same, and the first one another while that is taken.
Result<bool> Answers::betrayed_by_another() {
  Connection& other = others_.emplace_back(TRY(Connection::open(parameters_, {}, until_)));
  const Backend backend = TRY(backend_of(other, until_));
  if (std::find(backends_.begin(), backends_.end(), backend) != backends_.end()) return true;
  backends_.push_back(backend);
  TRY(other.execute("BEGIN READ ONLY", until_));
  const bool moved = TRY(backend_of(other, until_)) != backend || TRY(backend_of(first_, until_)) != backends_[0];
  TRY(other.execute("ROLLBACK", until_));
  return moved;
}

Result<bool> Answers::betray_a_pooler() {
  if (TRY(betrayed_alone())) return true;
  for (int session = 0; session < further_sessions; ++session) {
    if (TRY(betrayed_by_another())) return true;
    // What is told while connecting is the server's own word, unless something stands between that speaks for it.
    if (first_.told_backend() == backends_[0].id) return false;
  }
  return false;
}

}  // namespace

bool shares_backends(Connection& session, const Parameters& parameters, const Until& until) {
  const Until soon = until.within(patience);
  const Result<bool> betrayed = Answers(session, parameters, soon).betray_a_pooler();
  return betrayed && *betrayed;
}

}  // namespace tributary::postgres
