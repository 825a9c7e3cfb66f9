#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tributary::kube::testing {

struct Sample {
  std::string suffix;  // of a histogram's samples: "_bucket", "_sum", "_count"
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct MetricFamily {
  std::string type;
  std::string help;
  std::vector<Sample> samples;

  // The names of its labels in order, "le" left out; those of all samples are the same.
  std::vector<std::string> label_names() const;
  // Of the sample with these labels, whatever others it has; nothing when there is none or more than one.
  const Sample* find(const std::map<std::string, std::string>& labels, std::string_view suffix = "") const;
};
using Exposed = std::map<std::string, MetricFamily>;

// Reads Prometheus' text format, and refuses what `promtool check metrics` refuses and more: a family without HELP and
// TYPE in front, families and samples that come twice or apart, names, labels and values that are none, a sample whose
// labels are others than its neighbour's, counters that do not end in _total, and buckets that are no histogram.
Result<Exposed> read_exposition(std::string_view text);

}  // namespace tributary::kube::testing
