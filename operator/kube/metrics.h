#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operator/kube/meter.h"
#include "operator/kube/queue.h"
#include "operator/kube/worker.h"

namespace tributary::kube {

// Counts what controller-runtime and client-go count, under their names, labels and buckets (kubernetes.md 2.9), so
// that dashboards made for those show this operator too. What can be known beforehand is there from the start with 0:
// an increase from nothing is one that no query sees. Thread-safe.
class Metrics final : public Meter {
 public:
  struct Options {
    std::string controller;
    int workers = 0;
    std::string host;  // the API server's
  };
  explicit Metrics(Options options);
  ~Metrics() override;

  void key_taken(Span waited) override;
  void pass_ended(PassEnd end, Span took) override;
  void request_ended(Method method, int status, Span took) override;
  void request_repeated(Method method, int status) override;

  // Whether this process holds the Lease of this name; first of all, that it does not.
  void set_leader(const std::string& lease, bool leads);
  // A turn of the election that had to ask the server who leads, instead of writing at once.
  void count_slow_path(const std::string& lease);

  // All of it in Prometheus' text format; `queue` and `in_hand` are as they are now.
  std::string text(const Queue::Figures& queue, const std::vector<InHand>& in_hand) const;

 private:
  struct Kept;
  const Options options_;
  std::unique_ptr<Kept> kept_;
};

}  // namespace tributary::kube
