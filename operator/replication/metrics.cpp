#include "operator/replication/metrics.h"

#include <optional>
#include <utility>

#include "operator/kube/exposition.h"

namespace tributary::replication {
namespace {

using kube::Exposition;
using kube::Json;
using Type = kube::Exposition::Type;

// What is shown of a Replication.
struct Shown {
  kube::Key key;
  std::string uid;
  std::string mode;
  std::string phase;
  std::vector<std::pair<std::string, std::string>> conditions;  // type and status
  std::optional<std::uint64_t> mismatched = {};                 // tables, by the last comparison
  std::optional<std::uint64_t> rows_copied = {};                // of a snapshot that is complete
};

std::uint64_t number_at(const Json& json, std::string_view name) {
  return static_cast<std::uint64_t>(kube::integer_at(json, {name}));
}

Shown shown(const kube::Object& object) {
  const Json& json = object.json();
  Shown out{
      object.key(), object.uid(), kube::text_at(json, {"spec", "mode"}), kube::text_at(json, {"status", "phase"}), {}};
  // A word of the API that is there from the first moment, unlike `status`.
  if (out.phase.empty()) out.phase = "Pending";
  for (const Json& condition : kube::array_at(json, {"status", "conditions"})) {
    out.conditions.emplace_back(kube::text_at(condition, {"type"}), kube::text_at(condition, {"status"}));
  }
  const Json& verify = kube::at(json, {"status", "verify"});
  if (!kube::text_at(verify, {"result"}).empty()) out.mismatched = number_at(verify, "tablesMismatched");
  const Json& snapshot = kube::at(json, {"status", "snapshot"});
  if (kube::text_at(snapshot, {"result"}) == "Succeeded") out.rows_copied = number_at(snapshot, "rowsCopied");
  return out;
}

class Writer {
 public:
  explicit Writer(const MetricsView& view) : view_(view) {
    if (!view_.at_work) return;
    for (const auto& scope : view_.scopes) {
      scope->objects().each([this](const kube::Object& object) { objects_.push_back(shown(object)); });
    }
  }

  std::string write() && {
    write_objects();
    write_figures();
    write_orphans();
    write_watches();
    return std::move(out_).take();
  }

 private:
  // `add(object)` for every Replication.
  template <class F>
  void family(const char* name, const char* help, Type type, const F& add) {
    out_.family(name, help, type);
    for (const Shown& object : objects_) add(object);
  }

  void write_objects() {
    family("replication_info", "1 for each Replication, with its mode", Type::gauge, [&](const Shown& object) {
      out_.sample({{"namespace", object.key.space}, {"name", object.key.name}, {"mode", object.mode}}, 1);
    });
    family("replication_phase", "1 for the phase that a Replication is in", Type::gauge, [&](const Shown& object) {
      out_.sample({{"namespace", object.key.space}, {"name", object.key.name}, {"phase", object.phase}}, 1);
    });
    family("replication_condition", "1 for the status that a condition has", Type::gauge, [&](const Shown& object) {
      for (const auto& [type, status] : object.conditions) {
        out_.sample({{"namespace", object.key.space}, {"name", object.key.name}, {"type", type}, {"status", status}},
                    1);
      }
    });
    family("replication_verify_mismatched_tables", "Tables that the last comparison found to differ", Type::gauge,
           [&](const Shown& object) { sample_of(object, object.mismatched); });
  }

  void sample_of(const Shown& object, std::optional<std::uint64_t> value) {
    if (value) out_.sample({{"namespace", object.key.space}, {"name", object.key.name}}, *value);
  }

  void figure(const char* name, const char* help, Type type, std::optional<std::uint64_t> Figures::*which) {
    family(name, help, type,
           [&](const Shown& object) { sample_of(object, view_.listener.figures(object.uid, view_.now).*which); });
  }

  void write_figures() {
    figure("replication_lag_seconds", "Age of what the target lacks", Type::gauge, &Figures::lag_seconds);
    figure("replication_lag_bytes", "Bytes of the source's log that the target lacks", Type::gauge,
           &Figures::lag_bytes);
    figure("replication_retained_bytes", "Bytes of its log that the source keeps", Type::gauge,
           &Figures::retained_bytes);
    // While a copy goes on the status has them rounded: to go on from those would look like a new beginning.
    family("replication_snapshot_rows_total", "Rows copied by the present or last snapshot", Type::counter,
           [&](const Shown& object) {
             const Figures heard = view_.listener.figures(object.uid, view_.now);
             sample_of(object, object.rows_copied ? object.rows_copied : heard.rows_copied);
           });
  }

  // Namespaces with a Replication have theirs before anything is orphaned there.
  void write_orphans() {
    std::map<std::string, std::uint64_t> counts = view_.orphaned;
    for (const Shown& object : objects_) counts.try_emplace(object.key.space, 0);
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
  std::vector<Shown> objects_;
  Exposition out_;
};

}  // namespace

std::string replication_metrics(const MetricsView& view) {
  return Writer(view).write();
}

}  // namespace tributary::replication
