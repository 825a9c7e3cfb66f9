#include "engine/postgres/sync/recopy_round.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/pause.h"
#include "engine/postgres/apply/applier.h"
#include "engine/postgres/catalog/target_traits.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/copy/copy_format.h"
#include "engine/postgres/copy/replacing_writer.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/stream/logical_stream.h"

namespace tributary::postgres::sync {
namespace {

constexpr Seconds watch_every{5};

std::vector<CatalogTable> chosen(const std::vector<CatalogTable>& all, const std::vector<FollowedTable>& tables) {
  std::set<model::Name> names;
  for (const FollowedTable& each : tables) names.insert(each.name);
  std::vector<CatalogTable> some;
  for (const CatalogTable& each : all)
    if (names.count(each.table.name) != 0) some.push_back(each);
  return some;
}

// A session that cannot be had says nothing about the table that it was for.
Error nothing_of_the_table(Error error) {
  if (error.fault != Fault::cancelled && error.fault != Fault::fenced) error.fault = Fault::transient;
  return error;
}

// Looks every few seconds, on a thread of its own, whether the snapshot keeps somebody of the source waiting, and ends
// what is done under it then: before the first row comes, all former ones go.
class Watch {
 public:
  Watch(Source& source, const Until& until)
      : until_{until.deadline, stop_.get_token()},
        outer_(until.stop, [this] { stop_.request_stop(); }),
        thread_([this, &source](const std::stop_token& ended) {
          while (!why_ && pause_for(watch_every, ended)) look(source);
        }) {}

  const Until& until() const { return until_; }

  // Ends it: what was worked, or why it was ended.
  Result<void> end(Result<void> worked) {
    thread_.request_stop();
    thread_.join();
    return worked || !why_ ? worked : nothing_of_the_table(*why_);
  }

 private:
  void look(Source& source) {
    const Result<void> seen = contain([&] { return source.watch(until_); });
    if (seen || until_.stop.stop_requested()) return;
    why_ = seen.error();
    stop_.request_stop();
  }

  std::stop_source stop_;
  const Until until_;
  const std::stop_callback<std::function<void()>> outer_;
  std::optional<Error> why_;
  std::jthread thread_;
};

// The tables that are published now, with those of `tables` in and out as `plan` says.
std::vector<model::Name> to_publish(const PublicationState& now, const std::vector<CatalogTable>& tables,
                                    const PublicationPlan& plan) {
  std::set<model::Name> names(now.tables.begin(), now.tables.end());
  for (const CatalogTable& each : tables) names.erase(each.table.name);
  names.insert(plan.published.begin(), plan.published.end());
  return {names.begin(), names.end()};
}

}  // namespace

Result<Connection> open_recopy_session(const RecopyStream& stream, std::string_view purpose, const Until& until) {
  const Parameters parameters = TRY(stream.options.target());
  return open_target_session(parameters, session_prefix(stream.owner.key) + std::string(purpose),
                             stream.client_encoding, until);
}

Result<std::unique_ptr<RecopyRound>> RecopyRound::open(const RecopyStream& stream, Connection& control,
                                                       const std::vector<FollowedTable>& tables, int number,
                                                       const Until& until) {
  SourceSide side = TRY(look_at_source(stream.options, until));
  std::unique_ptr<RecopyRound> round(new RecopyRound(stream, control));
  TRY(round->publish(side.session, tables, until));
  Source::Options options;
  options.database = side.identity.database;
  options.target = TRY(read_target_traits(control, until));
  options.only.emplace();
  for (const FollowedTable& each : tables) options.only->insert(each.name);
  round->source_ = TRY(Source::open(stream.options.source, std::move(options), until));
  const std::string turn = "/recopy/" + std::to_string(stream.owner.epoch) + "/" + std::to_string(number);
  TRY(round->take_snapshot(side.session, stream_object_name(stream.row.slot + turn, side.identity.database), until));
  TRY(round->plan(tables, until));
  return round;
}

RecopyRound::~RecopyRound() {
  stream_.slot->set("");
}

// Putting right what our publication does not carry whole is the stream's, which has those tables copied again.
Result<void> RecopyRound::leave_to_look(const PublicationState& now, const std::vector<CatalogTable>& tables) const {
  std::vector<CatalogTable> listed;
  std::copy_if(tables.begin(), tables.end(), std::back_inserter(listed), [&](const CatalogTable& each) {
    return stream_.options.selects(each.table.name, each.partition_of) &&
           std::find(now.tables.begin(), now.tables.end(), each.table.name) != now.tables.end();
  });
  for (const NotPublished& each : review_publication(stream_.row.publication, now, listed).plan.not_published) {
    if (each.remedy.empty()) continue;
    stream_.looks->ask();
    return Error{Fault::transient, "somebody has changed what the source publishes: " + each.reason,
                 "it is put right by itself"};
  }
  return {};
}

// Before the slot is made, which then knows it. The stream learns of it when it takes the tables back: it is opened
// anew.
Result<void> RecopyRound::publish(Connection& source, const std::vector<FollowedTable>& tables, const Until& until) {
  const std::lock_guard lock(*stream_.publishing);
  const std::vector<CatalogTable> all = TRY(read_tables(source, until));
  for (const CatalogTable& each : all) there_.insert(each.table.id);
  const std::vector<CatalogTable> there = chosen(all, tables);
  const std::string& name = stream_.row.publication;
  const std::optional<PublicationState> now = TRY(read_publication(source, name, until));
  if (!now) return Error{Fault::transient, "publication " + name + " is not there on the source", "create it again"};
  PublicationPlan plan;
  if (stream_.row.owns_publication) {
    TRY(leave_to_look(*now, all));
    plan = plan_addition(there, now->tables);
    TRY(bring_publication(source, name, to_publish(*now, there, plan), until));
  } else {
    plan = review_publication(name, *now, there).plan;
  }
  for (const NotPublished& each : plan.not_published) not_streamed_.emplace(each.table, told(each));
  return {};
}

Result<void> RecopyRound::take_snapshot(Connection& source, const std::string& slot, const Until& until) {
  const Parameters parameters = TRY(stream_.options.source());
  session_ = TRY(open_replication_session(parameters, "recopy", until));
  slot_name_ = slot;
  stream_.slot->set(slot);
  slot_ = TRY(create_slot(*session_, source, {slot, true, Milliseconds{60'000}}, until));
  TRY(source_->open_snapshot(slot_, until));
  reader_ = TRY(source_->reader(until));
  return {};
}

Result<void> RecopyRound::plan(const std::vector<FollowedTable>& tables, const Until& until) {
  const Shapes target = TRY(read_shapes(control_, until));
  for (model::Table& each : TRY(source_->tables(until))) {
    each.format = choose_format(each, source_->shapes(), target);
    tables_.emplace(each.name, std::move(each));
  }
  std::map<model::Name, std::vector<FollowedTable>> shared;  // by the table of the target
  for (const FollowedTable& each : tables) {
    known_.emplace(each.name, each);
    if (each.route)
      shared[*each.route].push_back(each);
    else
      place({each});
  }
  for (const auto& [route, unit] : shared) place(unit);
  return {};
}

// "" where it is not.
std::string RecopyRound::why_refused(const FollowedTable& table) const {
  const auto found = tables_.find(table.name);
  if (found == tables_.end()) return std::string(dropped_on_source);
  if (found->second.id != table.id && there_.count(table.id) != 0)
    return "the source has given its name to another table";
  if (found->second.route == table.route) return "";
  return "its rows would go to another table of the target than before: the partitions of the source are told in "
         "another way now";
}

// The rows of one cannot be told from those of the others on the target, and would go with them.
void RecopyRound::place(const std::vector<FollowedTable>& unit) {
  std::vector<model::Name> names;
  std::vector<pipeline::StoppedTable> reasons;
  for (const FollowedTable& each : unit) {
    const std::string reason = why_refused(each);
    if (!reason.empty()) reasons.push_back({each.name, reason});
    if (each.state == FollowedTable::State::recopy) names.push_back(each.name);
  }
  if (reasons.empty())
    units_.push_back(std::move(names));
  else
    refused_.push_back(pipeline::stopped_together(names, reasons));
}

Result<void> RecopyRound::copy(std::size_t unit, const pipeline::Told& told, const Until& until) {
  Watch watch(*source_, until);
  std::vector<RecopiedTable> done;
  TRY(watch.end(replace(unit, told, done, watch.until())));
  for (const RecopiedTable& each : done)
    if (each.is_streamed) copied_.push_back(each.table.name);
  return {};
}

Result<void> RecopyRound::replace(std::size_t unit, const pipeline::Told& told, std::vector<RecopiedTable>& done,
                                  const Until& until) {
  Result<Connection> session = open_recopy_session(stream_, "recopy-writer", until);
  if (!session) return nothing_of_the_table(session.error());
  ReplacingWriter writer(std::move(session).value(), stream_.owner);
  const Result<void> begun = writer.begin(until);
  if (!begun) return nothing_of_the_table(begun.error());
  for (const model::Name& name : units_[unit]) {
    const model::Table& table = tables_.at(name);
    const auto reason = not_streamed_.find(name);
    const pipeline::PartCount count = TRY(pipeline::relay_part(*reader_, writer, {}, table, told, until));
    done.push_back({table, count, reason == not_streamed_.end(), reason == not_streamed_.end() ? "" : reason->second,
                    known_.at(name).id, known_.at(name).asked});
  }
  return writer.commit(done, slot_.position, until);
}

Result<std::unique_ptr<pipeline::Applier>> RecopyRound::applier(const Until& until) {
  return apply::open_recopy_applier(TRY(open_recopy_session(stream_, "recopy-applier", until)), stream_.owner, copied_,
                                    until);
}

// All rows are read: the source may vacuum again.
Result<std::unique_ptr<pipeline::ChangeStream>> RecopyRound::stream(const Until& until) {
  reader_.reset();
  source_.reset();
  stream::LogicalStream::Options options;
  options.slot = slot_name_;
  options.publications = {stream_.row.publication};
  options.start = slot_.position;
  Connection session = *std::exchange(session_, {});
  return std::unique_ptr<pipeline::ChangeStream>(
      TRY(stream::LogicalStream::open_on(std::move(session), options, until)));
}

Result<void> RecopyRound::hand_over(const Until& until) {
  std::vector<FollowedTable> followed;
  for (const model::Name& each : copied_) {
    followed.push_back(known_.at(each));
    followed.back().state = FollowedTable::State::followed;
    followed.back().reason.clear();
  }
  return end_recopy(control_, stream_.owner, followed, until);
}

}  // namespace tributary::postgres::sync
