#include "operator/kube/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <utility>

#include "operator/kube/process.h"

namespace tributary::kube {
namespace {

using prometheus::ClientMetric;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using prometheus::MetricFamily;
using prometheus::MetricType;
using prometheus::Registry;
using Buckets = Histogram::BucketBoundaries;

// Of controller-runtime, client-go's workqueue and Kubernetes' component-base.
const Buckets reconcile_buckets = {0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
                                   0.7,   0.8,  0.9,   1,    1.25, 1.5,  1.75, 2,    2.5, 3,    3.5, 4,    4.5, 5,
                                   6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60};
const Buckets queue_buckets = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000};
const Buckets request_buckets = {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};

constexpr Method methods[] = {Method::get, Method::post, Method::put, Method::patch, Method::remove};
// The answers to expect, good and bad; 0: none.
constexpr int statuses[] = {0, 200, 201, 401, 403, 404, 409, 410, 422, 429, 500, 503};

std::string code_of(int status) {
  return status == 0 ? "<error>" : std::to_string(status);
}

template <class M>
Family<M>& family(Registry& registry, const char* name, const char* help, const Labels& labels = {});

template <>
Family<Counter>& family(Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Labels(labels).Register(registry);
}
template <>
Family<Gauge>& family(Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Labels(labels).Register(registry);
}
template <>
Family<Histogram>& family(Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildHistogram().Name(name).Help(help).Labels(labels).Register(registry);
}

// A family of one value that is known only when it is asked for.
MetricFamily single(const char* name, const char* help, MetricType type, const Labels& labels, double value) {
  ClientMetric metric;
  for (const auto& [key, word] : labels) metric.label.push_back({key, word});
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {name, help, type, {std::move(metric)}};
}

template <class T>
void add_known(std::vector<MetricFamily>& all, const char* name, const char* help, MetricType type,
               const std::optional<T>& value) {
  if (value) all.push_back(single(name, help, type, {}, static_cast<double>(*value)));
}

void add_process(std::vector<MetricFamily>& all) {
  const ProcessFigures figures = process_figures();
  add_known(all, "process_cpu_seconds_total", "User and system CPU time in seconds", MetricType::Counter,
            figures.cpu_seconds);
  add_known(all, "process_start_time_seconds", "Start of the process in seconds since the epoch", MetricType::Gauge,
            figures.start_time);
  add_known(all, "process_resident_memory_bytes", "Resident memory", MetricType::Gauge, figures.resident_bytes);
  add_known(all, "process_virtual_memory_bytes", "Virtual memory", MetricType::Gauge, figures.virtual_bytes);
  add_known(all, "process_virtual_memory_max_bytes", "Limit of virtual memory", MetricType::Gauge,
            figures.most_virtual_bytes);
  add_known(all, "process_open_fds", "Open file descriptors", MetricType::Gauge, figures.open_files);
  add_known(all, "process_max_fds", "Limit of open file descriptors", MetricType::Gauge, figures.most_files);
}

}  // namespace

struct Metrics::Kept {
  explicit Kept(const Options& options)
      : of_controller{{"controller", options.controller}},
        of_queue{{"controller", options.controller}, {"name", options.controller}},
        host{{"host", options.host}} {
    for (const char* result : {"success", "error", "requeue", "requeue_after"}) passes.Add({{"result", result}});
    family<Counter>(registry, "controller_runtime_terminal_reconcile_errors_total",
                    "Reconciles that failed and are not tried again; there are none", of_controller)
        .Add({});
    family<Counter>(registry, "controller_runtime_reconcile_timeouts_total",
                    "Reconciles that were ended for their time; there are none", of_controller)
        .Add({});
    family<Gauge>(registry, "controller_runtime_max_concurrent_reconciles", "Workers", of_controller)
        .Add({})
        .Set(options.workers);
    for (const Method method : methods) {
      for (const int status : statuses) request(method, status);
      const Labels verb{{"verb", name_of(method)}};
      request_times.Add(verb, request_buckets);
      limiter_times.Add(verb, request_buckets);
    }
    for (const Method method : methods) {
      for (const int status : {0, 429, 500, 503}) repetition(method, status);
    }
  }

  Counter& request(Method method, int status) {
    return requests.Add({{"code", code_of(status)}, {"method", name_of(method)}});
  }
  Counter& repetition(Method method, int status) {
    return repetitions.Add({{"code", code_of(status)}, {"verb", name_of(method)}});
  }

  Registry registry;
  const Labels of_controller;
  const Labels of_queue;
  const Labels host;
  Family<Counter>& passes =
      family<Counter>(registry, "controller_runtime_reconcile_total", "Reconciles by their result", of_controller);
  Counter& errors =
      family<Counter>(registry, "controller_runtime_reconcile_errors_total", "Reconciles that failed", of_controller)
          .Add({});
  Counter& panics = family<Counter>(registry, "controller_runtime_reconcile_panics_total",
                                    "Reconciles that ended with an exception", of_controller)
                        .Add({});
  Histogram& pass_times =
      family<Histogram>(registry, "controller_runtime_reconcile_time_seconds", "Length of a reconcile", of_controller)
          .Add({}, reconcile_buckets);
  Histogram& waits = family<Histogram>(registry, "workqueue_queue_duration_seconds",
                                       "How long an item stays in the queue before it is taken", of_queue)
                         .Add({}, queue_buckets);
  Histogram& works =
      family<Histogram>(registry, "workqueue_work_duration_seconds", "How long an item is worked on", of_queue)
          .Add({}, queue_buckets);
  Family<Counter>& requests =
      family<Counter>(registry, "rest_client_requests_total", "HTTP requests by status, method and host", host);
  Family<Histogram>& request_times =
      family<Histogram>(registry, "rest_client_request_duration_seconds", "Length of a request by verb and host", host);
  Family<Histogram>& limiter_times =
      family<Histogram>(registry, "rest_client_rate_limiter_duration_seconds",
                        "How long a request waits in the client: never, the API server paces it", host);
  Family<Counter>& repetitions = family<Counter>(registry, "rest_client_request_retries_total",
                                                 "Requests that were sent again, by the answer before", host);
  Family<Gauge>& leaders =
      family<Gauge>(registry, "leader_election_master_status", "1 while this process holds the Lease of this name");
  Family<Counter>& slow_paths = family<Counter>(registry, "leader_election_slowpath_total",
                                                "Turns of the election that had to ask the server who leads");
};

Metrics::Metrics(Options options) : options_(std::move(options)), kept_(std::make_unique<Kept>(options_)) {}
Metrics::~Metrics() = default;

void Metrics::key_taken(Span waited) {
  kept_->waits.Observe(waited.count());
}

void Metrics::pass_ended(PassEnd end, Span took) {
  const bool failed = end == PassEnd::error || end == PassEnd::panic;
  const char* result = failed ? "error" : end == PassEnd::success ? "success" : "requeue_after";
  kept_->passes.Add({{"result", result}}).Increment();
  if (failed) kept_->errors.Increment();
  if (end == PassEnd::panic) kept_->panics.Increment();
  kept_->pass_times.Observe(took.count());
  kept_->works.Observe(took.count());
}

void Metrics::request_ended(Method method, int status, Span took) {
  const Labels verb{{"verb", name_of(method)}};
  kept_->request(method, status).Increment();
  kept_->request_times.Add(verb, request_buckets).Observe(took.count());
  kept_->limiter_times.Add(verb, request_buckets).Observe(0);
}

void Metrics::request_repeated(Method method, int status) {
  kept_->repetition(method, status).Increment();
}

void Metrics::set_leader(const std::string& lease, bool leads) {
  const Labels name{{"name", lease}};
  kept_->leaders.Add(name).Set(leads ? 1 : 0);
  kept_->slow_paths.Add(name);
}

void Metrics::count_slow_path(const std::string& lease) {
  kept_->slow_paths.Add({{"name", lease}}).Increment();
}

std::string Metrics::text(const Queue::Figures& queue, const std::vector<InHand>& in_hand) const {
  const SteadyTime now = SteadyClock::now();
  Span unfinished{0};
  Span longest{0};
  for (const InHand& each : in_hand) {
    const Span span = now - each.since;
    unfinished += span;
    longest = std::max(longest, span);
  }
  const Labels& labels = kept_->of_queue;
  std::vector<MetricFamily> all = kept_->registry.Collect();
  all.push_back(single("controller_runtime_active_workers", "Workers that are at a reconcile", MetricType::Gauge,
                       kept_->of_controller, static_cast<double>(in_hand.size())));
  all.push_back(single("workqueue_depth", "Items that wait to be taken", MetricType::Gauge, labels,
                       static_cast<double>(queue.depth)));
  all.push_back(single("workqueue_adds_total", "Items that were added", MetricType::Counter, labels,
                       static_cast<double>(queue.added)));
  all.push_back(single("workqueue_retries_total", "Items that were added again after a failure", MetricType::Counter,
                       labels, static_cast<double>(queue.retried)));
  all.push_back(single("workqueue_unfinished_work_seconds", "How long the work in progress has taken, all together",
                       MetricType::Gauge, labels, unfinished.count()));
  all.push_back(single("workqueue_longest_running_processor_seconds", "How long the longest work in progress has taken",
                       MetricType::Gauge, labels, longest.count()));
  add_process(all);
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace tributary::kube
