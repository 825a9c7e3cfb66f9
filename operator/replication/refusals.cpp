#include "operator/replication/refusals.h"

#include <utility>

#include "operator/kube/kinds.h"

namespace tributary::replication {
namespace {

constexpr Seconds between_lists{3};

}  // namespace

std::string Refusals::of(const std::string& space, const std::string& job_uid, WallTime now) {
  if (is_due(space, now)) {
    if (Result<Complaints> listed = list(space); listed.ok()) {
      const std::lock_guard lock(mutex_);
      spaces_[space].complaints = std::move(listed).value();
    }
  }
  const std::lock_guard lock(mutex_);
  const Complaints& known = spaces_[space].complaints;
  const auto found = known.find(job_uid);
  return found == known.end() ? "" : found->second.message;
}

bool Refusals::is_due(const std::string& space, WallTime now) {
  const std::lock_guard lock(mutex_);
  WallTime& listed = spaces_[space].listed;
  if (now >= listed && now - listed < between_lists) return false;
  listed = now;
  return true;
}

Result<Refusals::Complaints> Refusals::list(const std::string& space) const {
  const kube::Selection about{.space = space, .fields = "involvedObject.kind=Job,reason=FailedCreate"};
  Complaints newest;
  kube::ListPage page;
  do {
    const kube::ListResult events = TRY(client_.list(kube::kinds::core_events, about, page));
    for (const kube::Object& event : events.items) {
      Complaint& known = newest[kube::text_at(event.json(), {"involvedObject", "uid"})];
      std::string time = kube::text_at(event.json(), {"lastTimestamp"});
      if (time >= known.time) known = {std::move(time), kube::text_at(event.json(), {"message"})};
    }
    page.continue_token = events.continue_token;
  } while (!page.continue_token.empty());
  return newest;
}

}  // namespace tributary::replication
