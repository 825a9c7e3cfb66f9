#pragma once

#include <map>
#include <set>
#include <string>

// What a PromQL expression asks for, and what there is to ask for.
namespace tributary::charts {

// Names of metrics; a histogram's without _bucket, _sum and _count.
std::set<std::string> metrics_in(const std::string& query);

// Labels that it selects, groups or matches by.
std::set<std::string> labels_in(const std::string& query);

// Each metric of the tables of docs/metrics.md with all labels it may have, those that Prometheus adds included.
std::map<std::string, std::set<std::string>> documented_metrics();

}  // namespace tributary::charts
