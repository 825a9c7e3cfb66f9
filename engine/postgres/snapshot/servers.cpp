#include "engine/postgres/snapshot/servers.h"

#include <utility>

#include "engine/pipeline/selection.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/preflight/preflight.h"
#include "engine/postgres/roles/database_statements.h"
#include "engine/postgres/schema/pg_tools.h"
#include "engine/postgres/snapshot/link.h"

namespace tributary::postgres {
namespace {

Result<Connection> connect(const api::Endpoint& endpoint, std::string_view purpose, const Until& until) {
  const Parameters parameters = TRY(resolve(endpoint, "source"));
  return open_source_session(parameters, purpose, until);
}

class Servers final : public pipeline::Servers {
 public:
  Servers(const api::Spec& spec, OpenDrain drain) : spec_(spec), drain_(std::move(drain)) {}

  Result<std::vector<api::Finding>> preflight(const Until& until) override;
  Result<std::vector<pipeline::DatabasePair>> databases(const Until& until) override;
  Result<std::unique_ptr<pipeline::Source>> source(const pipeline::DatabasePair& databases,
                                                   const Until& until) override;
  Result<std::unique_ptr<pipeline::Link>> link(const pipeline::DatabasePair& databases, const Until& until) override;
  std::unique_ptr<pipeline::DrainEnds> drain(const pipeline::DatabasePair& databases) override {
    return drain_ ? drain_(databases) : nullptr;
  }
  Result<void> drop_stream(const pipeline::DatabasePair& databases, const pipeline::StreamObjects& stream,
                           std::optional<model::Lsn> reached, const Until& until) override;
  Result<int> parallelism(const Until& until) override;

 private:
  Result<Connection> connect_target_server(const Until& until);
  Result<std::unique_ptr<Source>> open_source(const std::string& database, const TargetTraits& traits,
                                              std::optional<StreamWish> stream, const Until& until);
  Result<void> ensure_database(const DatabaseStatements& database, const Until& until);

  Source::Resolve source_database(const std::string& name) const {
    return [this, name] { return resolve_database(spec_.source, "source", name); };
  }
  Target::Resolve target_database(const std::string& name) const {
    return [this, name] { return resolve_database(spec_.target, "target", name); };
  }

  std::optional<StreamWish> wish(const std::string& selected, const std::string& into) const;

  const api::Spec spec_;
  const OpenDrain drain_;
  int streams_ = 0;  // found before the first session of the copy, so that these are not counted; 0 until then
};

Result<std::vector<api::Finding>> Servers::preflight(const Until& until) {
  Validation validation = TRY(validate(spec_, until));
  streams_ = validation.streams;
  return std::move(validation.findings);
}

Result<std::vector<pipeline::DatabasePair>> Servers::databases(const Until& until) {
  const pipeline::Selection selection = TRY(pipeline::Selection::parse(spec_.selection));
  Connection source = TRY(connect(spec_.source, "databases", until));
  const std::string own = TRY(read_current_database(source, until)).name;
  const std::vector<std::string> available = selectable(TRY(read_databases(source, until)));
  const Parameters target = TRY(resolve(spec_.target, "target"));
  const auto named = target.find("dbname");
  const std::string given = named == target.end() ? "" : named->second;
  std::vector<pipeline::DatabasePair> pairs;
  for (const std::string& each : selection.databases(available, own))
    pairs.push_back({each, selection.target_of(each, own, given), selection.all_tables_of(each)});
  if (pairs.empty()) return Error{Fault::invalid, "no database is selected", "see the list of databases of the source"};
  return pairs;
}

// The target URI's own database may be the one that is still to be created.
Result<Connection> Servers::connect_target_server(const Until& until) {
  const Parameters parameters = TRY(resolve(spec_.target, "target"));
  Result<Connection> connection = open_data_session(parameters, until);
  for (const char* other : {"postgres", "template1"}) {
    if (connection || connection.error().fault != Fault::missing) break;
    connection = open_data_session(for_database(parameters, other), until);
  }
  return connection;
}

Result<std::unique_ptr<Source>> Servers::open_source(const std::string& database, const TargetTraits& traits,
                                                     std::optional<StreamWish> stream, const Until& until) {
  Source::Options options;
  options.database = database;
  options.selection = TRY(pipeline::Selection::parse(spec_.selection));
  options.target = traits;
  options.stream = std::move(stream);
  Connection probe = TRY(connect(spec_.source, "version", until));
  const std::vector<PgTools> tools = TRY(find_pg_tools(until));
  options.pg_dump = TRY(choose_pg_tools(tools, probe.major_version())).pg_dump;
  return Source::open(source_database(database), std::move(options), until);
}

Result<void> Servers::ensure_database(const DatabaseStatements& database, const Until& until) {
  Connection server = TRY(connect_target_server(until));
  if (TRY(database_exists(server, database.name, until))) return {};
  if (!spec_.snapshot.create_database)
    return Error{Fault::invalid, "target database " + database.name + " does not exist",
                 "create it, or allow it to be created"};
  return create_database(server, database, until);
}

// A snapshot alone has one only so that it can be gone on with, and only where somebody takes care of what is left of
// it: a tool that is killed would leave its slot behind.
std::optional<StreamWish> Servers::wish(const std::string& selected, const std::string& into) const {
  StreamWish wish{spec_.replication, selected, into, spec_.sync.publication};
  wish.is_needed = spec_.mode == api::Mode::snapshot_and_sync;
  if (!wish.is_needed && (!spec_.snapshot.keep_slot || !drain_)) return {};
  return wish;
}

Result<void> Servers::drop_stream(const pipeline::DatabasePair& databases, const pipeline::StreamObjects& stream,
                                  std::optional<model::Lsn> reached, const Until& until) {
  const Parameters parameters = TRY(resolve_database(spec_.source, "source", databases.source));
  Connection source = TRY(open_source_session(parameters, "release", until));
  return postgres::drop_stream(source, stream, reached, until);
}

Result<std::unique_ptr<pipeline::Source>> Servers::source(const pipeline::DatabasePair& databases, const Until& until) {
  Connection server = TRY(connect_target_server(until));
  const TargetTraits traits = TRY(read_target_traits(server, until));
  std::unique_ptr<Source> source = TRY(open_source(databases.source, traits, {}, until));
  return std::unique_ptr<pipeline::Source>(std::move(source));
}

Result<std::unique_ptr<pipeline::Link>> Servers::link(const pipeline::DatabasePair& databases, const Until& until) {
  Connection server = TRY(connect_target_server(until));
  TargetTraits traits = TRY(read_target_traits(server, until));
  const pipeline::Selection selection = TRY(pipeline::Selection::parse(spec_.selection));
  const std::string selected = digest_of(selection.table_entries_of(databases.source));
  const std::string into = TRY(read_target_identity(server, spec_.replication, databases.target, until));
  std::unique_ptr<Source> source = TRY(open_source(databases.source, traits, wish(selected, into), until));
  DatabaseStatements database = TRY(database_statements(source->coordinator(), traits, databases.target, until));
  TRY(ensure_database(database, until));
  Target::Options options;
  options.database = databases.target;
  options.replication = spec_.replication;
  options.attempt = spec_.attempt;
  options.snapshot = spec_.snapshot;
  options.selection = selected;
  options.recopy_request = spec_.recopy.request_id;
  options.is_followed = spec_.mode == api::Mode::snapshot_and_sync;
  options.client_encoding = source->client_encoding();
  options.recreate = [this, name = databases.target, database](const Until& limit) -> Result<void> {
    const Parameters other =
        TRY(resolve_database(spec_.target, "target", name == "postgres" ? "template1" : "postgres"));
    Connection maintenance = TRY(open_data_session(other, limit));
    return replace_database(maintenance, database, limit);
  };
  std::unique_ptr<Target> target = TRY(Target::open(target_database(databases.target), std::move(options), until));
  traits.encoding = target->control().reported("server_encoding");
  source->expect(traits);
  return std::unique_ptr<pipeline::Link>(
      std::make_unique<Link>(std::move(source), std::move(target), traits, std::move(database), databases.whole));
}

Result<int> Servers::parallelism(const Until& until) {
  if (streams_ == 0) TRY(preflight(until));
  return streams_;
}

}  // namespace

std::unique_ptr<pipeline::Servers> make_servers(const api::Spec& spec, OpenDrain drain) {
  return std::make_unique<Servers>(spec, std::move(drain));
}

}  // namespace tributary::postgres
