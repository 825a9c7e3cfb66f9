#include "operator/replication/metrics.h"

#include <set>
#include <utility>

#include "operator/kube/exposition.h"

namespace tributary::replication {
namespace {

using kube::Exposition;
using kube::Json;
using kube::Seen;
using Type = kube::Exposition::Type;

// A word of the API that is there from the first moment, unlike `status`.
std::string text_or(const Json& json, std::initializer_list<std::string_view> path, const char* otherwise) {
  std::string text = kube::text_at(json, path);
  return text.empty() ? otherwise : text;
}

class Writer {
 public:
  explicit Writer(const MetricsView& view) : view_(view) {
    for (const auto& scope : view_.scopes) {
      for (Seen& object : scope->objects().all()) objects_.push_back(std::move(object));
    }
  }

  std::string write() && {
    if (!view_.at_work) objects_.clear();
    write_objects();
    write_figures();
    write_orphans();
    write_watches();
    return std::move(out_).take();
  }

 private:
  // `add(object, key)` for every Replication.
  template <class F>
  void family(const char* name, const char* help, Type type, const F& add) {
    out_.family(name, help, type);
    for (const Seen& object : objects_) add(*object, object->key());
  }

  void write_objects() {
    family("replication_info", "1 for each Replication, with its mode", Type::gauge,
           [&](const kube::Object& object, const kube::Key& key) {
             const std::string mode = kube::text_at(object.json(), {"spec", "mode"});
             out_.sample({{"namespace", key.space}, {"name", key.name}, {"mode", mode}}, 1);
           });
    family("replication_phase", "1 for the phase that a Replication is in", Type::gauge,
           [&](const kube::Object& object, const kube::Key& key) {
             const std::string phase = text_or(object.json(), {"status", "phase"}, "Pending");
             out_.sample({{"namespace", key.space}, {"name", key.name}, {"phase", phase}}, 1);
           });
    family("replication_condition", "1 for the status that a condition has", Type::gauge,
           [&](const kube::Object& object, const kube::Key& key) {
             for (const Json& condition : kube::array_at(object.json(), {"status", "conditions"})) {
               const std::string type = kube::text_at(condition, {"type"});
               const std::string status = kube::text_at(condition, {"status"});
               out_.sample({{"namespace", key.space}, {"name", key.name}, {"type", type}, {"status", status}}, 1);
             }
           });
    family("replication_verify_mismatched_tables", "Tables that the last comparison found to differ", Type::gauge,
           [&](const kube::Object& object, const kube::Key& key) {
             const Json& verify = kube::at(object.json(), {"status", "verify"});
             if (kube::text_at(verify, {"result"}).empty()) return;
             const std::int64_t tables = kube::integer_at(verify, {"tablesMismatched"});
             out_.sample({{"namespace", key.space}, {"name", key.name}}, static_cast<std::uint64_t>(tables));
           });
  }

  void figure(const char* name, const char* help, Type type, std::optional<std::uint64_t> Figures::*which) {
    family(name, help, type, [&](const kube::Object& object, const kube::Key& key) {
      const std::optional<std::uint64_t> value = view_.listener.figures(object.uid(), view_.now).*which;
      if (value) out_.sample({{"namespace", key.space}, {"name", key.name}}, *value);
    });
  }

  void write_figures() {
    figure("replication_lag_seconds", "Age of what the target lacks", Type::gauge, &Figures::lag_seconds);
    figure("replication_lag_bytes", "Bytes of the source's log that the target lacks", Type::gauge,
           &Figures::lag_bytes);
    figure("replication_retained_bytes", "Bytes of its log that the source keeps", Type::gauge,
           &Figures::retained_bytes);
    family("replication_snapshot_rows_total", "Rows copied by the present or last snapshot", Type::counter,
           [&](const kube::Object& object, const kube::Key& key) {
             std::optional<std::uint64_t> rows = view_.listener.figures(object.uid(), view_.now).rows_copied;
             // While a copy goes on the status has them rounded: to go on from those would look like a new beginning.
             const Json& snapshot = kube::at(object.json(), {"status", "snapshot"});
             const bool done = kube::text_at(snapshot, {"result"}) == "Succeeded";
             if (done) rows = static_cast<std::uint64_t>(kube::integer_at(snapshot, {"rowsCopied"}));
             if (rows) out_.sample({{"namespace", key.space}, {"name", key.name}}, *rows);
           });
  }

  // Namespaces with a Replication have theirs before anything is orphaned there.
  void write_orphans() {
    std::map<std::string, std::uint64_t> counts = view_.orphaned;
    for (const Seen& object : objects_) counts.try_emplace(object->space(), 0);
    out_.family("replication_cleanup_orphaned_total",
                "Replications that went before what they held on the source or had copied was gone", Type::counter);
    for (const auto& [space, count] : counts) out_.sample({{"namespace", space}}, count);
  }

  // Of all watches of a kind together: there is one for each namespace, and for each Secret by name.
  struct Feed {
    std::uint64_t objects = 0;
    bool forbidden = false;
    std::map<std::string, std::uint64_t> restarts;
    std::map<std::string, std::uint64_t> relists;
  };

  std::map<std::string, Feed> feeds() const {
    std::map<std::string, Feed> feeds;
    for (const auto& scope : view_.scopes) {
      for (const kube::Watch* watch : scope->watches()) {
        const kube::WatchHealth health = watch->health();
        Feed& feed = feeds[watch->options().resource.kind];
        feed.objects += watch->store().size();
        feed.forbidden |= health.forbidden;
        for (const auto& [cause, count] : health.restarts) feed.restarts[cause] += count;
        for (const auto& [cause, count] : health.relists) feed.relists[cause] += count;
      }
    }
    return feeds;
  }

  void write_turns(const char* name, const char* help, const std::map<std::string, Feed>& feeds,
                   std::map<std::string, std::uint64_t> Feed::*which) {
    out_.family(name, help, Type::counter);
    for (const auto& [kind, feed] : feeds) {
      for (const auto& [reason, count] : feed.*which) out_.sample({{"kind", kind}, {"reason", reason}}, count);
    }
  }

  void write_watches() {
    const std::map<std::string, Feed> all = feeds();
    write_turns("replication_watch_restarts_total", "Watches that were taken up where they ended", all,
                &Feed::restarts);
    write_turns("replication_relists_total", "Lists that had to be made again", all, &Feed::relists);
    out_.family("replication_cache_objects", "Objects in the caches", Type::gauge);
    for (const auto& [kind, feed] : all) out_.sample({{"kind", kind}}, feed.objects);
    out_.family("replication_watch_forbidden", "1 while the API server refuses to list or watch the kind", Type::gauge);
    for (const auto& [kind, feed] : all) out_.sample({{"kind", kind}}, feed.forbidden ? 1 : 0);
  }

  const MetricsView& view_;
  std::vector<Seen> objects_;
  Exposition out_;
};

}  // namespace

std::string replication_metrics(const MetricsView& view) {
  return Writer(view).write();
}

}  // namespace tributary::replication
