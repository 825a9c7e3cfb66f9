#include "engine/cli/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace tributary::cli {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(const char* name, const char* help, MetricType type) {
  MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  return made;
}

void add(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

// One value a database.
MetricFamily per_database(const api::Progress& progress, const char* name, const char* help, MetricType type,
                          std::uint64_t api::DatabaseProgress::*field) {
  MetricFamily made = family(name, help, type);
  for (const api::DatabaseProgress& database : progress.databases)
    add(made, {{"database", database.name}}, static_cast<double>(database.*field));
  return made;
}

// One value a stream.
template <class Of>
MetricFamily per_stream(const api::Progress& progress, const char* name, const char* help, MetricType type, Of&& of) {
  MetricFamily made = family(name, help, type);
  for (const api::DatabaseProgress& database : progress.databases)
    if (database.stream) add(made, {{"database", database.name}}, static_cast<double>(of(*database.stream)));
  return made;
}

// Nothing of a source that cannot be asked.
MetricFamily retained(const api::Progress& progress) {
  MetricFamily made = family("tributary_stream_retained_bytes", "Bytes of its log that the source keeps for the slot",
                             MetricType::Gauge);
  for (const api::DatabaseProgress& database : progress.databases)
    if (database.stream && database.stream->retained_bytes)
      add(made, {{"database", database.name}}, static_cast<double>(*database.stream->retained_bytes));
  return made;
}

// Nothing of a stream whose ledger was not read.
MetricFamily tables_aside(const api::Progress& progress) {
  MetricFamily made =
      family("tributary_stream_tables_aside", "Tables whose changes do not arrive as they happen", MetricType::Gauge);
  for (const api::DatabaseProgress& database : progress.databases) {
    if (!database.stream || !database.stream->aside) continue;
    const api::TablesAside& aside = *database.stream->aside;
    for (const auto& [state, count] : {std::pair("stopped", aside.stopped), std::pair("recopy", aside.recopy),
                                       std::pair("not_streamed", aside.not_streamed)})
      add(made, {{"database", database.name}, {"state", state}}, static_cast<double>(count));
  }
  return made;
}

std::vector<MetricFamily> streams(const api::Progress& progress) {
  using Stream = api::StreamProgress;
  return {per_stream(progress, "tributary_stream_connected", "1 while the source is followed", MetricType::Gauge,
                     [](const Stream& stream) { return stream.state == api::StreamState::following ? 1 : 0; }),
          per_stream(progress, "tributary_stream_lag_bytes", "Bytes of the source's log that the target lacks",
                     MetricType::Gauge, [](const Stream& stream) { return stream.lag_bytes; }),
          per_stream(progress, "tributary_stream_lag_seconds", "Age of what the target lacks", MetricType::Gauge,
                     [](const Stream& stream) { return stream.lag_seconds; }),
          retained(progress),
          per_stream(progress, "tributary_stream_transactions_total", "Transactions applied by this engine",
                     MetricType::Counter, [](const Stream& stream) { return stream.transactions; }),
          per_stream(progress, "tributary_stream_changes_total", "Changes applied by this engine", MetricType::Counter,
                     [](const Stream& stream) { return stream.changes; }),
          tables_aside(progress),
          per_stream(progress, "tributary_stream_recopy_tables", "Tables that are being copied again beside the stream",
                     MetricType::Gauge, [](const Stream& stream) { return stream.recopy ? stream.recopy->tables : 0; }),
          per_stream(progress, "tributary_stream_recopy_bytes", "Bytes of them that have arrived", MetricType::Gauge,
                     [](const Stream& stream) { return stream.recopy ? stream.recopy->bytes : 0; })};
}

MetricFamily phases(const api::Progress& progress) {
  MetricFamily made =
      family("tributary_phase", "1 for the phase the engine is in, 0 for the others", MetricType::Gauge);
  for (int i = 0; i <= static_cast<int>(api::Phase::failed); ++i) {
    const auto phase = static_cast<api::Phase>(i);
    add(made, {{"phase", api::word_of(phase)}}, phase == progress.phase ? 1 : 0);
  }
  return made;
}

MetricFamily single(const char* name, const char* help, std::vector<ClientMetric::Label> labels, double value) {
  MetricFamily made = family(name, help, MetricType::Gauge);
  add(made, std::move(labels), value);
  return made;
}

}  // namespace

std::string metrics_text(const api::Progress& progress) {
  using Database = api::DatabaseProgress;
  std::vector<MetricFamily> all = {
      single("tributary_build_info", "Version of the engine", {{"version", TRIBUTARY_VERSION}}, 1),
      phases(progress),
      single("tributary_snapshot_percent", "Share of the estimated bytes that is copied", {}, progress.percent),
      per_database(progress, "tributary_snapshot_tables", "Selected tables", MetricType::Gauge,
                   &Database::tables_total),
      per_database(progress, "tributary_snapshot_tables_done", "Tables copied", MetricType::Gauge,
                   &Database::tables_done),
      per_database(progress, "tributary_snapshot_rows_total", "Rows copied by this attempt", MetricType::Counter,
                   &Database::rows_copied),
      per_database(progress, "tributary_snapshot_bytes_total", "Bytes copied by this attempt", MetricType::Counter,
                   &Database::bytes_copied),
      per_database(progress, "tributary_snapshot_estimated_bytes", "Estimated bytes of the selected tables",
                   MetricType::Gauge, &Database::bytes_total)};
  for (MetricFamily& each : streams(progress))
    if (!each.metric.empty()) all.push_back(std::move(each));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace tributary::cli
