#include "engine/postgres/sync/sync_servers.h"

#include "engine/pipeline/selection.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/sync/options.h"
#include "engine/postgres/sync/recopy_ends.h"
#include "engine/postgres/sync/release.h"
#include "engine/postgres/sync/stream_ends.h"
#include "engine/postgres/sync/stream_status.h"

namespace tributary::postgres::sync {
namespace {

class SyncServers final : public pipeline::SyncServers {
 public:
  SyncServers(const api::Spec& spec, Milliseconds look_every)
      : spec_(spec), look_every_(look_every), servers_(make_servers(spec)) {}

  Result<std::vector<pipeline::DatabasePair>> databases(const Until& until) override {
    selection_ = TRY(pipeline::Selection::parse(spec_.selection));
    return servers_->databases(until);
  }

  std::unique_ptr<pipeline::StreamEnds> ends(const pipeline::DatabasePair& databases) override {
    return std::make_unique<StreamEnds>(options_of(databases));
  }

  Result<api::StreamStatus> status(const pipeline::DatabasePair& databases, const Until& until) override {
    api::StreamStatus status = TRY(read_status(options_of(databases), until));
    status.target = databases.target;
    return status;
  }

  Result<std::vector<pipeline::AskedTable>> ask_for_recopy(const pipeline::DatabasePair& databases,
                                                           const std::vector<std::string>& entries,
                                                           const Until& until) override {
    return sync::ask_for_recopy(options_of(databases), entries, until);
  }

  Result<pipeline::RecopyStanding> look_at_recopy(const pipeline::DatabasePair& databases,
                                                  const std::vector<pipeline::AskedTable>& asked,
                                                  const Until& until) override {
    return read_recopy_standing(options_of(databases), asked, until);
  }

  Result<std::vector<api::Finding>> release(const pipeline::DatabasePair& databases, pipeline::Keep keep,
                                            const Until& until) override {
    return sync::release(options_of(databases), keep, until);
  }

 private:
  StreamOptions options_of(const pipeline::DatabasePair& databases) const {
    StreamOptions options = stream_options(spec_, selection_, databases);
    options.selects = [this, database = databases.source](const model::Name& name,
                                                          const std::vector<model::Name>& above) {
      return selection_.selects_table(database, name, above);
    };
    options.sync = spec_.sync;
    options.look_every = look_every_;
    options.recopy = spec_.recopy;
    return options;
  }

  const api::Spec spec_;
  const Milliseconds look_every_;
  const std::unique_ptr<pipeline::Servers> servers_;
  pipeline::Selection selection_;
};

}  // namespace

std::unique_ptr<pipeline::SyncServers> make_sync_servers(const api::Spec& spec, Milliseconds look_every) {
  return std::make_unique<SyncServers>(spec, look_every);
}

}  // namespace tributary::postgres::sync
